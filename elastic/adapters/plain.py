"""Errors of the ports in words that an operator reads, and who is asked to mend what."""

from collections.abc import Mapping

from elastic.ports import Conflict, NotFound, PortError, Throttled, Transient, Unauthorized

WORDS: Mapping[type[PortError], str] = {
    Throttled: "asks for fewer calls",
    Unauthorized: "access refused",
    NotFound: "not there",
    Conflict: "busy",
    Transient: "no usable answer",
}
"""What comes before the error's own text; every other error says enough by itself."""


def plainly(error: PortError) -> str:
    """The error in one sentence, without the name of its class."""
    words = next((text for kind, text in WORDS.items() if isinstance(error, kind)), "")
    return f"{words}: {error}" if words else str(error)
