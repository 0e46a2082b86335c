"""The short cut in numbers does what the planner plans, tick by tick; and is not taken where it would not."""

from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from elastic.core.actions import DrainWorker, Launch
from elastic.core.override import Override, OverrideKind
from elastic.core.record import TickRecord
from elastic_policies.backlog import Backlog
from elastic_simulations.draws import Constant
from elastic_simulations.fast.counted import counted
from elastic_simulations.fast.elastic import run_elastic
from elastic_simulations.fast.spec import ElasticSpec, reference_group
from tests.simulations.fast.engines import Job, jobs, trace_of


@settings(max_examples=60)
@given(jobs(most_cores=2), st.sampled_from([0.0, 90.0]), st.sampled_from([0.3, 1.0]), st.booleans(), st.integers(1, 12))
def test_numbers_are_those_of_the_plan_and_the_outcome_is_the_same(
    some: list[Job],
    idle: float,
    share: float,
    cancels: bool,  # noqa: FBT001 - drawn
    most: int,
) -> None:
    group = replace(reference_group(idle_seconds=idle, slots=2, maximum=most), drain_fraction=share)
    policy = Backlog(headroom=2)
    spec = ElasticSpec(group=group, policy=policy, slots=2, boot_seconds=Constant(70.0), cancels=cancels)
    records: list[TickRecord] = []
    recorded = run_elastic(trace_of(some), spec, records.append)
    assert run_elastic(trace_of(some), spec) == recorded
    for record in records:
        steps = counted(record.snapshot, record.targets)
        if steps is None:
            assert cancels
            continue
        actions = record.plan.actions
        assert sum(isinstance(action, Launch) for action in actions) == steps.launched
        drains = sum(isinstance(action, DrainWorker) for action in actions)
        old = sum(
            worker.idle_seconds is not None and not worker.keep for worker in record.snapshot.groups["workers"].workers
        )
        assert drains == min(steps.drained, old)
        assert len(actions) == steps.launched + drains


def test_what_is_more_than_a_number_is_left_to_the_planner() -> None:
    records: list[TickRecord] = []
    spec = ElasticSpec(group=reference_group(), policy=Backlog(), at_once=False)
    run_elastic(trace_of([Job(0, 100)]), spec, records.append)
    plain = records[0]
    pause = Override(
        id="1",
        group="workers",
        kind=OverrideKind.PAUSE,
        workers=None,
        author="op",
        reason="night",
        created_at=0.0,
        expires_at=9.0,
    )
    assert counted(plain.snapshot, plain.targets) is not None
    assert counted(replace(plain.snapshot, overrides=(pause,)), plain.targets) is None
    held = next(record for record in records if record.snapshot.groups["workers"].resumable)
    assert counted(held.snapshot, held.targets) is None
