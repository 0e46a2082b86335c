"""What can go wrong inside a simulated world at a stated time, as values; calls of ports that fail are in `faults`."""

from dataclasses import dataclass
from enum import StrEnum

from elastic_simulations.draws import Distribution


class Kind(StrEnum):
    """Every mishap, by the name that a scenario gives it."""

    STARTD_RESTART = "startd_restart"
    STARTD_SILENT = "startd_silent"
    STARTD_CLOSED = "startd_closed"
    BLACK_HOLE = "black_hole"
    LEFTOVER_PROCESS = "leftover_process"
    FOREIGN_DRAIN = "foreign_drain"
    TOKENS_EXPIRE = "tokens_expire"
    ADS_VANISH = "ads_vanish"
    COLLECTOR_RESTART = "collector_restart"
    COLLECTOR_OUTAGE = "collector_outage"
    NEGOTIATOR_OUTAGE = "negotiator_outage"
    SCHEDD_OUTAGE = "schedd_outage"
    SERVER_ERROR = "server_error"
    SERVER_STOPPED = "server_stopped"
    SERVER_PAUSED = "server_paused"
    SERVER_VANISHES = "server_vanishes"
    SERVERS_UNLISTED = "servers_unlisted"
    BOOTS_FAIL = "boots_fail"
    BOOTS_SLOW = "boots_slow"
    NEVER_JOIN = "never_join"
    SERVER_UNKNOWN = "server_unknown"
    SERVER_OF_OTHERS = "server_of_others"
    MACHINE_UNKNOWN = "machine_unknown"
    CLOCK_JUMP = "clock_jump"
    NO_CAPACITY = "no_capacity"
    QUOTA = "quota"


LONGEST_JUMP = 1e8
"""Seconds; clocks that were reset begin at 1970, which no daemon believes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mishap:
    """One mishap at `at` (seconds since the epoch); after `seconds` it is over (0 = never), where it can be.

    With `every` it happens `times` times, each so long after the one before. `target` is a glob over workers,
    machines, schedds or groups; of those that match, the first `count`, or the `share` (0..1) of them, are hit: by
    name, or with `random` drawn anew each time (a correlated outage). `value` is a number whose meaning the kind says:
    a quota in servers, a factor of the boot time, the cpus that a leftover process keeps busy, the seconds by which the
    daemon's clock jumps (below 0: back).
    """

    kind: Kind
    at: float
    seconds: float = 0.0
    target: str = "*"
    count: int | None = None
    share: float = 1.0
    random: bool = False
    every: Distribution | None = None
    times: int = 1
    value: float = 0.0
    text: str = ""

    @property
    def problem(self) -> str:
        """What is wrong with its value; empty when nothing is."""
        if self.kind is Kind.CLOCK_JUMP:
            return "" if abs(self.value) <= LONGEST_JUMP else f"{self.value} is a jump of more than three years"
        return "" if self.value >= 0 else f"{self.value} is below 0"
