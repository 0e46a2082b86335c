"""HTCondor's view of each worker and its measured CPU become one: where they differ it is remembered, and kept.

Telemetry only makes us more careful: it takes no worker for busy that HTCondor calls idle, makes nobody a victim, and
where it is silent, stale or not there at all, everything is as without it.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from elastic.core.fleet import Fleet
from elastic.core.lifecycle import Phase
from elastic.core.memory import Event, Memory, WorkerRecord
from elastic.core.model import EVEN, OddCounts, SiteSpec, Worker
from elastic.core.observation import Alarm, Load, Machine, Observations
from elastic.core.uses import CLAIMED, ODD, TABLE, Oddity, Use

PERCENT = 100.0
ENDS_BELOW = 0.5
"""A leftover ends when its load falls below this share of `leftover_percent`: one at the limit does not come and go."""
KEPT = "a leftover process"
OVERDUE: Mapping[Use, tuple[str, str]] = {
    Use.LEFTOVER: ("leftover_overdue", "something has computed that HTCondor knows nothing of"),
    Use.WAITING: ("stalled", "its jobs have used no CPU"),
}
"""The event, in one word and in words, once HTCondor and CPU have differed for too long."""
NOBODYS = Load(by_worker={})
MERGED = frozenset({Phase.READY, Phase.DRAINING, Phase.DRAINED})
"""Phases of which the table speaks: a startd of ours serves, or did until our own drain."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Signals:
    """What is known of one group beside HTCondor's view: mean CPU (0..1), where the two differ, the cloud's alarms."""

    load: float | None = None
    odd: OddCounts = EVEN
    alarms: tuple[Alarm, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Metered:
    """The newest load, as far as it can be believed: `age_seconds` since it was read."""

    load: Load
    age_seconds: float
    site: SiteSpec

    def is_loaded(self, worker: Worker, machine: Machine, now: float) -> bool | None:
        """Whether it computes; None where no sample lies wholly in what HTCondor says of it now.

        A sample is a mean over a minute or more: one that began before the worker fell idle tells of its last job.
        """
        cores = self.load.cores.get(worker.name)
        for_seconds = machine.claimed_seconds if machine.claimed else machine.idle_seconds
        joined_at = worker.record.joined_at
        if cores is None or for_seconds is None or joined_at is None:
            return None
        load, name = self.load, worker.name
        ended = self.age_seconds + load.ages.get(name, load.age_seconds)
        began = ended + load.spans.get(name, load.span_seconds)
        settled = now - joined_at - self.site.settling_seconds
        if began > min(for_seconds + machine.ad_age_seconds, settled):
            return None
        return PERCENT * cores >= self._least_percent(worker.record, claimed=machine.claimed)

    def _least_percent(self, record: WorkerRecord, *, claimed: bool) -> float:
        """From which share of a core on there is load."""
        if claimed:
            return self.site.stalled_percent
        known = record.odd is not None and record.odd.use is Use.LEFTOVER
        return self.site.leftover_percent * (ENDS_BELOW if known else 1.0)


def metered(seen: Observations, site: SiteSpec) -> Metered | None:
    """The load that was read, if it is fresh enough to change anybody's use."""
    reading = seen.load
    if reading is None or reading.value is None or load_doubt(seen, site):
        return None
    return Metered(load=reading.value, age_seconds=reading.age_seconds, site=site)


def load_age(seen: Observations) -> float:
    """How old the newest sample is, in seconds; without one, how long ago nothing was told."""
    if seen.load is None:
        return 0.0
    told = seen.load.value.age_seconds if seen.load.value is not None else 0.0
    return seen.load.age_seconds + told


def load_doubt(seen: Observations, site: SiteSpec) -> str:
    """Why the load is not believed now; empty where it is, or is not measured at all."""
    if seen.load is None:
        return ""
    if seen.load.error:
        return seen.load.error
    age = load_age(seen)
    if age > site.load_stale_seconds:
        return f"the newest sample is {age:.0f} s old, {site.load_stale_seconds:.0f} s are believed"
    return ""


def merged(fleet: Fleet, seen: Observations, site: SiteSpec, now: float, *, blind: bool) -> Fleet:
    """The fleet with each worker's use: where HTCondor and CPU differ it is in the record.

    A leftover takes no jobs in our counting and has a reason to be kept. While the pool is blind nothing is learnt of
    uses and nothing forgotten.
    """
    hearing = metered(seen, site)
    frozen = blind or bool(seen.machines.error) or seen.machines.value is None
    changes: dict[str, Worker] = {}
    for worker in _differing(fleet, hearing):
        odd = worker.record.odd if frozen else _odd(worker, fleet.machines.get(worker.name), hearing, seen, now)
        if odd is not None or worker.record.odd is not None:
            changes[worker.name] = with_odd(worker, odd)
    return _changed(fleet, changes) if changes else fleet


def _differing(fleet: Fleet, hearing: Metered | None) -> Sequence[Worker]:
    """Those that were odd, and those that may be: nearly all workers are neither, and cost one comparison each."""
    restless = [worker for worker in fleet.workers if not worker.steady]
    if hearing is None:
        return restless
    cores, site = hearing.load.cores, hearing.site
    least, most = site.stalled_percent, site.leftover_percent
    measured = [(w, PERCENT * cores[w.name]) for w in fleet.workers if w.steady and w.name in cores]
    return [*restless, *[w for w, percent in measured if (percent < least if w.busy else percent >= most)]]


def with_odd(worker: Worker, odd: Oddity | None) -> Worker:
    """The worker with this oddity in its record, and what follows from it."""
    record = worker.record if worker.record.odd == odd else replace(worker.record, odd=odd)
    worker = worker.moved_on(record)
    if not record.is_leftover or worker.phase is not Phase.READY:
        return worker
    # An operator's wish that it leave says to ignore the rest.
    keep = worker.keep or ("" if record.wish is not None else KEPT)
    return worker._replace(keep=keep)


def _odd(
    worker: Worker, machine: Machine | None, hearing: Metered | None, seen: Observations, now: float
) -> Oddity | None:
    """What differs now: as before where nothing new is known, nothing where HTCondor has changed its mind."""
    known = worker.record.odd
    if seen.load is None:
        return None
    if worker.phase not in MERGED or machine is None:
        return known
    if known is not None and CLAIMED[known.use] is not machine.claimed:
        known = None
    loaded = hearing.is_loaded(worker, machine, now) if hearing is not None else None
    if loaded is None:
        return known
    use = TABLE[machine.claimed, loaded]
    if use not in ODD:
        return None
    return known if known is not None else Oddity(use=use, since=now)


def signals(
    by_group: Mapping[str, Sequence[Worker]], seen: Observations, site: SiteSpec, now: float
) -> Mapping[str, Signals]:
    """What each group's workers, metered as they are, and its alarms come to; alarms that are not read are none."""
    shares = told(seen, site).by_worker
    alarms = seen.alarms.value if seen.alarms is not None and not seen.alarms.error else None
    found: dict[str, Signals] = {}
    for name, workers in by_group.items():
        mine = [shares[w.name] for w in workers if w.name in shares] if shares else []
        found[name] = Signals(
            load=sum(mine) / len(mine) if mine else None,
            odd=odd_counts(workers, site, now),
            alarms=(alarms or {}).get(name, ()),
        )
    return found


def told(seen: Observations, site: SiteSpec) -> Load:
    """The load that is believed now; nobody's where none is."""
    hearing = metered(seen, site)
    return hearing.load if hearing is not None else NOBODYS


def odd_events(fleet: Fleet, memory: Memory, cores: Mapping[str, float], site: SiteSpec, now: float) -> Iterator[Event]:
    """HTCondor and CPU beginning and ceasing to differ about a worker; once, that they have for too long."""
    for worker in [w for w in fleet.workers if not w.steady or w.name in fleet.records]:
        before = memory.workers[worker.name].odd
        for kind, text in _told(worker, before, cores.get(worker.name), site, (memory.last_now, now)):
            yield Event(at=now, kind=kind, text=text, group=worker.group, worker=worker.name)


def _told(
    worker: Worker, before: Oddity | None, cores: float | None, site: SiteSpec, span: tuple[float, float]
) -> Iterator[tuple[str, str]]:
    odd = worker.record.odd
    limits = {Use.LEFTOVER: site.leftover_seconds, Use.WAITING: site.stalled_seconds}
    used = "" if cores is None else f" ({PERCENT * cores:.0f}% of a core)"
    if before is not None and before != odd and (_is_leftover(before) or span[0] - before.since >= limits[before.use]):
        over = "leftover_over" if _is_leftover(before) else "stalled_over"
        yield over, f"HTCondor and its CPU agree again{used}, after {span[1] - before.since:.0f} s"
    if odd is None:
        return
    if before != odd and _is_leftover(odd):
        yield "leftover", f"HTCondor says idle, its CPU says load{used}: not counted as free, and kept while it lasts"
    lasted = span[1] - odd.since
    if span[0] - odd.since < limits[odd.use] <= lasted and not worker.record.is_excused:
        kind, what = OVERDUE[odd.use]
        yield kind, f"for {lasted:.0f} s {what}{used}"


def _is_leftover(odd: Oddity) -> bool:
    return odd.use is Use.LEFTOVER


def odd_counts(workers: Iterable[Worker], site: SiteSpec, now: float) -> OddCounts:
    """How many of these workers HTCondor and CPU differ about; those in quarantine are counted as that."""
    since: dict[Use, list[float]] = {Use.WAITING: [], Use.LEFTOVER: []}
    for worker in [w for w in workers if not w.steady]:
        record = worker.record
        if record.odd is None or worker.phase is not Phase.READY:
            continue
        if not (record.quarantine or record.is_excused):
            since[record.odd.use].append(record.odd.since)
    waiting, leftover = since[Use.WAITING], since[Use.LEFTOVER]
    return OddCounts(
        waiting=len(waiting),
        stalled=sum(now - at >= site.stalled_seconds for at in waiting),
        leftover=len(leftover),
        overdue=sum(now - at >= site.leftover_seconds for at in leftover),
    )


def _changed(fleet: Fleet, changes: Mapping[str, Worker]) -> Fleet:
    before = {worker.name: worker.record for worker in fleet.workers if worker.name in changes}
    records = {name: worker.record for name, worker in changes.items() if worker.record is not before[name]}
    return replace(
        fleet,
        workers=tuple(changes.get(worker.name, worker) for worker in fleet.workers),
        records={**fleet.records, **records},
    )
