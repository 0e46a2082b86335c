"""What can go wrong with a port call, scripted or by chance; what goes wrong in the world is in `mishaps`."""

from collections import Counter
from dataclasses import dataclass
from enum import StrEnum
from fnmatch import fnmatchcase

from elastic.ports import (
    Conflict,
    Malformed,
    NoCapacity,
    PortError,
    QuotaExceeded,
    Throttled,
    Transient,
    Unauthorized,
)
from elastic_simulations.draws import Draws
from elastic_simulations.timeline import Timeline


class Call(StrEnum):
    """Every call of a port, and of the policies and the ledger, by the name that a fault gives."""

    MACHINES = "machines"
    QUEUE = "queue"
    NEGOTIATION = "negotiation"
    ATTEMPTS = "attempts"
    JOBS_ON = "jobs_on"
    INSPECT = "inspect"
    DRAIN = "drain"
    RESUME = "resume"
    FENCE = "fence"
    INVALIDATE = "invalidate"
    SERVERS = "servers"
    LOOKUP = "lookup"
    QUOTAS = "quotas"
    CREATE = "create"
    DELETE = "delete"
    CONSOLE = "console"
    LOAD = "load"
    POLICY = "policy"
    LEDGER = "ledger"


ERRORS: dict[str, type[PortError]] = {
    "transient": Transient,
    "throttled": Throttled,
    "unauthorized": Unauthorized,
    "quota": QuotaExceeded,
    "no_capacity": NoCapacity,
    "conflict": Conflict,
    "malformed": Malformed,
}
"""The errors that a call may fail with, by the name that a fault gives."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CallFault:
    """A call fails between two times (seconds since the epoch) for targets (worker or server id) like a glob.

    `acted`: the call took effect before its answer was lost. `times` bounds how often (None = always).
    """

    call: Call
    error: str = "transient"
    start: float = 0.0
    end: float = float("inf")
    target: str = "*"
    acted: bool = False
    times: int | None = None
    probability: float = 1.0
    message: str = ""


class Faults:
    """All faults of calls, and what struck so far."""

    def __init__(self, timeline: Timeline, draws: Draws) -> None:
        """No faults."""
        self.struck: list[tuple[float, Call, str, str]] = []
        self._timeline, self._draws = timeline, draws
        self._faults: list[CallFault] = []
        self._used: Counter[int] = Counter()
        self._calls: Counter[tuple[Call, str, bool]] = Counter()

    def add(self, fault: CallFault) -> None:
        """From now on this can go wrong; ValueError when its error has no name."""
        if fault.error not in ERRORS:
            raise ValueError(f"no error named {fault.error!r}; known: {', '.join(sorted(ERRORS))}")
        self._faults.append(fault)

    @property
    def any(self) -> bool:
        """Whether anything can go wrong at all."""
        return bool(self._faults)

    def strike(self, call: Call, target: str, *, acted: bool) -> None:
        """Raise what this call is to fail with, if anything."""
        if not self._faults:
            return
        self._calls[(call, target, acted)] += 1
        for index, fault in enumerate(self._faults):
            if fault.call is call and fault.acted is acted and self._strikes(index, fault, target):
                self._used[index] += 1
                self.struck.append((self._timeline.now, call, target, fault.error))
                raise ERRORS[fault.error](fault.message or f"simulated: {call.value} failed ({fault.error})")

    def _strikes(self, index: int, fault: CallFault, target: str) -> bool:
        if not fault.start <= self._timeline.now < fault.end or not fnmatchcase(target, fault.target):
            return False
        if fault.times is not None and self._used[index] >= fault.times:
            return False
        number = self._calls[(fault.call, target, fault.acted)]
        return self._draws.happens(fault.probability, f"fault {fault.call.value}", f"{index}/{target}/{number}")
