"""What `elastic check` says of a source that does not answer: no name of a class, and the cure that belongs to it."""

from collections.abc import Callable
from types import SimpleNamespace
from typing import cast

import pytest

from elastic.core.memory import WorkerRecord
from elastic.core.observation import Inspection, Machine, Machines
from elastic.core.resources import Resources
from elastic.daemon.checks import CLOUD, CONDOR, Cures, asked, startd
from elastic.ports import (
    Finding,
    Malformed,
    PortError,
    QuotaExceeded,
    Throttled,
    Transient,
    Unauthorized,
    World,
)


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


def machine(worker: str) -> Machine:
    """A startd of this worker."""
    much = Resources(cpus=1, memory_mb=1024, disk_mb=1024)
    return Machine(
        name=f"{worker}@pool", address="<10.0.0.1:9618>", server_id="id", worker=worker, template="t", claimed=False,
        jobs=0, idle_seconds=0.0, started=1, stamp=1, total=much, free=much,
    )  # fmt: skip


class Pool:
    """HTCondor, as far as one worker's startd is asked."""

    def __init__(self, answer: Inspection | PortError) -> None:
        self.answer = answer

    def inspect(self, worker: WorkerRecord) -> Inspection:
        """The answer, whoever is asked."""
        if isinstance(self.answer, PortError):
            raise self.answer
        return self.answer


@pytest.mark.parametrize(
    ("worker", "answer", "seen", "mend"),
    [
        ("small-0a1b2c3d-1", Inspection(answered=True), "small-0a1b2c3d-1@pool answers", ""),
        ("small-0a1b2c3d-1", Inspection(answered=False, error="refused"), "is silent: refused", "check firewalls"),
        ("small-0a1b2c3d-1", Transient("Failed communication"), "no usable answer: Failed", "token folder"),
        ("small-99999999-1", Transient("Failed communication"), "no worker of ours is in the pool now", ""),
    ],
)
def test_one_worker_of_ours_is_asked_and_none_of_another_daemon(
    worker: str, answer: Inspection | PortError, seen: str, mend: str
) -> None:
    world = cast("World", SimpleNamespace(batch=Pool(answer)))
    found = startd(world, Machines(machines=(machine(worker),)), "0a1b2c3d-1111-2222")
    assert found.what == "a worker's startd"
    assert (found.ok, seen in found.seen, mend in found.mend) == (not mend, True, True)
