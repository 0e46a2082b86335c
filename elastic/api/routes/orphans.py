"""What belongs to nothing: listed for anybody, removed only on request, with the token."""

from collections.abc import Iterable
from typing import Annotated

from fastapi import APIRouter, Depends, Query
from pydantic import Field

from elastic.api.asked import MAX_SECONDS, Asked, Author
from elastic.api.auth import require_token
from elastic.api.dependencies import Daemon
from elastic.api.problems import Problem
from elastic.api.schemas import Answer
from elastic.core.orphans import LEAST_SECONDS, SAFE_SECONDS, Orphan, OrphansFound, Removed

ERRORS: dict[int | str, dict[str, object]] = {
    401: {"model": Problem, "description": "No token, or not the daemon's."},
    502: {"model": Problem, "description": "The cloud does not answer."},
    503: {"model": Problem, "description": "A tick runs for long; ask again."},
}
READING: dict[int | str, dict[str, object]] = {code: text for code, text in ERRORS.items() if code != 401}  # noqa: PLR2004
router = APIRouter(prefix="/v1", tags=["orphans"])


class OrphanOut(Answer):
    """Something that carries the pool's tag and belongs to nothing here."""

    kind: str = Field(examples=["server"])
    id: str
    name: str
    group: str
    ledger: str
    of_server: str = Field("", description="For a volume or port: the server that it was made for.")
    state: str = Field("", description="In the cloud's own words.")
    age_seconds: float | None
    keep: str = Field("", description="Why it must not be removed; empty when it may be.")


class OrphansOut(Answer):
    """What belongs to nothing; `untold` says what could not be listed."""

    orphans: list[OrphanOut]
    untold: list[str]


class RemovedOut(Answer):
    """What became of the removal of one thing."""

    id: str
    kind: str = ""
    name: str = ""
    done: bool
    text: str


class RemovalsOut(Answer):
    """What became of each, in the order asked for."""

    removals: list[RemovedOut]


class OrphansIn(Asked):
    """What is to be removed of that which belongs to nothing."""

    ids: Annotated[list[str], Field(min_length=1, max_length=1000, description="As `/v1/orphans` names them.")]
    author: Author
    older_than_seconds: float = Field(SAFE_SECONDS, ge=LEAST_SECONDS, le=MAX_SECONDS, description="None younger goes.")


@router.get("/orphans", responses=READING)
def orphans(
    daemon: Daemon,
    older_than_seconds: Annotated[
        float, Query(ge=LEAST_SECONDS, le=MAX_SECONDS, description="Younger ones are kept.")
    ] = SAFE_SECONDS,
) -> OrphansOut:
    """Servers, volumes and ports that carry the pool's tag and belong to nothing; cloud and HTCondor are asked now."""
    return listed(daemon.orphans(older_than_seconds))


@router.post("/orphans/remove", dependencies=[Depends(require_token)], responses=ERRORS)
def remove_orphans(daemon: Daemon, body: OrphansIn) -> RemovalsOut:
    """Remove things that belong to nothing; each is looked at once more, and stays if anything speaks for it."""
    return removals(daemon.remove_orphans(body.ids, body.author, body.older_than_seconds))


def listed(found: OrphansFound) -> OrphansOut:
    """What was found, as it is answered."""
    return OrphansOut(orphans=[_orphan(one) for one in found.orphans], untold=list(found.untold))


def removals(found: Iterable[Removed]) -> RemovalsOut:
    """What became of each, as it is answered."""
    rows = [
        RemovedOut(
            id=one.id,
            kind=one.thing.kind if one.thing else "",
            name=one.thing.name if one.thing else "",
            done=one.done,
            text=one.text,
        )
        for one in found
    ]
    return RemovalsOut(removals=rows)


def _orphan(found: Orphan) -> OrphanOut:
    thing = found.thing
    return OrphanOut(
        kind=thing.kind,
        id=thing.id,
        name=thing.name,
        group=thing.group,
        ledger=thing.ledger or "",
        of_server=thing.of_server or "",
        state=thing.state,
        age_seconds=found.age_seconds,
        keep=found.keep,
    )
