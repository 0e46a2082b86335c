"""The waiting game (SC'20): own cores at one price, an overflow group at another, and jobs that never wait."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial

from elastic_simulations.checks.drawing import poisson_trace
from elastic_simulations.checks.queues import SEEDS, WARMUP, interval
from elastic_simulations.checks.spreading import spread
from elastic_simulations.checks.verdict import Verdict
from elastic_simulations.fast.overflow import OVERFLOW, run_never_wait

OWN_PRICE, OVERFLOW_PRICE = 3.84, 9.6
"""Per core-hour."""

ARRIVAL, SERVICE = 0.2, 0.002


@dataclass(frozen=True, slots=True, kw_only=True)
class Game:
    """`cores` of one's own; the mean price of a core-hour of work, and the share that overflows (both exact)."""

    cores: int
    price: float
    overflow: float
    jobs: int = 400_000


GAMES = (Game(cores=108, price=4.482662, overflow=0.034944), Game(cores=100, price=4.56672, overflow=0.07570))


def play(case: Game, seed: int) -> tuple[float, float]:
    """Price and overflowing share of one seed; own cores are paid for all the time, overflow while jobs run there."""
    trace = poisson_trace(ARRIVAL, SERVICE, case.jobs, seed)
    outcome = run_never_wait(trace, case.cores)
    first = int(case.jobs * WARMUP)
    span = trace.submit_us[-1] - trace.submit_us[first]
    ran = trace.run_us[first:]
    elsewhere = [run for run, where in zip(ran, outcome.worker[first:], strict=True) if where == OVERFLOW]
    paid = case.cores * span * OWN_PRICE + sum(elsewhere) * OVERFLOW_PRICE
    return paid / sum(ran), len(elsewhere) / len(ran)


def games(cases: Sequence[Game] = GAMES) -> Iterator[Verdict]:
    """Over twenty fixed seeds, simulated."""
    for case in cases:
        runs = spread(partial(play, case), range(1, SEEDS + 1))
        name = f"waiting game, never wait, s={case.cores}"
        yield interval(f"{name}: price", case.price, [price for price, _ in runs])
        yield interval(f"{name}: overflow", case.overflow, [share for _, share in runs])
