"""A reverse proxy before the services of a lab that lets calls fail: some by chance, drawn from a seed, some as told.

    with FaultProxy(lab_folder(), seed=7) as proxy:
        clouds = proxy.clouds(tmp_path / "clouds.yaml")   # who uses this one comes through the proxy
        proxy.share = 0.2                                 # from now on a fifth of all calls fails

Every address that a service names in an answer (the catalog, links to next pages) is turned into the proxy's, so that
all calls come this way. Whoever uses the lab's own clouds.yaml is not touched.
"""

import json
import random
import re
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from enum import StrEnum
from http.client import HTTPConnection, HTTPException
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Self

from elastic.lab.folder import LabFolder

UPSTREAM_SECONDS = 120.0
APIS = ("keystone", "nova", "glance", "neutron", "heat", "senlin", "gnocchi", "aodh", "placement")
HOP_BY_HOP = frozenset({"connection", "keep-alive", "transfer-encoding", "content-length", "te", "upgrade", "trailer"})


class Fault(StrEnum):
    """What may become of a call. The first four never reach the service; after the others it has acted."""

    ERROR = "500"
    UNAVAILABLE = "503"
    SILENT = "silence before it acted"
    CLOSED = "closed before it acted"
    LOST = "silence after it acted"
    CUT = "closed after it acted"
    SPOILT = "500 after it acted"


ACTED = frozenset({Fault.LOST, Fault.CUT, Fault.SPOILT})


@dataclass(frozen=True, slots=True)
class Call:
    """One call that came through: its number, what was asked, what became of it (None: what the service said)."""

    number: int
    service: str
    method: str
    path: str
    fault: Fault | None
    status: int = 0


@dataclass(slots=True)
class Order:
    """The next `times` calls like this one fail so; `path` is a regular expression for the end of the path."""

    service: str
    method: str
    path: str
    fault: Fault
    times: int = 1

    def fits(self, service: str, method: str, path: str) -> bool:
        found = re.search(f"{self.path}$", path.partition("?")[0])
        return self.times > 0 and (service, method) == (self.service, self.method) and found is not None


@dataclass
class FaultProxy:
    """Serves until it is left; `share` of the calls fail, by the faults of `kinds` alike, drawn from `seed`.

    A silence lasts `silent_seconds`, which must be longer than the caller waits. Services in `down` are not reached at
    all. `only` limits chance to some services. Everything is in `log`.
    """

    lab: Path
    seed: int = 0
    share: float = 0.0
    silent_seconds: float = 8.0
    kinds: Sequence[Fault] = tuple(Fault)
    down: set[str] = field(default_factory=set)
    only: frozenset[str] = frozenset(APIS)
    orders: list[Order] = field(default_factory=list)
    log: list[Call] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Listen nowhere yet."""
        self._random = random.Random(self.seed)  # noqa: S311 - not a secret
        self._lock = threading.Lock()
        self._over = threading.Event()
        memory = LabFolder(self.lab).memory()
        self._upstream = {name: memory.ports[name] for name in APIS}
        self._servers: dict[str, ThreadingHTTPServer] = {}

    def __enter__(self) -> Self:
        for name in APIS:
            server = ThreadingHTTPServer(
                ("127.0.0.1", 0), type("Handler", (_Handler,), {"proxy": self, "service": name})
            )
            server.daemon_threads = True
            self._servers[name] = server
        for name, server in self._servers.items():
            threading.Thread(target=server.serve_forever, name=f"proxy-{name}", daemon=True, args=(0.1,)).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        for server in self._servers.values():
            server.shutdown()
            server.server_close()
        if error is not None:
            error.add_note(f"the proxy (seed {self.seed}): {self.told()}")

    def port(self, service: str) -> int:
        """Where a service is reached through the proxy."""
        return int(self._servers[service].server_address[1])

    def clouds(self, target: Path) -> Path:
        """Write the lab's clouds.yaml once more, with its way to Keystone through the proxy."""
        target.write_bytes(self.rewritten((self.lab / "clouds.yaml").read_bytes()))
        target.chmod(0o600)
        return target

    def rewritten(self, text: bytes) -> bytes:
        """The same with every address of a service turned into the proxy's."""
        for name, port in self._upstream.items():
            text = text.replace(f"127.0.0.1:{port}".encode(), f"127.0.0.1:{self.port(name)}".encode())
        return text

    def order(self, service: str, method: str, path: str, fault: Fault, times: int = 1) -> None:
        """Let the next calls like this fail."""
        with self._lock:
            self.orders.append(Order(service, method, path, fault, times))

    @contextmanager
    def failing(self, share: float) -> Iterator[None]:
        """Let this share of the calls fail for a while."""
        self.share = share
        try:
            yield
        finally:
            self.share = 0.0

    def failed(self, *faults: Fault) -> Sequence[Call]:
        """The calls that failed, in these ways or in any."""
        return [call for call in list(self.log) if call.fault is not None and call.fault in (faults or Fault)]

    def told(self) -> str:
        """How many calls failed, and how."""
        calls = list(self.log)
        counted = Counter(str(call.fault) for call in calls if call.fault is not None)
        kinds = ", ".join(f"{count} x {name}" for name, count in sorted(counted.items()))
        return f"{counted.total()} of {len(calls)} calls failed: {kinds}"

    # -- for the handlers

    def draw(self, service: str, method: str, path: str) -> Fault | None:
        """What is to become of this call."""
        with self._lock:
            chance, kind = self._random.random(), self._random.choice(self.kinds)
            if service in self.down:
                return Fault.CLOSED
            for order in self.orders:
                if order.fits(service, method, path):
                    order.times -= 1
                    return order.fault
            return kind if service in self.only and chance < self.share else None

    def note(self, service: str, method: str, path: str, fault: Fault | None, status: int) -> None:
        """Write a call down."""
        with self._lock:
            self.log.append(Call(len(self.log), service, method, path, fault, status))

    def be_silent(self) -> None:
        """Say nothing for as long as it takes the caller to give up."""
        self._over.wait(self.silent_seconds)

    def upstream(self, service: str) -> HTTPConnection:
        """A way to the service itself."""
        return HTTPConnection("127.0.0.1", self._upstream[service], timeout=UPSTREAM_SECONDS)

    def write(self, target: Path) -> None:
        """Keep the log as a file, one call a line."""
        rows = ([c.number, c.service, c.method, c.path, c.fault, c.status] for c in list(self.log))
        target.write_text("".join(f"{json.dumps(row)}\n" for row in rows), encoding="utf-8")


class _Handler(BaseHTTPRequestHandler):
    """One request for each connection, whatever its method."""

    protocol_version = "HTTP/1.1"
    timeout = 60
    proxy: FaultProxy
    service: str

    def __getattr__(self, name: str) -> Callable[[], None]:
        """Every method is forwarded alike."""
        if name.startswith("do_"):
            return self._forward
        raise AttributeError(name)

    def handle_one_request(self) -> None:
        with suppress(OSError):
            super().handle_one_request()
        self.close_connection = True

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
        pass

    def _forward(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        fault = self.proxy.draw(self.service, self.command, self.path)
        if fault is not None and fault not in ACTED:
            self._note(fault, 0)
            self._fail(fault)
            return
        try:
            status, headers, answer = self._ask(body)
        except (OSError, HTTPException):
            # The service itself is down: the connection is closed, as it would be.
            self._note(fault, 0)
            return
        self._note(fault, status)
        if fault is None:
            self._answer(status, headers, self.proxy.rewritten(answer))
        else:
            self._fail(fault)

    def _note(self, fault: Fault | None, status: int) -> None:
        self.proxy.note(self.service, self.command, self.path, fault, status)

    def _ask(self, body: bytes) -> tuple[int, Mapping[str, str], bytes]:
        connection = self.proxy.upstream(self.service)
        try:
            kept = {name: text for name, text in self.headers.items() if name.lower() not in HOP_BY_HOP}
            if body:
                kept["Content-Length"] = str(len(body))
            connection.request(self.command, self.path, body or None, {**kept, "Accept-Encoding": "identity"})
            found = connection.getresponse()
            return found.status, dict(found.getheaders()), found.read()
        finally:
            connection.close()

    def _answer(self, status: int, headers: Mapping[str, str], body: bytes) -> None:
        self.send_response(status)
        for name, text in headers.items():
            if name.lower() not in HOP_BY_HOP | {"date", "server"}:
                self.send_header(name, self.proxy.rewritten(text.encode("latin-1")).decode("latin-1"))
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Connection", "close")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def _fail(self, fault: Fault) -> None:
        match fault:
            case Fault.ERROR | Fault.SPOILT:
                self._answer(500, {"Content-Type": "text/plain"}, b"The server has made an error (by the proxy).")
            case Fault.UNAVAILABLE:
                self._answer(503, {"Content-Type": "text/plain"}, b"Service unavailable (by the proxy).")
            case Fault.SILENT | Fault.LOST:
                self.proxy.be_silent()
            case Fault.CLOSED | Fault.CUT:
                pass
