"""A fleet brought to a certain state, and the actions that a test then has carried out by hand."""

from collections.abc import Sequence
from dataclasses import replace

from elastic.core.actions import Delete, DrainWorker, Launch, Outcome, Proof
from elastic.core.drains import nonce
from elastic.core.memory import MemoryChange, WorkerRecord
from elastic.core.observation import JobsOnWorkers
from elastic.core.override import Override, OverrideKind
from elastic_policies.fixed import Fixed
from elastic_simulations.batch import SimulatedBatch
from elastic_simulations.draws import Constant
from elastic_simulations.specs import JobSpec
from elastic_simulations.startd import Startd
from tests.tick_rig import GROUP, TickRig

SPEC = replace(GROUP, policy="fixed")
ONE = "small-00000000-1"
LONG_JOB = JobSpec(run=Constant(10000.0))


def rig_with(workers: int, *, ticks_seconds: float = 60.0, batch: type[SimulatedBatch] = SimulatedBatch) -> TickRig:
    """A rig whose fleet has grown for that long, and which from then on does only what a test asks for."""
    rig = TickRig(SPEC, policies={"fixed": Fixed(workers=workers)}, batch=batch)
    rig.run_for(ticks_seconds)
    pause = Override(
        id="pause",
        group="*",
        kind=OverrideKind.PAUSE,
        workers=None,
        author="test",
        reason="by hand",
        created_at=rig.grid.now,
        expires_at=rig.grid.now + 1e6,
    )
    rig.ledger.put_override(pause)
    return rig


def drained(rig: TickRig, worker: str = ONE) -> TickRig:
    """The worker drained by us, confirmed by its startd, and validated for long enough."""
    [result] = rig.act(drain(rig, worker))
    assert result.outcome is Outcome.DONE
    rig.run_for(10)
    confirmed = rig.memory.workers[worker].drain
    assert confirmed is not None
    assert confirmed.confirmed_at is not None
    return rig


def drain(rig: TickRig, worker: str = ONE, *, busy: bool = False) -> DrainWorker:
    text = nonce(rig.memory.ledger, worker, rig.memory.tick)
    return DrainWorker(group="small", worker=worker, nonce=text, reason="not needed", busy=busy)


def delete(proof: Proof, worker: str = ONE) -> Delete:
    return Delete(group="small", worker=worker, proof=proof, reason="not needed")


def launch(*numbers: int) -> Sequence[Launch]:
    return [Launch(group="small", worker=f"small-00000000-{n}", reason="needed") for n in numbers]


def startd_of(rig: TickRig, worker: str = ONE) -> Startd:
    return next(startd for startd in rig.grid.startds.values() if startd.worker == worker)


def changed(rig: TickRig, worker: str = ONE, **fields: object) -> WorkerRecord:
    """The worker's record with these fields, in the ledger; anew, because the operator's fields outlive a save."""
    record = replace(rig.memory.workers[worker], **fields)  # type: ignore[arg-type]
    rig.ledger.save(MemoryChange(forgotten=(worker,)))
    rig.ledger.save(MemoryChange(workers=(record,)))
    return record


def methods(rig: TickRig) -> list[str]:
    return [method for method, _ in rig.tape.calls]


def is_serving(rig: TickRig, worker: str = ONE) -> bool:
    """Its startd is on, drained by nobody, and the record says nothing else."""
    rig.grid.run_for(5)
    startd, record = startd_of(rig, worker), rig.memory.workers[worker]
    clean = record.drain is None and record.fence_asked_at is None and record.delete_asked_at is None
    return clean and startd.open


class Named(SimulatedBatch):
    """Schedds that name a job on every machine."""

    def jobs_on(self, machines: Sequence[str]) -> JobsOnWorkers:
        return JobsOnWorkers(jobs=dict.fromkeys(machines, ("schedd#7.0",)), complete=True)
