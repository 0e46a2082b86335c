"""How long jobs are thought to run, by kind of estimate; to whom it is told, and when, is the engines' business."""

from collections.abc import Callable
from dataclasses import dataclass, field

from elastic_simulations.draws import Draws, Lognormal
from elastic_simulations.traces.trace import UNKNOWN, Trace

EXACT, REQUESTED, NOISY, LEARNED = KINDS = ("exact", "requested", "noisy", "learned")

NOISE = 0.5
"""Sigma of the logarithm: two noisy estimates of three are between 0.6 and 1.6 times the run time."""

STREAM = "estimate"


@dataclass(frozen=True, slots=True)
class Asked:
    """What there is to know of one job: its run time, what its user asked for (us, None = nothing), and its name."""

    run_us: int
    requested_us: int | None
    name: str


Guess = Callable[[Asked], int | None]


def guess(kind: str, noise: float, draws: Draws) -> Guess:
    """The estimate (us, None = there is none) of a kind that does not change while time passes: all but learned.

    A noisy one is the run time by a lognormal factor of median 1, drawn by the job's name: the same in every engine and
    under every policy.
    """
    factor = Lognormal(1.0, noise)

    def noisy(job: Asked) -> int:
        return max(1, round(job.run_us * factor.at(draws.uniform(STREAM, job.name))))

    kinds: dict[str, Guess] = {EXACT: lambda job: job.run_us, REQUESTED: lambda job: job.requested_us, NOISY: noisy}
    return kinds[kind]


def users_of(trace: Trace) -> Callable[[int], str]:
    """Whose job it is, by its place."""
    users, names = trace.optional.get("user"), trace.users
    return lambda job: "" if users is None or users[job] == UNKNOWN else names[users[job]]


@dataclass(slots=True)
class History:
    """What run times so far tell of the next: the mean of the last two of a user's jobs that ended.

    Tsafrir, Etsion and Feitelson, Backfilling using system-generated predictions (2007). Of a user none of whose jobs
    has ended the mean of all that have; before any has ended there is no estimate. Whole microseconds, rounded down.
    """

    _last: dict[str, tuple[int, ...]] = field(default_factory=dict)
    _jobs: int = 0
    _ran_us: int = 0

    def learn(self, user: str, ran_us: int) -> None:
        """A job of this user has ended after so long."""
        self._last[user] = (*self._last.get(user, ()), ran_us)[-2:]
        self._jobs += 1
        self._ran_us += ran_us

    def of(self, user: str) -> int | None:
        """The estimate of any job of this user, in us."""
        last = self._last.get(user)
        if last:
            return sum(last) // len(last)
        return self._ran_us // self._jobs if self._jobs else None
