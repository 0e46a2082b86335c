"""What can be done to a worker, as values: each says to which worker and why.

Carrying them out lives in the executor.
"""

from dataclasses import dataclass
from enum import StrEnum


class Proof(StrEnum):
    """Why a server may be deleted without losing a job: the only four ways (promise 1)."""

    DRAINED = "drained"
    BUILDING = "building"
    GONE = "gone"
    FORCED = "forced"


@dataclass(frozen=True, slots=True, kw_only=True)
class Launch:
    """Ask the cloud for one server; `worker` is its name and intent id."""

    group: str
    worker: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DrainWorker:
    """Ask the worker's startd to drain.

    Refused by the startd when anything is claimed, unless `busy` (then gracefully).
    """

    group: str
    worker: str
    nonce: str
    reason: str
    busy: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Resume:
    """Take back our own drain (and fence) of a worker."""

    group: str
    worker: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Delete:
    """Delete one server, on one of the proofs, checked again immediately before."""

    group: str
    worker: str
    proof: Proof
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Adopt:
    """Write down that this listed server is the one an intent of ours asked for."""

    group: str
    worker: str
    server_id: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Forget:
    """Take a worker that is gone out of the fleet, and its last ads out of the collector."""

    group: str
    worker: str
    reason: str


Action = Launch | DrainWorker | Resume | Delete | Adopt | Forget


class Outcome(StrEnum):
    """done = as asked; refused = checked again and not done (kept); failed = the call failed.

    Unsure = no answer, the intent stays.
    """

    DONE = "done"
    REFUSED = "refused"
    FAILED = "failed"
    UNSURE = "unsure"
    DRY = "dry"


@dataclass(frozen=True, slots=True, kw_only=True)
class ActionResult:
    """What became of one action; `error_type` is the name of the typed error, empty when none.

    `retry_after` is for how many seconds the service wants to be left alone.
    """

    action: Action
    outcome: Outcome
    detail: str = ""
    error_type: str = ""
    retry_after: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """Something that was wanted and not done: by which guardrail, in which direction, how many workers, and why."""

    group: str
    guardrail: str
    direction: str
    workers: int
    reason: str
    worker: str = ""


def verb(action: Action) -> str:
    """The action's kind as one lower-case word, as metrics and records name it."""
    match action:
        case Launch():
            return "launch"
        case DrainWorker():
            return "drain"
        case Resume():
            return "resume"
        case Delete():
            return "delete"
        case Adopt():
            return "adopt"
        case Forget():
            return "forget"
