"""`fast.static` compiled: strict head-of-line FIFO on a fixed number of cores."""

import numpy as np
from numpy.typing import NDArray

from elastic_simulations.errors import SimulationError
from elastic_simulations.fast.compiled.heaps import pop, push
from elastic_simulations.fast.compiled.jit import jit
from elastic_simulations.fast.compiled.layout import LATEST, NEVER
from elastic_simulations.fast.compiled.levels import fill_levels
from elastic_simulations.fast.compiled.sums import add, whole
from elastic_simulations.fast.compiled.tables import as_array, as_column, in_units, unit_of
from elastic_simulations.fast.outcome import Integrals, Outcome
from elastic_simulations.fast.static import always_on, check
from elastic_simulations.traces.trace import Trace

Array = NDArray[np.int64]

QUEUE, UNDER, OVER = 0, 2, 4
UNDER_TIME, OVER_TIME, PEAK, NOW, TOTALS = range(6, 11)
"""Where the loop leaves its sums: those of products in two places each (see `sums`)."""


def run_static(trace: Trace, cores: int) -> Outcome:
    """As `fast.static.run_static`, in the same words."""
    check(trace, cores)
    unit = unit_of(trace, ())
    submit, run = in_units(trace.submit_us, unit), in_units(trace.run_us, unit)
    wants = as_array(trace.cores)
    start = np.empty_like(run)
    totals = np.zeros(TOTALS, np.int64)
    ends = np.empty((2, min(len(run), cores // int(wants.min()))), np.int64)
    if not simulate(submit, run, wants, cores, start, ends, totals):
        raise SimulationError("the run goes beyond a thousand years; use --engine python")
    last = int(totals[NOW]) * unit
    outcome = Outcome(
        start_us=as_column(start * unit),
        end_us=as_column((start + run) * unit),
        worker=as_column(np.zeros_like(run)),
        workers=always_on(cores),
        integrals=_integrals(totals, cores).scaled(unit),
        ended_us=last,
        stopped_us=last,
        events=2 * len(trace),
    )
    return fill_levels(trace, outcome)


def _integrals(totals: Array, cores: int) -> Integrals:
    of = totals.tolist()
    return Integrals(
        queue=whole(*of[QUEUE : QUEUE + 2]),
        ready=cores * of[NOW],
        under=whole(*of[UNDER : UNDER + 2]),
        over=whole(*of[OVER : OVER + 2]),
        under_us=of[UNDER_TIME],
        over_us=of[OVER_TIME],
        peak_demand=of[PEAK],
    )


@jit
def simulate(submit: Array, run: Array, wants: Array, cores: int, start: Array, ends: Array, totals: Array) -> bool:
    """When each job starts, and the integrals; False when it goes on for longer than sums can hold."""
    jobs = len(run)
    free, head, arrived, running, demand, now = cores, 0, 0, 0, 0, 0
    while head < jobs or running:
        next_submit = submit[arrived] if arrived < jobs else NEVER
        at = min(ends[0, 0] if running else NEVER, next_submit)
        if at >= LATEST:
            return False
        span = at - now
        if span:
            if arrived > head:
                add(totals, QUEUE, arrived - head, span)
            if demand > cores:
                add(totals, UNDER, demand - cores, span)
                totals[UNDER_TIME] += span
            elif demand < cores:
                add(totals, OVER, cores - demand, span)
                totals[OVER_TIME] += span
            now = at
        while running and ends[0, 0] == at:
            wanted = wants[pop(ends, running)]
            running -= 1
            free += wanted
            demand -= wanted
        while arrived < jobs and submit[arrived] == at:
            demand += wants[arrived]
            arrived += 1
        totals[PEAK] = max(totals[PEAK], demand)
        while head < arrived and wants[head] <= free:
            free -= wants[head]
            start[head] = at
            push(ends, running, at + run[head], head)
            running += 1
            head += 1
    totals[NOW] = now
    return True
