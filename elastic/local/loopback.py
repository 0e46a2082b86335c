"""Choose a loopback port for a daemon that must keep it over its restarts."""

from __future__ import annotations

import random
import socket

# Below the range that the kernel hands out for outgoing connections, so that none of those takes the port meanwhile.
FIRST_PORT, LAST_PORT = 20000, 32000
ATTEMPTS = 200


def free_port() -> int:
    """Return a loopback port that nobody listens on right now; a caller that finds it taken all the same asks again."""
    for _ in range(ATTEMPTS):
        port = random.randint(FIRST_PORT, LAST_PORT)  # noqa: S311  not a secret
        if is_free(port):
            return port
    raise OSError(f"no free port between {FIRST_PORT} and {LAST_PORT} on 127.0.0.1 in {ATTEMPTS} attempts")


def is_free(port: int) -> bool:
    """Say whether nobody listens on this loopback port; connections that have just ended do not count."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
