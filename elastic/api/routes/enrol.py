"""Where a new server fetches its credentials by its group's secret, and a worker a fresh token by its old one."""

import base64

from fastapi import APIRouter, Request

from elastic.api import asked, schemas
from elastic.api.dependencies import Daemon
from elastic.api.problems import Problem
from elastic.ports import Asking

ERRORS: dict[int | str, dict[str, object]] = {
    401: {"model": Problem, "description": "No such group, or not its secret; or the token is not good."},
    403: {"model": Problem, "description": "The server is no member of the group, or not a new one; or no worker."},
    404: {"model": Problem, "description": "Workers of this pool do not enrol."},
    409: {"model": Problem, "description": "The server has enrolled already."},
    429: {"model": Problem, "description": "Too many were refused at this address; ask again in a minute."},
    502: {"model": Problem, "description": "The cloud does not answer now; ask again."},
    503: {"model": Problem, "description": "The ledger cannot be written now; ask again."},
}
router = APIRouter(prefix="/v1", tags=["enrol"], responses=ERRORS)


@router.post("/enrol")
def enrol(daemon: Daemon, request: Request, body: asked.EnrolIn) -> schemas.EnrolOut:
    """One key and one token for a server that a stack or cluster has just made; each server gets them once."""
    address = request.client.host if request.client else ""
    asking = Asking(group=body.group, server_id=body.server_id, address=address, secret=body.secret, proof=body.proof)
    granted = daemon.enrol(asking)
    return schemas.EnrolOut(
        signing_key_id=granted.signing_key_id,
        signing_key=base64.b64encode(granted.signing_key).decode(),
        token=granted.token,
        own_token=granted.own_token,
    )


@router.post("/enrol/renew")
def renew(daemon: Daemon, request: Request, body: asked.RenewIn) -> schemas.RenewOut:
    """A fresh token for a worker that shows one which is still good, as often as it asks and as long as it is there."""
    return schemas.RenewOut(token=daemon.renew(body.token, request.client.host if request.client else ""))
