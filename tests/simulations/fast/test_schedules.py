"""Limits at certain hours in the simulator: every engine honours them, and quiet time left out changes nothing."""

from dataclasses import replace
from importlib.util import find_spec
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from elastic.core.schedules import Schedule
from elastic_simulations.fast.elastic import run_elastic
from elastic_simulations.reading import ScenarioError
from elastic_simulations.runs.elastic_settings import elastic_spec
from elastic_simulations.runs.report import report
from elastic_simulations.runs.running import run
from elastic_simulations.runs.settings import RunSettings, SettingsError
from elastic_simulations.scenario import parse
from elastic_simulations.simulation import Simulation
from elastic_simulations.traces.made import made
from tests.simulations.fast.test_equality import difference
from tests.simulations.fast.worlds import Example, fast, full, generated, widened

THURSDAY = 3
HOUR = 3_600_000_000


def scheduled(seed: int, *, wide: bool = False) -> Example:
    """A generated example with one or two schedules within the minutes that it takes."""
    example, random = (widened if wide else generated)(seed), Random(f"{seed}/hours")  # noqa: S311 - no secrets
    hours = []
    for name in ("a", "b")[: random.choice((1, 2))]:
        start = random.randrange(12)
        limits = random.choice(({"minimum": random.randrange(1, 4)}, {"maximum": random.randrange(3)}))
        hours.append(
            Schedule(
                name=name,
                weekdays=frozenset({THURSDAY}),
                start_minute=start,
                end_minute=start + random.randrange(1, 7),
                **limits,  # type: ignore[arg-type]
            )
        )
    spec = replace(example.spec, group=replace(example.spec.group, schedules=tuple(hours)))
    return Example(example.trace, spec)


@pytest.mark.parametrize("wide", [False, True])
def test_fast_and_full_give_the_same_under_schedules(wide: bool) -> None:  # noqa: FBT001 - drawn
    found, moved = {}, set[int]()
    for seed in range(12 if wide else 24):
        example = scheduled(seed, wide=wide)
        quick = fast(example)
        found[seed] = difference(quick, full(example, len(quick.records)))
        limited = (note.guardrail for record in quick.records for target in record.targets.values()
                   for note in target.limited)  # fmt: skip
        moved |= {seed} if "schedule" in limited else set()
    assert found == dict.fromkeys(found, "")
    assert len(moved) > len(found) / 3


@settings(max_examples=60)
@given(st.integers(0, 10_000), st.booleans(), st.booleans())
def test_with_and_without_next_wake_the_results_are_equal(seed: int, wide: bool, at_once: bool) -> None:  # noqa: FBT001
    example = scheduled(seed, wide=wide)
    spec = replace(example.spec, at_once=at_once)
    whole, skipping = (run_elastic(example.trace, replace(spec, skips_quiet=skips)) for skips in (False, True))
    assert replace(whole, decisions=0, stopped_us=0) == replace(skipping, decisions=0, stopped_us=0)
    assert whole == run_elastic(example.trace, spec, lambda _: None)


@pytest.mark.skipif(find_spec("numba") is None, reason="needs numba")
@pytest.mark.timeout(900)  # It may have to be compiled first.
@settings(max_examples=40)
@given(st.integers(0, 10_000), st.booleans(), st.booleans())
def test_the_compiled_engine_honours_them_likewise(seed: int, skips: bool, on_events: bool) -> None:  # noqa: FBT001
    from elastic_simulations.fast.compiled.running import run_elastic as compiled  # noqa: PLC0415 - imports numba

    example = scheduled(seed)
    spec = replace(example.spec, at_once=True, learns=False, metered=False, estimates="")
    spec = replace(spec, skips_quiet=skips, on_events=on_events)
    assert compiled(example.trace, spec) == run_elastic(example.trace, spec)


def test_events_and_a_minimum_of_an_hour_a_week_do_not_keep_a_run_going() -> None:
    example = scheduled(129)
    spec = replace(example.spec, at_once=True, learns=False, metered=False, estimates="", on_events=True)
    outcomes = [run_elastic(example.trace, replace(spec, skips_quiet=skips)) for skips in (False, True)]
    assert outcomes[0] == outcomes[1]
    assert outcomes[0].decisions < 1000


WEEKEND = {"schedules": "sat-sun 00:00-24:00 max 0", "epoch": "1794614400"}  # Saturday, 14 November 2026, 00:00 UTC.


@pytest.mark.parametrize("engine", ["python", "full"])
@pytest.mark.parametrize("skips", ["true", "false"])
def test_jobs_wait_for_monday_when_the_weekend_is_closed_and_the_run_ends(engine: str, skips: str) -> None:
    trace = made([0, HOUR], [60_000_000] * 2, source="weekend")
    switch = {"skips_quiet": skips} if engine == "python" else {}
    result = run(trace, RunSettings(engine=engine, tick=600.0, boot=60.0, sets={**WEEKEND, **switch}))
    told = report(result)
    assert (told["unserved"], told["last_end_s"]) == (0, 48 * 3600 + 120.0)
    assert (told["starts"], told["stops"]) == (2, 2)


@pytest.mark.parametrize("engine", ["python", "full"])
def test_a_minimum_that_comes_and_goes_for_ever_does_not_keep_a_run_going(engine: str) -> None:
    trace = made([0], [60_000_000], source="one")
    sets = {"schedules": "00:00-12:00 min 2", "idle_seconds": "0"}
    result = run(trace, RunSettings(engine=engine, tick=600.0, boot=60.0, sets=sets))
    assert report(result)["starts"] == 2
    assert result.outcome.stopped_us < 2 * HOUR


def test_a_job_that_can_never_start_ends_the_run_after_each_day_has_had_its_turn() -> None:
    trace = made([0], [60_000_000], source="one")
    for skips in ("true", "false"):
        sets = {"schedules": "00:00-12:00 max 0", "skips_quiet": skips}
        told = report(run(trace, RunSettings(maximum=0, tick=3600.0, sets=sets)))
        assert told["unserved"] == 1


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "empty"),
        ("mon-fri 08:00-18:00", "asks for nothing; give minimum, maximum or both"),
        ("mon-fry 08:00-18:00 min 1", "no day 'mon-fry'"),
        ("08:00 min 1", "must be as"),
        ("08:00-18:00 Nowhere/Land min 1", "no time zone 'Nowhere/Land'"),
        ("08:00-18:00 min 99", "above --max 9"),
        ("08:00-18:00 max 0", "below --min 1"),
        ("08:00-18:00 min x", "must be as"),
        ("8:00-18:00 min 1", "String should match pattern"),
    ],
)
def test_a_schedule_that_makes_no_sense_is_told(text: str, problem: str) -> None:
    with pytest.raises(SettingsError, match=problem):
        elastic_spec(RunSettings(minimum=1, maximum=9, sets={"schedules": text}))


def test_an_epoch_is_for_schedules() -> None:
    with pytest.raises(SettingsError, match="--set epoch: only schedules go by it"):
        elastic_spec(RunSettings(sets={"epoch": "5"}))


SCENARIO = {
    "run": {"seconds": 3600, "epoch": 1794614400.0},
    "site": {"tick_seconds": 60},
    "group": [
        {
            "name": "g",
            "maximum": 5,
            "model": {"boot": 30, "join": 0},
            "schedules": [{"name": "office", "start": "00:10", "end": "00:40", "minimum": 3}],
        }
    ],
}


def test_a_scenario_has_them_as_the_daemons_settings_do() -> None:
    simulation = Simulation(parse(SCENARIO))
    simulation.run()
    targets = {round(record.now) - 1794614400: record.targets["g"].workers for record in simulation.records}
    assert [targets[at] for at in (540, 600, 1200, 2340)] == [0, 3, 3, 3]
    assert targets[2400] == 0
    reasons = {record.targets["g"].reason for record in simulation.records}
    assert any("schedule 'office' asks for at least 3 until sat 00:40" in reason for reason in reasons)


def test_what_is_wrong_with_one_in_a_scenario_is_told_with_its_place() -> None:
    bad = {**SCENARIO, "group": [{"name": "g", "maximum": 5, "schedules": [{"name": "x", "start": "9"}]}]}
    with pytest.raises(ScenarioError, match=r"group\[0\].schedules\[0\].start: String should match pattern"):
        parse(bad)
    beyond = {
        "name": "g",
        "maximum": 5,
        "minimum": 2,
        "schedules": [{"name": "x", "minimum": 9}, {"name": "y", "maximum": 1}],
    }
    with pytest.raises(
        ScenarioError, match=r"minimum 9 is above the group's maximum 5.*maximum 1 is below the group's"
    ):
        parse({**SCENARIO, "group": [beyond]})
