"""What stands in for Neutron: no network at all, said in Neutron's words, so that Nova and Heat can ask.

python -m elastic.lab.neutron PORT
"""

from __future__ import annotations

import json
import sys
import uuid
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import ClassVar

# One for each project that asks, always the same.
NAMESPACE = uuid.UUID("9f1c1e7e-4c0e-4d6b-8b39-5d1d4f2f8a10")
QUOTAS = ("floatingip", "network", "port", "router", "security_group", "security_group_rule", "subnet")


class Stub(BaseHTTPRequestHandler):
    """Versions, empty lists, one default security group, unlimited quotas; what is made is forgotten."""

    protocol_version = "HTTP/1.1"
    extensions: ClassVar[list[str]] = ["security-group", "quotas", "external-net", "router"]

    def do_GET(self) -> None:
        """Answer a question."""
        words = self._words()
        if not words:
            self._answer(200, {"versions": [self._version()]})
        elif len(words) == 1:
            self._answer(200, {"resources": [], "version": self._version()})
        elif words[1] == "extensions":
            self._answer(200, {"extensions": [{"alias": alias, "name": alias} for alias in self.extensions]})
        elif words[1] == "quotas":
            self._answer(200, {"quota": dict.fromkeys(QUOTAS, -1)})
        elif len(words) > 2:  # noqa: PLR2004  a collection, and one member of it
            self._answer(404, {"NeutronError": {"type": "NotFound", "message": f"no {words[1]} here", "detail": ""}})
        else:
            name = words[1].replace("-", "_")
            self._answer(200, {name: [_default_group()] if name == "security_groups" else []})

    def do_DELETE(self) -> None:
        """Forget what was never there."""
        self._answer(204, None)

    def do_POST(self) -> None:
        """Refuse to make networks: a test that needs them needs a real Neutron."""
        self._read()
        message = "the lab has no network: boot servers with networks 'none'"
        self._answer(409, {"NeutronError": {"type": "Conflict", "message": message, "detail": ""}})

    def do_PUT(self) -> None:
        """Agree, and forget."""
        self._read()
        self._answer(200, {})

    def log_message(self, *_: object) -> None:
        """Say nothing: every question of Nova would be a line."""

    def _words(self) -> list[str]:
        path = self.path.partition("?")[0].removesuffix(".json")
        return [word for word in path.split("/") if word]

    def _version(self) -> dict[str, object]:
        host = self.headers.get("Host", "127.0.0.1")
        return {"id": "v2.0", "status": "CURRENT", "links": [{"rel": "self", "href": f"http://{host}/v2.0/"}]}

    def _read(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length", "0")))

    def _answer(self, status: int, content: object) -> None:
        body = b"" if content is None else json.dumps(content).encode()
        self.send_response(status)
        if content is not None:
            self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def _default_group() -> dict[str, object]:
    return {
        "id": str(uuid.uuid5(NAMESPACE, "default")),
        "name": "default",
        "description": "",
        "project_id": "",
        "tenant_id": "",
        "security_group_rules": [],
    }


def main() -> int:
    """Serve until killed."""
    ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Stub).serve_forever()
    return 0


if __name__ == "__main__":
    sys.exit(main())
