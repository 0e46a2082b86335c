"""Actions on the fleet as it is remembered: launch, adopt, forget."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial

from elastic.core.actions import ActionResult, Adopt, Forget, Launch, Outcome
from elastic.core.fleet import number_of
from elastic.core.memory import Event, WorkerRecord
from elastic.core.model import GroupSpec
from elastic.executor.results import done, ended, refused, said
from elastic.executor.run import Run, Unfit
from elastic.ports import (
    Created,
    Malformed,
    NoCapacity,
    NotFound,
    PortError,
    QuotaExceeded,
    Throttled,
    Unauthorized,
    Unsent,
)

NO_SERVER = (QuotaExceeded, NoCapacity, Malformed, Unauthorized, Throttled, Unsent)
"""Errors that prove that no server was made: the intent is taken back at once. After any other it stays."""


def launch(run: Run, group: str, actions: Sequence[Launch], sequence: int) -> tuple[ActionResult, ...]:
    """Write down all servers that are wanted, ask for them in one call, write down their ids."""
    results = {a.worker: refused(a, why) for a in actions if (why := _unlaunchable(run, a))}
    begun = [a for a in actions if a.worker not in results]
    try:
        if begun:
            results |= _launch(run, run.spec(group), begun, sequence)
    except Exception as error:  # noqa: BLE001 - the results carry it; the caller logs it
        results |= {a.worker: ended(a, error) for a in begun}
    return tuple(results[a.worker] for a in actions)


def adopt(run: Run, action: Adopt) -> ActionResult:
    """Write down that this server is ours: an intent's, or one that the operator took over from another ledger."""
    known = run.known(action.worker)
    if known is not None and known.server_id is not None:
        if known.server_id == action.server_id:
            return done(action, "known already")
        raise Unfit(f"it has a server already: {known.server_id}")
    if owner := run.owner(action.server_id):
        raise Unfit(f"the server belongs to {owner}")
    record = known or WorkerRecord(name=action.worker, group=action.group, requested_at=run.now)
    run.save(
        replace(record, server_id=action.server_id),
        events=[run.event("adopted", record, f"server {action.server_id}: {action.reason}")],
        # The name may be a new one: its number must not be given again.
        sequence=number_of(action.worker) or None,
    )
    return done(action)


def forget(run: Run, action: Forget) -> ActionResult:
    """Take a worker that is gone out of the fleet; its ads go first, or time out by themselves."""
    record = run.record(action)
    if record.server_id is not None:
        _must_be_gone(run, record, record.server_id)
    ads = ""
    if record.machine:
        try:
            run.ask(record.name, "invalidate", partial(run.batch.invalidate, record))
        except PortError as error:
            ads = f"its ads stay until they expire ({said(error)})"
    run.save(forgotten=[record.name], events=[run.event("gone", record, action.reason)])
    return done(action, ads)


def _must_be_gone(run: Run, record: WorkerRecord, server_id: str) -> None:
    try:
        server = run.look(record.name, "lookup", partial(run.cloud.lookup, server_id))
    except NotFound:
        return
    raise Unfit(f"the cloud still has its server, {server.status.value}")


def _unlaunchable(run: Run, action: Launch) -> str:
    known = run.known(action.worker)
    if known is not None and known.server_id is not None:
        return f"it has a server already: {known.server_id}"
    if known is not None and known.delete_asked_at is not None:
        return "its deletion has been asked for"
    return run.obstacle(action)


def _launch(run: Run, spec: GroupSpec, actions: Sequence[Launch], sequence: int) -> dict[str, ActionResult]:
    wanted = [_intent(run, action) for action in actions]
    run.save(*wanted, sequence=sequence)
    names = [record.name for record in wanted]
    try:
        answers = run.ask_for_all(names, "create", partial(run.cloud.create, spec, wanted))
    except PortError as error:
        answers = [Created(worker=name, error=error) for name in names]
    by_name = {answer.worker: answer for answer in answers}
    made: list[WorkerRecord] = []
    unmade: list[str] = []
    events: list[Event] = []
    results: dict[str, ActionResult] = {}
    for action, record in zip(actions, wanted, strict=True):
        owned = {r.server_id: r.name for r in made}
        result, server_id = _outcome(run, action, by_name.get(record.name), owned)
        results[record.name] = result
        if server_id is not None:
            made.append(replace(record, server_id=server_id))
            events.append(run.event("launched", record, f"server {server_id}: {action.reason}"))
        elif result.outcome is Outcome.FAILED:
            unmade.append(record.name)
            events.append(run.event("launch_failed", record, f"{result.error_type}: {result.detail}"))
    run.save(*made, forgotten=unmade, events=events)
    return results


def _intent(run: Run, action: Launch) -> WorkerRecord:
    known = run.known(action.worker)
    return known or WorkerRecord(name=action.worker, group=action.group, requested_at=run.now)


def _outcome(
    run: Run, action: Launch, answer: Created | None, owned: Mapping[str | None, str]
) -> tuple[ActionResult, str | None]:
    """The result and the new server's id; FAILED only when it is proved that there is no server."""
    unsure = partial(ActionResult, action=action, outcome=Outcome.UNSURE)
    if answer is None:
        return unsure(detail="the cloud did not say what became of it"), None
    if answer.error is not None:
        if isinstance(answer.error, NO_SERVER):
            return ended(action, answer.error), None
        return unsure(detail=str(answer.error), error_type=type(answer.error).__name__), None
    if answer.server_id is None:
        return unsure(detail="the cloud answered without a server id"), None
    if owner := owned.get(answer.server_id) or run.owner(answer.server_id):
        return unsure(detail=f"the cloud answered with the server of {owner}"), None
    return done(action), answer.server_id
