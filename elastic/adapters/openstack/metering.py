"""What `elastic check` says of the metering: who is measured, how often, how late, and what that makes of the load."""

from collections.abc import Iterator, Sequence

from elastic.adapters.openstack.telemetry import NANOSECONDS, GnocchiTelemetry, Point, Series
from elastic.ports import Finding, PortError

ADVISED_SECONDS = 60.0
"""Polled more rarely than this, load is told minutes after it came or went."""
LOOKED_BACK_SECONDS = 1800.0
LEAST_USED_SECONDS = 1.0
"""Of cpu, between the first and the last point: less says nothing of how often it was polled."""
LEAST_POINTS = 3
OFF = 1.3
"""An interval that is wrong by this factor makes loads that are."""
WHAT = "telemetry"


def check(telemetry: GnocchiTelemetry, idle_seconds: float) -> Finding:
    """Whether Gnocchi answers, and whether its metering is quick and often enough.

    `idle_seconds` is the least after which a group gives workers up.
    """
    try:
        wrong = "; ".join(_kept(telemetry))
        if wrong:
            return Finding(what=WHAT, ok=False, seen=wrong, mend="see deploy/ceilometer/ for a policy that has both")
        series = telemetry.series(LOOKED_BACK_SECONDS, "rate:mean", "mean")
    except PortError as error:
        mend = "leave telemetry out of [cloud.options], or see to Gnocchi; everything works without it"
        return Finding(what=WHAT, ok=False, seen=f"{type(error).__name__}: {error}", mend=mend)
    newest = [points[-1].at for measured in series.values() if (points := measured.get("rate:mean"))]
    if not newest:
        seen = f"no server of pool {telemetry.pool} has a rate of cpu in the last {LOOKED_BACK_SECONDS:.0f} s"
        hint = "right while there are no workers; else: is `cpu` polled? see deploy/ceilometer/polling.yaml"
        return Finding(what=WHAT, ok=True, seen=f"{seen}; {hint}")
    age = max(0.0, telemetry.now() - max(newest) - telemetry.granularity)
    polled = poll_seconds(series)
    often = f", polled each {polled:.0f} s" if polled is not None else ""
    seen = f"{len(newest)} servers, the newest sample {age:.0f} s old, one each {telemetry.granularity} s{often}"
    mend = "; ".join(_slow(telemetry, age, polled, idle_seconds))
    return Finding(what=WHAT, ok=not mend, seen=seen, mend=mend)


def poll_seconds(series: Series) -> float | None:
    """How often `cpu` is really polled, as its values tell; None where nobody has used enough of it to say.

    A rate is what one poll found beyond the one before; the values tell how much was used over all of the time.
    """
    found = sorted(
        seconds
        for measured in series.values()
        if (seconds := _polled(measured.get("rate:mean", ()), measured.get("mean", ()))) is not None
    )
    return found[len(found) // 2] if found else None


def _polled(rates: Sequence[Point], means: Sequence[Point]) -> float | None:
    if len(means) < LEAST_POINTS:
        return None
    inside = [rate.value for rate in rates if rate.at > means[0].at]
    used, seconds = means[-1].value - means[0].value, means[-1].at - means[0].at
    if not inside or min(inside) < 0 or used < LEAST_USED_SECONDS * NANOSECONDS:
        return None
    return sum(inside) / len(inside) * seconds / used


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
    for method in ("mean", "rate:mean"):
        if method not in policy.get("aggregation_methods", ()):
            yield f"archive policy {name} does not keep {method}"


def seconds(granularity: str) -> float:
    """Gnocchi's way to write a granularity: seconds, [H:]MM:SS, or days before these."""
    days, _, rest = granularity.rpartition(", ")
    found = 0.0
    for part in rest.split(":"):
        found = 60 * found + float(part)
    return found + 86400.0 * int(days.split()[0]) if days else found


def _slow(telemetry: GnocchiTelemetry, age: float, polled: float | None, idle_seconds: float) -> Iterator[str]:
    every = telemetry.poll_seconds
    if polled is not None and not every / OFF <= polled <= every * OFF:
        wrong = f"loads are told {polled / every:.1f} times as high as they are"
        yield f"{wrong}: set cloud.options.poll_seconds to {polled:.0f} instead of {every}"
    rare = max(every, telemetry.granularity, polled / OFF if polled is not None else 0.0) > ADVISED_SECONDS
    if rare or age > 2 * ADVISED_SECONDS:
        yield f"metering polls too rarely: poll `cpu` each {ADVISED_SECONDS:.0f} s, see deploy/ceilometer/polling.yaml"
    if idle_seconds < telemetry.longest_seconds:
        late = f"its load is told {telemetry.longest_seconds:.0f} s late at worst"
        yield f"a worker idle for {idle_seconds:.0f} s may go before a leftover process is seen, as {late}"
