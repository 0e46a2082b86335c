"""A fixed number of cores for jobs that wait for others: strict head-of-line FIFO in the order in which jobs come."""

from array import array
from collections import defaultdict
from heapq import heappop, heappush

from elastic_simulations.fast.arriving import NEVER, Arriving
from elastic_simulations.fast.outcome import Integrals, Outcome
from elastic_simulations.fast.static import always_on, check
from elastic_simulations.fast.units import common_unit, in_units
from elastic_simulations.traces.trace import Trace


def run_static(trace: Trace, cores: int) -> Outcome:
    """As `static.run_static`; TraceError, too, where jobs wait for each other in a ring."""
    check(trace, cores)
    thinks = array("q", [max(0, think) for think in trace.optional.get("think_us", ())])
    unit = common_unit((trace.submit_us, trace.run_us, thinks))
    arriving = Arriving(trace, unit)
    run = in_units(trace.run_us, unit)
    start, totals, last = simulate(arriving, run, trace.cores.tolist(), cores)
    arriving.close(last)
    ends = [at + run[place] for at, place in zip(start, arriving.order, strict=True)]
    return Outcome(
        start_us=array("q", [at * unit for at in start]),
        end_us=array("q", [at * unit for at in ends]),
        worker=array("q", bytes(8 * len(trace))),
        workers=always_on(cores),
        integrals=totals.scaled(unit),
        ended_us=last * unit,
        stopped_us=last * unit,
        events=2 * len(trace),
        arrivals=arriving.scaled(unit),
    )


def simulate(arriving: Arriving, run: list[int], wants: list[int], cores: int) -> tuple[list[int], Integrals, int]:
    """When each job starts, in the order in which they come; the integrals; the end of the last. All in units."""
    running: list[tuple[int, int]] = []
    start: list[int] = []
    asked: list[int] = []
    free, demand, now = cores, 0, 0
    totals = Integrals(under_by=defaultdict(int), over_by=defaultdict(int))
    while (at := min(running[0][0] if running else NEVER, arriving.next)) != NEVER:
        _integrate(totals, len(asked) - len(start), demand, cores, at - now)
        now = at
        while running and running[0][0] == at:
            number = heappop(running)[1]
            free += asked[number]
            demand -= asked[number]
            arriving.ended(number, at)
        while arriving.next == at:
            asked.append(wants[arriving.come()])
            demand += asked[-1]
        totals.peak_demand = max(totals.peak_demand, demand)
        while len(start) < len(asked) and asked[len(start)] <= free:
            number = len(start)
            free -= asked[number]
            start.append(at)
            heappush(running, (at + run[arriving.order[number]], number))
    totals.ready = cores * now
    return start, totals, now


def _integrate(totals: Integrals, waiting: int, demand: int, cores: int, span: int) -> None:
    totals.queue += waiting * span
    if demand > cores:
        totals.under += (demand - cores) * span
        totals.under_by[demand] += (demand - cores) * span
        totals.under_us += span
    elif demand < cores:
        totals.over += (cores - demand) * span
        totals.over_by[cores] += (cores - demand) * span
        totals.over_us += span
