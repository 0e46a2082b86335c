"""What `elastic check` says of a source that does not answer: no name of a class, and the cure that belongs to it."""

from collections.abc import Callable

import pytest

from elastic.daemon.checks import CLOUD, CONDOR, Cures, asked
from elastic.ports import Finding, Malformed, PortError, QuotaExceeded, Throttled, Transient, Unauthorized


def raising(error: Exception) -> Callable[[], str]:
    def ask() -> str:
        raise error

    return ask


@pytest.mark.parametrize(
    ("what", "cures", "error", "seen", "cure"),
    [
        ("servers", CLOUD, Transient("connection refused"), "no usable answer: connection refused", "cloud runs"),
        ("quota", CLOUD, Throttled("429", 30.0), "asks for fewer calls: 429", "cloud runs"),
        ("quota", CLOUD, Unauthorized("401"), "access refused: 401", "credentials that [cloud.options] names"),
        ("servers", CLOUD, Malformed("Cloud x was not found."), "Cloud x was not found.", "mend what the text names"),
        ("quota", CLOUD, QuotaExceeded("cores"), "cores", "cloud runs"),
        ("collector", CONDOR, Transient("silent"), "no usable answer: silent", "address in the settings"),
        ("collector", CONDOR, Unauthorized("denied"), "access refused: denied", "token folder"),
    ],
)
def test_an_error_is_told_in_plain_words_with_its_own_cure(
    what: str, cures: Cures, error: PortError, seen: str, cure: str
) -> None:
    found = asked(what, cures, raising(error))
    assert (found.what, found.ok, found.seen) == (what, False, seen)
    assert cure in found.mend


def test_a_fault_of_ours_is_called_one() -> None:
    found = asked("servers", CLOUD, raising(KeyError("id")))
    assert (found.ok, found.seen, found.mend) == (False, "KeyError: 'id'", "a fault of elastic: report it")


def test_what_was_answered_is_shown() -> None:
    assert asked("servers", CLOUD, lambda: "3 servers") == Finding(what="servers", ok=True, seen="3 servers")
