"""What every request passes: a limit on its body, a check of its Host, and the count of it."""

import time
from http import HTTPStatus

from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from elastic.api.problems import problem
from elastic.api.service import Measurements

BODY_LIMIT_BYTES = 16_384
# A page elsewhere that makes its own name resolve to 127.0.0.1 must not read the queue through a browser.
HOSTS = ("127.0.0.1", "localhost", "[::1]", "testserver")


class BodyLimit:
    """Refuses a request whose body is larger than `limit` bytes, said or found."""

    def __init__(self, app: ASGIApp, limit: int = BODY_LIMIT_BYTES) -> None:
        self._app = app
        self._limit = limit

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Read the whole body first, so that nothing is done for one that turns out too large."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        said = Headers(scope=scope).get("content-length", "0")
        body = b"" if said.isdigit() and int(said) <= self._limit else None
        more = body is not None
        while more and body is not None:
            message = await receive()
            body += message.get("body", b"")
            more = message.get("more_body", False)
            body = body if len(body) <= self._limit else None
        if body is None:
            detail = f"the body may have at most {self._limit} bytes"
            await problem(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, detail)(scope, receive, send)
            return
        await self._app(scope, _replay(body, receive), send)


def _replay(body: bytes, receive: Receive) -> Receive:
    """Hand the body out once, then whatever comes (a disconnect)."""
    pending: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def replayed() -> Message:
        return pending.pop() if pending else await receive()

    return replayed


class Counted:
    """Counts requests by route and status, with their duration."""

    def __init__(self, app: ASGIApp, metrics: Measurements) -> None:
        self._app = app
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Note the status on its way out."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        seen = HTTPStatus.INTERNAL_SERVER_ERROR.value

        async def watch(message: Message) -> None:
            nonlocal seen
            if message["type"] == "http.response.start":
                seen = int(message["status"])
            await send(message)

        started = time.perf_counter()
        try:
            await self._app(scope, receive, watch)
        finally:
            route = getattr(Request(scope).scope.get("route"), "path", "(none)")
            self._metrics.answered(_method(scope), route, seen, time.perf_counter() - started)


def _method(scope: Scope) -> str:
    # Anybody can send any word as a method; labels are a closed set.
    method = str(scope["method"])
    return method if method in {"GET", "HEAD", "OPTIONS", "PUT", "POST", "DELETE", "PATCH"} else "(other)"
