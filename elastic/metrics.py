"""What Prometheus sees, made from tick records alone; the only module that names a metric."""

import platform
from collections import Counter as Counted
from collections.abc import Iterable, Sequence
from itertools import product

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from elastic import __version__
from elastic.core.actions import Outcome, verb
from elastic.core.guardrails import GUARDRAILS
from elastic.core.lifecycle import Phase
from elastic.core.memory import BreakerState
from elastic.core.model import Demand, Snapshot, WorkerGroup
from elastic.core.observation import AlarmState
from elastic.core.overdue import overdue
from elastic.core.override import OverrideKind
from elastic.core.record import TickRecord

ACTIONS = ("launch", "drain", "resume", "delete", "adopt", "forget")
STATES = ("running", "placed", "unmet")
DIRECTIONS = ("up", "down")
# A pause holds both ways at once.
SKIPPED = (*DIRECTIONS, "both")
USES = ("waiting", "stalled", "leftover", "overdue")
ALARM_STATES = {AlarmState.OK: 0, AlarmState.ALARM: 1, AlarmState.UNKNOWN: -1}
SOURCES = ("machines", "servers", "queue", "negotiation", "quotas")
QUEUE_STATES = ("idle", "running", "held", "placed_elsewhere")
STAGES = ("observe", "assemble", "decide", "constrain", "plan", "act")
PLANNER = (
    *("policy", "pause", "protect", "leftover", "busy", "victim", "idle"),
    *("drain share", "removal backoff", "proof"),
)
REFUSED_BY = (*(guardrail.__name__ for guardrail in GUARDRAILS), *PLANNER)
LOSS_CAUSES = ("named_after_deletion", "evicted")
BREAKER_NUMBER = {BreakerState.CLOSED: 0, BreakerState.OPEN: 1, BreakerState.CANARY: 2}
STRAYS = ("stranger", "orphan", "ungrouped")
MODES = ("observe", "act")

# From half a second of a lab's worker to the 40 minutes that a join may take at most.
JOIN_BUCKETS = (0.5, 1, 2, 5, 10, 20, 30, 60, 120, 180, 240, 300, 420, 600, 900, 1200, 1800, 2400)
DRAIN_BUCKETS = (0.05, 0.1, 0.5, 1, 2, 5, 15, 30, 60, 300, 900, 3600, 14400, 86400)
# The pure part takes milliseconds, a whole tick seconds, one that hangs on a deadline a minute.
TICK_BUCKETS = (0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 1.5, 2.5, 5, 10, 30, 60, 120)
REQUEST_BUCKETS = (0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10)


class Metrics:
    """All metrics of one daemon, in a registry of their own; no series appears late: they are pre-touched."""

    def __init__(self, groups: Iterable[str] = ()) -> None:
        """Register every metric; series of groups and closed label sets start at 0."""
        self.registry = CollectorRegistry()
        self._gauges()
        self._counters()
        self._histograms()
        self._held_since: float | None = None
        self._known: set[str] = set()
        self._touch_global()
        self.know(groups)

    def text(self) -> bytes:
        """Everything in Prometheus' text format."""
        return generate_latest(self.registry)

    def know(self, groups: Iterable[str]) -> None:
        """Pre-touch the series of these groups; those known already stay as they are."""
        for group in sorted(set(groups) - self._known):
            self._known.add(group)
            of_group = (self.target, self.unmet, self.busy, self.quarantined, self.breaker, self.backoff, self.overdue)
            for family in of_group:
                family.labels(group)
            for state in STATES:
                self.demand.labels(group, state)
            for use in USES:
                self.odd.labels(group, use)
            for phase in Phase:
                self.workers.labels(group, phase)
            for action, outcome in product(ACTIONS, Outcome):
                self.actions.labels(group, action, outcome)
            for guardrail in REFUSED_BY:
                self.refusals.labels(group, guardrail)
                for direction in SKIPPED:
                    self.skipped.labels(group, direction, guardrail)

    def observe(self, record: TickRecord) -> None:
        """Take over one tick."""
        snapshot = record.snapshot
        self.know(snapshot.groups)
        self.alarm.clear()
        for group in snapshot.groups.values():
            self._observe_group(group, snapshot.now)
        for name, target in record.targets.items():
            self.target.labels(name).set(target.workers)
        self._observe_queue(snapshot.demand)
        self._observe_trust(snapshot)
        self._observe_done(record)
        self._observe_stages(record)

    def tick_failed(self, error_type: str) -> None:
        """Count a tick that ended in an error of its own instead of a record."""
        self.ticks_failed.labels(error_type).inc()

    def answered(self, method: str, route: str, status: int, seconds: float) -> None:
        """Count one HTTP request; `route` is the path's pattern, never the path itself."""
        self.requests.labels(method, route, str(status)).inc()
        self.request_seconds.labels(method, route).observe(seconds)

    def _gauges(self) -> None:
        def gauge(name: str, text: str, *labels: str) -> Gauge:
            return Gauge(name, text, labels, registry=self.registry)

        self.demand = gauge("elastic_demand_jobs", "Vanilla jobs that a group answers.", "group", "state")
        self.unmet = gauge("elastic_demand_workers", "Further workers that unmet jobs need.", "group")
        self.queue = gauge(
            "elastic_queue_jobs",
            "Vanilla jobs of all schedds, placed elsewhere: on machines not ours.",
            "state",
        )
        self.other = gauge("elastic_queue_other_jobs", "Jobs of other universes, not answered.", "universe")
        self.unserved = gauge("elastic_unserved_jobs", "Idle jobs that no group is asked for.", "cause")
        self.workers = gauge("elastic_workers", "Servers of ours by phase.", "group", "phase")
        self.busy = gauge("elastic_busy_workers", "Ready workers with something claimed.", "group")
        self.quarantined = gauge("elastic_quarantined_workers", "Workers on which jobs only fail.", "group")
        self.overdue = gauge(
            "elastic_overdue_deletions", "Servers that are being deleted for more than ten minutes.", "group"
        )
        self.odd = gauge("elastic_odd_workers", "Workers of which HTCondor and CPU differ.", "group", "use")
        self.load = gauge("elastic_load_ratio", "Mean CPU of a group's workers, 0..1; -1 not known.", "group")
        self.alarm = gauge("elastic_alarm_state", "Cloud's alarms: 0 ok, 1 raised, -1 unknown.", "group", "alarm")
        self.target = gauge("elastic_target_workers", "What the guardrails left of the policy's wish.", "group")
        self.breaker = gauge("elastic_breaker_state", "0 closed, 1 open, 2 one canary is watched.", "group")
        self.backoff = gauge("elastic_backoff_seconds", "How much longer a group boots nothing.", "group")
        self.quota = gauge(
            "elastic_quota_left_workers", "Servers that the cloud would still accept; -1 unknown.", "group"
        )
        self.age = gauge("elastic_source_age_seconds", "Age of a source's newest answer.", "source")
        self.source_ok = gauge("elastic_source_ok", "1 if a source answered and is believed.", "source")
        self.safe = gauge("elastic_safe_to_scale", "1 if what is known allows this direction.", "direction")
        self.held = gauge("elastic_growth_held_seconds", "Since when growth is held by blindness.")
        self.overrides = gauge("elastic_overrides", "Overrides in force.", "kind")
        self.strays = gauge("elastic_strays", "Servers that are seen and never touched.", "kind")
        self.success = gauge("elastic_last_success_timestamp_seconds", "When a stage last went well.", "stage")
        self.mode = gauge("elastic_mode", "1 for the mode that the daemon is in.", "mode")
        self.next_wake = gauge("elastic_next_wake_timestamp_seconds", "When the last plan asks for the next tick.")
        build = gauge("elastic_build_info", "1; what is running.", "version", "python")
        build.labels(__version__, platform.python_version()).set(1)

    def _counters(self) -> None:
        def counter(name: str, text: str, *labels: str) -> Counter:
            return Counter(name, text, labels, registry=self.registry)

        self.actions = counter("elastic_actions_total", "Actions by what became of them.", "group", "action", "outcome")
        self.refusals = counter("elastic_refusals_total", "Refusals, by guardrail.", "group", "guardrail")
        self.skipped = counter(
            "elastic_skipped_total",
            "Workers wanted or wanted away and not acted on.",
            "group",
            "direction",
            "reason",
        )
        self.source_errors = counter("elastic_source_errors_total", "Failed observations.", "source", "type")
        self.lost = counter("elastic_jobs_lost_total", "Jobs lost to a removal: must stay 0.", "cause")
        self.mismatch = counter("elastic_victim_mismatch_total", "Servers that vanished unasked: must stay 0.")
        self.events = counter("elastic_events_total", "Events by kind.", "kind")
        self.ticks_failed = counter("elastic_failed_ticks_total", "Ticks that ended in an error.", "type")
        self.requests = counter("elastic_api_requests_total", "HTTP requests.", "method", "route", "status")

    def _histograms(self) -> None:
        def histogram(name: str, text: str, buckets: Sequence[float], *labels: str) -> Histogram:
            return Histogram(name, text, labels, buckets=buckets, registry=self.registry)

        self.join = histogram("elastic_worker_join_seconds", "From the launch call to the join.", JOIN_BUCKETS)
        self.drain = histogram("elastic_drain_seconds", "From the drain call to seen drained.", DRAIN_BUCKETS)
        self.tick = histogram("elastic_tick_duration_seconds", "Duration of a tick's stages.", TICK_BUCKETS, "stage")
        self.request_seconds = histogram(
            "elastic_api_request_seconds", "Duration of HTTP requests.", REQUEST_BUCKETS, "method", "route"
        )

    def _touch_global(self) -> None:
        for cause in LOSS_CAUSES:
            self.lost.labels(cause)
        for stage in STAGES:
            self.tick.labels(stage)
            self.success.labels(stage)
        for family, labels in (
            (self.safe, DIRECTIONS),
            (self.age, SOURCES),
            (self.queue, QUEUE_STATES),
            (self.mode, MODES),
            (self.strays, STRAYS),
        ):
            for label in labels:
                family.labels(label)

    def _observe_group(self, group: WorkerGroup, now: float) -> None:
        name = group.spec.name
        demand = group.demand
        for state, jobs in zip(STATES, (demand.running_jobs, demand.placed_jobs, demand.unmet_jobs), strict=True):
            self.demand.labels(name, state).set(jobs)
        for phase in Phase:
            self.workers.labels(name, phase).set(group.count(phase))
        self.unmet.labels(name).set(demand.unmet_workers)
        self.busy.labels(name).set(group.busy)
        self.quarantined.labels(name).set(group.quarantined)
        for use in USES:
            self.odd.labels(name, use).set(getattr(group.odd, use))
        self.load.labels(name).set(-1 if group.load is None else group.load)
        for alarm in group.alarms:
            self.alarm.labels(name, alarm.name).set(ALARM_STATES[alarm.state])
        self.overdue.labels(name).set(len(overdue(group.workers, now)) if group.count(Phase.DELETING) else 0)
        self.breaker.labels(name).set(BREAKER_NUMBER[group.breaker.state])
        self.backoff.labels(name).set(max(0.0, group.backoff_until - now))
        self.quota.labels(name).set(-1 if group.quota_left is None else group.quota_left)
        for record in (worker.record for worker in group.workers):
            if record.joined_at == now:
                self.join.observe(now - record.requested_at)
            if record.drain is not None and record.drain.confirmed_at == now:
                self.drain.observe(now - record.drain.asked_at)

    def _observe_queue(self, demand: Demand) -> None:
        jobs = (demand.idle_jobs, demand.running_jobs, demand.held_jobs, demand.placed_elsewhere)
        for state, number in zip(QUEUE_STATES, jobs, strict=True):
            self.queue.labels(state).set(number)
        self.other.clear()
        for universe, number in demand.other_universes.items():
            self.other.labels(universe).set(number)
        self.unserved.clear()
        for unserved in demand.unserved:
            self.unserved.labels(unserved.cause).inc(unserved.jobs)

    def _observe_trust(self, snapshot: Snapshot) -> None:
        # A schedd that is no longer asked has no age.
        self.age.clear()
        self.source_ok.clear()
        for label in SOURCES:
            self.age.labels(label)
        for name, source in snapshot.sources.items():
            self.age.labels(name).set(source.age_seconds)
            self.source_ok.labels(name).set(source.ok)
            if not source.ok:
                self.source_errors.labels(name, source.error_type or "stale").inc()
        trust = snapshot.trust
        reasons = {"up": trust.grow or trust.act, "down": trust.shrink or trust.act}
        for direction, reason in reasons.items():
            self.safe.labels(direction).set(0 if reason else 1)
        if not trust.grow:
            self._held_since = None
        elif self._held_since is None:
            self._held_since = snapshot.now
        self.held.set(0.0 if self._held_since is None else snapshot.now - self._held_since)
        kinds = Counted(override.kind for override in snapshot.overrides)
        for kind in OverrideKind:
            self.overrides.labels(kind).set(kinds[kind])
        for stray, seen in zip(STRAYS, (snapshot.strangers, snapshot.orphans, snapshot.ungrouped), strict=True):
            self.strays.labels(stray).set(len(seen))

    def _observe_done(self, record: TickRecord) -> None:
        for result in record.results:
            self.actions.labels(result.action.group, verb(result.action), result.outcome).inc()
        for refusal in record.plan.refusals:
            self.refusals.labels(refusal.group, refusal.guardrail).inc()
            self.skipped.labels(refusal.group, refusal.direction, refusal.guardrail).inc(max(1, refusal.workers))
        for event in record.events:
            self.events.labels(event.kind).inc()
            if event.kind == "job_lost":
                self.lost.labels(event.text.split(":", 1)[0]).inc()
            if event.kind == "victim_mismatch":
                self.mismatch.inc()

    def _observe_stages(self, record: TickRecord) -> None:
        failed = {"act"} if any(result.outcome is Outcome.FAILED for result in record.results) else set()
        failed |= set() if all(source.ok for source in record.snapshot.sources.values()) else {"observe"}
        for stage, seconds in record.durations.items():
            self.tick.labels(stage).observe(seconds)
        for stage in set(STAGES) - failed:
            self.success.labels(stage).set(record.now)
        for mode in MODES:
            self.mode.labels(mode).set(1 if record.mode == mode else 0)
        self.next_wake.set(record.plan.next_wake)
