"""`elastic sim run --scenario FILE`: everything that the file says, run by the whole controller."""

import json
import os
import subprocess
import sys
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path

import pytest

from elastic_simulations.full.engine import finish
from elastic_simulations.full.scenario import run_scenario
from elastic_simulations.measures.paying import paid
from elastic_simulations.runs.report import report
from elastic_simulations.scenario import parse, read_scenario
from elastic_simulations.simulation import Simulation
from elastic_simulations.traces.errors import TraceError
from elastic_simulations.traces.exporting import write_swf
from elastic_simulations.traces.following import links
from elastic_simulations.traces.recipes import recipe
from elastic_simulations.traces.trace import UNKNOWN

GROUP: Mapping[str, object] = {
    "name": "small",
    "maximum": 5,
    "shape": {"cpus": 2, "memory_mb": 4096, "disk_mb": 8192},
    "reserve": {},
    "idle_seconds": 120,
    "model": {"boot": 60, "join": 10, "teardown": 5},
}
SCENARIO = """
[run]
name = "small"
seconds = 0
[pool]
negotiation_seconds = 30
[workload]
generate = "poisson"
jobs = 40
rate = 0.05
run = 200
[[group]]
name = "small"
maximum = 5
shape = { cpus = 2, memory_mb = 4096, disk_mb = 8192 }
idle_seconds = 120
model = { boot = { lognormal = [60, 0.3] }, join = 10, teardown = 5 }
"""


def elastic(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "XDG_CACHE_HOME": str(folder / "cache")}
    command = [sys.executable, "-m", "elastic", "sim", *words]
    return subprocess.run(command, capture_output=True, text=True, env=environment, check=False, cwd=folder)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "small.toml"
    path.write_text(SCENARIO, encoding="utf-8")
    return path


def test_a_scenario_has_every_figure_of_a_run_and_comes_out_the_same_again(tmp_path: Path, file: Path) -> None:
    done = elastic(tmp_path, "run", "--scenario", str(file), "--jobs", "jobs.csv", "-o", "json")
    assert (done.returncode, done.stderr) == (0, "")
    told = json.loads(done.stdout)
    assert (told["scenario"], told["jobs"], told["unserved"], told["littles_law_residual"]) == ("small", 40, 0, 0.0)
    assert (told["settings"]["engine"], told["restarted_jobs"], told["killed_jobs"]) == ("full", 0, 0)
    parts = ("busy_core_h", "idle_core_h", "boot_core_h", "teardown_core_h", "wasted_core_h")
    assert sum(told[part] for part in parts) == pytest.approx(told["paid_core_h"])
    assert told["groups"]["small"]["workers"] == told["starts"] > 1
    assert len((tmp_path / "jobs.csv").read_text().splitlines()) == 41
    (tmp_path / "result.json").write_text(done.stdout)
    again = elastic(tmp_path, "rerun", "result.json")
    assert (again.returncode, again.stderr) == (0, "the same\n")


def test_a_policy_and_a_seed_beside_the_file_replace_its_own(tmp_path: Path, file: Path) -> None:
    words = ("--policy", "fixed", "--set", "workers=2", "--seed", "5")
    told = json.loads(elastic(tmp_path, "run", "--scenario", str(file), *words, "-o", "json").stdout)
    assert (told["starts"], told["seed"], told["settings"]["policy"]) == (2, 5, "fixed")


@pytest.mark.parametrize(
    ("words", "status", "problem"),
    [
        (["--scenario", "small.toml", "--max", "3"], 2, "small.toml: maximum is for the scenario's file to say"),
        (["--scenario", "nowhere.toml"], 1, "nowhere.toml: "),
        (["--scenario", "small.toml", "--trace", "a.swf"], 2, "give either --trace or --scenario"),
        ([], 2, "give either --trace or --scenario"),
    ],
)
def test_what_makes_no_sense_is_said(tmp_path: Path, file: Path, words: list[str], status: int, problem: str) -> None:
    assert file.exists()
    done = elastic(tmp_path, "run", *words)
    assert (done.returncode, done.stdout) == (status, "")
    assert problem in " ".join(done.stderr.split())


def test_every_mistake_of_a_file_is_one_line_with_its_place(tmp_path: Path, file: Path) -> None:
    file.write_text("[run]\nsecs = 1\n[pool]\norder = 'random'\n[workload]\njobs = 1\n")
    done = elastic(tmp_path, "run", "--scenario", "small.toml")
    assert done.returncode == 1
    for place in ("run.secs: unknown", "pool.order: no 'random'", "workload: either trace or generate"):
        assert place in done.stderr
    assert done.stderr.startswith("elastic: small.toml: ")
    assert len(done.stderr.splitlines()) == 1


def test_a_file_that_is_no_toml_is_one_line(tmp_path: Path, file: Path) -> None:
    file.write_text("[run\n")
    done = elastic(tmp_path, "run", "--scenario", "small.toml")
    assert (done.returncode, done.stderr.splitlines()[1:]) == (1, [])
    assert done.stderr.startswith("elastic: small.toml: ")
    assert "line 1" in done.stderr


def test_a_job_that_has_not_ended_when_the_scenario_is_over_is_counted() -> None:
    told = {"run": {"seconds": 2000}, "group": [GROUP], "jobs": [{"run": 100}, {"run": 10_000}]}
    figures = report(run_scenario(parse(told)))
    assert (figures["jobs"], figures["unserved"], figures["unfinished_jobs"]) == (2, 0, 1)


def test_a_workload_may_be_a_trace_beside_the_file(tmp_path: Path) -> None:
    with (tmp_path / "jobs.swf").open("w") as trace:
        write_swf(recipe("poisson", jobs=20, rate=0.1, run=100, tail=0, bag=1, chain=1, seed=3), trace)
    path = tmp_path / "traced.toml"
    path.write_text(SCENARIO.replace('generate = "poisson"\njobs = 40\nrate = 0.05\nrun = 200', 'trace = "jobs.swf"'))
    result = run_scenario(read_scenario(path))
    assert (len(result.trace), result.waiting.unserved) == (20, 0)


def test_the_jobs_of_a_chain_come_one_after_the_other() -> None:
    told = {"run": {"seconds": 0}, "group": [GROUP]}
    chained = parse({**told, "workload": {"generate": "poisson", "jobs": 12, "rate": 0.1, "run": 100, "chain": 4}})
    result = run_scenario(chained)
    jobs = list(zip(result.trace.submit_us, result.outcome.start_us, result.outcome.end_us, strict=True))
    assert len(jobs) == 12
    ends = {end for _, _, end in jobs}
    assert sum(submit in ends for submit, _, _ in jobs) == 9, "all but the first of each of three chains"


def test_no_job_of_a_dag_starts_before_all_jobs_before_it_have_ended() -> None:
    spot = {**GROUP, "model": {"boot": 60, "join": 10, "life": {"uniform": [200, 1500]}}}
    shape = {"generate": "poisson", "jobs": 42, "rate": 0.1, "run": 100, "levels": 3, "width": 4, "fan_in": 3}
    scenario = parse({"run": {"seconds": 0}, "group": [spot], "workload": shape})
    simulation = Simulation(scenario)
    finish(simulation, scenario.expected)
    dags = scenario.workload_trace
    assert dags is not None
    jobs = {job.run_us: job for job in simulation.grid.log.jobs}
    assert sorted(jobs) == sorted(dags.run_us), "each job came once, and may be told by its run time"
    by_place = [jobs[run_us] for run_us in dags.run_us]
    before: dict[int, list[int]] = defaultdict(list)
    for job, other in links(dags):
        before[job].append(by_place[other].end_us or 0)
    assert max(map(len, before.values())) > 1
    assert {job: by_place[job].submit_us for job in before} == {job: max(ends) for job, ends in before.items()}
    assert all(job.first_start_us is not None and job.end_us is not None for job in by_place)
    assert all((by_place[job].first_start_us or 0) >= max(ends) > 0 for job, ends in before.items())


def test_a_scenario_whose_jobs_wait_for_each_other_ends_with_their_line(tmp_path: Path) -> None:
    (tmp_path / "ring.csv").write_text("job,submit,run,cores,after\na,0,1,1,\nb,0,1,1,c\nc,0,1,1,a b\n")
    told = {"run": {"seconds": 0}, "group": [GROUP], "workload": {"trace": str(tmp_path / "ring.csv")}}
    with pytest.raises(TraceError, match=r"ring\.csv:3: 2 jobs never begin: jobs wait for each other in a ring"):
        run_scenario(parse(told))


def test_jobs_of_a_spot_group_that_are_lost_run_again_and_what_they_had_used_is_wasted() -> None:
    spot = {**GROUP, "model": {"boot": 60, "join": 10, "life": {"uniform": [200, 1500]}, "says_goodbye": True}}
    told = {"run": {"seconds": 20000}, "group": [spot], "jobs": [{"count": 30, "run": {"uniform": [100, 500]}}]}
    result = run_scenario(parse(told))
    figures = report(result)
    assert result.waiting.unserved == 0
    assert result.outcome.evictions > 0
    assert result.outcome.end_us.count(UNKNOWN) == 0
    assert figures["restarted_jobs"] in range(1, result.outcome.evictions + 1)
    assert result.paid.wasted > 0
    assert result.paid.busy == result.paid.used, "each job ended once, after its whole run time"
    assert paid(result.trace, result.outcome).idle >= 0


def test_the_overflow_group_is_asked_when_the_cheaper_one_is_full_and_has_no_boot() -> None:
    own = {**GROUP, "maximum": 1, "priority": 1, "cost_per_hour": 1.0}
    instant = {"boot": 0, "join": 0, "teardown": 0}
    overflow = {**GROUP, "name": "overflow", "maximum": 9, "priority": 0, "cost_per_hour": 10.0, "model": instant}
    told = {
        "run": {"seconds": 0},
        "pool": {"negotiation_seconds": 30},
        "group": [own, overflow],
        "jobs": [{"count": 2, "run": 1000}, {"at": 200, "count": 4, "run": 500}],
    }
    figures = report(run_scenario(parse(told)))
    groups = figures["groups"]
    assert isinstance(groups, dict)
    assert (groups["small"]["workers"], groups["overflow"]["workers"]) == (1, 2)
    assert groups["overflow"]["cost"] == pytest.approx(10.0 * groups["overflow"]["core_h"] / 2)
    assert figures["cost_of_groups"] == groups["small"]["cost"] + groups["overflow"]["cost"]
    assert figures["littles_law_residual"] == 0.0
