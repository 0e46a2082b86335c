"""Speak to the lab's own APIs: JSON over HTTP with a token of Keystone; no client library, no proxy."""

from __future__ import annotations

import json
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from elastic.local.errors import LocalError

SECONDS = 60.0
RENEW_SECONDS = 3600.0
_OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))

Json = Any
"""What an API answers with; it is read where it is asked for."""


class Refused(LocalError):
    """An API answered with an error; `status` is its HTTP status, 0 if there was no answer."""

    def __init__(self, text: str, status: int) -> None:
        """Keep the status."""
        super().__init__(text)
        self.status = status


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """One answer: its JSON (None if it had no content) and its headers."""

    content: Json
    headers: Mapping[str, str]


def ask(
    method: str, url: str, body: Json = None, headers: Mapping[str, str] | None = None, *, seconds: float = SECONDS
) -> Answer:
    """Return the answer; raise Refused for every HTTP error, and where nobody answers. Bytes are sent as they are."""
    content = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
    kind = "application/octet-stream" if isinstance(body, bytes) else "application/json"
    request = urllib.request.Request(url, data=content, method=method)  # noqa: S310  an address of the lab
    for name, value in {"Content-Type": kind, "Accept": "application/json", **(headers or {})}.items():
        request.add_header(name, value)
    try:
        with _OPENER.open(request, timeout=seconds) as answer:
            text = answer.read()
            parsed = json.loads(text) if text and "json" in answer.headers.get("Content-Type", "") else None
            return Answer(content=parsed, headers=dict(answer.headers))
    except urllib.error.HTTPError as error:
        with error:
            said = error.read().decode(errors="replace")[:500]
        raise Refused(f"{method} {url}: {error.code} {said}", error.code) from error
    except (OSError, urllib.error.URLError) as error:
        raise Refused(f"{method} {url}: {error}", 0) from error


@dataclass(slots=True)
class Session:
    """One user's calls; the token is asked for when it is first needed, and again after an hour or a 401."""

    keystone: str
    user: str
    password: str
    project: str
    _token: str = field(default="", init=False)
    _since: float = field(default=0.0, init=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, init=False)

    def ask(self, method: str, url: str, body: Json = None, headers: Mapping[str, str] | None = None) -> Json:
        """Return the JSON of the answer; raise Refused."""
        try:
            return ask(method, url, body, {"X-Auth-Token": self._valid(), **(headers or {})}).content
        except Refused as error:
            if error.status != 401:  # noqa: PLR2004  unauthorised
                raise
        return ask(method, url, body, {"X-Auth-Token": self._renewed(), **(headers or {})}).content

    def get(self, url: str) -> Json:
        """GET."""
        return self.ask("GET", url)

    def post(self, url: str, body: Json) -> Json:
        """POST."""
        return self.ask("POST", url, body)

    def _valid(self) -> str:
        with self._lock:
            fresh = self._token and time.monotonic() - self._since < RENEW_SECONDS
        return self._token if fresh else self._renewed()

    def _renewed(self) -> str:
        domain = {"id": "default"}
        identity = {
            "methods": ["password"],
            "password": {"user": {"name": self.user, "password": self.password, "domain": domain}},
        }
        body = {"auth": {"identity": identity, "scope": {"project": {"name": self.project, "domain": domain}}}}
        answer = ask("POST", f"{self.keystone}/auth/tokens", body)
        with self._lock:
            self._token = next(text for name, text in answer.headers.items() if name.lower() == "x-subject-token")
            self._since = time.monotonic()
            return self._token
