"""How far each source can be believed, and what may be done with what is known (promise 2: in doubt, keep)."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from elastic.core.fleet import Fleet
from elastic.core.memory import Memory
from elastic.core.merging import load_age, load_doubt
from elastic.core.model import SiteSpec, SourceHealth, Trust, Worker
from elastic.core.observation import Observations, ScheddQueue, SourceReading

EXPIRED = "Expired"
"""The error type of a schedd that has been silent for so long that it is not waited for any more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """What may be done, the health behind it, and since and until when the pool counts as blind.

    `alert` says, at one tick only, that growth has been held for too long.
    """

    trust: Trust
    sources: Mapping[str, SourceHealth]
    blind_since: float | None
    blind_until: float | None
    alert: str = ""


def judge(seen: Observations, fleet: Fleet, memory: Memory, site: SiteSpec, now: float) -> Judgement:
    """Every reason not to shrink and not to grow; a blind pool does neither."""
    sources = health(seen, site)
    blind = next(iter(_blindness(seen, fleet, site, now)), "")
    shrink = blind or next(iter(_shrink_doubts(seen, sources)), "")
    return Judgement(
        trust=Trust(shrink=shrink, grow=blind, act=_foreign_fleet(fleet)),
        sources=sources,
        blind_since=(memory.blind_since if memory.blind_since is not None else now) if blind else None,
        blind_until=now if blind else memory.blind_until,
        alert=_alert(memory, site, now) if blind else "",
    )


def health(seen: Observations, site: SiteSpec) -> Mapping[str, SourceHealth]:
    """One entry for each source and each schedd, sorted by name."""
    readings: dict[str, SourceReading[object]] = {
        "machines": seen.machines,
        "negotiation": seen.negotiation,
        "queue": seen.queue,
        "quotas": seen.quotas,
        "servers": seen.servers,
    }
    if seen.load is not None:
        readings["load"] = seen.load
    if seen.sizes is not None:
        readings["sizes"] = seen.sizes
    if seen.alarms is not None:
        readings["alarms"] = seen.alarms
    entries = {name: _of_reading(name, reading) for name, reading in readings.items()}
    if "load" in entries:
        entries["load"] = _of_load(entries["load"], seen, site)
    for schedd in seen.queue.value.schedds if seen.queue.value else ():
        entries[f"schedd:{schedd.schedd}"] = _of_schedd(schedd)
    return dict(sorted(entries.items()))


def _alert(memory: Memory, site: SiteSpec, now: float) -> str:
    """That a blind pool has been held for too long; said at the tick that passes the limit, also after a restart."""
    if memory.blind_since is None:
        return ""
    held, before = now - memory.blind_since, memory.last_now - memory.blind_since
    return f"growth has been held for {held:.0f} s" if before < site.growth_held_alert_seconds <= held else ""


def _of_reading(name: str, reading: SourceReading[object]) -> SourceHealth:
    return SourceHealth(
        source=name,
        ok=not reading.error and reading.value is not None,
        age_seconds=reading.age_seconds,
        error=reading.error,
        error_type=reading.error_type,
        misses=reading.misses,
    )


def _of_load(health: SourceHealth, seen: Observations, site: SiteSpec) -> SourceHealth:
    """As old as its newest sample; a metering that has ceased to measure is no source any more."""
    doubt = load_doubt(seen, site)
    kind = health.error_type or ("Stale" if doubt else "")
    return replace(health, ok=health.ok and not doubt, age_seconds=load_age(seen), error=doubt, error_type=kind)


def _of_schedd(queue: ScheddQueue) -> SourceHealth:
    return SourceHealth(
        source=f"schedd:{queue.schedd}",
        ok=not queue.error,
        age_seconds=queue.age_seconds,
        error=queue.error,
        error_type=EXPIRED if queue.expired else "Transient" if queue.error else "",
        misses=1 if queue.error else 0,
    )


def _shrink_doubts(seen: Observations, sources: Mapping[str, SourceHealth]) -> Iterable[str]:
    for name in ("machines", "servers", "queue"):
        if not sources[name].ok:
            yield f"{name}: {sources[name].error or 'no answer yet'}"
    for schedd in seen.queue.value.schedds if seen.queue.value else ():
        if schedd.error and not schedd.expired:
            yield f"schedd {schedd.schedd}: {schedd.error}"


def _blindness(seen: Observations, fleet: Fleet, site: SiteSpec, now: float) -> Iterable[str]:
    """Every reason to believe that what is seen is not what is there."""
    for name, reading in (("machines", seen.machines), ("servers", seen.servers), ("queue", seen.queue)):
        if reading.value is None:
            yield f"blind: {name} has not answered yet: {reading.error or 'waiting'}"
        elif reading.misses >= site.blind_missed_ticks and name != "queue":
            yield f"blind: {name} has missed {reading.misses} ticks: {reading.error}"
    age = seen.machines.value.collector_age_seconds if seen.machines.value else None
    if age is not None and age < site.machine_update_seconds:
        within = site.machine_update_seconds
        yield f"blind: the collector started {age:.0f} s ago; machines report within {within:.0f} s"
    if text := vanished(fleet.workers, site, now):
        yield f"blind: {text}"


def vanished(workers: Iterable[Worker], site: SiteSpec, now: float) -> str:
    """Whether too many machine ads that we did not remove ourselves vanished within one ad lifetime, in words.

    Over when they return, when the cloud confirms those servers gone, or one ad lifetime after the last loss.
    """
    times: list[float] = []
    present = 0
    for worker in workers:
        if worker.steady:
            present += 1
            continue
        record = worker.record
        if record.joined_at is None:
            continue
        if record.vanished_at is None:
            present += 1
        elif record.delete_asked_at is None and record.fence_asked_at is None and record.missing_since is None:
            times.append(record.vanished_at)
    if not times or now - max(times) > site.ad_lifetime_seconds:
        return ""
    lost = sum(1 for at in times if at > max(times) - site.ad_lifetime_seconds)
    if lost < site.vanish_minimum or lost <= site.vanish_fraction * (lost + present):
        return ""
    return f"{lost} of {lost + present} machine ads vanished within one ad lifetime"


def _foreign_fleet(fleet: Fleet) -> str:
    if not fleet.strangers:
        return ""
    ledgers = sorted({server.ledger or "" for server in fleet.strangers})
    return (
        f"{len(fleet.strangers)} servers of this pool belong to another ledger ({', '.join(ledgers)}): "
        f"stop its daemon and run `elastic adopt --from {ledgers[0]}`"
    )
