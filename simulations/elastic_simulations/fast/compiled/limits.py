"""What the compiled loops can count in 64 bits, and which orders they know; beyond it the specification runs."""

from collections.abc import Mapping

from elastic_simulations.fast.compiled import layout
from elastic_simulations.fast.compiled.sums import total
from elastic_simulations.fast.compiled.tables import as_array
from elastic_simulations.traces.trace import Trace

KINDS: Mapping[str, int] = {
    "fullest": layout.RECENT,
    "fullest-longest-idle": layout.LONGEST,
    "fullest-launch": layout.LAUNCH,
    "emptiest": layout.LONGEST,
}
"""How the orders that are compiled choose among workers with equal room."""


def why_not(trace: Trace, static: int | None, order: str) -> str:
    """Why a run of this trace (on so many cores; None = elastic) is beyond it; empty when it is not."""
    cores = as_array(trace.cores)
    if total(cores) >= layout.MOST_CORES or (static or 0) >= layout.MOST_CORES:
        return f"jobs ask for more than {layout.MOST_CORES} cores in all; use --engine python"
    run = as_array(trace.run_us)
    # Nobody waits longer than for all others, one after the other; and none of them is served in the last half.
    if trace.submit_us[-1] + total(run) >= layout.LATEST // 2:
        return "the run could go on for more than 500 years; use --engine python"
    if static is None and order not in KINDS:
        return f"the order '{order}' is not compiled; use --engine python"
    return ""
