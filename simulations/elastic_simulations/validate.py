"""Every external check of the simulator, in order; what is not at hand is said, never passed over."""

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple

from elastic_simulations.checks import game, peers, queues, reference, thesis
from elastic_simulations.checks.spreading import ended
from elastic_simulations.checks.verdict import Kind, Verdict, plain
from elastic_simulations.errors import UsageError
from elastic_simulations.progress import shown

__all__ = ["Verdict", "failed", "plain", "validate"]


class Family(NamedTuple):
    """Checks of one kind: `runs` simulations on all cores, each of about so many `seconds` of a processor."""

    name: str
    check: Callable[[], Iterator[Verdict]]
    runs: int = 1
    seconds: float = 1.0


def validate(data: Path | None = None, only: str = "", *, full: bool = False) -> Sequence[Verdict]:
    """The verdicts of all checks, or of the families whose name contains `only`; `data` is where real traces lie.

    UsageError when no family is called so: nothing was checked.
    With `full` every decision of M/M/c/Setup and the waiting game is made anew, in place of once for each situation:
    half an hour.
    """
    wanted = only.lower()
    families = list(_families(data, full=full))
    chosen = [family for family in families if wanted in family.name.lower()]
    if not chosen:
        raise UsageError(f"--only {only}: no such checks; known: {', '.join(family.name for family in families)}")
    verdicts: list[Verdict] = []
    progress = _Progress(sum(family.runs * family.seconds for family in chosen) or 1.0)
    with shown("validating", progress.share):
        for family in chosen:
            progress.begin(family)
            verdicts += family.check()
        return verdicts


def failed(verdicts: Sequence[Verdict]) -> bool:
    """Whether a check that must hold does not."""
    return any(verdict.kind is Kind.CHECK and not verdict.ok for verdict in verdicts)


class _Progress:
    """How much of all the seconds lies behind."""

    def __init__(self, seconds: float) -> None:
        self._all, self._behind = seconds, 0.0
        self._family: Family | None = None
        self._before = 0

    def begin(self, family: Family) -> None:
        """The one before is through."""
        if self._family is not None:
            self._behind += self._family.runs * self._family.seconds
        self._family, self._before = family, ended.runs

    def share(self) -> float:
        """0..1."""
        family = self._family
        through = 0 if family is None else min(family.runs, ended.runs - self._before)
        return (self._behind + through * (0.0 if family is None else family.seconds)) / self._all


def _families(data: Path | None, *, full: bool) -> Iterator[Family]:
    yield Family("generated", reference.generated)
    yield Family("LCG-2005-1", partial(reference.real, data), seconds=8.0)
    yield Family("M/M/c", queues.erlang, runs=3 * queues.SEEDS)
    setups = partial(queues.setups, every_time=full)
    yield Family("M/M/c/Setup", setups, runs=len(queues.SETUPS), seconds=200.0 if full else 20.0)
    played = partial(game.games, every_time=full)
    yield Family("waiting game", played, runs=2 * queues.SEEDS, seconds=12.0 if full else 2.0)
    yield Family("SimPy", peers.simpy)
    yield Family("thesis", thesis.thesis, runs=3 * queues.SEEDS)
