from itertools import pairwise, takewhile
from random import Random

import pytest

from elastic_simulations.draws import Constant, Exponential
from elastic_simulations.traces.arrivals import WEEK, Arrivals, Bursts, Cycles, MarkovModulated, Poisson
from elastic_simulations.traces.errors import TraceError
from elastic_simulations.traces.generators import Pareto, Workload, generate
from elastic_simulations.traces.recipes import recipe
from elastic_simulations.traces.reference import reference_case
from tests.simulations.traces.files import seconds

KINDS: list[Arrivals] = [
    Poisson(rate=0.5),
    MarkovModulated(rates=(0.1, 0.9), stay_seconds=50.0),
    Cycles(rate=0.5),
    Bursts(size=10, pause_seconds=20.0),
]


@pytest.mark.parametrize("arrivals", KINDS, ids=lambda kind: type(kind).__name__)
def test_arrivals_come_in_order_and_on_the_whole_at_their_rate(arrivals: Arrivals) -> None:
    times = list(takewhile(lambda at: at < WEEK, arrivals.times(Random(7))))  # noqa: S311 - no secret
    assert all(before <= after for before, after in pairwise(times))
    assert len(times) / WEEK == pytest.approx(0.5, rel=0.03)


def test_the_same_seed_gives_the_same_trace_and_another_another() -> None:
    workload = Workload(arrivals=KINDS[1], run_seconds=Exponential(30.0), jobs=500)
    assert generate(workload, 3) == generate(workload, 3)
    assert generate(workload, 3).sha256 != generate(workload, 4).sha256


def test_other_run_times_leave_the_arrivals_as_they_were() -> None:
    made = [
        generate(Workload(arrivals=KINDS[0], run_seconds=run, jobs=100), 1) for run in (Constant(1.0), Constant(2.0))
    ]
    assert made[0].submit_us == made[1].submit_us
    assert made[0].run_us != made[1].run_us


def test_the_jobs_of_a_bag_come_together_and_those_of_a_chain_follow_on_one_another() -> None:
    workload = Workload(arrivals=KINDS[0], run_seconds=Constant(5.0), jobs=12, bag=Constant(2.0), chain=3)
    trace = generate(workload)
    assert [trace.submit_us.count(at) for at in sorted(set(trace.submit_us))] == [6, 6]
    assert list(trace.optional["after"]) == [-1, 0, 1, -1, 3, 4, -1, 6, 7, -1, 9, 10]


def test_a_heavy_tail_has_its_mean_and_its_cut() -> None:
    pareto = Pareto(least=1.0, shape=2.5, most=1000.0)
    draws = [pareto.at(place / 100_000) for place in range(100_000)]
    assert sum(draws) / len(draws) == pytest.approx(2.5 / 1.5, rel=0.01)
    assert pareto.at(1 - 1e-12) == 1000.0


def test_the_reference_case_begins_and_ends_as_its_definition_says() -> None:
    trace = reference_case()
    assert (len(trace), seconds(trace.submit_us)[:3], seconds(trace.run_us)[:3]) == (
        100_000,
        [3, 15, 25],
        [1090, 901, 1226],
    )
    assert sum(trace.run_us) == 117_541_322_000_000


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"kind": "weekly"}, "no kind 'weekly'; known: poisson, modulated, cycles, bursts"),
        ({"rate": 0.0}, "rate 0: above 0, and finite"),
        ({"run": float("inf")}, "run inf: above 0, and finite"),
        ({"tail": 0.9}, "tail 0.9: above 1, or the mean is infinite"),
        ({"jobs": 0}, "must each be at least 1"),
    ],
)
def test_what_cannot_be_generated_is_told(change: dict[str, object], problem: str) -> None:
    numbers: dict[str, object] = {
        "kind": "poisson", "jobs": 10, "rate": 1.0, "run": 1.0, "tail": 0.0, "bag": 1, "chain": 1, "seed": 0
    }  # fmt: skip
    with pytest.raises(TraceError, match=problem):
        recipe(**{**numbers, **change})  # type: ignore[arg-type]
