"""Answers of the interface as tables; each takes decoded JSON and checks it against the interface's own schema."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime

from rich.console import Console
from rich.table import Table

from elastic.api import schemas
from elastic.cli.client import Json
from elastic.cli.options import Output
from elastic.cli.printing import columns, span


def workers(answer: Json) -> Table:
    """One line a worker."""
    found = schemas.WorkersOut.model_validate(answer).workers
    rows = [
        (
            w.name,
            w.group,
            w.phase,
            w.use or ("busy" if w.busy else "idle"),
            "-" if w.cores is None else f"{w.cores:.2f}",
            span(w.idle_seconds),
            span(w.seconds_in_phase),
            _remark(w),
        )
        for w in found
    ]
    return columns(("worker", "group", "phase", "use", "cores", "idle for", "in phase", "remarks"), rows)


def _remark(worker: schemas.WorkerOut) -> str:
    marks = (
        f"protected by {worker.protected_by}" if worker.protected_by else "",
        f"asked: {worker.wish}" if worker.wish else "",
        f"quarantined: {worker.quarantine}" if worker.quarantine else "",
        f"failed: {worker.failure}" if worker.failure else "",
        f"kept: {worker.keep}" if worker.keep else "",
        f"HTCondor and CPU have differed for {span(worker.use_seconds)}" if worker.use_seconds is not None else "",
        f"its leftover process is ignored by {worker.leftover_ignored_by}" if worker.leftover_ignored_by else "",
        f"not proved gone: {worker.proof_missing}" if worker.proof_missing else "",
        "stale" if worker.stale else "",
        "flagged" if worker.flagged else "",
    )
    return "; ".join(mark for mark in marks if mark)


def overrides(answer: Json) -> Table:
    """One line an override."""
    found = [schemas.OverrideOut.model_validate(item) for item in _items(answer)]
    rows = [(o.group, o.kind, o.workers, moment(o.expires_at), o.author, o.reason) for o in found]
    return columns(("group", "kind", "workers", "until", "author", "reason"), rows)


def events(answer: Json) -> Table:
    """One line an event."""
    found = schemas.EventsOut.model_validate(answer).events
    return columns(("at", "kind", "of", "what"), [(moment(e.at), e.kind, e.worker or e.group, e.text) for e in found])


def event_lines(answer: Json, output: Output) -> Iterator[tuple[str, float]]:
    """Events as lines, each with its time."""
    for event in schemas.EventsOut.model_validate(answer).events:
        if output is Output.JSON:
            yield json.dumps(event.model_dump()), event.at
        else:
            yield (
                f"{moment(event.at)}  {event.kind:<12}  {event.worker or event.group or '-':<16}  {event.text}",
                event.at,
            )


def print_plan(console: Console, answer: Json) -> None:
    """What would be done, what would not, and why."""
    plan = schemas.PlanOut.model_validate(answer)
    console.print(f"[bold]at[/] {moment(plan.now)}  [bold]mode[/] {plan.mode}")
    targets = [(name, t.workers, t.reason) for name, t in sorted(plan.targets.items())]
    console.print(columns(("group", "target", "because"), targets))
    if plan.actions:
        actions = [(a.action, a.worker, a.group, a.reason) for a in plan.actions]
        console.print(columns(("would", "worker", "group", "because"), actions))
    else:
        console.print("nothing would be done")
    if plan.refusals:
        refusals = [(r.guardrail, r.direction, r.group, r.workers, r.reason) for r in plan.refusals]
        console.print(columns(("refused by", "to", "group", "workers", "because"), refusals))
    for group, note in plan.notes.items():
        console.print(f"{group}: {note}")
    console.print(f"next look in {span(plan.next_wake - plan.now)}: {plan.wake_reason}")


def moment(at: float) -> str:
    """A time of day in this machine's zone, with the date when it is not today's."""
    local = datetime.fromtimestamp(at, UTC).astimezone()
    today = datetime.now(UTC).astimezone().date()
    return local.strftime("%H:%M:%S" if local.date() == today else "%Y-%m-%d %H:%M:%S")


def _items(answer: Json) -> list[object]:
    items = answer["items"]
    return items if isinstance(items, list) else []
