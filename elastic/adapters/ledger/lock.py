"""The lock that keeps a second daemon off a ledger: a file beside it, flocked while the process lives."""

import fcntl
import json
import os
import socket
from pathlib import Path

from elastic.ports import LedgerError


class LedgerLock:
    """Taken when made, or LedgerError; the kernel lets go of it when the process dies, however it dies."""

    def __init__(self, ledger: Path) -> None:
        """Take the lock of this ledger; raise LedgerError naming who has it."""
        path = _lock_file(ledger)
        try:
            self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        except OSError as error:
            raise LedgerError(f"ledger {ledger} cannot be locked: {_why(path, error)}") from error
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            holder = os.pread(self._file, 4096, 0)
            os.close(self._file)
            raise LedgerError(
                f"ledger {ledger} is in use by {_who(holder)}; stop that daemon, or give this one a ledger of its own"
            ) from error
        os.ftruncate(self._file, 0)
        os.pwrite(self._file, json.dumps({"pid": os.getpid(), "host": socket.gethostname()}).encode(), 0)

    def release(self) -> None:
        """Let go; safe to repeat. The file stays: else two daemons could lock two files of one name."""
        if self._file >= 0:
            os.close(self._file)
            self._file = -1


def holder(ledger: Path) -> str:
    """Who has the lock of this ledger, in words; empty when nobody has. Nothing is made."""
    try:
        file = os.open(_lock_file(ledger), os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return ""
    try:
        fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return _who(os.pread(file, 4096, 0))
    else:
        return ""
    finally:
        os.close(file)


def _lock_file(ledger: Path) -> Path:
    return ledger.with_name(ledger.name + ".lock")


def _who(holder: bytes) -> str:
    try:
        said = json.loads(holder)
        return f"pid {said['pid']} on host {said['host']}"
    except (ValueError, KeyError, TypeError):
        return "another process"


def _why(path: Path, error: OSError) -> str:
    return f"{error.strerror or error} ({path}); let user id {os.geteuid()} write to the folder {path.parent}"
