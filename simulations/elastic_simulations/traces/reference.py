"""The generated reference case: a trace that anybody can make from eight lines, and compare results on."""

from elastic_simulations.traces.made import made
from elastic_simulations.traces.trace import MICROSECONDS, Trace

JOBS = 100_000
MULTIPLIER, INCREMENT = 6364136223846793005, 1442695040888963407


def reference_case(jobs: int = JOBS) -> Trace:
    """x0 = 1, x <- a x + c mod 2^64, draw = x >> 33; by job: submit += draw mod 13, then run = 1 + (draw mod 60)^2."""
    state, at = 1, 0
    submit: list[int] = []
    run: list[int] = []
    for _ in range(jobs):
        state = (MULTIPLIER * state + INCREMENT) % 2**64
        at += (state >> 33) % 13
        submit.append(at * MICROSECONDS)
        state = (MULTIPLIER * state + INCREMENT) % 2**64
        run.append((1 + ((state >> 33) % 60) ** 2) * MICROSECONDS)
    return made(submit, run, source="the generated reference case")
