"""What is asked of the collector: machines, schedds, its own age; and taking the ads of dead workers out of it."""

from collections.abc import Sequence
from typing import Any

import classad2
import htcondor2

from elastic.adapters.htcondor import kinds, slots
from elastic.adapters.htcondor.bindings import quoted, text, translated, whole

FETCHED_AT_ONCE = 25
"""Whole ads are twenty times as dear as projected ones, and a new kind is rare: the rest comes with the next ticks."""

_kinds = kinds.Kinds()
_busy_at: dict[tuple[str, str], int] = {}
"""When each startd was last seen claimed, by its own clock."""


def machines(extra: Sequence[str]) -> tuple[list[slots.Row], float | None, dict[str, str]]:
    """Every startd as a row, the collector's age in seconds, and a template ad of each kind that is known so far.

    `extra` names further attributes that tell kinds apart: those that jobs now in the queue look at.
    """
    collector = htcondor2.Collector()
    with translated("collector"):
        wanted = [*slots.ATTRIBUTES, *kinds.ATTRIBUTES, *extra]
        ads = collector.query(htcondor2.AdType.Slot, "DynamicSlot =!= true", [*wanted, "DynamicSlot"])
        now, age = _clock(collector)
    rows, wanted_kinds = _rows(ads, extra, now)
    missing = {kind: name for kind, name in wanted_kinds.items() if kind not in _kinds.texts}
    _fetch(collector, dict(sorted(missing.items())[:FETCHED_AT_ONCE]))
    _kinds.keep(frozenset(wanted_kinds))
    return rows, age, dict(_kinds.texts)


def _rows(ads: Sequence[Any], extra: Sequence[str], now: int) -> tuple[list[slots.Row], dict[str, str]]:
    """The rows, and for each kind the slot whose ad is to stand for it: the first by name that takes jobs."""
    seen = []
    examples: dict[str, str] = {}
    for ad in ads:
        slot = slots.read(ad, _kinds.of(ad, extra))
        seen.append(slot)
        if slot.accepts and slot.drain is None:
            name = ad["Name"]
            known = examples.get(slot.kind)
            if known is None or name < known:
                examples[slot.kind] = name
    groups = slots.by_startd(seen)
    for key in [key for key in _busy_at if key not in groups]:
        del _busy_at[key]
    for key, there in groups.items():
        if any(slot.claimed for slot in there):
            _busy_at[key] = max(slot.now for slot in there)
    return [slots.row(groups[key], now, _busy_at.get(key, 0)) for key in sorted(groups)], examples


def _clock(collector: Any) -> tuple[int, float | None]:
    """What the collector's own clock says now, and for how long it has been up by it.

    Its ad in itself is renewed only every quarter of an hour; the statistics in it are as of the question.
    """
    ads = collector.query(
        htcondor2.AdType.Collector, projection=["StatsLifetime", "StatsLastUpdateTime", "MyAddress", "Name"]
    )
    if not ads:
        return 0, None
    age = ads[0].get("StatsLifetime")
    return whole(ads[0], "StatsLastUpdateTime"), float(age) if isinstance(age, int | float) else None


def _fetch(collector: Any, missing: dict[str, str]) -> None:
    if not missing:
        return
    kind_of = {name: kind for kind, name in missing.items()}
    constraint = " || ".join(f"Name == {quoted(name)}" for name in kind_of)
    with translated("collector"):
        for ad in collector.query(htcondor2.AdType.Slot, constraint):
            _kinds.learn(kind_of[ad["Name"]], ad)


def schedds() -> list[tuple[str, str]]:
    """Name and address of every schedd that the collector knows, sorted."""
    with translated("collector"):
        ads = htcondor2.Collector().locateAll(htcondor2.DaemonType.Schedd)
    return sorted((text(ad, "Name"), text(ad, "MyAddress")) for ad in ads)


def invalidate(server_id: str, address: str) -> int:
    """Take out the ads of exactly this worker's startd and master; say how many there were."""
    collector = htcondor2.Collector()
    ours = [f"ElasticServerId =?= {quoted(server_id)}"] if server_id else []
    ours += [f"MyAddress =?= {quoted(address)}"] if address else []
    if not ours:
        return 0
    constraint = " || ".join(ours)
    with translated("collector"):
        found = collector.query(htcondor2.AdType.Startd, constraint, ["Name", "MyType", "MyAddress", slots.SERVER])
        for ad in found:
            _invalidate(collector, "INVALIDATE_STARTD_ADS", "Machine", f"{constraint}", ad["Name"])
    return len(found)


def _invalidate(collector: Any, command: str, target: str, constraint: str, name: str) -> None:
    ad = classad2.ClassAd(
        f'[MyType = "Query"; TargetType = {quoted(target)}; Name = {quoted(name)};'
        f" Requirements = (Name == {quoted(name)}) && ({constraint})]"
    )
    collector.advertise([ad], command)
