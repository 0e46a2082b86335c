"""What is remembered of a situation is what would be decided anew; a policy that looks at more is found out."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from elastic.core.model import Snapshot
from elastic.core.policy import Policy, Target
from elastic_policies.backlog import Backlog
from elastic_simulations.checks.drawing import poisson_trace
from elastic_simulations.checks.queues import OneEach
from elastic_simulations.draws import Constant, Distribution, Exponential
from elastic_simulations.errors import SimulationError
from elastic_simulations.fast import situations
from elastic_simulations.fast.elastic import run_elastic
from elastic_simulations.fast.situations import run_by_counts
from elastic_simulations.fast.spec import ElasticSpec, reference_group
from tests.simulations.fast.engines import Job, jobs, trace_of

BOOTS: tuple[Distribution, ...] = (Constant(70.0), Constant(0.0), Exponential(100.0))


@dataclass(frozen=True)
class Impatient:
    """A worker for each job, but only for those who have waited for half a minute: more than counts."""

    def decide(self, snapshot: Snapshot) -> Mapping[str, Target]:
        (group,) = snapshot.groups.values()
        more = group.demand.unmet_workers if group.demand.oldest_wait_seconds > 30.0 else 0
        return {group.spec.name: Target(group.busy + group.upcoming + more, "later")}


def spec(policy: Policy, boots: Distribution = BOOTS[0], *, most: int = 4, cancels: bool = True) -> ElasticSpec:
    group = replace(reference_group(idle_seconds=0.0, maximum=most), drain_fraction=0.5)
    return ElasticSpec(group=group, policy=policy, boot_seconds=boots, cancels=cancels, on_events=True)


@settings(max_examples=100)
@given(
    jobs(), st.sampled_from([OneEach(), Backlog(), Backlog(headroom=1)]), st.sampled_from(BOOTS),
    st.integers(1, 12), st.booleans(),
)  # fmt: skip
def test_outcomes_are_those_of_a_run_that_decides_every_time(
    some: list[Job],
    policy: Policy,
    boots: Distribution,
    most: int,
    cancels: bool,  # noqa: FBT001 - drawn
) -> None:
    asked = spec(policy, boots, most=most, cancels=cancels)
    assert run_by_counts(trace_of(some), asked) == run_elastic(trace_of(some), asked)


def test_a_long_run_with_cancelled_boots_comes_out_the_same_and_asks_seldom() -> None:
    asked: list[float] = []

    @dataclass(frozen=True)
    class Counting(OneEach):
        def decide(self, snapshot: Snapshot) -> dict[str, Target]:
            asked.append(snapshot.now)
            return super().decide(snapshot)

    trace = poisson_trace(0.01, 1 / 600, 3000, seed=3)
    every_time = run_elastic(trace, spec(Counting(), Exponential(234.0), most=10))
    often = len(asked)
    assert run_by_counts(trace, spec(Counting(), Exponential(234.0), most=10)) == every_time
    assert len(asked) - often < often / 5
    assert any(ready < 0 for ready in every_time.workers.ready)


def test_a_policy_that_looks_at_more_than_counts_is_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(situations, "AGAIN", 2)
    with pytest.raises(SimulationError, match=r"^the policy looks at more than counts: Steps\(launched=\d"):
        run_by_counts(poisson_trace(0.01, 1 / 600, 3000, seed=3), spec(Impatient(), most=10))


def test_a_defect_in_what_is_remembered_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """Boots cancelled oldest first, where the planner takes the youngest."""
    trace = poisson_trace(0.01, 1 / 600, 3000, seed=3)
    asked = spec(OneEach(), Exponential(234.0), most=10)
    youngest = situations.CountsRun._building  # noqa: SLF001 - the defect
    monkeypatch.setattr(situations.CountsRun, "_building", lambda run: youngest(run)[::-1])
    assert run_by_counts(trace, asked) != run_elastic(trace, asked)


@pytest.mark.parametrize(
    "other", [{"metered": True}, {"learns": True}, {"on_events": False}, {"at_once": False}, {"slots": 2}]
)
def test_where_more_than_counts_may_decide_it_is_refused(other: Mapping[str, object]) -> None:
    with pytest.raises(SimulationError, match="counts are not all that decides"):
        run_by_counts(trace_of([Job(0, 10)]), replace(spec(OneEach()), **other))  # type: ignore[arg-type]
