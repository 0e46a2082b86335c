"""What the fast engine counts is what the core would find, looking at every worker and every job."""

from collections import Counter
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from elastic.core import victims
from elastic.core.record import TickRecord
from elastic_policies.backlog import Backlog
from elastic_simulations.fast.elastic import run_elastic
from elastic_simulations.fast.lazy import Fleet
from elastic_simulations.fast.orders import ORDERS
from elastic_simulations.fast.pool import Pool
from elastic_simulations.fast.single import SinglePool
from elastic_simulations.fast.spec import ElasticSpec, reference_group
from elastic_simulations.fast.view import View
from tests.simulations.fast.engines import Job, jobs, trace_of

MOMENTS = st.lists(st.tuples(st.integers(1, 300), st.integers(0, 4), st.integers(0, 3)), min_size=1, max_size=8)
"""(seconds until, workers launched then, idle workers drained then)."""


def driven(some: list[Job], moments: list[tuple[int, int, int]], kind: type[Pool], slots: int) -> Pool:
    pool = kind(
        [job.submit for job in some],
        [job.run for job in some],
        [job.cores for job in some],
        slots,
        ORDERS["fullest"],
    )
    now = 0
    for gap, launched, drained in moments:
        now += gap
        pool.advance(now)
        for _ in range(launched):
            pool.launch(now + 50)
        for number in pool.old(now)[:drained]:
            pool.drain(number)
    return pool


@given(jobs(most_cores=1), MOMENTS, st.sampled_from([1, 3]), st.integers(0, 12))
def test_demand_of_one_shape_is_what_the_core_says(
    some: list[Job], moments: list[tuple[int, int, int]], slots: int, most: int
) -> None:
    pool = driven(some, moments, SinglePool if slots == 1 else Pool, slots)
    spec = reference_group(slots=slots, maximum=most)
    view = View(ElasticSpec(group=spec, policy=Backlog(), slots=slots), pool, 1_000_000, recorded=False)
    known = {spec.name: view.memory}
    counted = view.asker.demand(lambda: known, view.now)
    assert counted == view.asker.as_the_core_says(known, view.now)


@given(jobs(most_cores=3), MOMENTS, st.sampled_from([0, 40, 200]), st.booleans())
def test_the_planner_would_find_the_same_among_all_workers(
    some: list[Job],
    moments: list[tuple[int, int, int]],
    idle: int,
    cancels: bool,  # noqa: FBT001 - drawn
) -> None:
    pool = driven(some, moments, Pool, 3)
    spec = ElasticSpec(group=reference_group(slots=3, idle_seconds=idle), policy=Backlog(), slots=3, cancels=cancels)
    fleet = View(spec, pool, 1_000_000, recorded=False).snapshot().groups["workers"].workers
    assert isinstance(fleet, Fleet)
    everyone = list(fleet)
    assert len(everyone) == len(fleet)
    assert fleet.idle_victims() == victims.idle_victims(everyone)
    assert fleet.building_victims() == victims.building_victims(everyone)
    assert fleet.unfinished() == victims.unfinished(everyone)
    assert fleet.why_kept() == victims.why_kept(everyone)


@given(jobs(most_cores=3), st.integers(1, 5))
def test_the_counts_of_every_snapshot_are_those_of_its_workers(some: list[Job], most: int) -> None:
    group = replace(reference_group(slots=3, maximum=most, idle_seconds=90.0), validation_seconds=70.0)
    spec = ElasticSpec(group=group, policy=Backlog(), slots=3, at_once=False)
    records: list[TickRecord] = []
    run_elastic(trace_of(some), spec, records.append)
    for record in records:
        seen = record.snapshot.groups["workers"]
        assert dict(seen.counts) == dict(sorted(Counter(worker.phase for worker in seen.workers).items()))
        assert seen.resumable == len(victims.resumable(seen.workers))
        assert seen.busy == sum(worker.busy for worker in seen.workers)
