"""Deleting servers: each proof looked at again, in three steps, the last look right before the call."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial

from elastic.core.actions import ActionResult, Delete, Outcome, Proof
from elastic.core.memory import WishKind, WorkerRecord
from elastic.core.observation import Inspection, JobsOnWorkers, Server, ServerStatus
from elastic.executor.drain import put_back
from elastic.executor.results import done, ended, refused, said
from elastic.executor.run import Run, Unfit
from elastic.ports import NotFound, PortError

CONSOLE_LINES = 40


@dataclass(frozen=True, slots=True)
class Begun:
    """A deletion whose first step is done.

    `again` = asked for before, and nothing seen that speaks against it; `deleting` = the cloud is at it already.
    """

    action: Delete
    again: bool = False
    deleting: bool = False


def begin(run: Run, action: Delete) -> Begun | ActionResult:
    """First step: what needs no schedd. A drained worker is seen empty by its own startd, then fenced."""
    record = run.record(action)
    run.spec(record.group)
    if record.server_id is None:
        raise Unfit("it has no server that we know of")
    again = record.delete_asked_at is not None
    if again:
        server = _server(run, record)
        if server is None:
            return done(action, "gone already")
        if server.status is ServerStatus.DELETING:
            return Begun(action, again=True, deleting=True)
    if why := _against(run, action, record):
        return put_back(run, action, why)
    if action.proof is Proof.DRAINED:
        return _fence(run, action, record, again=again)
    return Begun(action, again)


def ask_schedds(run: Run, begun: Sequence[Begun]) -> JobsOnWorkers | None:
    """Second step: every schedd is asked once about all; None when nothing needs it, incomplete when it failed."""
    asked = [b.action for b in begun if not b.deleting and b.action.proof is not Proof.BUILDING]
    records = [run.record(action) for action in asked]
    if not records:
        return None
    machines = tuple(sorted({_machine(record) for record in records}))
    try:
        return run.look("*", "jobs", partial(run.batch.jobs_on, machines))
    except PortError:
        return JobsOnWorkers(jobs={}, complete=False)


def finish(run: Run, begun: Begun, jobs: JobsOnWorkers | None) -> ActionResult:
    """Third step: judge what the schedds say, look once more, write the intent down, delete."""
    record = run.record(begun.action)
    if begun.deleting:
        return _delete(run, begun.action, record)
    match begun.action.proof:
        case Proof.DRAINED:
            return _finish_drained(run, begun, record, jobs)
        case Proof.BUILDING:
            return _finish_building(run, begun, record)
        case Proof.GONE:
            return _finish_gone(run, begun, record, jobs)
        case Proof.FORCED:
            return _finish_forced(run, begun, record, jobs)


def _fence(run: Run, action: Delete, record: WorkerRecord, *, again: bool) -> Begun | ActionResult:
    try:
        seen = run.look(record.name, "inspect", partial(run.batch.inspect, record))
    except PortError as error:
        return _keep(run, action, f"its startd could not be asked: {said(error)}", again=again)
    if again and seen.silent and record.fence_asked_at is not None:
        return Begun(action, again)
    if why := _not_drained_by_us(record, seen):
        return put_back(run, action, why)
    record = replace(record, fence_asked_at=run.now)
    run.save(record)
    try:
        run.ask(record.name, "fence", partial(run.batch.fence, record))
    except PortError as error:
        why = f"its startd could not be switched off: {said(error)}"
        return put_back(run, action, why, error, pass_over=True)
    return Begun(action, again)


def _not_drained_by_us(record: WorkerRecord, seen: Inspection) -> str:
    """Why this answer does not prove our drain complete; empty when it does."""
    mine = record.drain
    if mine is None or mine.request_id is None or mine.started is None:
        return "no drain of ours has been answered"
    if not seen.answered:
        return f"its startd is silent{f': {seen.error}' if seen.error else ''}"
    if seen.claimed:
        return "something is claimed"
    if seen.started != mine.started:
        return "its startd has restarted since the drain"
    if seen.drain is None:
        return "its drain is over"
    if (seen.drain.reason, seen.drain.request_id) != (mine.nonce, mine.request_id):
        return f"another drain is there: {seen.drain.reason}"
    return "" if seen.drain.drained else "it is still draining"


def _finish_drained(run: Run, begun: Begun, record: WorkerRecord, jobs: JobsOnWorkers | None) -> ActionResult:
    if why := _named(jobs, record):
        return _keep(run, begun.action, why, again=begun.again)
    if why := _not_silent(run, record):
        return put_back(run, begun.action, f"switched off, but {why}", pass_over=True)
    return _delete(run, begun.action, record)


def _finish_building(run: Run, begun: Begun, record: WorkerRecord) -> ActionResult:
    server = _server(run, record)
    if server is not None and server.status is ServerStatus.BUILDING:
        return _delete(run, begun.action, record)
    status = server.status.value if server is not None else "not existing"
    return put_back(run, begun.action, f"the cloud no longer says that it is building, but {status}")


def _finish_gone(run: Run, begun: Begun, record: WorkerRecord, jobs: JobsOnWorkers | None) -> ActionResult:
    if why := _named(jobs, record):
        return refused(begun.action, why)
    if record.address and (why := _not_silent(run, record)):
        return put_back(run, begun.action, why)
    return _delete(run, begun.action, replace(record, console=_console(run, record) or record.console))


def _finish_forced(run: Run, begun: Begun, record: WorkerRecord, jobs: JobsOnWorkers | None) -> ActionResult:
    """Name the jobs, switch off what is drained (a startd that is not drained refuses), delete, drop the ads."""
    action = begun.action
    if jobs is None or not jobs.complete:
        return refused(action, "the jobs it would kill cannot be named: not every schedd has answered")
    killed = _jobs(jobs, record)
    text = f"kills {len(killed)} jobs: {', '.join(killed)}" if killed else "kills no job"
    drained = record.drain is not None and record.drain.confirmed_at is not None
    record = replace(record, fence_asked_at=run.now if drained else record.fence_asked_at)
    run.save(record, events=[run.event("forced", record, f"{action.reason}; {text}")])
    try:
        if drained:
            run.ask(record.name, "fence", partial(run.batch.fence, record))
    except PortError as error:
        # A hanging fence owes its answer, and so the deletion waits for the next tick; any other obstacle is overruled.
        text += f"; its startd was not switched off first: {said(error)}"
    result = _delete(run, action, record, text)
    if result.outcome is Outcome.DONE and record.machine:
        # Its ads would attract jobs, and keep it in the fleet, until they expire.
        with suppress(PortError):
            run.ask(record.name, "invalidate", partial(run.batch.invalidate, record))
    return result


def _delete(run: Run, action: Delete, record: WorkerRecord, detail: str = "") -> ActionResult:
    """The intent, then the call, for exactly this server."""
    first = record.delete_asked_at is None
    record = replace(
        record,
        delete_asked_at=run.now,
        delete_begun_at=record.delete_begun_at or record.delete_asked_at or run.now,
        delete_reason=action.reason if first else record.delete_reason,
    )
    text = f"{action.proof.value}: {action.reason}{_last_line(record)}"
    run.save(record, events=[run.event("deleting", record, text)] if first else [])
    call = partial(run.cloud.delete, run.spec(record.group), [record])
    errors: Mapping[str, PortError] = run.ask(record.name, "delete", call)
    error = errors.get(record.name)
    return done(action, detail) if error is None else ended(action, error)


def _last_line(record: WorkerRecord) -> str:
    """The last that the server wrote, where it was kept, for whoever asks why it went."""
    lines = [line.strip() for line in record.console.splitlines() if line.strip()]
    return f"; last on its console: {lines[-1]}" if lines else ""


def _keep(run: Run, action: Delete, why: str, *, again: bool) -> ActionResult:
    """Put back; but what was asked to be deleted before, and is silent, stays as it is until more is known."""
    return refused(action, why) if again else put_back(run, action, why, pass_over=True)


def _against(run: Run, action: Delete, record: WorkerRecord) -> str:
    """What the record says against this proof; empty when nothing. Raise Unfit where only time is missing."""
    if record.protected_by and action.proof is not Proof.FORCED:
        return f"protected by {record.protected_by}"
    match action.proof:
        case Proof.DRAINED:
            return ""
        case Proof.BUILDING:
            return "it has joined" if record.joined_at is not None or record.machine or record.address else ""
        case Proof.GONE:
            if (left := _lease_seconds(run, record)) > 0:
                raise Unfit(f"the lease of jobs that it may have held ends in {left:.0f} s")
            return _alive(record)
        case Proof.FORCED:
            forced = record.wish is not None and record.wish.kind is WishKind.FORCE
            return "" if forced else "nobody has forced it"


def _alive(record: WorkerRecord) -> str:
    """Why a worker cannot be called gone by what is remembered of it; empty when it can."""
    if record.joined_at is not None:
        return "its machine ad is in the collector" if record.vanished_at is None else ""
    return "" if record.failed_at is not None else "its startd may still join"


def _lease_seconds(run: Run, record: WorkerRecord) -> float:
    """How long jobs that the worker may have held are still waiting for it."""
    if record.vanished_at is None:
        return 0.0
    return run.spec(record.group).job_lease_seconds - (run.now - record.vanished_at)


def _server(run: Run, record: WorkerRecord) -> Server | None:
    """The server as the cloud has it now; None when it says that there is none."""
    try:
        return run.look(record.name, "lookup", partial(run.cloud.lookup, record.server_id or ""))
    except NotFound:
        return None


def _not_silent(run: Run, record: WorkerRecord) -> str:
    try:
        seen = run.look(record.name, "inspect", partial(run.batch.inspect, record))
    except PortError as error:
        return f"its startd could not be asked: {said(error)}"
    return "" if seen.silent else "its startd answers"


def _named(jobs: JobsOnWorkers | None, record: WorkerRecord) -> str:
    """Why the schedds' answer does not clear this worker; empty when it does."""
    if jobs is None or not jobs.complete:
        return "not every schedd has answered"
    named = _jobs(jobs, record)
    return f"jobs name it: {', '.join(named[:5])}" if named else ""


def _jobs(jobs: JobsOnWorkers, record: WorkerRecord) -> tuple[str, ...]:
    return jobs.jobs.get(_machine(record), ())


def _machine(record: WorkerRecord) -> str:
    return record.machine or record.name


def _console(run: Run, record: WorkerRecord) -> str:
    try:
        return run.look(record.name, "console", partial(run.cloud.console, record, CONSOLE_LINES))
    except Exception:  # noqa: BLE001 - nice to have; it must not keep a dead server alive
        return ""
