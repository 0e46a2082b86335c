from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from elastic.core.policy import Policy
from elastic.core.record import TickRecord
from elastic_policies.backlog import Backlog
from elastic_policies.fixed import Fixed
from elastic_policies.hybrid import Hybrid
from elastic_policies.thesis import Thesis
from elastic_simulations.draws import Constant, Exponential
from elastic_simulations.fast.elastic import run_elastic
from elastic_simulations.fast.orders import ORDERS
from elastic_simulations.fast.outcome import Outcome
from elastic_simulations.fast.pool import Pool
from elastic_simulations.fast.spec import ElasticSpec, reference_group
from elastic_simulations.measures.checks import littles_law_residual
from elastic_simulations.measures.paying import paid
from elastic_simulations.traces.errors import TraceError
from elastic_simulations.traces.trace import MICROSECONDS, UNKNOWN
from tests.simulations.fast.engines import Job, OnDemand, jobs, trace_of

SPEC = ElasticSpec(group=reference_group(idle_seconds=90.0), policy=Backlog(), boot_seconds=Constant(70.0))


def seconds(column: "list[int]") -> list[int]:
    return [at if at == UNKNOWN else at // MICROSECONDS for at in column]


def same(one: Outcome, other: Outcome) -> bool:
    """Everything but how often was decided, and when one stopped looking."""
    return replace(one, decisions=0, stopped_us=0) == replace(other, decisions=0, stopped_us=0)


@given(jobs())
def test_starts_and_launches_are_those_of_a_plainly_right_on_demand_pool(some: list[Job]) -> None:
    plain = OnDemand(boot=70, tick=60, idle=90)
    starts = plain.run(some)
    outcome = run_elastic(trace_of(some), SPEC)
    assert seconds(outcome.start_us.tolist()) == starts
    launched = [machine.requested for machine in plain.machines]
    assert seconds(outcome.workers.requested.tolist())[: len(launched)] == launched
    gone = [machine.gone for machine in plain.machines]
    got = seconds(outcome.workers.deleted.tolist())
    assert [at for at, known in zip(got, gone, strict=False) if known is not None] == [
        at for at in gone if at is not None
    ]


@given(
    jobs(most_cores=4),
    st.sampled_from(sorted(ORDERS)),
    st.sampled_from([0.0, 45.0, 300.0]),
    st.booleans(),
    st.sampled_from([0.0, 130.0]),
)
def test_quiet_time_left_out_changes_nothing(
    some: list[Job],
    order: str,
    idle: float,
    at_once: bool,  # noqa: FBT001 - drawn
    window: float,
) -> None:
    group = replace(
        reference_group(idle_seconds=idle, slots=4, maximum=5, minimum=1),
        scale_down_window_seconds=window,
        validation_seconds=15.0,
    )
    spec = ElasticSpec(group=group, policy=Backlog(headroom=1), slots=4, order=order, at_once=at_once)
    trace = trace_of(some)
    assert same(run_elastic(trace, spec), run_elastic(trace, replace(spec, skips_quiet=True)))


@given(jobs(most_cores=4), st.sampled_from(sorted(ORDERS)), st.integers(1, 6))
def test_no_worker_holds_more_than_its_cores_and_littles_law_holds(some: list[Job], order: str, most: int) -> None:
    trace = trace_of(some)
    spec = ElasticSpec(group=reference_group(slots=4, maximum=most), policy=Backlog(), slots=4, order=order)
    outcome = run_elastic(trace, spec)
    assert outcome.unserved == 0
    assert littles_law_residual(trace, outcome) == 0.0
    assert len(outcome.workers.requested) == outcome.launches
    for worker in set(outcome.worker):
        mine = [
            (start, end, cores)
            for start, end, cores, on in zip(outcome.start_us, outcome.end_us, trace.cores, outcome.worker, strict=True)
            if on == worker
        ]
        for at, _, _ in mine:
            assert sum(cores for start, end, cores in mine if start <= at < end) <= 4
            assert outcome.workers.ready[worker] <= at
        deleted = outcome.workers.deleted[worker]
        assert deleted == UNKNOWN or max(end for _, end, _ in mine) <= deleted


@given(jobs(most_cores=2), st.integers(1, 4))
def test_paid_is_the_sum_of_its_parts_and_never_less_than_used(some: list[Job], most: int) -> None:
    trace = trace_of(some)
    spec = ElasticSpec(group=reference_group(slots=2, maximum=most), policy=Backlog(), slots=2)
    split = paid(trace, run_elastic(trace, spec))
    assert split.paid == split.busy + split.idle + split.boot + split.teardown + split.wasted
    assert min(split.idle, split.boot, split.teardown, split.tail) >= 0


@given(jobs())
def test_the_record_of_each_tick_has_the_counts_of_its_workers(some: list[Job]) -> None:
    records: list[TickRecord] = []
    run_elastic(trace_of(some), replace(SPEC, cancels=True, at_once=False), records.append)
    for record in records:
        group = record.snapshot.groups["workers"]
        assert sum(group.counts.values()) == len(group.workers)
        assert group.busy == sum(1 for worker in group.workers if worker.busy)
        assert list(group.workers) == sorted(group.workers, key=lambda worker: worker.name)


def test_a_policy_that_wants_no_worker_ends_with_every_job_unserved() -> None:
    trace = trace_of([Job(0, 10), Job(5, 10)])
    outcome = run_elastic(trace, replace(SPEC, policy=Fixed(workers=0)))
    assert (outcome.unserved, outcome.launches) == (2, 0)
    assert littles_law_residual(trace, outcome) == 0.0


def test_a_job_wider_than_a_worker_is_an_error_with_its_line() -> None:
    with pytest.raises(TraceError, match=r"^test:1: the job asks for 2 cores, a worker has 1: it fits on none$"):
        run_elastic(trace_of([Job(0, 10, 2)]), SPEC)


def test_the_next_job_goes_to_the_fullest_worker_with_room() -> None:
    """Both workers are there; the first has one core taken when the third job comes."""
    spec = ElasticSpec(group=reference_group(slots=2, minimum=2), policy=Backlog(), slots=2, boot_seconds=Constant(0.0))
    fullest = run_elastic(trace_of([Job(10, 50), Job(11, 50), Job(12, 5)]), spec)
    emptiest = run_elastic(trace_of([Job(10, 50), Job(11, 50), Job(12, 5)]), replace(spec, order="emptiest"))
    assert (list(fullest.worker), list(emptiest.worker)) == ([0, 0, 1], [0, 1, 0])


def test_boot_times_are_drawn_by_worker_and_not_in_order() -> None:
    trace = trace_of([Job(second, 400) for second in range(0, 600, 7)])
    spec = replace(SPEC, boot_seconds=Exponential(100.0), seed=4)
    twice = [run_elastic(trace, spec) for _ in range(2)]
    assert twice[0] == twice[1]
    assert len(set(twice[0].workers.ready)) > 10
    assert twice[0] != run_elastic(trace, replace(spec, seed=5))


@given(jobs(), st.sampled_from([0.0, 45.0, 300.0]), st.booleans(), st.integers(1, 12))
def test_the_pool_for_single_jobs_does_what_the_general_one_does(
    some: list[Job],
    idle: float,
    at_once: bool,  # noqa: FBT001 - drawn
    most: int,
) -> None:
    group = replace(reference_group(idle_seconds=idle, maximum=most), validation_seconds=70.0)
    spec = replace(SPEC, group=group, policy=Backlog(headroom=2), at_once=at_once)
    trace = trace_of(some)
    records: dict[str, list[TickRecord]] = {"fast": [], "general": []}
    fast = run_elastic(trace, spec, records["fast"].append)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("elastic_simulations.fast.elastic.SinglePool", Pool)
        general = run_elastic(trace, spec, records["general"].append)
    assert fast == general
    assert records["fast"] == records["general"]


@pytest.mark.parametrize("policy", [Thesis(), Hybrid()], ids=["thesis", "hybrid"])
def test_a_measured_load_decides_with_its_samples_where_events_decide(policy: Policy) -> None:
    """It was looked at every microsecond while any job ran, which never came to an end."""
    trace = trace_of([Job(0, 400), Job(90, 300), Job(700, 200)])
    group = reference_group(minimum=1, maximum=4, idle_seconds=60.0)
    spec = ElasticSpec(group=group, policy=policy, metered=True, on_events=True)
    looked: list[float] = []
    outcome = run_elastic(trace, spec, lambda record: looked.append(record.now))
    assert outcome.unserved == 0
    # The first worker is ready at 234 s, and works from then on.
    assert {300.0, 360.0, 420.0} <= set(looked)
    # Job events, boots, a sample a minute, and what was removed is looked for twice.
    assert len(looked) < 100
