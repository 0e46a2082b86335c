from itertools import pairwise
from pathlib import Path

import pytest

from elastic.core.override import OverrideKind
from elastic.core.resources import Resources
from elastic_simulations.draws import Constant, Empirical, Lognormal
from elastic_simulations.faults import Call
from elastic_simulations.jobs import JobEvent
from elastic_simulations.mishaps import Kind
from elastic_simulations.reading import ScenarioError
from elastic_simulations.scenario import parse, read_scenario
from elastic_simulations.simulation import Simulation

ROOT = Path(__file__).parents[2]
SCENARIOS = sorted(
    [*(ROOT / "simulations" / "scenarios").glob("*.toml"), ROOT / "simulations/elastic_simulations/demo.toml"]
)


def write(folder: Path, text: str) -> Path:
    path = folder / "scenario.toml"
    path.write_text(text, encoding="utf-8")
    return path


def problems(folder: Path, text: str) -> list[str]:
    with pytest.raises(ScenarioError) as caught:
        read_scenario(write(folder, text))
    return list(caught.value.problems)


def test_a_scenario_is_read_as_it_is_written(tmp_path: Path) -> None:
    told = read_scenario(
        write(
            tmp_path,
            """
            [run]
            seconds = 600
            seed = 3
            [pool]
            limits = { licence = 2 }
            [policy]
            name = "fixed"
            [[group]]
            name = "small"
            maximum = 4
            shape = { cpus = 2, memory_mb = 4096, disk_mb = 20480 }
            model = { boot = { lognormal = [60, 0.3] }, join = 5, teardown = { empirical = [3, 4] } }
            [[jobs]]
            at = 10
            count = 3
            run = 100
            request = { cpus = 1, memory_mb = 512 }
            limits = { licence = 1 }
            requires = ["gpu"]
            [[machine]]
            name = "static"
            spec = { total = { cpus = 8, memory_mb = 8192, disk_mb = 9999 }, slots = 8, tags = ["gpu"] }
            [[mishap]]
            kind = "collector_restart"
            at = 60
            [[fault]]
            call = "create"
            error = "quota"
            times = 2
            [[override]]
            at = 30
            group = "small"
            kind = "floor"
            workers = 2
            [[restart]]
            at = 300
            """,
        )
    )
    assert (told.run.seconds, told.run.seed, told.pool.limits) == (600.0, 3, {"licence": 2.0})
    assert (told.groups["small"].maximum, told.groups["small"].policy) == (4, "fixed")
    assert told.groups["small"].shape == Resources(2, 4096, 20480, 0)
    model = told.models["small"]
    assert (model.boot, model.join, model.teardown) == (Lognormal(60, 0.3), Constant(5), Empirical((3.0, 4.0)))
    (burst,) = told.bursts
    assert (burst.at, burst.count, burst.job.run) == (10.0, 3, Constant(100))
    assert (burst.job.limits, burst.job.requires) == ((("licence", 1.0),), frozenset({"gpu"}))
    assert told.machines[0].spec.slot == Resources(1, 1024, 1249, 0)
    assert (told.mishaps[0].kind, told.faults[0].call) == (Kind.COLLECTOR_RESTART, Call.CREATE)
    assert (told.overrides[0].kind, told.overrides[0].workers, told.restarts[0].at) == (OverrideKind.FLOOR, 2, 300.0)


def test_five_mistakes_are_said_at_once_each_with_its_place(tmp_path: Path) -> None:
    told = problems(
        tmp_path,
        """
        [run]
        seconds = "long"
        [[group]]
        name = "small"
        colour = "blue"
        [[jobs]]
        run = { gauss = [1, 2] }
        [[mishap]]
        kind = "flood"
        at = 1
        """,
    )
    assert told[0] == "run.seconds: 'long' is no float"
    assert sorted(problem.split(": ")[0] for problem in told) == [
        "group[0].colour",
        "group[0].maximum",
        "jobs[0].run",
        "mishap[0].kind",
        "run.seconds",
    ]


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("[[override]]\ngroup = 'a'\nkind = 'pin'", "override[0].at: missing"),
        ("[[fault]]\ncall = 'create'\nerror = 'oops'", "fault.error: no 'oops'; known: conflict"),
        ("weather = 1", "weather: unknown; known: cloud, fault, group"),
        ("run = 3", "run: must be a table"),
        ("[[group]]\nname = 'a'\nmaximum = true", "group[0].maximum: True is no int"),
        ("[[group]]\nname = 'a'\nmaximum = 1\nshape = { cpus = -1 }", "group[0].shape: a table of whole numbers"),
        ("[[jobs]]\nrun = { lognormal = [1] }", "jobs[0].run: [1] are not the numbers of lognormal"),
        ("[workload]\njobs = 3", "workload: either trace or generate must be given"),
        ("[workload]\ntrace = 'a'\nspeed = 2", "workload.speed: unknown; known: at, bag, bootstrap_days"),
        ("[telemetry]\ngaps = 'many'", "telemetry.gaps: 'many' is no float"),
        ("[pool]\norder = 'random'", "pool.order: no 'random'; known: fair_share, fifo"),
        ("[pool]\npacking = 'random'", "pool.packing: no 'random'; known: emptiest, fullest"),
        ("[[group]]\nname = 'a'\nmaximum = 1\nmodel = { boot_failure = 2 }", "group[0].model.boot_failure: 2.0"),
        ("[[jobs]]\ncpu_efficiency = 3", "jobs[0].cpu_efficiency: 3.0 is no share"),
        ("[[override]]\nat = 1\ngroup = 'b'\nkind = 'floor'", "override[0].group: no group 'b'"),
        ("[[jobs]]\nschedd = 'b'", "jobs[0].schedd: no schedd 'b'; known: schedd"),
        ("[run]\nseconds = -1", "run.seconds: -1.0 is below 0"),
        ("[pool]\nclaim_seconds = -1", "pool.claim_seconds: -1.0 is below 0"),
        ("[[group]]\nname = 'a'\nminimum = 5\nmaximum = 2", "group[0]: minimum 5 is above maximum 2"),
        (2 * "[[group]]\nname = 'a'\nmaximum = 1\n", "group[1].name: there is a group 'a' before it"),
        ("[run", "Expected ']'"),
    ],
)
def test_a_mistake_is_said_with_what_would_be_right(tmp_path: Path, text: str, place: str) -> None:
    assert place in "; ".join(problems(tmp_path, text))


def test_a_file_that_is_not_there_is_one_clear_message(tmp_path: Path) -> None:
    with pytest.raises(ScenarioError, match="No such file"):
        read_scenario(tmp_path / "nowhere.toml")


@pytest.mark.parametrize("path", [path for path in SCENARIOS if "one-day" not in path.stem], ids=lambda path: path.stem)
def test_every_scenario_that_is_shipped_runs_and_kills_no_job(path: Path) -> None:
    simulation = Simulation(read_scenario(path))
    records = simulation.run()
    assert records
    assert simulation.grid.killed_jobs() == ()
    assert sum(len(record.results) for record in records) > 0


def long_job(name: str) -> tuple[list[float], float | None, int]:
    """When the job of one day was started, in hours, when it ended, and how many jobs were killed by a deletion."""
    simulation = Simulation(read_scenario(ROOT / "simulations" / "scenarios" / f"{name}.toml"))
    simulation.run()
    mine = [line for line in simulation.grid.log if line.job == "schedd#1.0"]
    starts = [line.at_us / 3.6e9 for line in mine if line.event is JobEvent.EXECUTE]
    ends = [line.at_us / 3.6e9 for line in mine if line.event is JobEvent.TERMINATE]
    return starts, ends[0] if ends else None, len(simulation.grid.killed_jobs())


def test_a_job_of_one_day_is_started_once_and_ends() -> None:
    starts, end, killed = long_job("one-day-job")
    assert (len(starts), killed) == (1, 0)
    assert end == pytest.approx(starts[0] + 24, abs=1e-6)


def test_a_job_of_one_day_never_ends_where_the_oldest_worker_goes_first() -> None:
    starts, end, killed = long_job("one-day-job-oldest-first")
    assert end is None
    assert killed > 0
    assert len(starts) > 5
    assert max(after - before for before, after in pairwise(starts)) < 24


def test_a_restarted_daemon_ticks_at_once_at_the_time_of_the_restart() -> None:
    told = parse({"run": {"seconds": 200}, "restart": [{"at": 47}], "group": [{"name": "small", "maximum": 1}]})
    simulation = Simulation(told)
    times = [record.now - told.run.epoch for record in simulation.run()]
    assert times == [0, 30, 47, 77, 107, 137, 167, 197]


def test_an_override_of_a_scenario_holds_for_its_time() -> None:
    told = parse(
        {
            "run": {"seconds": 900},
            "group": [{"name": "small", "maximum": 5, "idle_seconds": 60, "scale_down_window_seconds": 0}],
            "override": [{"at": 100, "group": "small", "kind": "pin", "workers": 2, "seconds": 300}],
        }
    )
    targets = {r.now - told.run.epoch: r.targets["small"].workers for r in Simulation(told).run()}
    during = {target for at, target in targets.items() if 100 <= at < 400}
    outside = {target for at, target in targets.items() if not 100 <= at < 400}
    assert (during, outside) == ({2}, {0})
