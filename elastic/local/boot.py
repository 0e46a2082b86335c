"""What a new server runs before HTCondor starts: ask elastic for this server's own key and token, once.

    python3 elastic-enrol /etc/elastic/enrol.json
    python3 elastic-enrol --renew /etc/elastic/renew.json

The second, run now and then, fetches a fresh token once the one that is there has less than half its life left.

Python's own library only, 3.7 or later: it is copied into user data and runs on stock images as it is.
"""

from __future__ import annotations

import base64
import binascii
import json
import os
import random
import secrets
import ssl
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

# Longer than a restart of the daemon or an outage of Nova; a server that has not joined by then is replaced anyway.
TRY_SECONDS = 3600.0
FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 1.0, 15.0
ANSWER_SECONDS = 90.0
TOO_MANY, SERVER_FAULT = 429, 500


class Refused(Exception):
    """The daemon will not give this server credentials; the text says why."""


def enrolled(wish: dict[str, str], try_seconds: float = TRY_SECONDS) -> dict[str, str]:
    """Return the credentials of `wish["server_id"]`: texts by name; raise Refused when they cannot be had.

    `wish` has url, group, secret, server_id, and perhaps ca (PEM). No answer is asked again, with the same proof that
    it is the same server that asks.
    """
    body = {name: wish[name] for name in ("group", "secret", "server_id")}
    body["proof"] = secrets.token_hex(32)
    deadline = time.monotonic() + try_seconds
    pause = FIRST_PAUSE_SECONDS
    while True:
        try:
            return _asked(wish, "/v1/enrol", body)
        except (OSError, ValueError) as error:
            if isinstance(error, urllib.error.HTTPError) and not _passes(error.code):
                raise Refused(_said(error)) from error
            if time.monotonic() + pause > deadline:
                raise Refused(f"no credentials in {try_seconds:.0f} s: {error}") from error
            _tell(f"{error}; asking again in {pause:.0f} s")
        # A hundred members that were refused at once do not come back at once.
        time.sleep(pause * (0.5 + random.random() / 2))  # noqa: S311  not a secret
        pause = min(2 * pause, LONGEST_PAUSE_SECONDS)


def renewed(wish: dict[str, str], token: str) -> str:
    """Return a fresh token in the place of this one; OSError or ValueError when there is none now."""
    return _asked(wish, "/v1/enrol/renew", {"token": token})["token"]


def due_at(token: str) -> float:
    """Return when half the life of this token is over, in seconds since the epoch; infinite for one without end."""
    payload = token.split(".")[1]
    said = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)).decode())
    return (said["iat"] + said["exp"]) / 2.0 if "exp" in said else float("inf")


def _asked(wish: dict[str, str], path: str, body: dict[str, str]) -> dict[str, str]:
    request = urllib.request.Request(  # noqa: S310  the operator's own address
        wish["url"].rstrip("/") + path,
        data=json.dumps(body).encode(),
        headers={"Content-Type": "application/json"},
    )
    # No proxy: the secret goes to the daemon and to nobody else.
    handlers: list[urllib.request.BaseHandler] = [urllib.request.ProxyHandler({})]
    if wish["url"].startswith("https:"):
        handlers.append(urllib.request.HTTPSHandler(context=ssl.create_default_context(cadata=wish.get("ca") or None)))
    with urllib.request.build_opener(*handlers).open(request, timeout=ANSWER_SECONDS) as answer:
        found = json.loads(answer.read().decode())
    return {str(name): str(value) for name, value in found.items()}


def _passes(status: int) -> bool:
    return status == TOO_MANY or status >= SERVER_FAULT


def _said(error: urllib.error.HTTPError) -> str:
    try:
        return str(json.loads(error.read().decode())["detail"])
    except (OSError, ValueError, KeyError, TypeError):
        return str(error)


def _write(path: Path, content: bytes) -> None:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    partial = path.with_name("." + path.name + ".partial")
    descriptor = os.open(str(partial), os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
    partial.replace(path)


def _tell(text: str) -> None:
    print("elastic-enrol: " + text, file=sys.stderr)  # noqa: T201  the server's console


def main(wish_file: str, folder: str = "/etc/condor") -> int:
    """Write key and tokens below `folder`; 0 when they are there, and the wish with its secret is removed."""
    wanted = Path(folder) / "tokens.d" / "pool"
    if wanted.exists():
        return 0
    try:
        found = enrolled(json.loads(Path(wish_file).read_text(encoding="utf-8")))
        _write(Path(folder) / "passwords.d" / found["signing_key_id"], base64.b64decode(found["signing_key"]))
        _write(Path(folder) / "tokens.d" / "own", found["own_token"].encode())
        # Last: HTCondor is not started before it is there.
        _write(wanted, found["token"].encode())
        Path(wish_file).unlink()
    except (Refused, OSError, ValueError, KeyError, binascii.Error) as error:
        _tell(str(error))
        return 1
    return 0


def renew(wish_file: str, folder: str = "/etc/condor") -> int:
    """Put a fresh token in the place of one that has passed half its life; 0 when nothing is left to do.

    HTCondor reads its tokens each time it shows one, so nobody need be told.
    """
    token = Path(folder) / "tokens.d" / "pool"
    try:
        known = token.read_text(encoding="utf-8").strip()
        if time.time() >= due_at(known):
            wish = json.loads(Path(wish_file).read_text(encoding="utf-8"))
            _write(token, renewed(wish, known).encode())
            _tell("a fresh token")
    except urllib.error.HTTPError as error:
        _tell("no fresh token: " + _said(error))
        return 1
    except (OSError, ValueError, KeyError, IndexError) as error:
        _tell("no fresh token: " + str(error))
        return 1
    return 0


if __name__ == "__main__":
    if sys.argv[1:2] == ["--renew"]:
        sys.exit(renew(*sys.argv[2:]))
    sys.exit(main(*sys.argv[1:]))
