"""One tick: observe, assemble, decide, constrain, plan, act, record; and the same without acting."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from elastic.core import templates
from elastic.core.actions import ActionResult
from elastic.core.assemble import assemble
from elastic.core.change import applied
from elastic.core.decide import decide
from elastic.core.guardrails import constrain
from elastic.core.memory import Memory, MemoryChange
from elastic.core.model import GroupSpec, SiteSpec, Snapshot
from elastic.core.observation import Observations
from elastic.core.planner import plan
from elastic.core.policy import Policy
from elastic.core.record import TickRecord
from elastic.core.remember import remember, settle
from elastic.executor import Acts, DryExecutor, silent
from elastic.observer import Observer
from elastic.ports import Clock, Ledger, Recorder

CLOCK_JUMP_SECONDS = 10.0
"""More than a clock daemon slews or a busy machine delays between two readings; less than any time-out of a worker."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """What decisions follow, replaced as a whole when settings are read anew; `policies` by the names in the specs."""

    specs: Mapping[str, GroupSpec]
    site: SiteSpec
    policies: Mapping[str, Policy]


class Controller:
    """Carries out ticks, one at a time: whoever drives it never calls `tick` and `preview` at once.

    `rules`, `executor` and `recorders` may be replaced between ticks (settings read anew, `elastic go`).
    """

    def __init__(
        self,
        *,
        ledger: Ledger,
        observer: Observer,
        executor: Acts,
        clock: Clock,
        rules: Rules,
        recorders: Sequence[Recorder] = (),
        on_result: Callable[[ActionResult], None] = silent,
    ) -> None:
        """Have ticked never; `on_result` hears of each action as it ends."""
        self.rules = rules
        self.executor = executor
        self._ledger = ledger
        self._observer = observer
        self._clock = clock
        self.recorders = recorders
        self._on_result = on_result
        self._last: tuple[float, float] | None = None

    def tick(self, now: float) -> TickRecord:
        """Look, decide, act, record. Raise LedgerError when it cannot be remembered: then nothing (more) is done."""
        watch = _Stopwatch(self._clock)
        seen, snapshot, change = self._look(now, self._ledger, watch)
        self._observer.taken(seen.attempts)
        self._last = (now, watch.begun)
        record = self._decide(snapshot, change, self._ledger, watch)
        results = self.executor.execute(
            record.plan, self._ledger.memory(), self.rules.specs, now, on_result=self._on_result
        )
        watch.lap("act")
        record = replace(record, results=results, mode=self.executor.mode, durations=watch.laps)
        for recorder in self.recorders:
            recorder.record(record)
        _save(self._ledger, settle(snapshot, record.proposal, results))
        return record

    def preview(self, now: float) -> TickRecord:
        """What a tick would do now, and why; nothing is done and nothing remembered."""
        watch = _Stopwatch(self._clock)
        scratch = _Scratch(self._ledger.memory())
        _, snapshot, change = self._look(now, scratch, watch)
        record = self._decide(snapshot, change, scratch, watch)
        dry = DryExecutor("preview")
        results = dry.execute(record.plan, scratch.memory(), self.rules.specs, now)
        return replace(record, results=results, mode=dry.mode, durations=watch.laps)

    def _look(self, now: float, ledger: "_Keeps", watch: "_Stopwatch") -> tuple[Observations, Snapshot, MemoryChange]:
        """What is seen, what it means, and what follows for the memory, saved."""
        rules, memory = self.rules, ledger.memory()
        doubt = _clock_doubt(now, memory.last_now, watch.begun, self._last)
        seen = self._observer.observe(memory, templates.wanted(memory, rules.specs), rules.site)
        watch.lap("observe")
        snapshot, change = assemble(seen, memory, rules.specs, rules.site, now)
        if doubt:
            act = f"{snapshot.trust.act}; {doubt}" if snapshot.trust.act else doubt
            snapshot = replace(snapshot, trust=replace(snapshot.trust, act=act))
        _save(ledger, change)
        watch.lap("assemble")
        return seen, snapshot, change

    def _decide(self, snapshot: Snapshot, change: MemoryChange, ledger: "_Keeps", watch: "_Stopwatch") -> TickRecord:
        """What is to be done, its policies' memory saved, as a record that lacks the results."""
        proposal = decide(snapshot, self.rules.policies)
        watch.lap("decide")
        targets = constrain(proposal, snapshot, self.rules.site)
        watch.lap("constrain")
        planned = plan(snapshot, targets, self.rules.site)
        _save(ledger, remember(snapshot, proposal))
        watch.lap("plan")
        return TickRecord(
            tick=snapshot.tick,
            now=snapshot.now,
            snapshot=snapshot,
            proposal=proposal,
            targets=targets,
            plan=planned,
            events=change.events,
        )


class _Keeps(Protocol):
    """The half of the ledger that a tick needs."""

    def memory(self) -> Memory: ...

    def save(self, change: MemoryChange) -> None: ...


class _Scratch:
    """A ledger that forgets: a preview saves what a tick would, and nobody sees it."""

    def __init__(self, memory: Memory) -> None:
        self._memory = memory

    def memory(self) -> Memory:
        return self._memory

    def save(self, change: MemoryChange) -> None:
        self._memory = applied(self._memory, change, {})


class _Stopwatch:
    """Seconds by stage."""

    def __init__(self, clock: Clock) -> None:
        self.begun = clock.monotonic()
        self.laps: dict[str, float] = {}
        self._clock = clock
        self._last = self.begun

    def lap(self, stage: str) -> None:
        at = self._clock.monotonic()
        self.laps[stage] = at - self._last
        self._last = at


def _save(ledger: _Keeps, change: MemoryChange) -> None:
    """Each save is a synced transaction, so nothing is saved when nothing changed."""
    if change != MemoryChange():
        ledger.save(change)


def _clock_doubt(now: float, last_now: float, monotonic: float, last: tuple[float, float] | None) -> str:
    """Why the wall clock cannot be believed at this tick; empty when it can. All timers go by it."""
    if now < last_now:
        return f"the wall clock went back by {last_now - now:.0f} s; held for one tick"
    if last is None:
        return ""
    jump = (now - last[0]) - (monotonic - last[1])
    if abs(jump) <= CLOCK_JUMP_SECONDS:
        return ""
    return f"the wall clock jumped by {jump:+.0f} s; held for one tick"
