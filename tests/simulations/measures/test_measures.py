import math
import statistics
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from elastic_simulations.fast.outcome import Integrals, Outcome, Samples
from elastic_simulations.measures.checks import littles_law_residual
from elastic_simulations.measures.elasticity import Elasticity, elasticity
from elastic_simulations.measures.fairness import by_user, jain
from elastic_simulations.measures.paying import Churn, Paid, billed, churn, paid
from elastic_simulations.measures.spread import Spread, spread_of_ratios, spread_of_times
from elastic_simulations.measures.waiting import bounded_slowdowns, waiting
from elastic_simulations.traces.trace import MICROSECONDS
from tests.simulations.reports import runs
from tests.simulations.reports.runs import jobs, whole

S = MICROSECONDS


def outcome() -> Outcome:
    """The outcome of `runs` as the event loop leaves it: two launches, and the queue's integral."""
    return replace(runs.outcome(), integrals=Integrals(queue=(8 + 8 + 18) * S), launches=2)


def test_percentiles_lie_between_order_statistics() -> None:
    assert spread_of_times([0, S, 2 * S, 10 * S]) == Spread(mean=3.25, p50=1.5, p90=7.6, p95=8.8, p99=9.76, max=10.0)
    assert spread_of_ratios([1.0, 3.0]) == Spread(mean=2.0, p50=2.0, p90=2.8, p95=2.9, p99=2.98, max=3.0)
    assert spread_of_times([]) == spread_of_ratios([]) == Spread()


@given(st.lists(st.integers(0, 10**12), min_size=2))
def test_percentiles_are_those_of_the_standard_library(values: list[int]) -> None:
    cuts = statistics.quantiles(values, n=100, method="inclusive")
    spread = spread_of_times(values)
    for got, place in ((spread.p50, 50), (spread.p90, 90), (spread.p95, 95), (spread.p99, 99)):
        assert got == pytest.approx(cuts[place - 1] / S, rel=1e-12, abs=1e-9)


@given(st.lists(st.integers(0, 10**12), min_size=1))
def test_no_figure_depends_on_the_order_of_the_values(values: list[int]) -> None:
    assert spread_of_times(values) == spread_of_times(reversed(values))


def test_bounded_slowdown_counts_short_runs_as_ten_seconds_and_never_falls_below_1() -> None:
    assert bounded_slowdowns([0, 20 * S, 5 * S, 30 * S], [5 * S, 10 * S, S, 15 * S]) == [1.0, 3.0, 1.0, 3.0]


def test_waiting_of_the_three_jobs() -> None:
    answer = waiting(jobs(), outcome())
    assert (answer.jobs, answer.unserved, answer.wait.mean, answer.wait.max) == (3, 0, 34 / 3, 18.0)
    assert answer.core_weighted_wait_s == (8 + 8 + 2 * 18) / 4
    assert answer.bounded_slowdown.mean == pytest.approx((28 / 20 + 13 / 10 + 28 / 10) / 3)


def test_a_warm_up_leaves_out_the_jobs_submitted_in_it_and_nothing_else() -> None:
    answer = waiting(jobs(), outcome(), warmup_us=10 * S)
    assert (answer.jobs, answer.wait.mean) == (1, 18.0)


def test_jobs_that_never_started_are_counted_and_have_no_wait() -> None:
    answer = waiting(jobs(), replace(outcome(), start_us=whole(8, -1, 28), end_us=whole(28, -1, 38)))
    assert (answer.jobs, answer.unserved, answer.wait.mean) == (2, 1, 13.0)


def test_paid_time_is_split_without_a_rest_and_cut_at_the_last_job() -> None:
    assert paid(jobs(), outcome()) == Paid(
        paid=(36 + 2) * 2 * S,
        tail=2 * 2 * S,
        used=45 * S,
        busy=45 * S,
        idle=(38 - 8 - 2) * 2 * S - 45 * S,
        boot=(6 + 2) * 2 * S,
        teardown=2 * 2 * S,
        wasted=0,
        billed={1: 40 * 2, 3600: 2 * 3600 * 2},
    )


def test_each_life_is_billed_in_whole_periods() -> None:
    assert billed([(0, S), (0, S + 1), (0, 0)], 1) == 3
    assert billed([(0, 3600 * S), (0, 3600 * S + 1)], 3600) == 3 * 3600


def test_churn_counts_what_was_asked_for_and_what_was_deleted() -> None:
    # Lives of 38 and 2 s; of 38 s in all, with 2 starts, 2 stops and 3 decisions.
    assert churn(replace(outcome(), decisions=3)) == Churn(
        starts=2,
        stops=2,
        never_ready=1,
        never_ready_us=2 * 2 * S,
        life=Spread(mean=20.0, p50=20.0, p90=34.4, p95=36.2, p99=37.64, max=38.0),
        changing_calls_per_h=4 / (38 / 3600),
        listing_calls_per_h=3 / (38 / 3600),
    )


def test_lives_are_billed_at_the_periods_asked_for_too() -> None:
    # 38 and 2 s on two cores each: 4 + 1 periods of 10 s.
    assert paid(jobs(), outcome(), quanta=(10, 1)).billed == {1: 80, 10: 5 * 10 * 2, 3600: 14400}


def test_elasticity_divides_by_the_horizon_and_the_largest_demand() -> None:
    run = replace(
        outcome(),
        ended_us=100,
        integrals=Integrals(
            under=30,
            over=50,
            under_us=10,
            over_us=20,
            peak_demand=5,
            under_by={3: 12, 5: 18},
            over_by={1: 1, 4: 49},
        ),
        samples=Samples(ticks=11, supply_without_demand=2, demand_without_supply=5),
    )
    assert elasticity(run) == Elasticity(
        accuracy_under=6.0,
        accuracy_over=10.0,
        accuracy_under_normalised=12 / 3 + 18 / 5,
        accuracy_over_normalised=1 / 1 + 49 / 4,
        timeshare_under=10.0,
        timeshare_over=20.0,
        instability=20.0,
        instability_slow=50.0,
    )


def test_without_ticks_there_is_no_instability() -> None:
    assert elasticity(outcome()).instability is None


def test_littles_law_sees_a_job_that_started_a_second_late() -> None:
    assert littles_law_residual(jobs(), outcome()) == 0.0
    assert littles_law_residual(jobs(), replace(outcome(), start_us=whole(8, 9, 28))) == pytest.approx(1 / 34)


def test_littles_law_counts_jobs_that_never_start_until_the_end() -> None:
    waited = replace(outcome(), start_us=whole(8, 8, -1), integrals=Integrals(queue=(8 + 8 + 28) * S))
    assert littles_law_residual(jobs(), waited) == 0.0


@pytest.mark.parametrize(
    ("shares", "index"), [([1, 1, 1], 1.0), ([1, 0, 0, 0], 0.25), ([0, 0], 1.0), ([], 1.0), ([3, 1], 0.8)]
)
def test_jains_index(shares: list[float], index: float) -> None:
    assert math.isclose(jain(shares), index)


def test_shares_by_user_leave_out_jobs_of_nobody_known() -> None:
    shares = by_user([0, 1, 0, -1], [2 * S, 6 * S, 4 * S, 99 * S], [1.0, 2.0, 3.0, 9.0], ["b", "a"])
    assert list(shares.users) == ["a", "b"]
    assert (shares.users["b"].jobs, shares.users["b"].wait_s, shares.users["b"].bounded_slowdown) == (2, 3.0, 2.0)
    assert shares.jain_wait == pytest.approx(81 / 90)
