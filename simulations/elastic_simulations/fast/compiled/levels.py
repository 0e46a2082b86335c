"""The parts of d - s above and below 0 by the level at which they came about, from the tables of a compiled run."""

from collections.abc import Iterable, Sequence
from itertools import chain

import numpy as np
from numpy.typing import NDArray

from elastic_simulations.fast.compiled.jit import jit
from elastic_simulations.fast.compiled.sums import add, whole
from elastic_simulations.fast.compiled.tables import as_array
from elastic_simulations.fast.outcome import Outcome
from elastic_simulations.full.integrating import Change, integrals
from elastic_simulations.traces.trace import UNKNOWN, Trace

Array = NDArray[np.int64]

Shut = tuple[int, int, int]
"""From when until when a worker that was taken back was closed, and its cores."""

MOST_LEVELS = 1 << 24
"""Above it, which takes jobs of very many cores each, a table of all levels would be larger than all else."""


def fill_levels(trace: Trace, outcome: Outcome, shut: Sequence[Shut] = ()) -> Outcome:
    """The outcome with `under_by` and `over_by` as the pure-Python loops integrate them; `shut` in us."""
    of = outcome.integrals
    ends, wants = as_array(outcome.end_us), as_array(trace.cores)
    moves_at, moves_by = _supply(outcome, shut)
    most_supply = int(moves_by[moves_by > 0].sum())
    if max(of.peak_demand, most_supply) >= MOST_LEVELS:
        return _without_table(trace, outcome, zip(moves_at.tolist(), moves_by.tolist(), strict=True))
    if (ended := ends != UNKNOWN).all():
        order = np.argsort(ends, kind="stable")
    else:
        order = np.flatnonzero(ended)[np.argsort(ends[ended], kind="stable")]
    under, over = np.zeros(2 * of.peak_demand + 2, np.int64), np.zeros(2 * most_supply + 2, np.int64)
    _integrate(
        as_array(trace.submit_us), wants, ends[order], wants[order], moves_at, moves_by, outcome.ended_us, under, over
    )
    of.under_by, of.over_by = _by_level(under), _by_level(over)
    return outcome


def _supply(outcome: Outcome, shut: Sequence[Shut]) -> tuple[Array, Array]:
    """When ready cores come and go, and by how many."""
    table = outcome.workers
    ready, drained, deleted = (as_array(column) for column in (table.ready, table.drained, table.deleted))
    last = np.where(drained == UNKNOWN, deleted, drained)
    came, went = ready[ready != UNKNOWN], last[(ready != UNKNOWN) & (last != UNKNOWN)]
    closed = np.array(shut, np.int64).reshape(len(shut), 3)
    at = np.concatenate((came, went, closed[:, 0], closed[:, 1]))
    by = np.concatenate(
        (
            np.full(len(came), table.cores, np.int64),
            np.full(len(went), -table.cores, np.int64),
            -closed[:, 2],
            closed[:, 2],
        )
    )
    order = np.argsort(at, kind="stable")
    return at[order], by[order]


@jit
def _integrate(  # noqa: PLR0913, PLR0917 - one loop over arrays
    came: Array,
    came_wants: Array,
    gone: Array,
    gone_wants: Array,
    moves_at: Array,
    moves_by: Array,
    ended: int,
    under: Array,
    over: Array,
) -> None:
    demand, supply, now, arrived, left, moved = 0, 0, 0, 0, 0, 0
    while now < ended:
        while arrived < len(came) and came[arrived] <= now:
            demand += came_wants[arrived]
            arrived += 1
        while left < len(gone) and gone[left] <= now:
            demand -= gone_wants[left]
            left += 1
        while moved < len(moves_at) and moves_at[moved] <= now:
            supply += moves_by[moved]
            moved += 1
        at = ended
        if arrived < len(came):
            at = min(at, came[arrived])
        if left < len(gone):
            at = min(at, gone[left])
        if moved < len(moves_at):
            at = min(at, moves_at[moved])
        if demand > supply:
            add(under, 2 * demand, demand - supply, at - now)
        elif supply > demand:
            add(over, 2 * supply, supply - demand, at - now)
        now = at


def _by_level(sums: Array) -> dict[int, int]:
    pairs = sums.reshape(-1, 2)
    (found,) = np.nonzero(pairs.any(axis=1))
    return {level: whole(*pair) for level, pair in zip(found.tolist(), pairs[found].tolist(), strict=True)}


def _without_table(trace: Trace, outcome: Outcome, supply: Iterable[Change]) -> Outcome:
    ends = zip(outcome.end_us, trace.cores, strict=True)
    left = ((at, -cores) for at, cores in ends if at != UNKNOWN)
    found = integrals(chain(zip(trace.submit_us, trace.cores, strict=True), left), supply, outcome.ended_us)
    outcome.integrals.under_by, outcome.integrals.over_by = found.under_by, found.over_by
    return outcome
