"""Alarms of the cloud's monitoring call here: what they say is noted, and the next tick comes forward."""

import hmac
from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Depends, HTTPException, Path, Query, Request
from fastapi.security import HTTPBasic, HTTPBasicCredentials

from elastic.api import asked, schemas
from elastic.api.dependencies import Daemon
from elastic.api.problems import Problem

REALM = {"WWW-Authenticate": 'Basic realm="alarms"'}
ERRORS: dict[int | str, dict[str, object]] = {
    401: {"model": Problem, "description": "No secret was shown."},
    403: {"model": Problem, "description": "It is another secret, or none is set and no alarm is taken."},
    404: {"model": Problem, "description": "No such group."},
    413: {"model": Problem, "description": "The body is larger than any alarm's."},
}
_basic = HTTPBasic(auto_error=False, scheme_name="alarm secret", description="Any user; the secret as password.")


def require_secret(
    request: Request,
    shown: Annotated[HTTPBasicCredentials | None, Depends(_basic)],
    secret: Annotated[str | None, Query(max_length=500, description="The secret, where none is in the URL.")] = None,
) -> None:
    """Let through only who shows the alarms' secret; compared in constant time."""
    expected: str = request.app.state.alarm_secret
    given = shown.password if shown is not None else secret
    if not given:
        detail = "no secret: write it into the alarm's action, http://elastic:SECRET@HOST:PORT/v1/alarms/aodh/GROUP"
        raise HTTPException(HTTPStatus.UNAUTHORIZED, detail, headers=REALM)
    right = hmac.compare_digest(given.encode(), expected.encode())
    if not expected:
        raise HTTPException(HTTPStatus.FORBIDDEN, "no alarm is taken here: api.alarm_secret is not set")
    if not right:
        raise HTTPException(HTTPStatus.FORBIDDEN, "this is not the alarms' secret")


router = APIRouter(prefix="/v1/alarms", tags=["alarms"], dependencies=[Depends(require_secret)], responses=ERRORS)

GroupName = Annotated[str, Path(max_length=200, description="A worker group's name.", examples=["small"])]


@router.post("/aodh/{group}", status_code=HTTPStatus.ACCEPTED)
def aodh(daemon: Daemon, group: GroupName, body: asked.AodhIn) -> schemas.NudgeOut:
    """Take what an alarm of Aodh says of a group, and look sooner.

    The state that policies read is Aodh's own at that tick: nobody's word here decides anything.
    """
    return schemas.NudgeOut(next_wake=daemon.alarm(group, body.text()))
