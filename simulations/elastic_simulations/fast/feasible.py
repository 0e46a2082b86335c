"""Whether a run can be at all: every job fits somewhere, and the ticks have an end."""

from collections.abc import Iterator

from elastic.core.resources import Resources
from elastic_simulations.draws import Constant
from elastic_simulations.estimates import REQUESTED
from elastic_simulations.fast.requests import requests_of
from elastic_simulations.fast.spec import ElasticSpec
from elastic_simulations.traces.errors import TraceError
from elastic_simulations.traces.trace import MICROSECONDS, UNKNOWN, Trace

MOST_TICKS = 20_000_000
"""Thirty-eight years of ticks a minute apart: ten minutes of ours."""


def check(trace: Trace, spec: ElasticSpec) -> None:
    """Raise TraceError, with its line, for a job that fits on no worker, or that comes after too many ticks."""
    if spec.wide:
        _fits_somewhere(trace, spec)
    else:
        _fits(trace, spec.slots)
    _may_end(trace, spec)
    if spec.estimates == REQUESTED:
        _all_ask(trace)


def _all_ask(trace: Trace) -> None:
    asked = trace.optional.get("estimate_us")
    place = 0 if asked is None else next((place for place, time in enumerate(asked) if time == UNKNOWN), None)
    if place is not None:
        raise TraceError(trace.source, trace.line[place], "estimates=requested: no run time is asked for here")


def _fits(trace: Trace, slots: int) -> None:
    if max(trace.cores) <= slots:
        return
    place = next(place for place, wanted in enumerate(trace.cores) if wanted > slots)
    problem = f"the job asks for {trace.cores[place]} cores, a worker has {slots}: it fits on none"
    raise TraceError(trace.source, trace.line[place], problem)


def _may_end(trace: Trace, spec: ElasticSpec) -> None:
    if not (spec.skips_quiet or spec.on_events):
        check_ticks(trace, spec, MOST_TICKS, "leave out the quiet ones: --set skips_quiet=true")


def check_ticks(trace: Trace, spec: ElasticSpec, most: int, advice: str) -> None:
    """TraceError where the last job alone takes more ticks than that to come, be served and end."""
    boot = spec.boot_seconds.value if isinstance(spec.boot_seconds, Constant) else 0.0
    seconds = (trace.submit_us[-1] + trace.run_us[-1]) / MICROSECONDS + boot
    ticks = seconds / spec.site.tick_seconds
    if ticks > most:
        problem = f"the last job ends after {ticks:,.0f} ticks or more: take a longer --tick, or {advice}"
        raise TraceError(trace.source, trace.line[-1], problem)


def _fits_somewhere(trace: Trace, spec: ElasticSpec) -> None:
    offers = [one.offers for one in spec.workers]
    for place, request in enumerate(requests_of(trace, shaped=spec.shaped)):
        if not any(request.fits_in(offer) for offer in offers):
            asked = ", ".join(f"{amount} {name}" for name, amount in _named(request))
            problem = f"the job asks for {asked}: it fits on no worker of any group"
            raise TraceError(trace.source, trace.line[place], problem)


def _named(request: Resources) -> Iterator[tuple[str, int]]:
    names = ("cores", "MB of memory", "MB of disk", "gpus")
    return ((name, amount) for name, amount in zip(names, request, strict=True) if amount)
