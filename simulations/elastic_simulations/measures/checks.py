"""A run's check of itself: Little's law between two counts that were kept apart."""

from elastic_simulations.fast.outcome import Outcome
from elastic_simulations.traces.trace import UNKNOWN, Trace


def littles_law_residual(trace: Trace, outcome: Outcome) -> float:
    """|L - lambda W| / L over the whole run, nothing cut; 0 when nobody waited.

    L comes from the queue integral of the event loop, W from the job records: a job that the loop started late, twice
    or never shows here. Jobs that never start have waited until the run stopped.
    """
    if UNKNOWN not in outcome.start_us:
        return residual(outcome.integrals.queue, sum(outcome.start_us) - sum(trace.submit_us))
    waited = sum(
        (outcome.ended_us if start == UNKNOWN else start) - submit
        for start, submit in zip(outcome.start_us, trace.submit_us, strict=True)
    )
    return residual(outcome.integrals.queue, waited)


def residual(queue: int, waited: int) -> float:
    """Of the queue's integral and the sum of the waits."""
    return abs(queue - waited) / queue if queue else float(waited)
