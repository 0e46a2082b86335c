"""Whether the daemon works, for whatever watches it, and its metrics."""

from http import HTTPStatus

from fastapi import APIRouter, Response

from elastic.api.dependencies import Daemon, Measured
from elastic.api.schemas import HealthOut

router = APIRouter(tags=["health"])
UNAVAILABLE: dict[int | str, dict[str, object]] = {503: {"model": HealthOut, "description": "It does not."}}
PROMETHEUS = "text/plain; version=0.0.4; charset=utf-8"


@router.get("/healthz", responses=UNAVAILABLE)
def healthz(daemon: Daemon, response: Response) -> HealthOut:
    """Whether the loop runs; what the world does makes no difference here."""
    reason = daemon.health().unhealthy
    response.status_code = HTTPStatus.SERVICE_UNAVAILABLE if reason else HTTPStatus.OK
    return HealthOut(status="unhealthy" if reason else "ok", detail=reason)


@router.get("/readyz", responses=UNAVAILABLE)
def readyz(daemon: Daemon, response: Response) -> HealthOut:
    """Whether every source has answered at least once; until then the daemon waits and says for what."""
    health = daemon.health()
    reason = health.unhealthy or health.unready
    response.status_code = HTTPStatus.SERVICE_UNAVAILABLE if reason else HTTPStatus.OK
    return HealthOut(status="ok" if not reason else "unhealthy" if health.unhealthy else "waiting", detail=reason)


@router.get("/metrics", response_class=Response, responses={200: {"content": {"text/plain": {}}}})
def metrics(measured: Measured) -> Response:
    """Prometheus metrics."""
    return Response(measured.text(), media_type=PROMETHEUS)
