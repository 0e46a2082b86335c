"""Every external check of the simulator, in order; what is not there yet or not at hand is said, never passed over."""

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path

from elastic_simulations.checks import game, peers, queues, reference, thesis
from elastic_simulations.checks.verdict import Kind, Verdict, plain
from elastic_simulations.progress import shown

__all__ = ["Verdict", "failed", "plain", "validate"]


def validate(data: Path | None = None, only: str = "", *, full: bool = False) -> Sequence[Verdict]:
    """The verdicts of all checks, or of the families whose name contains `only`; `data` is where real traces lie.

    Checks that take more than two minutes are run with `full` only.
    """
    wanted = only.lower()
    chosen = [check for family, check in _checks(data, full=full) if not wanted or wanted in family.lower()]
    verdicts: list[Verdict] = []
    done: list[None] = []
    with shown("validating", lambda: len(done) / len(chosen)):
        for check in chosen:
            verdicts += check()
            done.append(None)
    return verdicts


def failed(verdicts: Sequence[Verdict]) -> bool:
    """Whether a check that must hold does not."""
    return any(verdict.kind is Kind.CHECK and not verdict.ok for verdict in verdicts)


def _checks(data: Path | None, *, full: bool) -> Iterator[tuple[str, Callable[[], Iterator[Verdict]]]]:
    yield "generated", reference.generated
    yield "LCG-2005-1", lambda: reference.real(data)
    yield "M/M/c", queues.erlang
    yield (
        "M/M/c/Setup",
        queues.setups if full else partial(queues.setups_not_run, "takes ten minutes on two cores: --full"),
    )
    yield "waiting game", game.games
    yield "SimPy", peers.simpy
    yield "thesis", thesis.thesis
