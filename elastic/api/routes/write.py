"""What an operator may ask; every route here needs the token, and what it does is durable when it answers."""

from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query
from fastapi.exceptions import RequestValidationError

from elastic.api import asked, schemas, views
from elastic.api.auth import require_token
from elastic.api.dependencies import Daemon
from elastic.api.problems import Problem
from elastic.api.service import OverrideWish
from elastic.core.override import OverrideKind

ERRORS: dict[int | str, dict[str, object]] = {
    401: {"model": Problem, "description": "No token, or not the daemon's."},
    404: {"model": Problem, "description": "No such group or worker."},
    503: {"model": Problem, "description": "The ledger cannot be written now, or a tick runs for long."},
}
router = APIRouter(prefix="/v1", tags=["write"], dependencies=[Depends(require_token)], responses=ERRORS)

GroupName = Annotated[str, Path(max_length=200, description="A worker group's name, or * for all.", examples=["small"])]
WorkerName = Annotated[str, Path(max_length=200, description="A worker's name.", examples=["small-17"])]
AuthorQuery = Annotated[str, Query(min_length=1, max_length=100, description="Who asks.")]


@router.put("/groups/{group}/override")
def put_override(daemon: Daemon, group: GroupName, body: asked.OverrideIn) -> schemas.OverrideOut:
    """Pin, floor, ceiling or pause a group until a stated time. The operator wins, inside the limits."""
    return views.override(daemon.put_override(_wish(group, body, daemon.health().now)))


@router.put("/groups/{group}/overrides")
def put_overrides(daemon: Daemon, group: GroupName, body: asked.OverridesIn) -> list[schemas.OverrideOut]:
    """Several overrides of a group by one call, in this order: such as a floor for a day and a pin for an hour."""
    now = daemon.health().now
    wishes = [_wish(group, each, now) for each in body.overrides]
    return [views.override(daemon.put_override(wish)) for wish in wishes]


@router.delete("/groups/{group}/override")
def end_override(
    daemon: Daemon,
    group: GroupName,
    kind: Annotated[OverrideKind | None, Query(description="Only this kind; all of them without.")] = None,
) -> list[schemas.OverrideOut]:
    """Take back a group's overrides; answers with those that were there."""
    return [views.override(o) for o in daemon.end_overrides(group, kind)]


@router.post("/groups/{group}/breaker/reset")
def reset_breaker(daemon: Daemon, group: GroupName, body: asked.Asker) -> schemas.Done:
    """Close a group's breaker: its failed boots are forgotten, and it may boot as wanted."""
    daemon.reset_breaker(group, body.author, body.reason)
    return schemas.Done(text=f"the breaker of {group} is closed")


@router.post("/groups/{group}/shrink")
def allow_shrink(daemon: Daemon, group: GroupName, body: asked.Asker) -> schemas.Done:
    """Let a group shrink again after a server vanished in place of the one that was asked for."""
    daemon.allow_shrink(group, body.author, body.reason)
    return schemas.Done(text=f"{group} may shrink again")


@router.put("/workers/{worker}/protect")
def protect(daemon: Daemon, worker: WorkerName, body: asked.Asker) -> schemas.Done:
    """Keep this worker whatever the target is."""
    daemon.protect(worker, body.author)
    return schemas.Done(text=f"{worker} is protected by {body.author}")


@router.delete("/workers/{worker}/protect")
def unprotect(daemon: Daemon, worker: WorkerName, author: AuthorQuery) -> schemas.Done:
    """Take a protection back."""
    daemon.unprotect(worker, author)
    return schemas.Done(text=f"{worker} is no longer protected")


@router.put("/workers/{worker}/leftover")
def ignore_leftover(daemon: Daemon, worker: WorkerName, body: asked.Asker) -> schemas.Done:
    """Ignore what computes on this worker now although HTCondor says idle: it counts as free, and may be removed.

    It holds until that load ends; a later one is looked at anew.
    """
    daemon.excuse(worker, body.author, body.reason)
    return schemas.Done(text=f"the leftover process of {worker} is ignored")


@router.delete("/workers/{worker}/leftover")
def heed_leftover(daemon: Daemon, worker: WorkerName, author: AuthorQuery) -> schemas.Done:
    """Keep this worker again while something computes there."""
    daemon.heed(worker, author)
    return schemas.Done(text=f"the leftover process of {worker} is heeded")


@router.post("/workers/{worker}/drain")
def drain(daemon: Daemon, worker: WorkerName, body: asked.DrainIn) -> schemas.DrainOut:
    """Ask that a worker leave: when empty, after its jobs, or (force) now.

    A force first answers with the jobs that it would kill (`accepted` false); ask again with `confirm`.
    """
    answer = daemon.drain(worker, body.kind, body.author, body.reason, confirm=body.confirm)
    return schemas.DrainOut(
        worker=answer.worker,
        kind=answer.kind,
        accepted=answer.accepted,
        jobs=list(answer.jobs),
        text=answer.text,
    )


@router.delete("/workers/{worker}/drain")
def keep(daemon: Daemon, worker: WorkerName, author: AuthorQuery) -> schemas.Done:
    """Take back the wish that a worker leave; a drain that has begun is resumed at the next tick."""
    daemon.keep(worker, author)
    return schemas.Done(text=f"{worker} may stay")


@router.post("/go")
def go(daemon: Daemon, body: asked.Asker) -> schemas.Done:
    """From observe to act: what is decided is done from the next tick on."""
    daemon.go(body.author)
    return schemas.Done(text="mode is act")


@router.post("/adopt")
def adopt(daemon: Daemon, body: asked.AdoptIn) -> schemas.Done:
    """Take over the servers that another ledger asked for; until then they block every action."""
    daemon.adopt(body.ledger, body.author)
    return schemas.Done(text=f"the servers of ledger {body.ledger} are ours from the next tick on")


@router.post("/tick")
def tick(daemon: Daemon, body: asked.Asker) -> schemas.NudgeOut:
    """Bring the next tick forward; ticks are never closer than a few seconds."""
    return schemas.NudgeOut(next_wake=daemon.nudge(f"asked by {body.author}"))


def _wish(group: str, body: asked.OverrideIn, now: float) -> OverrideWish:
    """The override that was asked for."""
    return OverrideWish(
        group=group,
        kind=body.kind,
        workers=body.workers,
        author=body.author,
        reason=body.reason,
        expires_at=_expiry(body, now),
    )


def _expiry(body: asked.OverrideIn, now: float) -> float:
    """When it ends; raise RequestValidationError for a time that is past, or too far away."""
    expiry = body.expires_at or now + (body.expires_in_seconds or 0)
    if not now < expiry <= now + asked.MAX_SECONDS:
        what = f"must be after now ({now:.0f}) and within 30 days"
        raise RequestValidationError([{"loc": ("body", "expires_at"), "msg": what, "type": "value_error"}])
    return expiry
