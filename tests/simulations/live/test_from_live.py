"""A simulation that begins where a daemon is: its newest tick by file or HTTP, its jobs from an export."""

import json
from collections.abc import Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest
from typer.testing import CliRunner

from elastic.core.lifecycle import Phase
from elastic.core.model import GroupDemand, GroupSpec, Snapshot, WorkerGroup
from elastic.core.policy import Target
from elastic.core.record import Plan, TickRecord, to_json
from elastic.core.resources import Resources
from elastic_simulations.cli import app
from elastic_simulations.errors import SimulationError
from elastic_simulations.live.source import newest
from elastic_simulations.live.starting import run_from, settings_from, spec_from
from elastic_simulations.live.state import State, from_plain, plain, states_of, together
from elastic_simulations.live.workload import workload
from elastic_simulations.runs.settings import RunSettings, SettingsError
from elastic_simulations.traces.made import made
from elastic_simulations.traces.queued import Queued, queued
from elastic_simulations.traces.trace import MICROSECONDS

S = MICROSECONDS
NOW = 1_700_000_000.0
STATE = State(
    group="small", at=NOW, ready=3, upcoming=2, running=4, waiting=3, slots=2, minimum=1, maximum=9,
    policy="backlog", idle_seconds=120.0, boot_seconds=100.0,
)  # fmt: skip


def record(*names: str, tick: int = 7) -> TickRecord:
    """The tick that STATE tells of, with a group of each name."""
    counts = {Phase.READY: 3, Phase.BOOTING: 1, Phase.JOINING: 1, Phase.DRAINING: 2, Phase.LOST: 1}
    demand = GroupDemand(running_jobs=4, placed_jobs=2, unmet_jobs=1, unmet_workers=1)
    groups = {}
    for name in names:
        spec = GroupSpec(
            name=name, minimum=1, maximum=9, policy="backlog", shape=Resources(2, 4096, 20480), idle_seconds=120.0
        )
        groups[name] = WorkerGroup(spec=spec, counts=counts, busy=2, demand=demand, join_p95_seconds=100.0)
    targets = {name: Target(5, "as it is") for name in names}
    snapshot = Snapshot(now=NOW, tick=tick, groups=groups)
    return TickRecord(tick=tick, now=NOW, snapshot=snapshot, proposal=targets, targets=targets, plan=Plan())


def written(folder: Path, *records: TickRecord) -> Path:
    path = folder / "ticks.jsonl"
    path.write_text("".join(f"{to_json(each)}\n" for each in records))
    return path


def test_the_state_is_that_of_the_newest_whole_tick(tmp_path: Path) -> None:
    path = written(tmp_path, record("other", tick=6), record("small"))
    with path.open("a") as file:
        file.write('{"tick": 8, "cut')
    assert states_of(newest(str(path))) == (STATE,)
    both = (STATE, replace(STATE, group="zoo", priority=2))
    assert from_plain(json.loads(json.dumps(plain((STATE,))))) == (STATE,)
    assert from_plain(json.loads(json.dumps(plain(both)))) == both
    with pytest.raises(SimulationError, match="no state of a daemon: 'at' is missing in it"):
        from_plain({"group": "small"})


@pytest.fixture
def daemon() -> Iterator[str]:
    """Answers as the daemon's HTTP interface does."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            found = {"/v1/ticks?limit=1": [json.loads(to_json(record("small")))], "/new/v1/ticks?limit=1": []}
            ticks = found.get(self.path)
            self.send_response(200 if ticks is not None else 404)
            self.end_headers()
            self.wfile.write(json.dumps({"ticks": ticks}).encode())

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def test_a_running_daemon_is_asked_for_its_newest_tick(daemon: str) -> None:
    assert states_of(newest(daemon)) == states_of(newest(f"{daemon}/v1/status")) == (STATE,)
    with pytest.raises(SimulationError, match="has not ticked yet"):
        newest(f"{daemon}/new")
    with pytest.raises(SimulationError, match="is the daemon running there"):
        newest(f"{daemon}/nothing")
    with pytest.raises(SimulationError, match="is the daemon running there"):
        newest("http://127.0.0.1:9")


def test_of_several_groups_all_are_taken_or_the_one_that_is_named(tmp_path: Path) -> None:
    found = newest(str(written(tmp_path, record("small", "big"))))
    assert states_of(found, "small") == (STATE,)
    assert states_of(found) == (replace(STATE, group="big"), STATE)
    assert together(states_of(found)) == replace(STATE, group="big, small", ready=6, upcoming=4, running=8, waiting=6)
    with pytest.raises(SimulationError, match="no group 'smal' there; known: "):
        states_of(found, "smal")


def test_several_groups_run_together_each_as_it_is() -> None:
    states = (
        STATE,
        replace(STATE, group="zoo", slots=4, ready=1, upcoming=0, boot_seconds=50.0, priority=1, maximum=2),
    )
    trace = made([0] * 11, [1000 * S] * 11, [1] * 10 + [4], source="eleven")
    spec = spec_from(states, RunSettings(tick=10.0))
    assert [one.group.name for one in spec.workers] == ["small", "zoo"]
    assert [one.offers.cpus for one in spec.workers] == [2, 4]
    outcome = run_from(states, trace, spec)
    # Ten cores are ready: six in small, four in zoo; the job of four cores waits for a second worker of zoo.
    assert [at // S for at in outcome.start_us] == [0] * 10 + [50]
    assert outcome.launches == 1
    with pytest.raises(SettingsError, match=r"^--max: each group has its own; name one with --group: small, zoo$"):
        spec_from(states, RunSettings(maximum=3))


def test_jobs_in_an_exports_queue_are_found_with_their_times(tmp_path: Path) -> None:
    common = {"JobUniverse": 5, "QDate": 100, "RequestCpus": 2, "CompletionDate": 0}
    ads = [
        {**common, "JobStatus": 1, "QDate": 300},
        {**common, "JobStatus": 2, "JobCurrentStartDate": 150},
        {**common, "JobStatus": 5},
        {**common, "JobStatus": 4, "CompletionDate": 200},
        {**common, "JobStatus": 1, "JobUniverse": 7},
    ]
    path = tmp_path / "jobs.jsonl"
    path.write_text("\n".join(map(json.dumps, ads)))
    assert queued(path) == [
        Queued(cores=2, submitted=100.0, started=150.0),
        Queued(cores=2, submitted=300.0, started=None),
    ]
    other = tmp_path / "jobs.csv"
    other.write_text("submit,run\n0,1\n")
    assert queued(other) == []


def test_the_workload_begins_with_what_runs_and_what_waits() -> None:
    history = made([0, 50 * S, 100 * S], [10 * S, 20 * S, 30 * S], [1, 1, 2], source="history")
    queue = [Queued(cores=2, submitted=NOW - 60, started=NOW - 25), Queued(cores=1, submitted=NOW - 9, started=None)]
    trace = workload(replace(STATE, running=2, waiting=5), history, queue, None, seed=3)
    assert list(trace.submit_us) == [0, 0, 0, 0, 50 * S, 100 * S]
    # Of the runs only that of 30 s is longer than the 25 s that the first has run; the second is met in its run.
    assert trace.run_us[0] == 5 * S
    assert 0 < trace.run_us[1] <= 30 * S
    assert trace.run_us[2] in {10 * S, 20 * S, 30 * S}
    assert list(trace.cores) == [2, 1, 1, 1, 1, 2]
    assert trace == workload(replace(STATE, running=2, waiting=5), history, queue, None, seed=3)


def test_without_a_queue_jobs_are_as_many_as_were_counted() -> None:
    day = 86_400 * S
    history = made([0, 3 * day, 3 * day + S], [S, S, S], source="history")
    trace = workload(STATE, history, [], None, seed=0)
    assert list(trace.submit_us) == [0] * 7 + [day - S, day]
    assert all(0 < run <= S for run in trace.run_us)
    assert len(workload(STATE, history, [], 4, seed=0)) > 7


def test_a_run_begins_with_the_workers_that_are_there() -> None:
    trace = made([0] * 7, [1000 * S] * 7, source="seven")
    settings = settings_from(STATE, RunSettings(tick=10.0), RunSettings())
    assert (settings.policy, settings.slots, settings.maximum, settings.boot) == ("backlog", 2, 9, 100.0)
    assert settings.sets == {"idle_seconds": "120"}
    outcome = run_from([STATE], trace, spec_from([STATE], RunSettings(tick=10.0)))
    # Six jobs on three workers of two cores at once; the seventh on the first of the two that boot.
    assert [at // S for at in outcome.start_us] == [0] * 6 + [25]
    assert [at // S for at in outcome.workers.ready] == [0, 0, 0, 25, 75]
    assert outcome.launches == 0


def test_what_is_asked_for_goes_before_what_the_group_has() -> None:
    settings = settings_from(STATE, RunSettings(maximum=3, sets={"idle_seconds": "5", "headroom": "1"}), RunSettings())
    assert (settings.maximum, settings.minimum) == (3, 1)
    assert settings.sets == {"idle_seconds": "5", "headroom": "1"}


def ads(count: int) -> list[dict[str, object]]:
    """A history of jobs a minute apart that ran for 90 s, and two in the queue."""
    began = int(NOW) - 60 * count
    common: dict[str, object] = {"JobUniverse": 5, "RequestCpus": 1}
    past: list[dict[str, object]] = [
        {
            **common,
            "JobStatus": 4,
            "ClusterId": number,
            "ProcId": 0,
            "QDate": began + 60 * number,
            "JobCurrentStartDate": began + 60 * number + 5,
            "CompletionDate": began + 60 * number + 95,
        }
        for number in range(count)
    ]
    waits = {**common, "JobStatus": 1, "ClusterId": count, "ProcId": 0, "QDate": int(NOW) - 9, "CompletionDate": 0}
    return [*past, waits, {**waits, "JobStatus": 2, "JobCurrentStartDate": int(NOW) - 3, "ProcId": 1}]


def test_the_command_begins_there_and_a_rerun_begins_there_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    records = written(tmp_path, record("small"))
    jobs, result = tmp_path / "jobs.jsonl", tmp_path / "result.json"
    jobs.write_text("\n".join(map(json.dumps, ads(50))))
    words = ["run", "--trace", str(jobs), "--from-live", str(records), "--tick", "30", "-o", "json"]
    done = CliRunner().invoke(app, words)
    assert done.exit_code == 0, done.exception
    answer = json.loads(done.stdout)
    # 50 of the last day, one that waits, four that run: one of them is known by itself.
    assert (answer["jobs"], answer["unserved"], answer["live"]["ready"]) == (55, 0, 3)
    assert (answer["settings"]["slots"], answer["settings"]["maximum"]) == (2, 9)
    records.unlink()
    result.write_text(done.stdout)
    again = CliRunner().invoke(app, ["rerun", str(result)])
    assert (again.exit_code, again.stderr) == (0, "the same\n")


@pytest.mark.parametrize(
    ("words", "problem"),
    [(["--static", "4"], "--static has none"), (["--engine", "full"], "--from-live needs --engine python")],
)
def test_what_has_no_worker_group_cannot_begin_with_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: list[str], problem: str
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    records, jobs = written(tmp_path, record("small")), tmp_path / "jobs.jsonl"
    jobs.write_text(json.dumps(ads(1)[0]))
    done = CliRunner().invoke(app, ["run", "--trace", str(jobs), "--from-live", str(records), *words])
    assert isinstance(done.exception, SimulationError)
    assert problem in str(done.exception)


def test_the_command_takes_all_groups_of_a_daemon(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    records, jobs = written(tmp_path, record("small", "big")), tmp_path / "jobs.jsonl"
    jobs.write_text("\n".join(map(json.dumps, ads(50))))
    words = ["run", "--trace", str(jobs), "--from-live", str(records), "-o", "json"]
    done = CliRunner().invoke(app, words)
    assert done.exit_code == 0, done.exception
    answer = json.loads(done.stdout)
    assert [one["group"] for one in answer["live"]["groups"]] == ["big", "small"]
    # 50 of the last day, one that waits, eight that run.
    assert (answer["jobs"], answer["unserved"]) == (59, 0)
    result = tmp_path / "result.json"
    result.write_text(done.stdout)
    again = CliRunner().invoke(app, ["rerun", str(result)])
    assert (again.exit_code, again.stderr) == (0, "the same\n")
