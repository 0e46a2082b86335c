"""Generated runs, each with a launch, a drain, a resume and a tie, and the two engines side by side."""

from collections.abc import Callable
from dataclasses import dataclass, replace

from hypothesis import strategies as st

from elastic.core.actions import DrainWorker, Launch, Resume
from elastic.core.policy import Policy
from elastic.core.record import TickRecord
from elastic_policies.backlog import Backlog
from elastic_policies.elastiq import Elastiq
from elastic_policies.fixed import Fixed
from elastic_policies.thesis import Thesis
from elastic_simulations.draws import Constant, Distribution, Exponential
from elastic_simulations.fast.orders import MANY, ORDERS
from elastic_simulations.fast.outcome import Outcome
from elastic_simulations.fast.spec import ElasticSpec, reference_group
from elastic_simulations.traces.trace import Trace
from tests.simulations.fast.engines import Job, jobs, trace_of

Engine = Callable[..., Outcome]


@dataclass(frozen=True)
class Drawn:
    """One run."""

    trace: Trace
    spec: ElasticSpec

    def __repr__(self) -> str:
        """Short enough to read in a failing example."""
        return f"{list(zip(self.trace.submit_us, self.trace.run_us, self.trace.cores, strict=True))} {self.spec}"


def eventful(some: list[Job], slots: int) -> Trace:
    """The jobs, and before them what makes every kind of thing happen.

    Workers for a burst of equal jobs (a tie in submit, boot and end), long quiet (they are drained), and a second burst
    in the moment in which they are drained and not yet deleted (they are resumed).
    """
    burst = [Job(0, 100, slots)] * 3
    # Drained at the tick at 780 s, validated for 130 s: back at 840 s, and with them the drawn jobs.
    again = [Job(800, 90, slots)] * 5
    later = [Job(job.submit + 800, job.run, min(job.cores, slots)) for job in some]
    return trace_of(sorted([*burst, *again, *later], key=lambda job: job.submit))


BOOTS: tuple[Distribution, ...] = (Constant(70.0), Constant(0.0), Exponential(10.0))


SOON = Elastiq(threshold=0, jobs_per_worker=1)
POLICIES: tuple[Policy, ...] = (Backlog(), Backlog(headroom=1), SOON, Thesis(), Fixed(workers=4))
"""The first two make everything happen; the others remember, look at the load, or ask for what the limits forbid."""


@st.composite
def runs(draw: st.DrawFn, *, at_once: bool = False, plain: bool = False) -> Drawn:
    """Any order, shape, boot time, limit and switch; `plain` = nothing but the pool lasts from tick to tick."""
    slots = draw(st.sampled_from([1, 1, 2, 4]))
    group = replace(
        reference_group(slots=slots, idle_seconds=600.0, maximum=draw(st.integers(3, 9))),
        validation_seconds=130.0,
        drain_fraction=draw(st.sampled_from([0.5, 1.0])),
        scale_down_window_seconds=0.0 if plain else draw(st.sampled_from([0.0, 0.0, 100.0])),
        boots_start=draw(st.sampled_from([2, MANY])) if plain else MANY,
    )
    spec = ElasticSpec(
        group=group,
        policy=draw(st.sampled_from(POLICIES if at_once else POLICIES[:2])),
        slots=slots,
        boot_seconds=draw(st.sampled_from(BOOTS)),
        order=draw(st.sampled_from(sorted(ORDERS))),
        seed=draw(st.integers(0, 3)),
        cancels=not plain and draw(st.booleans()),
        metered=not plain and draw(st.booleans()),
        at_once=at_once,
        skips_quiet=not plain and draw(st.booleans()),
    )
    return Drawn(eventful(draw(jobs(most_cores=slots, most=12)), slots), spec)


def recorded(engine: Engine, drawn: Drawn) -> tuple[Outcome, list[TickRecord]]:
    """What it leaves behind, and the record of every decision."""
    records: list[TickRecord] = []
    return engine(drawn.trace, drawn.spec, records.append), records


def happened(records: list[TickRecord]) -> set[type]:
    """Kinds of actions that were planned."""
    return {type(action) for record in records for action in record.plan.actions}


EVENTFUL = {Launch, DrainWorker, Resume}
