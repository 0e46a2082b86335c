"""Records of whole runs, written by the daemon's own recorder, through other policies."""

import gzip
import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from elastic.adapters.recorder import FileRecorder
from elastic.core.lifecycle import Phase
from elastic.core.memory import GroupMemory
from elastic.core.model import GroupDemand, GroupSpec, Snapshot, WorkerGroup
from elastic.core.policy import Target
from elastic.core.record import Plan, TickRecord, plain, to_json
from elastic.plugins import PluginError
from elastic.plugins import policy as policy_named
from elastic_policies.fixed import Fixed
from elastic_simulations.errors import SimulationError
from elastic_simulations.replaying.answering import answered
from elastic_simulations.replaying.cli import replay
from elastic_simulations.replaying.decoding import decoded
from elastic_simulations.replaying.records import CutOff, Recorded, RecordError, files_of, recorded
from elastic_simulations.replaying.replay import replayed
from elastic_simulations.replaying.sums import GroupSum, Wanted
from elastic_simulations.rerunning import rerun
from elastic_simulations.scenario import read_scenario
from elastic_simulations.simulation import Simulation

SCENARIOS = Path(__file__).parents[3] / "simulations" / "scenarios"
APP = typer.Typer()
APP.command()(replay)


def simulated(name: str, seconds: float) -> list[TickRecord]:
    return Simulation(read_scenario(SCENARIOS / name)).run(seconds)


@pytest.fixture(scope="module")
def records() -> list[TickRecord]:
    return simulated("burst.toml", 5400)


def kept(folder: Path, records: Sequence[TickRecord]) -> Path:
    recorder = FileRecorder(folder)
    for record in records:
        recorder.record(record)
    recorder.close()
    return folder


def read(*records: TickRecord) -> list[Recorded]:
    return [decoded(Recorded, json.loads(to_json(record))) for record in records]


@pytest.mark.parametrize(("name", "seconds"), [("burst.toml", 3600), ("day-of-trouble.toml", 7200)])
def test_a_record_that_is_read_says_what_was_written(name: str, seconds: float) -> None:
    records = simulated(name, seconds)
    for before, after in zip(records, read(*records), strict=True):
        assert plain(after.snapshot) == plain(before.snapshot)
        assert plain(after.proposal) == plain(before.proposal)
        assert plain(after.targets) == plain(before.targets)


@pytest.mark.parametrize("name", ["burst.toml", "thesis-72-jobs.toml"])
def test_the_policy_that_was_recorded_wants_the_same_again(name: str) -> None:
    scenario = read_scenario(SCENARIOS / name)
    records = simulated(name, 5400)
    policy = policy_named(scenario.policy.name, scenario.policy.parameters)
    again = list(replayed(read(*records), scenario.policy.name, policy))
    assert [(each.tick, each.recorded) for each in again if each.other != each.recorded] == []
    assert len(again) == len(records) * len(scenario.groups)


def group(ready: int, waiting: int, **changes: object) -> WorkerGroup:
    spec = GroupSpec(name="g", maximum=10, policy="backlog", scale_down_window_seconds=100.0)
    demand = GroupDemand(unmet_jobs=waiting, unmet_workers=waiting)
    made = WorkerGroup(spec=spec, counts={Phase.READY: ready}, demand=demand, memory=GroupMemory(group="g"))
    return replace(made, **changes)  # type: ignore[arg-type]


def tick(number: int, now: float, wanted: int, seen: WorkerGroup) -> TickRecord:
    targets = {"g": Target(wanted, "recorded")}
    snapshot = Snapshot(now=now, tick=number, groups={"g": seen})
    return TickRecord(tick=number, now=now, snapshot=snapshot, proposal=targets, targets=targets, plan=Plan())


def test_differences_are_counted_tick_by_tick_and_summed(tmp_path: Path) -> None:
    ticks = [
        tick(1, 1000.0, 3, group(1, 2)),
        tick(2, 1060.0, 3, group(3, 0)),
        tick(3, 4660.0, 0, group(3, 0)),
        tick(4, 4720.0, 0, group(0, 0)),
    ]
    answer = answered(kept(tmp_path, ticks), "fixed", ["workers=2"])
    # At the second tick three workers are there, and two were recommended a minute ago: no window holds the third.
    assert [(each.tick, each.recorded.workers, each.other.workers) for each in answer.differing] == [
        (1, 3, 2),
        (2, 3, 2),
        (3, 0, 2),
        (4, 0, 2),
    ]
    assert answer.groups == {
        "g": GroupSum(
            ticks=4,
            ticks_that_differ=4,
            largest_difference=2,
            recorded=Wanted(worker_h=3.05, least=0, most=3, up=0, down=3),
            other=Wanted(worker_h=2 * 3720 / 3600, least=2, most=2, up=0, down=0),
        )
    }


class Counting:
    """Wants one worker more each time, by what it remembers."""

    def decide(self, snapshot: Snapshot) -> dict[str, Target]:
        number = int(snapshot.groups["g"].policy_memory or 0) + 1
        return {"g": Target(number, f"call {number}", memory=str(number))}


def test_the_other_policy_remembers_what_it_wanted_and_not_what_was_recorded() -> None:
    seen = replace(group(5, 0), policy_memory="40")
    ticks = read(*(tick(number, number * 1000.0, 5, seen) for number in range(3)))
    assert [each.other.workers for each in replayed(ticks, "counting", Counting())] == [1, 2, 3]
    # Under the recorded policy's own name it goes on from what that one remembered; the limit is 10.
    own = [replace(each.snapshot.groups["g"].spec, policy="counting") for each in ticks]
    same = [
        replace(each, snapshot=replace(each.snapshot, groups={"g": replace(seen, spec=spec)}))
        for each, spec in zip(ticks, own, strict=True)
    ]
    assert [each.proposed.workers for each in replayed(same, "counting", Counting())] == [41, 42, 43]


def test_the_window_against_shrinking_is_filled_by_the_others_own_wishes() -> None:
    ticks = read(*(tick(number, now, 5, group(5, 0)) for number, now in enumerate((0.0, 50.0, 200.0))))

    class Falling:
        def decide(self, snapshot: Snapshot) -> dict[str, Target]:
            return {"g": Target(4 if snapshot.now == 0 else 1, "falling")}

    assert [each.other.workers for each in replayed(ticks, "falling", Falling())] == [4, 4, 1]


def test_what_a_killed_daemon_left_is_read_up_to_its_end_and_told(tmp_path: Path, records: list[TickRecord]) -> None:
    (file,) = files_of(kept(tmp_path, records[:20]))
    file.write_bytes(file.read_bytes()[:-9])
    cut: list[CutOff] = []
    assert len(list(recorded([file], cut))) == 20
    assert cut == [CutOff(file=str(file), line=21, problem="the gzip file has no end")]
    plain_file = tmp_path / "ticks.jsonl"
    plain_file.write_text(f"{to_json(records[0])}\n{to_json(records[1])[:-5]}")
    cut.clear()
    assert len(list(recorded([plain_file], cut))) == 1
    assert cut == [CutOff(file=str(plain_file), line=2, problem="the line has no end")]


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("{", r"2: no record of a tick \("),
        ("3", r"2: no record of a tick \(3 is no Recorded\)"),
        ('{"tick": 1}', r"2: no record of a tick"),
        (json.dumps({"tick": "x"}), r"2: no record of a tick \('x' is no int\)"),
        ("[" * 100_000, "2: no record of a tick"),
    ],
)
def test_a_broken_record_is_told_with_file_and_line(
    tmp_path: Path, records: list[TickRecord], line: str, problem: str
) -> None:
    file = tmp_path / "ticks.jsonl"
    file.write_text(f"{to_json(records[0])}\n{line}\n")
    with pytest.raises(RecordError, match=f"ticks.jsonl:{problem}"):
        list(recorded([file], []))


def test_damaged_and_missing_files_are_told(tmp_path: Path, records: list[TickRecord]) -> None:
    text = "".join(f"{to_json(record)}\n" for record in records[:50]).encode()
    packed = bytearray(gzip.compress(text))
    packed[len(packed) // 2] ^= 0xFF
    file = tmp_path / "ticks-20260101T000000Z-000000001.jsonl.gz"
    file.write_bytes(packed)
    with pytest.raises(RecordError, match=r"jsonl\.gz:\d+: "):
        list(recorded(files_of(tmp_path), []))
    with pytest.raises(RecordError, match="no such file or folder"):
        files_of(tmp_path / "none")
    (tmp_path / "empty").mkdir()
    with pytest.raises(RecordError, match=r"no ticks-\*\.jsonl\.gz in it"):
        files_of(tmp_path / "empty")
    nothing = tmp_path / "nothing.jsonl"
    nothing.write_text("")
    with pytest.raises(RecordError, match=r"nothing\.jsonl: no tick recorded in it"):
        answered(nothing, "fixed", ["workers=1"])


def test_the_command_prints_the_same_as_table_and_as_json(tmp_path: Path, records: list[TickRecord]) -> None:
    folder = str(kept(tmp_path, records))
    words = [folder, "--policy", "fixed", "--set", "workers=1"]
    answer = json.loads(CliRunner().invoke(APP, [*words, "-o", "json"]).stdout)
    assert (answer["kind"], answer["policy"], answer["parameters"]) == ("open-loop", "fixed", {"workers": "1"})
    (name,) = answer["groups"]
    assert answer["groups"][name]["ticks"] == len(records)
    assert len(answer["differences"]) == answer["groups"][name]["ticks_that_differ"] > 0
    shown = CliRunner().invoke(APP, [*words, "--rows", "2"]).stdout
    assert "open loop" in shown
    assert f"{len(answer['differences']) - 2} more differing ticks" in shown


def test_a_replay_is_made_again_from_its_manifest_unless_the_records_are_others(
    tmp_path: Path, records: list[TickRecord]
) -> None:
    folder = kept(tmp_path / "records", records[:20])
    answer = answered(folder, "fixed", ["workers=1"]).plain()
    stored = tmp_path / "replay.json"
    stored.write_text(json.dumps(answer))
    (again,) = rerun(stored, (), 1)
    assert (again.answer, again.differ) == (json.loads(json.dumps(answer)), [])
    kept(folder, records[20:21])
    with pytest.raises(SimulationError, match="are not the records of"):
        rerun(stored, (), 1)


def test_an_unknown_policy_is_told_before_anything_is_read(tmp_path: Path) -> None:
    done = CliRunner().invoke(APP, [str(tmp_path / "none"), "--policy", "backlg"])
    assert isinstance(done.exception, PluginError)
    assert "did you mean backlog?" in str(done.exception)


def test_a_difference_has_the_reasons_of_both(records: list[TickRecord]) -> None:
    first = next(each for each in replayed(read(*records), "fixed", Fixed(workers=1)) if each.differs)
    assert first.other.reason
    assert first.recorded.reason
