"""HTCondor's bindings made safe: tokens noticed when they come, library errors turned into those of the ports."""

import ctypes
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import classad2
import htcondor2

from elastic.ports import PortError, Transient, Unauthorized

DENIED = re.compile(
    r"denied|not authorized|unauthorized|permission|AUTHENTICATE:|SECMAN:20(0[4-9]|1\d).*(authenticat|authoriz)",
    re.IGNORECASE,
)


COLLECTOR = f"collector {os.environ.get('_CONDOR_COLLECTOR_HOST', '')}".strip()
"""What errors call it."""


@contextmanager
def translated(what: str = "") -> Iterator[None]:
    """Raise the port's error instead of the library's; the only place where these are told apart."""
    try:
        yield
    except PortError:
        raise
    except htcondor2.HTCondorException as error:
        text = f"{what}: {error}" if what else str(error)
        raise (Unauthorized(text) if DENIED.search(str(error)) else Transient(text)) from error
    except (classad2.ClassAdException, OSError) as error:
        raise Transient(f"{what}: {error}" if what else str(error)) from error


class Tokens:
    """Makes the bindings read tokens that were written since the last question; they do so only when told."""

    def __init__(self) -> None:
        """The tokens that are there now were read when the bindings were imported."""
        self._folder = Path(os.environ["_CONDOR_SEC_TOKEN_DIRECTORY"])
        self._seen = self._stamp()

    def refresh(self) -> None:
        """Read the folder again if it has changed."""
        stamp = self._stamp()
        if stamp != self._seen:
            htcondor2.reload_config()
            self._seen = stamp

    def _stamp(self) -> int:
        try:
            return self._folder.stat().st_mtime_ns
        except OSError:
            return 0


def give_memory_back() -> None:
    """Return what thousands of ads took: the allocator would keep it for as long as the process lives."""
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)


def location(address: str, kind: str) -> Any:
    """What the bindings need to talk to a daemon of this kind ("Machine", "DaemonMaster", ...) at an address."""
    return classad2.ClassAd(
        {"MyAddress": address, "MyType": kind, "CondorVersion": str(htcondor2.version()), "Name": address}
    )


def ask(address: str, kind: str, ad_type: Any) -> list[Any]:
    """A daemon's own ads, from itself."""
    return list(htcondor2.Collector(location(address, kind)).query(ad_type))


def quoted(text: str) -> str:
    """The text as a ClassAd string."""
    return str(classad2.quote(text))
