"""Which engine simulates a run: the pure-Python specification, the compiled one where it pays, or the full world."""

from importlib.util import find_spec

from elastic_simulations.runs.settings import AMOUNTS, RunSettings, check
from elastic_simulations.traces.following import depends
from elastic_simulations.traces.trace import Trace

PYTHON, NUMBA, FULL, AUTO = "python", "numba", "full", "auto"

PAYS_FROM = 150_000
"""Jobs on elastic pools before numba, which takes half a second to load in each process, is worth it."""

STATIC_WEIGHT = 0.4
"""What a job on a fixed number of cores takes of the time of one on an elastic pool."""

_simulated = 0.0
"""Jobs that this process has simulated so far: a campaign's runs together may be what makes it worth it."""


def chosen(settings: RunSettings, trace: Trace) -> str:
    """The engine for this run; SettingsError where it was named and cannot be had."""
    if settings.engine == NUMBA:
        why = _why_not(settings, trace)
        check(not why, f"--engine numba: {why}")
        return NUMBA
    if settings.static is not None and settings.engine == FULL:
        # Nobody decides, so that there is no controller to run: `lost_options` tells it.
        return PYTHON
    if settings.engine != AUTO:
        return settings.engine
    return NUMBA if _pays(len(trace), settings.static) and not _why_not(settings, trace) else PYTHON


def _pays(jobs: int, static: int | None) -> bool:
    global _simulated  # noqa: PLW0603 - of the process, as what it imports
    _simulated += jobs if static is None else STATIC_WEIGHT * jobs
    return _simulated >= PAYS_FROM


def _why_not(settings: RunSettings, trace: Trace) -> str:
    """Why this run cannot be compiled; empty when it can."""
    if depends(trace):
        return "jobs that wait for others are not compiled; use --engine python, or --dependencies ignore"
    if find_spec("numba") is None:
        return "numba is not installed: pip install 'elastic[compiled]'"
    try:
        from elastic_simulations.fast.compiled.limits import why_not  # noqa: PLC0415 - imports numba
    except ImportError as error:
        return f"numba cannot be imported ({error}): pip install --upgrade 'elastic[compiled]'"
    if settings.static is None and any(name in AMOUNTS for name in settings.sets):
        return "what jobs ask for beside cores is not compiled; use --engine python"
    return why_not(trace, settings.static, settings.order)
