"""Actions on a worker's startd: drain it if it is empty, take that back, put it back after a check that failed."""

from dataclasses import replace
from functools import partial

from elastic.core.actions import Action, ActionResult, DrainWorker, Resume
from elastic.core.memory import Drain, WorkerRecord
from elastic.executor.results import done, ended, refused, said
from elastic.executor.run import Run, Unfit
from elastic.ports import PortError, Refused, Unauthorized


def drain(run: Run, action: DrainWorker) -> ActionResult:
    """Write the nonce down, ask the startd, write down what it answered. Without an answer the nonce stays."""
    record = run.record(action)
    if record.delete_asked_at is not None:
        raise Unfit("its deletion has been asked for")
    if record.fence_asked_at is not None:
        raise Unfit("its startd is switched off by us; it must be resumed first")
    intent = Drain(nonce=action.nonce, asked_at=run.now)
    record = replace(record, drain=intent)
    run.save(record)
    try:
        answer = run.ask(record.name, "drain", partial(run.batch.drain, record, action.nonce, busy=action.busy))
    except Refused as error:
        run.save(replace(record, drain=None))
        return refused(action, str(error) or "busy", error)
    except Unauthorized as error:
        run.save(replace(record, drain=None))
        return ended(action, error)
    run.save(
        replace(record, drain=replace(intent, request_id=answer.request_id, started=answer.started)),
        events=[run.event("draining", record, action.reason)],
    )
    return done(action)


def resume(run: Run, action: Resume) -> ActionResult:
    """Switch the startd on again if we switched it off, cancel our drain, and forget both."""
    record = run.record(action)
    if record.delete_asked_at is not None:
        raise Unfit("its deletion has been asked for")
    foreign = _resume(run, record, action.reason)
    return refused(action, foreign) if foreign else done(action)


def put_back(
    run: Run, action: Action, why: str, error: Exception | None = None, *, pass_over: bool = False
) -> ActionResult:
    """Take back all that was done for a removal, and say why; what cannot be taken back now stays for the next tick.

    With `pass_over` the worker is no victim for a while: it would be drained and put back at each tick, for ever.
    """
    record = run.record(action)
    record = _passed_over(run, record, why) if pass_over else record
    drained = record.drain is not None or record.fence_asked_at is not None
    if not drained and record.delete_asked_at is None:
        return refused(action, why, error)
    try:
        if drained:
            _resume(run, record, why)
        else:
            run.save(_whole(record))
    except PortError as failure:
        if pass_over:
            run.save(record)
        return refused(action, f"{why}; not resumed yet: {said(failure)}", failure)
    return refused(action, why, error)


def _resume(run: Run, record: WorkerRecord, why: str) -> str:
    """Take back what is ours, and forget it; return whose drain stays, if somebody else's does."""
    foreign = ""
    try:
        run.ask(record.name, "resume", partial(run.batch.resume, record))
    except Refused as error:
        foreign = str(error) or "somebody else drains it"
    run.save(_whole(record), events=[run.event("resumed", record, f"{why}; {foreign}" if foreign else why)])
    return foreign


def _passed_over(run: Run, record: WorkerRecord, why: str) -> WorkerRecord:
    """The time doubles with each failure, and begins anew once the last one is longer ago than it can get."""
    spec = run.spec(record.group)
    first, longest = spec.removal_backoff_seconds, spec.removal_backoff_cap_seconds
    again = run.now - record.passed_over_until <= longest
    seconds = min(longest, (record.passed_over_seconds * 2 if again else 0.0) or first)
    return replace(record, passed_over_until=run.now + seconds, passed_over_seconds=seconds, passed_over_reason=why)


def _whole(record: WorkerRecord) -> WorkerRecord:
    return replace(
        record, drain=None, fence_asked_at=None, delete_asked_at=None, delete_begun_at=None, delete_reason=""
    )
