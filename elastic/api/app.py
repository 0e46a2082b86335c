"""The interface put together: routes, limits and errors around one Service."""

from fastapi import FastAPI
from starlette.middleware.trustedhost import TrustedHostMiddleware

from elastic import __version__
from elastic.api import problems
from elastic.api.guard import HOSTS, BodyLimit, Counted
from elastic.api.routes import alarms, enrol, health, orphans, read, write
from elastic.api.service import Measurements, Service

DESCRIPTION = """See and steer `elastic`, which keeps the number of HTCondor workers equal to what
the queue needs.

Reading is open to this machine; writing needs the bearer token. Times are seconds since the epoch
unless a name ends in `_seconds`. Errors are problem details (RFC 9457)."""


def create_app(service: Service, *, token: str, metrics: Measurements, alarm_secret: str = "") -> FastAPI:
    """Make the application; `token` must not be empty, or everybody could write. Without a secret no alarm is taken."""
    if not token:
        raise ValueError("the token for writes is empty; put a long random text into the token file")
    app = FastAPI(title="elastic", version=__version__, description=DESCRIPTION, redoc_url=None)
    app.state.service = service
    app.state.token = token
    app.state.alarm_secret = alarm_secret
    app.state.metrics = metrics
    problems.install(app)
    for routes in (health, read, write, orphans, alarms, enrol):
        app.include_router(routes.router)
    app.add_middleware(BodyLimit)
    app.add_middleware(TrustedHostMiddleware, allowed_hosts=list(HOSTS))
    app.add_middleware(Counted, metrics=metrics)
    return app


def create_enrol_app(service: Service, metrics: Measurements, alarm_secret: str = "") -> FastAPI:
    """Make the application that workers and the cloud reach: enrolment and alarms, and no description of it."""
    app = FastAPI(title="elastic", openapi_url=None)
    app.state.service = service
    app.state.alarm_secret = alarm_secret
    problems.install(app)
    for routes in (alarms, enrol):
        app.include_router(routes.router)
    app.add_middleware(BodyLimit)
    app.add_middleware(Counted, metrics=metrics)
    return app
