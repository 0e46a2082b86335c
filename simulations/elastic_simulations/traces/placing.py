"""Which cores a job had: workers know how many of theirs are free, evalys and its plots want to know which."""

from heapq import heapify, heappop, heappush
from itertools import accumulate

from elastic_simulations.fast.outcome import Outcome
from elastic_simulations.traces.trace import UNKNOWN, Trace


def placed(trace: Trace, outcome: Outcome) -> list[str]:
    """By job the numbers of its cores as evalys writes sets, "0-3 7"; "" for jobs that never started.

    The cores of the first worker come first. A job takes the lowest free ones of its worker; at equal times ends come
    before starts.
    """
    free = _cores(outcome)
    start, end, worker, wants = outcome.start_us, outcome.end_us, outcome.worker, trace.cores
    held: dict[int, list[int]] = {}
    texts = [""] * len(trace)
    for _, begins, job in sorted(_moments(outcome)):
        line = free[worker[job]]
        if begins:
            # An execution that was evicted is not in the tables: its cores may be missing here, never a job's own.
            mine = held[job] = [heappop(line) for _ in range(min(wants[job], len(line)))]
            texts[job] = _set(sorted(mine))
        for core in held.pop(job) if not begins or end[job] == start[job] else ():
            heappush(line, core)
    return texts


def _cores(outcome: Outcome) -> list[list[int]]:
    """The free cores of each worker, as heaps."""
    table = outcome.workers
    sizes = [table.cores * size for size in table.sizes or [1] * len(table.requested)]
    firsts = accumulate(sizes, initial=0)
    free = [list(range(first, first + size)) for first, size in zip(firsts, sizes, strict=False)]
    for line in free:
        heapify(line)
    return free


def _moments(outcome: Outcome) -> list[tuple[int, bool, int]]:
    """(us, whether it begins, job); ends sort before starts."""
    jobs = [job for job, at in enumerate(outcome.start_us) if at != UNKNOWN]
    return [
        *((outcome.start_us[job], True, job) for job in jobs),
        *((outcome.end_us[job], False, job) for job in jobs if outcome.end_us[job] > outcome.start_us[job]),
    ]


def _set(cores: list[int]) -> str:
    """Ascending numbers as intervals."""
    parts: list[list[int]] = []
    for core in cores:
        if parts and parts[-1][1] == core - 1:
            parts[-1][1] = core
        else:
            parts.append([core, core])
    return " ".join(str(first) if first == last else f"{first}-{last}" for first, last in parts)
