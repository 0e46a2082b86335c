"""A run of the fast engine that does not begin with an empty pool."""

from collections.abc import Sequence
from dataclasses import fields, replace

from elastic_simulations.fast.elastic import Run, check
from elastic_simulations.fast.outcome import Outcome
from elastic_simulations.fast.pool import Pool
from elastic_simulations.fast.shaped import ShapedPool
from elastic_simulations.fast.spec import ElasticSpec, Workers
from elastic_simulations.fast.wide import WideRun
from elastic_simulations.live.state import State
from elastic_simulations.runs.elastic_settings import elastic_spec
from elastic_simulations.runs.settings import RunSettings
from elastic_simulations.runs.settings import check as must
from elastic_simulations.traces.trace import MICROSECONDS, Trace

OWN = {"minimum": "--min", "maximum": "--max", "slots": "--slots", "boot": "--boot"}
"""Settings that each group has for itself, by their options."""


def settings_from(state: State, asked: RunSettings, plain: RunSettings) -> RunSettings:
    """What was asked for, and where nothing was (the default), what the group has."""
    values = {
        "policy": state.policy,
        "minimum": state.minimum,
        "maximum": state.maximum,
        "slots": state.slots,
        "boot": state.boot_seconds,
    }
    given = {item.name: getattr(asked, item.name) for item in fields(asked)}
    chosen = {name: value for name, value in values.items() if given[name] == getattr(plain, name)}
    sets = {"idle_seconds": f"{state.idle_seconds:g}", **asked.sets}
    return RunSettings(**{**given, **chosen, "sets": sets})


def spec_from(states: Sequence[State], asked: RunSettings) -> ElasticSpec:
    """All groups as they are; an option that each has for itself is for one group alone, which must be named then."""
    plain = RunSettings()
    for name, option in OWN.items():
        known = ", ".join(state.group for state in states)
        same = len(states) == 1 or getattr(asked, name) == getattr(plain, name)
        must(same, f"{option}: each group has its own; name one with --group: {known}")
    specs = [elastic_spec(settings_from(state, asked, plain)) for state in states]
    if len(specs) == 1:
        return specs[0]
    groups = [
        replace(spec.group, name=state.group, priority=state.priority, cost_per_hour=state.cost_per_hour)
        for spec, state in zip(specs, states, strict=True)
    ]
    more = zip(groups[1:], specs[1:], strict=True)
    return replace(
        specs[0],
        group=groups[0],
        more=tuple(Workers(group=group, policy=spec.policy, boot_seconds=spec.boot_seconds) for group, spec in more),
    )


def run_from(states: Sequence[State], trace: Trace, spec: ElasticSpec) -> Outcome:
    """The run; workers that were there are paid for from time 0, and were not started in it.

    Upcoming ones are thought to be spread evenly over their boot. Which worker runs which job is found anew, as the
    spec's order says; what the policy and the guardrails remembered is not taken over.
    """
    check(trace, spec)
    outcome = (_BegunWide if spec.wide else _Begun)(trace, spec, states).outcome()
    outcome.launches -= sum(state.ready + state.upcoming for state in states)
    return outcome


def _ready_us(state: State) -> list[int]:
    """When each of the group's workers is ready."""
    boot, parts = round(state.boot_seconds * MICROSECONDS), 2 * state.upcoming
    return [0] * state.ready + [max(1, boot * part // parts) for part in range(1, parts, 2)]


class _Begun(Run):
    """With the workers of one group from the first moment on."""

    def __init__(self, trace: Trace, spec: ElasticSpec, states: Sequence[State]) -> None:
        (state,) = states
        self._ready_us = _ready_us(state)
        super().__init__(trace, spec, None)
        for at in self._ready_us:
            self.pool.launch(at // self.unit)

    def pool_of(self, trace: Trace, spec: ElasticSpec, times: list[int]) -> tuple[int, Pool]:
        """In a unit in which these moments are whole too."""
        return super().pool_of(trace, spec, [*times, *self._ready_us])


class _BegunWide(WideRun):
    """With the workers of several."""

    def __init__(self, trace: Trace, spec: ElasticSpec, states: Sequence[State]) -> None:
        self._ready_us = [(place, at) for place, state in enumerate(states) for at in _ready_us(state)]
        super().__init__(trace, spec, None)
        for place, at in self._ready_us:
            if isinstance(self.pool, ShapedPool):
                self.pool.launch_in(place, at // self.unit)

    def pool_of(self, trace: Trace, spec: ElasticSpec, times: list[int]) -> tuple[int, Pool]:
        """In a unit in which these moments are whole too."""
        return super().pool_of(trace, spec, [*times, *(at for _, at in self._ready_us)])
