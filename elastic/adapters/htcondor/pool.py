"""What is asked of the collector: machines, schedds, its own age; and taking the ads of dead workers out of it."""

from collections.abc import Sequence
from typing import Any

import classad2
import htcondor2

from elastic.adapters.htcondor import kinds, slots
from elastic.adapters.htcondor.bindings import COLLECTOR, give_memory_back, quoted, translated
from elastic.adapters.htcondor.uptime import Uptime
from elastic.adapters.htcondor.values import text, whole

FETCHED_AT_ONCE = 25
"""Whole ads are twenty times as dear as projected ones, and a new kind is rare: the rest comes with the next ticks."""
WHOLE_EVERY = 20
"""Every so often everything is read again, whatever the collector's clock has done in between."""
NO_DYNAMIC = "DynamicSlot =!= true"
"""A partitionable slot says how many dynamic ones it has and what they leave; those are not read."""


class Pool:
    """Every slot as it was last seen. Between two ticks few ads change, so only these are read again.

    The collector's stamp of when it heard of an ad tells which; it is compared with itself only.
    """

    def __init__(self) -> None:
        """Know nothing yet."""
        self.kinds = kinds.Kinds()
        self._slots: dict[str, slots.Slot] = {}
        self._rows: dict[slots.Startd, tuple[tuple[slots.Slot, ...], slots.Row]] = {}
        self._busy_at: dict[slots.Startd, int] = {}
        self._newest = 0
        self._clock = 0
        self._extra: tuple[str, ...] = ()
        self._asked = 0

    def read(self, collector: Any, extra: tuple[str, ...], now: int) -> list[slots.Row]:
        """Every startd, sorted; `extra` attributes tell kinds apart, `now` is the collector's clock."""
        changed_only = self._slots and extra == self._extra and self._asked % WHOLE_EVERY and now >= self._clock
        self._asked += 1
        self._clock = now
        constraint = NO_DYNAMIC
        if changed_only:
            present = {ad["Name"] for ad in collector.query(htcondor2.AdType.Slot, NO_DYNAMIC, ["Name", "DynamicSlot"])}
            self._slots = {name: slot for name, slot in self._slots.items() if name in present}
            constraint = f"{NO_DYNAMIC} && LastHeardFrom >= {self._newest}"
        else:
            self._slots = {}
        wanted = [*slots.ATTRIBUTES, *kinds.ATTRIBUTES, *extra, "DynamicSlot"]
        for ad in collector.query(htcondor2.AdType.Slot, constraint, wanted):
            slot = slots.read(ad, self.kinds.of(ad, extra))
            self._slots[ad["Name"]] = slot
            self._newest = max(self._newest, slot.heard)
        self._extra = extra
        rows = self._sums()
        if not changed_only:
            give_memory_back()
        return rows

    def examples(self) -> dict[str, str]:
        """For each kind the slot whose ad is to stand for it: the first by name that takes jobs."""
        found: dict[str, str] = {}
        for name, slot in self._slots.items():
            if slot.accepts and slot.drain is None and name < found.get(slot.kind, "~"):
                found[slot.kind] = name
        return found

    def _sums(self) -> list[slots.Row]:
        groups = slots.by_startd(self._slots.values())
        self._busy_at = {key: at for key, at in self._busy_at.items() if key in groups}
        rows: dict[slots.Startd, tuple[tuple[slots.Slot, ...], slots.Row]] = {}
        for key, there in groups.items():
            known = self._rows.get(key)
            if known is not None and known[0] == there:
                rows[key] = known
                continue
            if any(slot.claimed for slot in there):
                self._busy_at[key] = max(slot.now for slot in there)
            rows[key] = (there, slots.row(there, self._busy_at.get(key, 0)))
        self._rows = rows
        return [rows[key][1] for key in sorted(rows)]


_pool = Pool()


def machines(extra: Sequence[str]) -> tuple[list[slots.Row], Uptime | None, dict[str, str]]:
    """Every startd as a row, for how long the collector has been up, and a template ad of each kind known so far.

    `extra` names further attributes that tell kinds apart: those that jobs now in the queue look at.
    """
    collector = htcondor2.Collector()
    with translated(COLLECTOR):
        uptime = _uptime(collector)
        rows = _pool.read(collector, tuple(extra), int(uptime.now) if uptime else 0)
        examples = _pool.examples()
        missing = {kind: name for kind, name in examples.items() if kind not in _pool.kinds.texts}
        _fetch(collector, dict(sorted(missing.items())[:FETCHED_AT_ONCE]))
    _pool.kinds.keep(frozenset(examples))
    return rows, uptime, dict(_pool.kinds.texts)


def _uptime(collector: Any) -> Uptime | None:
    """For how long the collector has been up, as it said last; None where it does not say.

    Its ad in itself is renewed only every quarter of an hour; the statistics in it every few seconds.
    """
    wanted = ["StatsLifetime", "StatsLastUpdateTime", "MyAddress", "Name"]
    for ad in collector.query(htcondor2.AdType.Collector, projection=wanted):
        if told := whole(ad, "StatsLastUpdateTime"):
            return Uptime(started=told - whole(ad, "StatsLifetime"), now=told)
    return None


def _fetch(collector: Any, missing: dict[str, str]) -> None:
    if not missing:
        return
    kind_of = {name: kind for kind, name in missing.items()}
    constraint = " || ".join(f"Name == {quoted(name)}" for name in kind_of)
    for ad in collector.query(htcondor2.AdType.Slot, constraint):
        _pool.kinds.learn(kind_of[ad["Name"]], ad)


def schedds() -> list[tuple[str, str]]:
    """Name and address of every schedd that the collector knows, sorted."""
    with translated(COLLECTOR):
        ads = htcondor2.Collector().locateAll(htcondor2.DaemonType.Schedd)
    return sorted((text(ad, "Name"), text(ad, "MyAddress")) for ad in ads)


def invalidate(server_id: str, address: str) -> int:
    """Take out the ads of exactly this worker's startd; say how many there were."""
    collector = htcondor2.Collector()
    ours = [f"{slots.SERVER} =?= {quoted(server_id)}"] if server_id else []
    ours += [f"MyAddress =?= {quoted(address)}"] if address else []
    if not ours:
        return 0
    constraint = " || ".join(ours)
    with translated(COLLECTOR):
        found = collector.query(htcondor2.AdType.Startd, constraint, ["Name", "MyAddress", slots.SERVER])
        for ad in found:
            name = quoted(ad["Name"])
            requirements = f"(Name == {name}) && ({constraint})"
            invalid = f'[MyType = "Query"; TargetType = "Machine"; Name = {name}; Requirements = {requirements}]'
            collector.advertise([classad2.ClassAd(invalid)], "INVALIDATE_STARTD_ADS")
    return len(found)
