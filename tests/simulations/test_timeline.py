from hypothesis import given
from hypothesis import strategies as st

from elastic_simulations.timeline import Rank, Timeline, micros


def test_at_equal_times_jobs_end_then_workers_are_ready_then_come_submits_negotiation_and_at_last_metering() -> None:
    timeline, seen = Timeline(0.0), list[Rank]()
    for rank in sorted(Rank, reverse=True):
        timeline.at(5, rank, lambda rank=rank: seen.append(rank))  # type: ignore[misc]
    timeline.run_to(5)
    assert seen == [Rank.JOB_END, Rank.READY, Rank.SUBMIT, Rank.CHANGE, Rank.NEGOTIATION, Rank.METERING]


def test_equal_events_happen_in_the_order_in_which_they_were_asked_for() -> None:
    timeline, seen = Timeline(0.0), list[int]()
    for number in range(20):
        timeline.at(1, Rank.SUBMIT, lambda number=number: seen.append(number))  # type: ignore[misc]
    timeline.run_to(1)
    assert seen == list(range(20))


def test_a_cancelled_event_never_happens() -> None:
    timeline, seen = Timeline(0.0), list[str]()
    event = timeline.after(10, Rank.CHANGE, lambda: seen.append("no"))
    timeline.after(10, Rank.CHANGE, lambda: seen.append("yes"))
    event.cancel()
    timeline.run_to(100)
    assert seen == ["yes"]


def test_an_event_that_asks_for_another_at_once_has_it_in_the_same_run() -> None:
    timeline, seen = Timeline(0.0), list[int]()

    def first() -> None:
        timeline.after(0, Rank.CHANGE, lambda: seen.append(timeline.now_us))

    timeline.after(7, Rank.CHANGE, first)
    timeline.run_to(7)
    assert seen == [7]


def test_time_never_goes_back() -> None:
    timeline = Timeline(1_000.0)
    timeline.run_to_time(1_060.0)
    timeline.run_to_time(1_030.0)
    assert (timeline.now, timeline.now_us) == (1_060.0, 60_000_000)


@given(st.lists(st.integers(0, 1000), max_size=50))
def test_events_happen_in_the_order_of_their_times_whatever_the_order_of_asking(times: list[int]) -> None:
    timeline, seen = Timeline(0.0), list[int]()
    for at in times:
        timeline.at(at, Rank.CHANGE, lambda at=at: seen.append(at))  # type: ignore[misc]
    timeline.run_to(1000)
    assert seen == sorted(times)


@given(st.integers(0, 10**15))
def test_a_wall_clock_time_is_a_whole_microsecond_and_back(at_us: int) -> None:
    timeline = Timeline(1_800_000_000.0)
    timeline.run_to(at_us)
    assert micros(timeline.now) - timeline.epoch_us == at_us
