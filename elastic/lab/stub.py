"""What the lab's stand-ins for OpenStack services have in common: JSON over HTTP, and limits read from files.

They check no token: whoever reaches the loopback of this machine may ask.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import ClassVar
from urllib.parse import parse_qs, urlsplit

UNLIMITED = -1
LIMITS = "limits.json"


class Stub(BaseHTTPRequestHandler):
    """One request; `projects` is the lab's folder with what is special about projects."""

    protocol_version = "HTTP/1.1"
    projects: ClassVar[Path | None] = None

    def do_GET(self) -> None:
        """Leave it to the service."""
        self.on_get()

    def do_POST(self) -> None:
        """Leave it to the service."""
        self.on_post()

    def do_PUT(self) -> None:
        """Leave it to the service."""
        self.on_put()

    def do_DELETE(self) -> None:
        """Leave it to the service."""
        self.on_delete()

    def on_get(self) -> None:
        """Answer a question."""
        raise NotImplementedError

    def on_post(self) -> None:
        """Make something."""
        raise NotImplementedError

    def on_put(self) -> None:
        """Agree, and forget."""
        self.read()
        self.answer(200, {})

    def on_delete(self) -> None:
        """Delete something."""
        raise NotImplementedError

    def log_message(self, *_: object) -> None:
        """Say nothing: every question of Nova would be a line."""

    def words(self) -> list[str]:
        """The parts of the path."""
        path = urlsplit(self.path).path.removesuffix(".json")
        return [word for word in path.split("/") if word]

    def query(self) -> dict[str, str]:
        """What stands after the question mark; of several values of a name the last."""
        return {name: values[-1] for name, values in parse_qs(urlsplit(self.path).query).items()}

    def read(self) -> object:
        """The JSON that was sent; None where there was none."""
        text = self.rfile.read(int(self.headers.get("Content-Length", "0")))
        return json.loads(text) if text else None

    def answer(self, status: int, content: object) -> None:
        """Send this; None has no body."""
        body = b"" if content is None else json.dumps(content).encode()
        self.send_response(status)
        if content is not None:
            self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def limit(self, project: str, name: str) -> int:
        """How much of something a project may have; UNLIMITED where no file says so."""
        found: Mapping[str, int] = {}
        with suppress(OSError, ValueError):
            found = json.loads((self.projects / project / LIMITS).read_text("utf-8")) if self.projects else {}
        return found.get(name, UNLIMITED)


def serve(stub: type[Stub]) -> int:
    """Serve until killed; the arguments are the port and the folder of projects."""
    stub.projects = Path(sys.argv[2]) if len(sys.argv) > 2 else None  # noqa: PLR2004  the second is optional
    ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), stub).serve_forever()
    return 0
