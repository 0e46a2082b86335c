"""The pictures of one run: demand against supply, waiting times, the lives of workers."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from elastic_simulations.fast.outcome import Outcome
from elastic_simulations.reports import theme
from elastic_simulations.reports.lives import Life, Lives, lives
from elastic_simulations.reports.series import Real, Slices, Whole, demand, running, sliced, supply, whole
from elastic_simulations.reports.waits import Waits, counted
from elastic_simulations.traces.trace import MICROSECONDS, UNKNOWN, Trace

SLICES = 600
UNITS = ((86_400, "days"), (3600, "hours"), (60, "minutes"), (1, "seconds"))
ENOUGH = 4
"""Of the largest unit of time that is this often in the run, the axis is labelled in it."""


def over_time(trace: Trace, outcome: Outcome, name: str) -> str:
    """Cores asked for, ready and running, from 0 to the end of the last job."""
    until = max(1, outcome.ended_us)
    with theme.figure(3.6) as drawn:
        axes = drawn.subplots()
        unit = _time_axis(axes, until)
        jobs = sliced(running(trace, outcome), until, SLICES)
        at = _twice(jobs.edges / unit)
        axes.fill_between(at, 0, _flat(jobs.mean), color=theme.RUNNING, alpha=0.28, linewidth=0, label="running")
        for steps, colour, label in (
            (demand(trace, outcome), theme.DEMAND, "demand (running + queued)"),
            (supply(outcome), theme.SUPPLY, "supply (ready)"),
        ):
            _line(axes, sliced(steps, until, SLICES), unit, colour, label)
        axes.set_ylim(bottom=0)
        axes.set_ylabel("cores")
        axes.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=3, borderaxespad=0.2)
        return theme.svg(drawn, name, "Cores of demand, supply and running jobs over time")


def how_sliced(trace: Trace, outcome: Outcome) -> str:
    """What of the changes of demand and supply the picture over time shows."""
    changes = [len(steps.at) for steps in (demand(trace, outcome), supply(outcome))]
    width = outcome.ended_us / SLICES / MICROSECONDS
    return (
        f"Time is cut into {SLICES} slices of {width:,.6g} s. Lines are exact: the integral over a slice divided by "
        f"its width, of {changes[0]:,} changes of demand and {changes[1]:,} of supply; the pale band reaches from the "
        "least to the largest value in the slice."
    )


def waits_of(trace: Trace, outcome: Outcome) -> Waits:
    """The waiting times of all jobs that started."""
    start = whole(outcome.start_us)
    return counted((start - whole(trace.submit_us))[start != UNKNOWN])


def waiting(runs: Sequence[Waits], name: str) -> str:
    """Which share of the jobs waited how long, and at most how long; bars for one run only."""
    names = max((waits.names for waits in runs), key=len)
    with theme.figure(3.4) as drawn:
        axes = drawn.subplots()
        for place, waits in enumerate(runs):
            cumulated = waits.cumulated + [waits.cumulated[-1]] * (len(names) - len(waits.names))
            colour = theme.SERIES[place % len(theme.SERIES)]
            if len(runs) == 1:
                axes.bar(range(len(waits.names)), waits.shares, color=theme.BUSY, alpha=0.55, width=0.86)
            axes.plot(range(len(names)), cumulated, color=colour, marker="o", markersize=3.5)
        axes.set_xticks(range(len(names)), names, rotation=0 if len(names) < ROOM else 30)
        axes.set_xlim(-0.6, len(names) - 0.4)
        axes.set_ylim(0, 104)
        axes.set_ylabel("% of jobs")
        axes.grid(visible=False, axis="x")
        return theme.svg(drawn, name, "Share of jobs by waiting time")


FEW = 8
"""Lines above which there is room for a longer label beside them."""

ROOM = 14
"""Names of steps that stand side by side."""


def life_lines(trace: Trace, outcome: Outcome, name: str) -> tuple[str, Lives]:
    """One line a worker: boot, ready with the share of its cores in use, teardown; and which workers these are."""
    chosen = lives(trace, outcome)
    with theme.figure(0.9 + 0.16 * max(6, len(chosen.lives))) as drawn:
        axes = drawn.subplots()
        unit = _time_axis(axes, max(1, outcome.ended_us))
        for row, life in enumerate(chosen.lives):
            _life_line(axes, row, life, chosen, unit)
        axes.set_ylim(len(chosen.lives) - 0.4, -0.6)
        axes.set_ylabel("workers, in launch order" if len(chosen.lives) > FEW else "worker")
        axes.set_yticks(*_rows(chosen))
        axes.grid(visible=False, axis="y")
        for colour, label in (
            (theme.BOOT, "boot"),
            (theme.BUSY, "busy"),
            (theme.IDLE, "idle"),
            (theme.TEARDOWN, "teardown"),
        ):
            axes.fill_between([], [], color=colour, linewidth=0, label=label)
        axes.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=4, borderaxespad=0.2)
        return theme.svg(drawn, name, "The lives of workers"), chosen


def _life_line(axes: Axes, row: int, life: Life, chosen: Lives, unit: float) -> None:
    for first, last, colour in (
        (life.requested, life.ready, theme.BOOT),
        (life.ready, life.drained, theme.IDLE),
        (life.drained, life.deleted, theme.TEARDOWN),
    ):
        if last > first:
            axes.broken_barh([(first / unit, (last - first) / unit)], (row - 0.4, 0.8), color=colour, linewidth=0)
    used = np.flatnonzero(life.use)
    if len(used):
        part = slice(int(used[0]), int(used[-1]) + 1)
        edges = np.clip(chosen.edges[part.start : part.stop + 1], life.ready, life.drained)
        top = row + 0.4 - 0.8 * np.minimum(1.0, life.use[part])
        axes.fill_between(_twice(edges / unit), row + 0.4, _flat(top), color=theme.BUSY, linewidth=0)


def _rows(chosen: Lives) -> tuple[list[int], list[str]]:
    step = max(1, len(chosen.lives) // 8)
    rows = list(range(0, len(chosen.lives), step))
    return rows, [f"{chosen.lives[row].number + 1:,}" for row in rows]


def _line(axes: Axes, slices: Slices, unit: float, colour: str, label: str) -> None:
    at = _twice(slices.edges / unit)
    axes.fill_between(at, _flat(slices.least), _flat(slices.largest), color=colour, alpha=0.16, linewidth=0)
    axes.plot(at, _flat(slices.mean), color=colour, label=label)


def _time_axis(axes: Axes, until: int) -> float:
    """Label the axis of time; how many microseconds its unit has."""
    seconds, word = next((pair for pair in UNITS if until >= ENOUGH * pair[0] * MICROSECONDS), UNITS[-1])
    axes.set_xlabel(f"{word} since the start of the log")
    axes.set_xlim(0, until / (seconds * MICROSECONDS))
    axes.xaxis.set_major_locator(MaxNLocator(nbins=12, steps=[1, 2, 3, 5, 6, 10]))
    return float(seconds * MICROSECONDS)


def _twice(edges: Real) -> Real:
    """Both ends of every slice."""
    return np.repeat(edges, 2)[1:-1]


def _flat(values: Real | Whole) -> Real:
    """The value of every slice, for both its ends."""
    return np.repeat(values.astype(np.float64), 2)
