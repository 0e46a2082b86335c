"""A trace and settings become a result: the engine runs, everything is measured."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from time import perf_counter
from typing import TYPE_CHECKING, NamedTuple

from elastic_simulations.fast.outcome import Outcome
from elastic_simulations.fast.static import run_static
from elastic_simulations.measures.checks import littles_law_residual
from elastic_simulations.measures.elasticity import Elasticity, elasticity
from elastic_simulations.measures.paying import Churn, Paid, churn, paid, used_by_jobs
from elastic_simulations.measures.waiting import Waiting, waiting
from elastic_simulations.measures.warmup import Warmup, mser5
from elastic_simulations.progress import shown
from elastic_simulations.runs.engines import FULL, NUMBA, PYTHON, chosen
from elastic_simulations.runs.settings import HONOUR, RunSettings, SettingsError, checked
from elastic_simulations.traces.following import depends, independent
from elastic_simulations.traces.trace import MICROSECONDS, Trace

if TYPE_CHECKING:
    from elastic_simulations.fast.elastic import Run
    from elastic_simulations.fast.spec import ElasticSpec


class _Measures(NamedTuple):
    """Those that look at every job or worker."""

    waiting: Callable[[Trace, Outcome, int], Waiting]
    residual: Callable[[Trace, Outcome], float]
    used: Callable[[Trace, Outcome], int]
    paid: Callable[[Trace, Outcome, Sequence[int], int], Paid]
    churn: Callable[[Outcome], Churn]


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """One run, measured. `wall_s` is what the simulation and the measuring took, reading the trace not included.

    `more` is what only the full world with a scenario's file can tell. `engine` is the one that ran.
    """

    settings: RunSettings
    trace: Trace
    outcome: Outcome
    warmup: Warmup
    waiting: Waiting
    paid: Paid
    churn: Churn
    elasticity: Elasticity
    littles_law_residual: float
    wall_s: float
    more: Mapping[str, object] = field(default_factory=dict)
    engine: str = PYTHON


def run(trace: Trace, settings: RunSettings) -> Result:
    """Simulate and measure; TraceError, SettingsError and PluginError say what to do next."""
    began = perf_counter()
    told = trace if checked(settings).dependencies == HONOUR else independent(trace)
    engine = chosen(settings, told)
    outcome = _simulated(told, settings, engine)
    if outcome.arrivals is not None:
        from elastic_simulations.fast.arriving import as_they_came  # noqa: PLC0415 - where jobs wait for others

        trace = as_they_came(trace, outcome.arrivals)
    with shown("measuring"):
        result = measured(trace, outcome, settings, engine)
    return replace(result, wall_s=perf_counter() - began)


def measured(trace: Trace, outcome: Outcome, settings: RunSettings, engine: str = PYTHON) -> Result:
    """All measures of what an engine left behind."""
    warmup = _warmup(trace, outcome, settings)
    of = _measures(engine)
    return Result(
        settings=settings,
        trace=trace,
        outcome=outcome,
        warmup=warmup,
        waiting=of.waiting(trace, outcome, round(warmup.seconds * MICROSECONDS)),
        paid=of.paid(trace, outcome, settings.quanta, of.used(trace, outcome)),
        churn=of.churn(outcome),
        elasticity=elasticity(outcome),
        littles_law_residual=of.residual(trace, outcome),
        wall_s=0.0,
        engine=engine,
    )


def _measures(engine: str) -> _Measures:
    if engine != NUMBA:
        return _Measures(waiting, littles_law_residual, used_by_jobs, paid, churn)
    from elastic_simulations.fast.compiled import measuring, paying  # noqa: PLC0415 - imports numba

    return _Measures(measuring.waiting, measuring.littles_law_residual, measuring.used, paying.paid, paying.churn)


def _warmup(trace: Trace, outcome: Outcome, settings: RunSettings) -> Warmup:
    if isinstance(settings.warmup, str):
        return mser5(trace, outcome)
    last_s = trace.submit_us[-1] / MICROSECONDS
    if settings.warmup > last_s:
        raise SettingsError(f"--warmup {settings.warmup:g} leaves no job: the last is submitted at {last_s:g} s")
    return Warmup(rule="given", seconds=settings.warmup)


def _simulated(trace: Trace, settings: RunSettings, engine: str) -> Outcome:
    if settings.static is not None:
        with shown("simulating"):
            return _static(engine, trace)(trace, settings.static)
    # The core and the policies: a static run starts in half the time without them.
    from elastic_simulations.fast.elastic import check  # noqa: PLC0415
    from elastic_simulations.runs.elastic_settings import elastic_spec  # noqa: PLC0415

    spec = elastic_spec(settings)
    check(trace, spec)
    if engine == FULL:
        from elastic_simulations.fast.feasible import check_ticks  # noqa: PLC0415 - as above
        from elastic_simulations.full.engine import MOST_TICKS, run_full  # noqa: PLC0415 - the whole controller
        from elastic_simulations.full.switches import refuse  # noqa: PLC0415 - as above

        refuse(settings.sets)
        check_ticks(trace, spec, MOST_TICKS, "--engine python, which is a thousand times as fast")
        with shown("simulating"):
            return run_full(trace, spec)
    going = _elastic(engine, trace, spec)(trace, spec, None)
    with shown("simulating", lambda: going.pool.arrived / len(trace)):
        return going.outcome()


def _static(engine: str, trace: Trace) -> Callable[[Trace, int], Outcome]:
    if depends(trace):
        from elastic_simulations.fast import static_following  # noqa: PLC0415 - where jobs wait for others

        return static_following.run_static
    if engine != NUMBA:
        return run_static
    from elastic_simulations.fast.compiled import static  # noqa: PLC0415 - imports numba

    return static.run_static


def _elastic(engine: str, trace: Trace, spec: "ElasticSpec") -> "type[Run]":
    if engine == NUMBA and not spec.wide:
        from elastic_simulations.fast.compiled.running import CompiledRun  # noqa: PLC0415 - imports numba

        return CompiledRun
    from elastic_simulations.fast.elastic import kind_of_run  # noqa: PLC0415 - the core, as above

    return kind_of_run(trace, spec)
