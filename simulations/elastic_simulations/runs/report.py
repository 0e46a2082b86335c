"""A result as plain JSON types: the pinned names of `elastic sim run -o json`, and all else that was measured."""

from collections.abc import Mapping
from dataclasses import asdict
from functools import cache
from importlib.metadata import PackageNotFoundError, version

from elastic_simulations.runs.running import Result
from elastic_simulations.runs.settings import HONOUR, lost_options
from elastic_simulations.traces.following import counted, depends
from elastic_simulations.traces.trace import MICROSECONDS, UNKNOWN, Note

HOUR_US = 3600 * MICROSECONDS

IGNORED = ("memory_mb", "disk_mb", "gpus")
"""Columns that are not looked at unless it is set what a worker has of it."""

Plain = Mapping[str, object]


@cache
def own_version() -> str:
    """Which elastic this is."""
    try:
        return version("elastic")
    except PackageNotFoundError:
        return "unknown"


def report(result: Result) -> Plain:
    """Times in seconds, core time in core-hours; durations of the simulation itself only in `wall_s`."""
    trace, outcome, paid = result.trace, result.outcome, result.paid
    makespan_us = outcome.ended_us - trace.submit_us[0]
    return {
        "jobs": len(trace),
        "dropped": trace.rows_dropped,
        "unserved": outcome.unserved,
        "wait": asdict(result.waiting.wait),
        "core_weighted_wait_s": result.waiting.core_weighted_wait_s,
        "bounded_slowdown": asdict(result.waiting.bounded_slowdown),
        "makespan_s": makespan_us / MICROSECONDS,
        "last_end_s": outcome.ended_us / MICROSECONDS,
        "paid_core_h": paid.paid / HOUR_US,
        "paid_tail_core_h": paid.tail / HOUR_US,
        "used_core_h": paid.used / HOUR_US,
        "busy_core_h": paid.busy / HOUR_US,
        "idle_core_h": paid.idle / HOUR_US,
        "boot_core_h": paid.boot / HOUR_US,
        "teardown_core_h": paid.teardown / HOUR_US,
        "wasted_core_h": paid.wasted / HOUR_US,
        "paid_core_s": paid.paid / MICROSECONDS,
        "billed_core_h": {f"{quantum} s": billed / 3600 for quantum, billed in paid.billed.items()},
        "starts": result.churn.starts,
        "stops": result.churn.stops,
        "cost": _cost(result),
        "mean_worker_life_s": result.churn.life.mean,
        "worker_life": asdict(result.churn.life),
        "api_calls_per_h": {
            "changing": result.churn.changing_calls_per_h,
            "listing": result.churn.listing_calls_per_h,
        },
        "evictions": outcome.evictions,
        "waste": {
            "evicted_core_h": paid.wasted / HOUR_US,
            "never_ready_workers": result.churn.never_ready,
            "never_ready_core_h": result.churn.never_ready_us / HOUR_US,
        },
        "scaling_factor": _served_us(result) / makespan_us if makespan_us > 0 else 0.0,
        **asdict(result.elasticity),
        "littles_law_residual": result.littles_law_residual,
        "warmup_s": result.warmup.seconds,
        "warmup_rule": result.warmup.rule,
        "warmup_found": result.warmup.found,
        "jain": _jain(result),
        "users": _users(result),
        "ignored": _ignored(result),
        "dependencies": _dependencies(result),
        "repaired": [_note(note) for note in trace.repaired],
        "dropped_rows": [_note(note) for note in trace.dropped],
        "trace": trace.source,
        "trace_sha256": trace.sha256,
        "seed": result.settings.seed,
        "settings": asdict(result.settings),
        "version": own_version(),
        "events": outcome.events,
        "decisions": outcome.decisions,
        **result.more,
        "wall_s": result.wall_s,
    }


def _served_us(result: Result) -> int:
    """Run times of the jobs that were started."""
    if not result.waiting.unserved:
        return sum(result.trace.run_us)
    runs = zip(result.trace.run_us, result.outcome.start_us, strict=True)
    return sum(run for run, start in runs if start != UNKNOWN)


def _jain(result: Result) -> Plain | None:
    shares = result.waiting.fairness
    if shares is None:
        return None
    return {"wait": shares.jain_wait, "bounded_slowdown": shares.jain_bounded_slowdown, "users": len(shares.users)}


def _users(result: Result) -> list[Plain] | None:
    """By name; a list, so that users are no figures of their own."""
    shares = result.waiting.fairness
    return None if shares is None else [{"user": name, **asdict(share)} for name, share in shares.users.items()]


def _cost(result: Result) -> Plain | None:
    """By billing quantum, at the price of a core-hour; None where no price was named."""
    price, billed = result.settings.price, result.paid.billed
    return None if price is None else {f"{quantum} s": seconds / 3600 * price for quantum, seconds in billed.items()}


def _dependencies(result: Result) -> Plain:
    """How many times a job waits for another, and how many of these were waited for."""
    found = counted(result.trace)
    return {"links": found, "honoured": found if result.settings.dependencies == HONOUR else 0}


def _ignored(result: Result) -> list[str]:
    """Columns of the trace that nobody has looked at, and options that said nothing of this run."""
    optional, settings = result.trace.optional, result.settings
    lost = [name for name in IGNORED if name in optional and name not in settings.sets]
    lost += lost_options(settings)
    return ["after", *lost] if settings.dependencies != HONOUR and depends(result.trace) else lost


def _note(note: Note) -> Plain:
    return asdict(note)
