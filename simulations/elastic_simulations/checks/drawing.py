"""Traces of exponential gaps and run times, and runs of them on fixed cores; compiled where numba is installed."""

import math
from collections.abc import Callable, Iterable
from functools import cache
from importlib.util import find_spec
from itertools import accumulate
from random import Random
from typing import NamedTuple

from elastic_simulations.fast import static
from elastic_simulations.fast.outcome import Outcome
from elastic_simulations.traces.made import made
from elastic_simulations.traces.trace import MICROSECONDS, Column, Trace


class Ways(NamedTuple):
    """How it is done: both ways give the same to the last bit (tested)."""

    exponentials: Callable[[Random, float, int], Iterable[int]]
    run_static: Callable[[Trace, int], Outcome]
    waited: Callable[[Column, Column], tuple[int, int]]


@cache
def ways() -> Ways:
    """The quickest there is."""
    if find_spec("numba") is None:
        return PLAIN
    try:
        from elastic_simulations.fast.compiled import drawing  # noqa: PLC0415 - imports numba
        from elastic_simulations.fast.compiled import static as compiled  # noqa: PLC0415 - as above
    except ImportError:
        return PLAIN
    return Ways(drawing.exponentials, compiled.run_static, drawing.waited)


def poisson_trace(arrival: float, service: float, jobs: int, seed: int, by: Ways | None = None) -> Trace:
    """Exponential gaps and run times at these rates a second, in whole microseconds; runs take one at least."""
    draw = (by or ways()).exponentials
    gaps, runs = Random(f"{seed}/gaps"), Random(f"{seed}/runs")  # noqa: S311 - no secrets
    submit = accumulate(draw(gaps, MICROSECONDS / arrival, jobs))
    length = draw(runs, MICROSECONDS / service, jobs)
    return made(submit, (1 + run for run in length), source=f"M/M, seed {seed}")


def _exponentials(random: Random, mean: float, count: int) -> Iterable[int]:
    draw, log = random.random, math.log1p
    return (round(-mean * log(-draw())) for _ in range(count))


def _waited(start_us: Column, submit_us: Column) -> tuple[int, int]:
    """All waits together in us, and how many jobs waited at all."""
    waits = list(map(int.__sub__, start_us, submit_us))
    return sum(waits), len(waits) - waits.count(0)


PLAIN = Ways(_exponentials, static.run_static, _waited)
