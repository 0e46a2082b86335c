"""The HTTP server in a thread of its own; the port is bound first, so that a taken one is known at once."""

import socket
import ssl
import threading
import time
from pathlib import Path

import uvicorn
from fastapi import FastAPI

from elastic.ports import ElasticError

START_SECONDS = 10.0
STOP_SECONDS = 2.0
BACKLOG = 64
# More than a dashboard and a scraper need; beyond it a request is answered 503 instead of queueing up.
CONNECTIONS = 100


class PortInUse(ElasticError):
    """Somebody listens there already; the text says where and what to do."""


def bind(host: str, port: int) -> socket.socket:
    """A listening socket; raise PortInUse, or ElasticError for an address this machine does not have."""
    listener = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
        listener.listen(BACKLOG)
    except OSError as error:
        listener.close()
        text = f"cannot listen on {host} port {port}: {error.strerror}; is another elastic running? Set api.port"
        raise PortInUse(text) from error
    return listener


def check_tls(certificate: Path, key: Path) -> None:
    """Raise ElasticError when TLS cannot be had with these two files."""
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(certificate, key)
    except OSError as error:
        raise ElasticError(f"TLS with {certificate} cannot be had: {error}") from error


class Server:
    """Serves one application on a bound socket until stopped."""

    def __init__(self, app: FastAPI, listener: socket.socket, tls: tuple[Path, Path] | None = None) -> None:
        """`tls` are certificate and key."""
        config = uvicorn.Config(
            app,
            ssl_certfile=str(tls[0]) if tls else None,
            ssl_keyfile=str(tls[1]) if tls else None,
            log_config=None,
            access_log=False,
            lifespan="off",
            limit_concurrency=CONNECTIONS,
            timeout_graceful_shutdown=1,
            server_header=False,
        )
        self._server = uvicorn.Server(config)
        self._listener = listener
        self._thread = threading.Thread(target=self._serve, name="elastic-api", daemon=True)

    def start(self) -> None:
        """Return once requests are answered."""
        self._thread.start()
        deadline = time.monotonic() + START_SECONDS
        while not self._server.started:
            if not self._thread.is_alive() or time.monotonic() > deadline:
                raise ElasticError("the HTTP server did not start; the log says why")
            time.sleep(0.01)

    def stop(self) -> None:
        """Answer what is being asked, then stop; after two seconds stop all the same."""
        self._server.should_exit = True
        self._thread.join(STOP_SECONDS)
        self._listener.close()

    def _serve(self) -> None:
        self._server.run(sockets=[self._listener])
