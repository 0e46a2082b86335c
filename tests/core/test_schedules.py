"""Limits at certain hours: when they hold, by whose clock, and what a target becomes of them."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from elastic.core.guardrails import constrain
from elastic.core.lifecycle import Phase
from elastic.core.memory import GroupMemory
from elastic.core.model import SiteSpec
from elastic.core.observation import Quota
from elastic.core.override import OverrideKind
from elastic.core.planner import plan
from elastic.core.policy import Limited, Target
from elastic.core.record import plain
from elastic.core.rooms import Part, Tally, room
from elastic.core.schedules import DAY_MINUTES, InForce, Schedule, in_force
from elastic.core.wakes import next_wake
from tests.core.builders import NOW, SITE, group, look, memory, override, seen, snapshot, spec, targets, worker

BERLIN = ZoneInfo("Europe/Berlin")
OFFICE = Schedule(
    name="office hours", weekdays=frozenset(range(5)), start_minute=480, end_minute=1080, zone=BERLIN, minimum=10
)
NIGHT = Schedule(name="night", weekdays=frozenset(range(7)), start_minute=22 * 60, end_minute=6 * 60, maximum=3)


def at(text: str, zone: ZoneInfo = BERLIN) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=zone).timestamp()


@pytest.mark.parametrize(
    ("moment", "minimum", "until"),
    [
        ("2026-11-20T07:59:59", None, "2026-11-20T08:00"),
        ("2026-11-20T08:00:00", 10, "2026-11-20T18:00"),
        ("2026-11-20T17:59:59", 10, "2026-11-20T18:00"),
        ("2026-11-20T18:00:00", None, "2026-11-23T08:00"),  # A Friday: Monday is next.
        ("2026-11-22T12:00:00", None, "2026-11-23T08:00"),
    ],
)
def test_it_holds_at_its_hours_on_its_days_and_says_when_that_changes(
    moment: str, minimum: int | None, until: str
) -> None:
    now = in_force([OFFICE], at(moment))
    assert (now.minimum, now.maximum, now.until) == (minimum, None, at(until))
    assert now.text == ("" if minimum is None else "schedule 'office hours' asks for at least 10 until fri 18:00")


def test_an_end_before_the_start_is_on_the_next_day_and_belongs_to_the_day_on_which_it_begins() -> None:
    only_friday = replace(NIGHT, weekdays=frozenset([4]))
    utc = ZoneInfo("UTC")
    assert in_force([only_friday], at("2026-11-21T05:59", utc)).ceiling == (
        "schedule 'night' asks for at most 3 until sat 06:00"
    )
    assert in_force([only_friday], at("2026-11-20T05:59", utc)).text == ""


def test_a_day_may_be_whole() -> None:
    whole = Schedule(name="sundays", weekdays=frozenset([6]), start_minute=0, end_minute=0, maximum=0)
    begin = datetime(2026, 11, 22, tzinfo=UTC).timestamp()
    assert [in_force([whole], begin + hours * 3600).maximum for hours in (-1, 0, 23, 24)] == [None, 0, 0, None]


def test_it_goes_by_the_clock_on_the_wall_when_the_clocks_change() -> None:
    # 25 October 2026, 03:00 summer time is 02:00 winter time: the night is an hour longer.
    local = replace(NIGHT, zone=BERLIN)
    begin, end = at("2026-10-24T22:00"), at("2026-10-25T06:00")
    assert end - begin == 9 * 3600
    assert in_force([local], begin - 1).until == begin
    assert in_force([local], begin).until == end
    assert in_force([local], end).maximum is None


def test_of_several_the_narrowest_holds_and_the_maximum_before_the_minimum() -> None:
    low = Schedule(name="a", weekdays=frozenset(range(7)), start_minute=0, end_minute=0, minimum=4)
    more, most = replace(low, name="b", minimum=6), replace(low, name="c", minimum=None, maximum=5)
    now = in_force([low, more, most, NIGHT], datetime(2026, 11, 20, 12, tzinfo=UTC).timestamp())
    assert (now.minimum, now.maximum) == (5, 5)
    assert (now.floor[:12], now.ceiling[:12]) == ("schedule 'b'", "schedule 'c'")
    assert in_force([], NOW) == InForce()


TEN = group(*[worker(Phase.READY, f"w{i}") for i in range(5)], spec=spec(maximum=20))
FLOOR = InForce(minimum=10, floor="schedule 'office' asks for at least 10 until fri 18:00", until=NOW + 17)
CEILING = InForce(maximum=3, ceiling="schedule 'night' asks for at most 3 until sat 06:00", until=NOW + 17)


def test_it_raises_a_target_and_lowers_one_with_its_reason() -> None:
    def limited(now: InForce, wanted: int) -> Target:
        return constrain(targets(g=wanted), snapshot(replace(TEN, schedule=now)), SITE)["g"]

    assert limited(FLOOR, 2) == Target(
        10,
        f"wanted; {FLOOR.floor}",
        limited=(Limited(guardrail="schedule", before=2, after=10, reason=FLOOR.floor),),
    )
    assert limited(CEILING, 9).reason == f"wanted; {CEILING.ceiling}"
    assert (limited(CEILING, 2).workers, limited(FLOOR, 12).workers) == (2, 12)


def test_the_operator_wins_over_it_and_the_groups_own_limits_over_both() -> None:
    here = replace(TEN, schedule=replace(CEILING, maximum=3))
    lifted = snapshot(here, overrides=(override(OverrideKind.FLOOR, 8),))
    assert constrain(targets(g=0), lifted, SITE)["g"].workers == 8
    beyond = replace(TEN, schedule=replace(FLOOR, minimum=99), boot_allowance=100)
    assert constrain(targets(g=0), snapshot(beyond), SITE)["g"].workers == 20


def test_a_lowered_maximum_drains_idle_workers_only() -> None:
    many = [worker(Phase.READY, f"w{i}", idle=None if i < 4 else 5000.0) for i in range(6)]
    state = snapshot(group(*many, spec=spec(drain_fraction=1.0), schedule=replace(CEILING, maximum=0)))
    made = plan(state, constrain(targets(g=6), state, SITE), SITE)
    assert sorted(action.worker for action in made.actions) == ["w4", "w5"]


def test_jobs_go_to_the_next_group_when_the_hour_closes_one() -> None:
    nobody = {"workers": [], "known": GroupMemory(group="g"), "quota": Quota(workers_left=None), "tally": Tally()}
    full = Part(spec=spec(), schedule=replace(CEILING, maximum=0), **nobody)  # type: ignore[arg-type]
    assert room([full], {}, (), NOW).closed == {"g": f"at its maximum of 0: {CEILING.ceiling}"}
    (opening,) = room([replace(full, schedule=CEILING)], {}, (), NOW).openings
    assert opening.room == 3


def test_the_next_change_wakes_and_so_does_an_override_that_is_to_begin() -> None:
    assert next_wake(snapshot(replace(TEN, schedule=FLOOR)), targets(g=1), (), SITE) == (
        NOW + 17,
        "a schedule of g begins or ends",
    )
    later = replace(override(OverrideKind.PAUSE), created_at=NOW + 11)
    assert next_wake(snapshot(TEN, overrides=(later,)), targets(g=1), (), SITE) == (NOW + 11, "pause of g begins")


def test_the_snapshot_has_what_is_in_force_and_a_record_keeps_that_and_not_the_schedules() -> None:
    whole = Schedule(name="always", weekdays=frozenset(range(7)), start_minute=0, end_minute=0, minimum=2)
    found, _ = look(seen(), memory(), spec(schedules=(whole,)))
    assert found.groups["g"].schedule == in_force([whole], NOW)
    kept = plain(found.groups["g"])
    assert isinstance(kept, dict)
    assert "schedules" not in kept["spec"]
    assert kept["schedule"]["minimum"] == 2


@st.composite
def schedules(draw: st.DrawFn) -> Schedule:
    return Schedule(
        name=draw(st.sampled_from("abc")),
        weekdays=draw(st.frozensets(st.integers(0, 6), min_size=1)),
        start_minute=draw(st.integers(0, DAY_MINUTES - 1)),
        end_minute=draw(st.integers(0, DAY_MINUTES - 1)),
        zone=draw(st.sampled_from((UTC, BERLIN, ZoneInfo("America/St_Johns"), ZoneInfo("Pacific/Apia")))),
        minimum=draw(st.none() | st.integers(0, 9)),
        maximum=draw(st.none() | st.integers(0, 9)),
    )


moments = st.integers(1_300_000_000, 1_900_000_000).map(float)


@given(st.lists(schedules(), min_size=1, max_size=3), moments)
def test_nothing_changes_before_the_moment_that_is_named_and_it_is_ahead(some: list[Schedule], now: float) -> None:
    found = in_force(some, now)
    assert found.until is not None
    assert now < found.until <= now + timedelta(days=9).total_seconds()
    for share in (0.0, 0.25, 0.5, 0.999):
        between = in_force(some, now + share * (found.until - now))
        assert between == found


@given(st.lists(schedules(), max_size=3), moments, st.integers(-5, 40), st.integers(0, 3))
def test_whatever_the_hour_asks_for_the_groups_limits_hold(
    some: list[Schedule], now: float, wanted: int, minimum: int
) -> None:
    one = replace(TEN, spec=spec(minimum=minimum, maximum=6), schedule=in_force(some, now))
    state = replace(snapshot(one), now=now)
    target = constrain(targets(g=wanted), state, SiteSpec())["g"]
    assert minimum <= target.workers <= 6
