"""The page that `elastic status` shows, once or again and again."""

import json
import sys
import time
from collections.abc import Callable
from typing import NoReturn

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.text import Text

from elastic.api import schemas
from elastic.cli.client import Json
from elastic.cli.errors import CommandError
from elastic.cli.printing import columns, span
from elastic.cli.tables import moment
from elastic.core.observation import AlarmState

LATE_SECONDS = 10.0
"""A tick that waits for daemons and clouds takes seconds; what is later than that is said."""
STATE_STYLES = {"ok": "green", "waiting": "yellow", "unhealthy": "red"}


def page(answer: Json) -> RenderableType:
    """Head, sources, queue, groups, what is unserved, overrides."""
    status = schemas.StatusOut.model_validate(answer)
    parts: list[RenderableType] = [_head(status), *_trust(status), Text(), _groups(status)]
    if status.queue:
        parts += [Text(), _queue(status.queue)]
        if status.queue.unserved:
            rows = [(u.jobs, u.cause, u.reason) for u in status.queue.unserved]
            parts += [columns(("jobs not served", "cause", "because"), rows)]
    if status.strays:
        seen = [(s.kind, s.name, s.server_id, s.group, s.ledger) for s in status.strays]
        parts += [Text(), columns(("not touched", "name", "server", "group", "ledger"), seen)]
    if status.overrides:
        held = [
            (o.group, o.kind, o.workers, span(o.expires_at - status.now), o.author, o.reason) for o in status.overrides
        ]
        parts += [Text(), columns(("override", "kind", "workers", "ends in", "author", "reason"), held)]
    return Group(*parts)


def watch(read: Callable[[], Json], every_seconds: float) -> NoReturn:
    """Show the page anew every few seconds until Ctrl-C; an unreachable daemon is said and tried again.

    Where there is no terminal each page follows the one before.
    """
    console = Console()
    if not console.is_terminal:
        while True:
            console.print(_page(read))
            console.file.flush()
            time.sleep(every_seconds)
    with Live(Text("asking ..."), console=console, screen=False, auto_refresh=False) as live:
        while True:
            live.update(_page(read), refresh=True)
            time.sleep(every_seconds)


def _page(read: Callable[[], Json]) -> RenderableType:
    try:
        return page(read())
    except CommandError as error:
        return Text(str(error), style="red")


def watch_lines(read: Callable[[], Json], every_seconds: float) -> NoReturn:
    """Print the answer as one line of JSON every few seconds until Ctrl-C; what fails is said on standard error."""
    while True:
        try:
            print(json.dumps(read()), flush=True)
        except CommandError as error:
            print(f"elastic: {error}", file=sys.stderr, flush=True)
        time.sleep(every_seconds)


def _head(status: schemas.StatusOut) -> Text:
    text = Text()
    text.append(f"{status.state}", style=STATE_STYLES.get(status.state, "bold"))
    text.append(f"  pool {status.pool}  mode {status.mode}  world {status.world}  elastic {status.version}")
    if status.detail:
        text.append(f"\n{status.detail}", style="yellow")
    if status.last_error:
        text.append(f"\nlast error: {status.last_error}", style="red")
    if status.tick is not None and status.last_tick_at is not None:
        ago, ahead = span(status.now - status.last_tick_at), status.next_wake - status.now
        text.append(f"\ntick {status.tick} {ago} ago, ")
        if ahead < -LATE_SECONDS:
            text.append(f"the next one has not ended {span(-ahead)} after it was due", style="yellow")
        else:
            text.append(f"next in {span(max(0.0, ahead))}: {status.wake_reason}")
    return text


def _trust(status: schemas.StatusOut) -> list[RenderableType]:
    lines: list[RenderableType] = []
    for what, reason in (("act", status.trust.act), ("grow", status.trust.grow), ("shrink", status.trust.shrink)):
        if reason:
            lines.append(Text(f"may not {what}: {reason}", style="yellow"))
    lines.extend(
        Text(f"{source.source} {_silence(source, status.now)}: {source.error}", style="red")
        for source in status.sources
        if not source.ok
    )
    return lines


def _silence(source: schemas.SourceOut, now: float) -> str:
    """For how long it has not answered; an answer that there was is older than this tick."""
    if not source.age_seconds:
        return "has not answered yet"
    return f"does not answer (last answer {span(source.age_seconds)} ago, since {moment(now - source.age_seconds)})"


def _queue(queue: schemas.QueueOut) -> Text:
    parts = [f"queue: {queue.idle_jobs} idle, {queue.running_jobs} running, {queue.held_jobs} held"]
    if queue.placed_elsewhere:
        parts.append(f"{queue.placed_elsewhere} have room on machines that are not ours")
    others = ", ".join(f"{number} {universe}" for universe, number in queue.other_universes.items() if number)
    if others:
        parts.append(f"not answered: {others}")
    return Text("; ".join(parts))


def _groups(status: schemas.StatusOut) -> RenderableType:
    rows = [
        (
            group.name,
            f"{group.minimum}..{group.maximum}",
            group.target.workers if group.target else "-",
            " ".join(f"{number} {phase}" for phase, number in group.phases.items()) or "none",
            group.busy,
            f"{group.demand.running_jobs}/{group.demand.placed_jobs}/{group.demand.unmet_jobs}",
        )
        for group in status.groups
    ]
    names = ("group", "limits", "target", "workers", "busy", "jobs run/placed/unmet")
    reasons = [Text(f"{group.name}: {_why(group)}") for group in status.groups]
    return Group(columns(names, rows), Text(), *reasons)


def _raised(group: schemas.GroupOut) -> str:
    return ", ".join(alarm.name for alarm in group.alarms if alarm.state is AlarmState.ALARM)


def _why(group: schemas.GroupOut) -> str:
    reason = group.note or (group.target.reason if group.target else "no target")
    parts = [
        reason,
        group.schedule if group.schedule not in reason else "",
        f"breaker {group.breaker.state}: {group.breaker.reason}" if group.breaker.state != "closed" else "",
        f"backoff: {group.backoff_reason}" if group.backoff_reason else "",
        f"{group.quarantined} quarantined" if group.quarantined else "",
        f"mean CPU {group.load:.0%}" if group.load is not None else "",
        f"{group.leftover} with a leftover process" if group.leftover else "",
        f"{group.stalled} stalled (busy without CPU load)" if group.stalled else "",
        f"alarms raised: {raised}" if (raised := _raised(group)) else "",
        f"deleted for more than ten minutes: {', '.join(group.overdue_deletions)}" if group.overdue_deletions else "",
    ]
    return "; ".join(part for part in parts if part)
