"""A run of the fast engine that does not begin with an empty pool."""

from elastic_simulations.fast.elastic import Run, check
from elastic_simulations.fast.outcome import Outcome
from elastic_simulations.fast.pool import Pool
from elastic_simulations.fast.spec import ElasticSpec
from elastic_simulations.live.state import State
from elastic_simulations.runs.settings import RunSettings
from elastic_simulations.traces.trace import MICROSECONDS, Trace


def settings_from(state: State, asked: RunSettings, plain: RunSettings) -> RunSettings:
    """What was asked for, and where nothing was (the default), what the group has."""
    values = {
        "policy": state.policy,
        "minimum": state.minimum,
        "maximum": state.maximum,
        "slots": state.slots,
        "boot": state.boot_seconds,
    }
    chosen = {name: value for name, value in values.items() if getattr(asked, name) == getattr(plain, name)}
    sets = {"idle_seconds": f"{state.idle_seconds:g}", **asked.sets}
    return asked.__class__(**{**{n: getattr(asked, n) for n in asked.__dataclass_fields__}, **chosen, "sets": sets})


def run_from(state: State, trace: Trace, spec: ElasticSpec) -> Outcome:
    """The run; workers that were there are paid for from time 0, and were not started in it.

    Upcoming ones are thought to be spread evenly over their boot. Which worker runs which job is found anew, as the
    spec's order says; what the policy and the guardrails remembered is not taken over.
    """
    check(trace, spec)
    outcome = _Begun(trace, spec, state).outcome()
    outcome.launches -= state.ready + state.upcoming
    return outcome


class _Begun(Run):
    """With workers from the first moment on."""

    def __init__(self, trace: Trace, spec: ElasticSpec, state: State) -> None:
        boot = round(state.boot_seconds * MICROSECONDS)
        parts = 2 * state.upcoming
        self._ready_us = [0] * state.ready + [max(1, boot * part // parts) for part in range(1, parts, 2)]
        super().__init__(trace, spec, None)
        for at in self._ready_us:
            self.pool.launch(at // self.unit)

    def pool_of(self, trace: Trace, spec: ElasticSpec, times: list[int]) -> tuple[int, Pool]:
        """In a unit in which these moments are whole too."""
        return super().pool_of(trace, spec, [*times, *self._ready_us])
