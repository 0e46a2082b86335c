"""A static pool with somebody else's machines behind it: who would have to wait runs there, at once and at a price."""

from array import array
from heapq import heappop, heappush

from elastic_simulations.fast.outcome import Integrals, Outcome, WorkerTable
from elastic_simulations.fast.units import common_unit, in_units
from elastic_simulations.traces.trace import UNKNOWN, Trace

OWN, OVERFLOW = 0, 1
"""Where a job ran, in the `worker` column of the outcome."""


def run_never_wait(trace: Trace, cores: int) -> Outcome:
    """Every job starts when it is submitted: on `cores` cores while they last, else in the overflow group (no boot)."""
    unit = common_unit((trace.submit_us, trace.run_us))
    submit, run = in_units(trace.submit_us, unit), in_units(trace.run_us, unit)
    ends: list[int] = []
    where: list[int] = []
    free = cores
    bits = cores.bit_length()
    mask = (1 << bits) - 1
    for at, took, wanted in zip(submit, run, trace.cores, strict=True):
        while ends and ends[0] >> bits <= at:
            free += heappop(ends) & mask
        if wanted <= free:
            free -= wanted
            heappush(ends, (at + took) << bits | wanted)
            where.append(OWN)
        else:
            where.append(OVERFLOW)
    end = array("q", map(int.__add__, trace.submit_us, trace.run_us))
    last = max(end)
    always = array("q", (0,))
    never = array("q", (UNKNOWN,))
    return Outcome(
        start_us=array("q", trace.submit_us),
        end_us=end,
        worker=array("q", where),
        workers=WorkerTable(cores=cores, requested=always, ready=always, drained=never, deleted=never),
        integrals=Integrals(ready=cores * last),
        ended_us=last,
        stopped_us=last,
        events=2 * len(trace),
    )
