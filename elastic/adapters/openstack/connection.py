"""The way to OpenStack's services: one session, made when it is first needed, asked in plain JSON."""

import random
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from http import HTTPStatus
from pathlib import Path
from typing import Any, Literal

from keystoneauth1 import exceptions as ksa
from keystoneauth1.adapter import Adapter
from openstack import exceptions
from openstack.config.loader import OpenStackConfig
from openstack.connection import Connection
from requests import Response

from elastic import __version__
from elastic.adapters.openstack.errors import translated

Json = dict[str, Any]
PAGE = 1000
MICROVERSIONS: Mapping[str, str] = {"compute": "2.64", "clustering": "1.7"}
"""Nova 18 (Rocky) and later: networks "none" (2.37), flavors inside servers (2.47), tags at creation (2.52).
Senlin 5 (Queens) and later: before 1.4 the servers of removed nodes live on, without a word; a profile alone (1.6)."""
SHOWN = (
    "username",
    "user_id",
    "application_credential_id",
    "application_credential_name",
    "project_name",
    "project_id",
)
"""What a login is told by."""
READS = 3
"""How often a question is asked that is not answered: with one call in five failing, one in a hundred stays open."""
PAUSE_SECONDS = 0.2
PASSING = frozenset(
    {
        HTTPStatus.INTERNAL_SERVER_ERROR,
        HTTPStatus.BAD_GATEWAY,
        HTTPStatus.SERVICE_UNAVAILABLE,
        HTTPStatus.GATEWAY_TIMEOUT,
    }
)


class Services:
    """Sends requests to the services of one project; every error is one of the ports'.

    `cloud` names a cloud of clouds.yaml; without it the OS_* variables say where and who. A call gives up after
    `seconds`. A question that fails is asked again within that time, and so is what the caller calls `again`, because
    twice is as good as once; anything else is not, because the next tick knows more. Safe to use from several threads.
    """

    def __init__(
        self,
        cloud: str | None = None,
        region: str | None = None,
        seconds: float = 60.0,
        clouds_file: Path | None = None,
    ) -> None:
        """Ask nobody yet."""
        self._cloud, self._region, self._seconds, self._clouds_file = cloud, region, seconds, clouds_file
        self._made: Connection | None = None
        self._lock = threading.Lock()
        self.calls = 0

    @translated
    def connection(self) -> Connection:
        """The session's connection; Unauthorized or Malformed when what was configured cannot be used."""
        with self._lock:
            if self._made is None:
                files = None if self._clouds_file is None else [str(self._clouds_file)]
                known = OpenStackConfig(
                    config_files=files, load_envvars=self._cloud is None, app_name="elastic", app_version=__version__
                )
                named: Json = {"cloud": self._cloud, "region_name": self._region, "api_timeout": self._seconds}
                chosen = known.get_one(**{name: value for name, value in named.items() if value is not None})
                self._made = Connection(config=chosen)
            return self._made

    def login(self) -> str:
        """As whom requests are made, without any secret; Malformed when that is not configured."""
        said: Json = self.connection().config.config.get("auth") or {}
        shown = (f"{name.replace('_', ' ')} {said[name]}" for name in SHOWN if said.get(name))
        return ", ".join(shown) or "nobody"

    @translated
    def user_id(self) -> str:
        """Keystone's id of whose login this is."""
        return str(self.connection().current_user_id)

    def call(
        self,
        service: str,
        method: Literal["GET", "POST", "PUT", "PATCH", "DELETE"],
        path: str,
        body: Json | None = None,
        query: Mapping[str, str | int] | None = None,
        *,
        again: bool = False,
    ) -> Json:
        """Send one request; the answer's JSON, {} where it has none."""
        return self._sent(service, method, path, body, query or {}, READS if again or method == "GET" else 1)

    def pages(self, service: str, path: str, key: str, **query: str | int) -> Iterator[Json]:
        """Every item of a list once, page by page to its end."""
        query = {"limit": PAGE, **query}
        known: set[str] = set()
        while True:
            answer = self.call(service, "GET", path, query=query)
            found: list[Json] = answer[key]
            # A server that leaves the building phase between two pages stands on both: its date of creation changes.
            fresh = [one for one in found if one["id"] not in known]
            yield from fresh
            known.update(one["id"] for one in fresh)
            # Only that there is a next link counts: behind a proxy its address often names another host. And one is
            # missing where Nova finds a server among those to be placed and among those that are: it drops one of
            # the two, and takes the page for the last because it is short. At most half a page can go that way.
            linked = any(link.get("rel") == "next" for link in answer.get(f"{key}_links", ()))
            if not found or not (linked or (fresh and 2 * len(found) >= PAGE)):
                return
            query["marker"] = found[-1]["id"]

    def close(self) -> None:
        """Give the connections back."""
        with self._lock:
            if self._made is not None:
                self._made.close()
                self._made = None

    @translated
    def _sent(
        self, service: str, method: str, path: str, body: Json | None, query: Mapping[str, str | int], tries: int
    ) -> Json:
        options: dict[str, Any] = {"params": query} if query else {}
        if body is not None:
            options["json"] = body
        answer = self._answer(service, method, path, options, tries)
        exceptions.raise_from_response(answer)
        # What was only accepted is often said in plain text.
        if not answer.content or "json" not in answer.headers.get("Content-Type", ""):
            return {}
        try:
            found: Json = answer.json()
        except ValueError as error:
            raise exceptions.SDKException(f"{method} {path}: the answer is not JSON: {error}") from error
        return found

    def _answer(self, service: str, method: str, path: str, options: Mapping[str, Any], tries: int) -> Response:
        """The answer of a request, which is made anew when it fails; all tries together have `seconds`."""
        if tries > 1:
            options = {**options, "timeout": self._seconds / tries}
        for _ in range(tries - 1):
            with suppress(ksa.ConnectFailure, ksa.ConnectTimeout, ksa.HttpServerError):
                answer = self._asked(service, method, path, options)
                if answer.status_code not in PASSING:
                    return answer
            time.sleep(PAUSE_SECONDS * random.uniform(0.5, 1.5))  # noqa: S311 - not a secret
        return self._asked(service, method, path, options)

    def _asked(self, service: str, method: str, path: str, options: Mapping[str, Any]) -> Response:
        self.calls += 1
        adapter = self._adapter(service)
        return adapter.request(path, method, raise_exc=False, connect_retries=0, status_code_retries=0, **options)

    def _adapter(self, service: str) -> Adapter:
        proxy: Adapter = getattr(self.connection(), service)
        if service in MICROVERSIONS:
            proxy.default_microversion = MICROVERSIONS[service]
        return proxy
