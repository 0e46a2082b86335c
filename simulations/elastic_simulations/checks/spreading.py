"""Runs of one check on all cores, and how many of them have ended: for whoever shows how far it is."""

from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from multiprocessing import get_context
from typing import TypeVar

from elastic_simulations.campaigns.processes import own_cores

A = TypeVar("A")
B = TypeVar("B")


@dataclass(slots=True)
class Ended:
    """Runs that have ended in this process, and those that it began with."""

    runs: int = 0


ended = Ended()


def spread(run: Callable[[A], B], cases: Sequence[A]) -> list[B]:
    """On all cores, in the order of the cases; each run is a function of its case alone, whichever ends first."""
    with ProcessPoolExecutor(own_cores(), mp_context=get_context("spawn")) as processes:
        going = [processes.submit(run, case) for case in cases]
        for _ in as_completed(going):
            ended.runs += 1
        return [one.result() for one in going]
