"""The way to OpenStack's services: one session, made when it is first needed, asked in plain JSON."""

import threading
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Literal

from keystoneauth1.adapter import Adapter
from openstack import exceptions
from openstack.config.loader import OpenStackConfig
from openstack.connection import Connection

from elastic import __version__
from elastic.adapters.openstack.errors import translated

Json = dict[str, Any]
PAGE = 1000
COMPUTE_VERSION = "2.64"
"""Nova 18 (Rocky) and later: networks "none" (2.37), flavors inside servers (2.47), tags at creation (2.52)."""


class Services:
    """Sends requests to the services of one project; every error is one of the ports'.

    `cloud` names a cloud of clouds.yaml; without it the OS_* variables say where and who. A call gives up after
    `seconds`; nothing is repeated here, because the next tick knows more. Safe to use from several threads.
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

    def call(
        self,
        service: str,
        method: Literal["GET", "POST", "PUT", "PATCH", "DELETE"],
        path: str,
        body: Json | None = None,
        query: Mapping[str, str | int] | None = None,
    ) -> Json:
        """Send one request; the answer's JSON, {} where it has none."""
        return self._sent(self._adapter(service), method, path, body, query or {})

    def pages(self, service: str, path: str, key: str, **query: str | int) -> Iterator[Json]:
        """Every item of a list, page by page to its end."""
        query = {"limit": PAGE, **query}
        while True:
            answer = self.call(service, "GET", path, query=query)
            found: list[Json] = answer[key]
            yield from found
            # Only that there is a next link counts: behind a proxy its address often names another host.
            if not found or not any(link.get("rel") == "next" for link in answer.get(f"{key}_links", ())):
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
        self, adapter: Adapter, method: str, path: str, body: Json | None, query: Mapping[str, str | int]
    ) -> Json:
        self.calls += 1
        options: dict[str, Any] = {"params": query} if query else {}
        if body is not None:
            options["json"] = body
        answer = adapter.request(path, method, raise_exc=False, connect_retries=0, status_code_retries=0, **options)
        exceptions.raise_from_response(answer)
        # What was only accepted is often said in plain text.
        if not answer.content or "json" not in answer.headers.get("Content-Type", ""):
            return {}
        try:
            found: Json = answer.json()
        except ValueError as error:
            raise exceptions.SDKException(f"{method} {path}: the answer is not JSON: {error}") from error
        return found

    def _adapter(self, service: str) -> Adapter:
        proxy: Adapter = getattr(self.connection(), service)
        if service == "compute":
            proxy.default_microversion = COMPUTE_VERSION
        return proxy
