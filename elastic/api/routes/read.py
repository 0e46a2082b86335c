"""What can be seen: status, groups, workers, ticks, events, and what would be done now."""

import json
from typing import Annotated

from fastapi import APIRouter, Path, Query

from elastic.api import schemas, views
from elastic.api.dependencies import Daemon
from elastic.api.problems import Problem
from elastic.api.service import UnknownName
from elastic.core.lifecycle import Phase

router = APIRouter(prefix="/v1", tags=["read"])

GroupName = Annotated[str, Path(max_length=200, description="A worker group's name.", examples=["small"])]
NO_GROUP: dict[int | str, dict[str, object]] = {404: {"model": Problem, "description": "No such group."}}


@router.get("/status")
def status(daemon: Daemon) -> schemas.StatusOut:
    """How everything is: the daemon, its sources, the queue, every group with its target and its reason."""
    return views.status(daemon.health(), daemon.last(), daemon.memory())


@router.get("/groups")
def groups(daemon: Daemon) -> schemas.GroupsOut:
    """Every worker group, as the newest tick saw it; empty before the first."""
    found = views.groups(daemon.last(), daemon.memory(), daemon.health().now)
    return schemas.GroupsOut(groups=found)


@router.get("/groups/{group}", responses=NO_GROUP)
def group(daemon: Daemon, group: GroupName) -> schemas.GroupOut:
    """One worker group."""
    found = views.groups(daemon.last(), daemon.memory(), daemon.health().now)
    for one in found:
        if one.name == group:
            return one
    raise UnknownName(f"no group {group!r} in the newest tick; known: {', '.join(g.name for g in found) or 'none'}")


@router.get("/workers")
def workers(
    daemon: Daemon,
    group: Annotated[str | None, Query(max_length=200, description="Only this group's.")] = None,
    phase: Annotated[list[Phase] | None, Query(description="Only those in one of these phases.")] = None,
) -> schemas.WorkersOut:
    """Every worker of the newest tick."""
    record, memory = daemon.last(), daemon.memory()
    if record is None:
        return schemas.WorkersOut(workers=[])
    found = [w for g in record.snapshot.groups.values() for w in g.workers]
    chosen = [w for w in found if group in (None, w.group) and (not phase or w.phase in phase)]
    ordered = sorted(chosen, key=lambda w: w.name)
    return schemas.WorkersOut(workers=[views.worker(w, memory, record.snapshot) for w in ordered])


@router.get("/ticks")
def ticks(daemon: Daemon, limit: Annotated[int, Query(ge=1, le=1000)] = 10) -> schemas.TicksOut:
    """The newest tick records, oldest first: what was seen, proposed, decided and done."""
    return schemas.TicksOut(ticks=[json.loads(text) for text in daemon.records(limit)])


@router.get("/events")
def events(
    daemon: Daemon,
    since: Annotated[float | None, Query(description="Only those from this time on.")] = None,
    group: Annotated[str | None, Query(max_length=200, description="Only this group's.")] = None,
    worker: Annotated[str | None, Query(max_length=200, description="Only this worker's.")] = None,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
) -> schemas.EventsOut:
    """The newest `limit` events, oldest first."""
    found = daemon.events(limit, since, group, worker)
    return schemas.EventsOut(events=[views.event(e) for e in found])


@router.get("/plan")
def plan(daemon: Daemon) -> schemas.PlanOut:
    """A dry tick: every source is asked now; what would be done is shown with its reason, and not done."""
    return views.plan(daemon.preview())


@router.get("/overrides")
def overrides(daemon: Daemon) -> list[schemas.OverrideOut]:
    """Every override that has not ended."""
    now = daemon.health().now
    return [views.override(o) for o in daemon.memory().overrides if o.expires_at > now]
