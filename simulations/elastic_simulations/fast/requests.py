"""What the jobs of a trace ask for, as the core counts it."""

from array import array

from elastic.core.resources import Resources
from elastic_simulations.traces.trace import Trace


def requests_of(trace: Trace, *, shaped: bool) -> list[Resources]:
    """What each job asks for; what the trace does not say is not asked for."""
    if not shaped:
        return [Resources(cores) for cores in trace.cores]
    nothing = array("q", bytes(8 * len(trace)))
    others = [trace.column(name) or nothing for name in ("memory_mb", "disk_mb", "gpus")]
    rows = zip(trace.cores, *others, strict=True)
    return [Resources(*(max(0, amount) for amount in row)) for row in rows]
