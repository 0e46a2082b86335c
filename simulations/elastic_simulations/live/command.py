"""What `elastic sim run --from-live` does: the state is known by now, the history is a trace's file."""

from dataclasses import replace
from time import perf_counter
from typing import TYPE_CHECKING

from elastic_simulations.live.source import newest
from elastic_simulations.live.starting import run_from, settings_from, spec_from
from elastic_simulations.live.state import from_plain, plain, states_of, together
from elastic_simulations.live.workload import workload
from elastic_simulations.progress import shown
from elastic_simulations.runs.running import Result, measured
from elastic_simulations.runs.settings import RunSettings, check, checked
from elastic_simulations.traces.queued import queued
from elastic_simulations.traces.reading import read
from elastic_simulations.traces.shaping import shaped

if TYPE_CHECKING:
    from elastic_simulations.runs.command import Asked


def with_state(asked: "Asked") -> "Asked":
    """The same, with the daemon's state as it is now, so that the manifest has it."""
    return replace(asked, state=plain(states_of(newest(asked.from_live), asked.group)))


def run_live(asked: "Asked", settings: RunSettings) -> tuple[Result, str]:
    """The run from that state on, and the checksum of the history's file."""
    check(settings.static is None, "--from-live begins with a worker group; --static has none")
    check(settings.engine in {"auto", "python"}, "--from-live needs --engine python")
    states = from_plain(asked.state or {})
    history = read(asked.trace, asked.fmt)
    begun = workload(together(states), history, queued(asked.trace, asked.fmt), asked.bootstrap_days, asked.seed)
    trace = shaped(begun, arrivals=asked.scale_arrivals, runtime=asked.scale_runtime, days=None, seed=asked.seed)
    chosen = checked(settings if states[1:] else settings_from(states[0], settings, RunSettings()))
    spec = spec_from(states, settings)
    began = perf_counter()
    with shown("simulating"):
        result = measured(trace, run_from(states, trace, spec), chosen)
    return replace(result, wall_s=perf_counter() - began, more={"live": plain(states)}), history.sha256
