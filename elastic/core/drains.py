"""Whose drain is it, and what became of ours.

Reading a startd's answer against what we remember of the drain we asked for.
"""

from dataclasses import replace

from elastic.core.lifecycle import Ad
from elastic.core.memory import Drain, WorkerRecord
from elastic.core.observation import DrainSeen, Inspection, Machine


def nonce(ledger: str, worker: str, tick: int) -> str:
    """The reason text of one drain of ours: unique, because tick numbers never repeat in a ledger."""
    return f"elastic:{ledger}:{worker}:{tick}"


def is_ours(reason: str, ledger: str, worker: str) -> bool:
    """Whether a drain with this reason was asked for by the daemon of this ledger, for this worker.

    An address may have passed to another worker: its startd then answers, drained by us, and proves nothing here.
    """
    return reason.startswith(f"elastic:{ledger}:{worker}:")


def column(record: WorkerRecord, machine: Machine | None, inspection: Inspection | None, ledger: str) -> Ad:
    """What HTCondor says of a worker: the startd's own answer where it was asked, else the collector's ad."""
    if inspection is not None and inspection.answered:
        said = _of_drain(inspection.drain, ledger, record.name)
        # Alive, but with an expired token: what the collector does not know gets no job, and is no capacity.
        return Ad.NONE if machine is None and said is Ad.SERVING else said
    if inspection is not None and is_fenced(record):
        return Ad.DRAINED
    if machine is None:
        return Ad.NONE
    if machine.drain is None:
        # The ad lags behind a drain we have asked for: until the startd itself says otherwise it counts as begun.
        return Ad.SERVING if record.drain is None else Ad.DRAINING
    return Ad.FOREIGN if not is_ours(machine.drain.reason, ledger, record.name) else Ad.DRAINING


def is_fenced(record: WorkerRecord) -> bool:
    """Whether the startd was switched off by us after a confirmed drain: its silence is then what we asked for."""
    return record.fence_asked_at is not None and record.drain is not None and record.drain.confirmed_at is not None


def follow(record: WorkerRecord, inspection: Inspection | None, ledger: str, now: float) -> WorkerRecord:
    """The record after the startd's own answer: our drain confirmed, adopted or found lost.

    Unchanged where it was silent.
    """
    if inspection is None or not inspection.answered:
        return record
    seen = inspection.drain
    if seen is None or not is_ours(seen.reason, ledger, record.name):
        return record if record.drain is None else replace(record, drain=None, fence_asked_at=None)
    known = record.drain
    # All three: the text can be copied, and request ids are counted from 1 by each startd.
    same = (
        known is not None
        and known.nonce == seen.reason
        and known.request_id in (None, seen.request_id)
        and known.started in (None, inspection.started)
    )
    asked_at = known.asked_at if known is not None and same else now
    confirmed_at = known.confirmed_at if known is not None and same else None
    drain = Drain(
        nonce=seen.reason,
        asked_at=asked_at,
        request_id=seen.request_id,
        started=inspection.started,
        confirmed_at=(confirmed_at or now) if seen.drained else None,
    )
    return record if drain == known else replace(record, drain=drain)


def foreign(record: WorkerRecord, machine: Machine | None, inspection: Inspection | None, ad: Ad) -> WorkerRecord:
    """The record with the reason of somebody else's drain, for as long as one is seen."""
    if ad is Ad.NONE:
        return record
    seen = inspection.drain if inspection is not None and inspection.answered else machine.drain if machine else None
    why = (seen.reason if seen is not None and seen.reason else "no reason given") if ad is Ad.FOREIGN else ""
    return record if why == record.foreign_drain else replace(record, foreign_drain=why)


def _of_drain(seen: DrainSeen | None, ledger: str, worker: str) -> Ad:
    if seen is None:
        return Ad.SERVING
    if not is_ours(seen.reason, ledger, worker):
        return Ad.FOREIGN
    return Ad.DRAINED if seen.drained else Ad.DRAINING
