"""The bearer token for writes: a file that only its owner can read, made on first use."""

import os
import secrets
from contextlib import suppress
from pathlib import Path

from elastic.ports import ElasticError

MIN_LENGTH = 16


class TokenError(ElasticError):
    """The token file cannot be used; the text says why."""


def read_or_make(path: Path) -> str:
    """The token in this file; a new random one if there is no file yet."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.exists():
            _make(path)
        return _read(path)
    except OSError as error:
        raise TokenError(f"token file {path}: {error.strerror or error}; make its folder writable") from error


def read(path: Path) -> str:
    """The secret in this file, which must be there."""
    try:
        return _read(path)
    except OSError as error:
        raise TokenError(f"secret file {path}: {error.strerror or error}") from error


def _make(path: Path) -> None:
    """Let a new token appear whole or not at all, whoever is killed meanwhile; one that is there already stays."""
    partial = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write(secrets.token_urlsafe(32) + "\n")
    with suppress(FileExistsError):
        os.link(partial, path)
    partial.unlink()


def _read(path: Path) -> str:
    if path.stat().st_mode & 0o077:
        raise TokenError(f"token file {path} can be read by others; chmod 600 {path}")
    token = path.read_text(encoding="utf-8").strip()
    if len(token) < MIN_LENGTH:
        raise TokenError(f"token file {path} holds less than {MIN_LENGTH} characters; delete it for a new one")
    return token
