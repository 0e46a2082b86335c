"""Whether anybody listens at a daemon's address, found out in seconds: the bindings would try for a minute."""

import socket

from elastic.ports import Transient

CONNECT_SECONDS = 2.0


class UnreachableError(Transient):
    """No connection could be made."""


class NobodyListensError(UnreachableError):
    """The host is there and says that nothing listens at that port."""


def reach(address: str) -> None:
    """Raise UnreachableError within seconds where nobody listens; behind a connection broker that cannot be told."""
    if "CCBID=" in address:
        return
    host, _, port = address.strip("<>").partition("?")[0].rpartition(":")
    try:
        socket.create_connection((host.strip("[]"), int(port)), CONNECT_SECONDS).close()
    except ConnectionRefusedError as error:
        raise NobodyListensError(f"nobody listens at {host}:{port}") from error
    except (OSError, ValueError) as error:
        raise UnreachableError(f"{host}:{port} cannot be reached: {error}") from error
