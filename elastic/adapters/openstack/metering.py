"""What `elastic check` says of the metering: who is measured, how often, how late, and what that makes of the load."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise

from elastic.adapters.openstack.telemetry import AGGREGATION, LEAST_SPAN_SECONDS, GnocchiTelemetry, Point
from elastic.adapters.plain import plainly
from elastic.ports import Finding, PortError

ADVISED_SECONDS = 60.0
"""Polled more rarely than this, load is told minutes after it came or went."""
TOLERATED_SECONDS = 90.0
LOOKED_BACK_SECONDS = 1800.0
WHAT = "telemetry"


def check(telemetry: GnocchiTelemetry, idle_seconds: float) -> Finding:
    """Whether Gnocchi answers, and whether its metering is quick and often enough.

    `idle_seconds` is the least after which a group gives workers up.
    """
    try:
        wrong = "; ".join(_kept(telemetry))
        if wrong:
            mend = "set cloud.options.granularity_seconds to one that is kept, or see deploy/ceilometer/"
            return Finding(what=WHAT, ok=False, seen=wrong, mend=mend)
        series = telemetry.series(LOOKED_BACK_SECONDS)
    except PortError as error:
        mend = "leave telemetry out of [cloud.options], or see to Gnocchi; everything works without it"
        return Finding(what=WHAT, ok=False, seen=plainly(error), mend=mend)
    newest = [points[-1].at for points in series.values() if points]
    if not newest:
        seen = f"no server of pool {telemetry.pool} has told of its cpu in the last {LOOKED_BACK_SECONDS:.0f} s"
        hint = "right while there are no workers; else: is `cpu` polled? see deploy/ceilometer/polling.yaml"
        return Finding(what=WHAT, ok=True, seen=f"{seen}; {hint}")
    age = max(0.0, telemetry.now() - max(newest) - telemetry.granularity)
    every = seconds_between(series) or float(telemetry.granularity)
    seen = f"{len(newest)} servers, the newest sample {age:.0f} s old, one each {every:.0f} s"
    mend = "; ".join(_slow(telemetry, age, every, idle_seconds))
    return Finding(what=WHAT, ok=not mend, seen=seen, mend=mend)


def seconds_between(series: Mapping[str, Sequence[Point]]) -> float | None:
    """How far apart samples usually are; None where no server has two."""
    gaps = sorted(after.at - before.at for points in series.values() for before, after in pairwise(points))
    return gaps[len(gaps) // 2] if gaps else None


def _kept(telemetry: GnocchiTelemetry) -> Iterator[str]:
    """What the archive policy of the servers' `cpu` lacks; nothing where no server is measured yet."""
    policy = telemetry.kept()
    if not policy:
        return
    name = policy.get("name", "?")
    kept = sorted(seconds(str(one["granularity"])) for one in policy.get("definition", ()))
    if telemetry.granularity not in kept:
        said = ", ".join(f"{one:g}" for one in kept)
        yield f"archive policy {name} keeps `cpu` each {said} s, and granularity_seconds is {telemetry.granularity}"
    if AGGREGATION not in policy.get("aggregation_methods", ()):
        yield f"archive policy {name} does not keep {AGGREGATION}"


def seconds(granularity: str) -> float:
    """Gnocchi's way to write a granularity: seconds, [H:]MM:SS, or days before these."""
    days, _, rest = granularity.rpartition(", ")
    found = 0.0
    for part in rest.split(":"):
        found = 60 * found + float(part)
    return found + 86400.0 * int(days.split()[0]) if days else found


def _slow(telemetry: GnocchiTelemetry, age: float, every: float, idle_seconds: float) -> Iterator[str]:
    if max(every, telemetry.granularity) > TOLERATED_SECONDS or age > 2 * ADVISED_SECONDS:
        yield f"metering polls too rarely: poll `cpu` each {ADVISED_SECONDS:.0f} s, see deploy/ceilometer/polling.yaml"
    # All of a rate must lie in the time that it has been idle, and its last sample be told.
    late = max(LEAST_SPAN_SECONDS, every) + every + 2 * telemetry.granularity
    if idle_seconds < late:
        told = f"its load is told up to {late:.0f} s late"
        yield f"a worker idle for {idle_seconds:.0f} s may go before a leftover process is seen, as {told}"
