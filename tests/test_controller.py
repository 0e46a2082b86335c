from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

import pytest

from elastic.core.actions import DrainWorker, Launch, Outcome
from elastic.core.model import Snapshot
from elastic.core.policy import Target
from elastic.core.record import TickRecord
from elastic.observer import Inline, Threads
from elastic.ports import Calls, LedgerError
from elastic_policies.fixed import Fixed
from elastic_simulations.draws import Constant
from elastic_simulations.faults import Call, CallFault
from elastic_simulations.jobs import JobEvent
from elastic_simulations.specs import JobSpec
from tests.tick_rig import CHANGING, GROUP, TickRig

JOB = JobSpec(run=Constant(60.0))
FIXED = replace(GROUP, policy="fixed")


@pytest.mark.parametrize("calls", [Inline, Threads])
def test_a_pool_grows_from_zero_works_its_queue_off_and_shrinks_to_zero_without_losing_a_job(
    calls: Callable[[], Calls],
) -> None:
    rig = TickRig(calls=calls())
    rig.run_for(30)
    assert rig.servers == {}
    rig.grid.submit(JOB, 6)
    rig.run_until(lambda: len(rig.servers) == 4)
    rig.run_until(lambda: not rig.servers and not rig.memory.workers)
    log = rig.grid.log
    assert [log.by_job(event).total() for event in (JobEvent.EXECUTE, JobEvent.TERMINATE)] == [6, 6]
    assert rig.grid.lost_jobs() == ()


def test_a_record_holds_the_tick_from_what_was_seen_to_what_was_done() -> None:
    rig = TickRig(FIXED, policies={"fixed": Fixed(workers=2)})
    record = rig.tick()
    assert (record.tick, record.now, record.mode) == (1, rig.grid.now, "act")
    assert record.proposal == {"small": Target(2, "fixed at 2")}
    assert record.targets == record.proposal
    assert [result.outcome for result in record.results] == [Outcome.DONE, Outcome.DONE]
    assert [result.action for result in record.results] == list(record.plan.actions)
    assert list(record.durations) == ["observe", "assemble", "decide", "constrain", "plan", "act"]


def test_what_was_seen_is_saved_before_anything_is_done_and_attempts_are_told_once() -> None:
    rig = TickRig(FIXED, policies={"fixed": Fixed(workers=1)})
    rig.tick()
    calls = [method for method, _ in rig.tape.calls if method in CHANGING | {"machines"}]
    assert calls == ["machines", "save", "save", "save", "create", "save"]


# -- what cannot be believed -----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Broken:
    """A policy that fails."""

    def decide(self, snapshot: Snapshot) -> Mapping[str, Target]:
        raise RuntimeError("defect")


def test_a_policy_that_fails_holds_its_group_and_is_counted() -> None:
    rig = TickRig(FIXED, policies={"fixed": Fixed(workers=2)})
    rig.run_for(60)
    rig.controller.rules = replace(rig.rules, policies={"fixed": Broken()})
    record = rig.tick()
    assert record.targets["small"].workers == 2
    assert [(r.guardrail, r.reason) for r in record.plan.refusals] == [
        ("policy", "policy fixed failed: RuntimeError: defect")
    ]
    assert record.plan.actions == ()


@pytest.mark.parametrize(("ahead", "text"), [(3600.0, "jumped by +3600 s"), (-3600.0, "went back by 3590 s")])
def test_a_wall_clock_that_jumps_holds_one_tick(ahead: float, text: str) -> None:
    rig = TickRig(FIXED, policies={"fixed": Fixed(workers=2)})
    rig.run_for(60)
    rig.controller.rules = replace(rig.rules, policies={"fixed": Fixed(workers=3)})
    rig.grid.run_for(rig.next_wake - rig.grid.now)
    rig.clock.wall_ahead = ahead
    held = rig.tick()
    assert (held.plan.actions, text in held.snapshot.trust.act) == ((), True)
    rig.grid.run_for(10)
    assert [type(action) for action in rig.tick().plan.actions] == [Launch]


def test_a_clock_that_went_back_while_the_daemon_was_down_holds_one_tick() -> None:
    rig = TickRig(FIXED, policies={"fixed": Fixed(workers=2)})
    rig.run_for(60)
    rig.start()
    rig.clock.wall_ahead = -100.0
    assert "went back" in rig.tick().snapshot.trust.act


def test_nothing_is_done_that_cannot_be_remembered() -> None:
    rig = TickRig(FIXED, policies={"fixed": Fixed(workers=2)})
    rig.ledger.fail_next = 1
    with pytest.raises(LedgerError):
        rig.tick()
    assert rig.servers == {}
    assert [r.outcome for r in rig.tick().results] == [Outcome.DONE, Outcome.DONE]


@dataclass
class LastWord:
    """A recorder that keeps what it is given; then the ledger's disk is full."""

    rig: TickRig
    records: list[TickRecord] = field(default_factory=list)

    def record(self, record: TickRecord) -> None:
        self.records.append(record)
        self.rig.ledger.fail_next = 1


def test_what_was_done_is_recorded_even_if_its_consequences_cannot_be_saved() -> None:
    rig = TickRig(FIXED, policies={"fixed": Fixed(workers=2)})
    rig.grid.faults.add(CallFault(call=Call.CREATE, error="no_capacity"))
    recorder = LastWord(rig)
    rig.controller.recorders = (recorder,)
    with pytest.raises(LedgerError):
        rig.tick()
    assert [r.outcome for record in recorder.records for r in record.results] == [Outcome.FAILED] * 2


# -- what follows from results ---------------------------------------------------------------------------------


def test_a_group_whose_launches_are_turned_down_waits_and_then_asks_again() -> None:
    rig = TickRig(FIXED, policies={"fixed": Fixed(workers=2)})
    rig.grid.faults.add(CallFault(call=Call.CREATE, error="no_capacity", end=rig.grid.now + 15))
    rig.tick()
    assert rig.memory.workers == {}
    assert rig.memory.groups["small"].backoff_until > rig.grid.now
    rig.grid.run_for(10)
    assert rig.tick().plan.actions == ()
    rig.run_for(60)
    assert len(rig.servers) == 2


# -- preview ---------------------------------------------------------------------------------------------------


def test_a_preview_says_what_a_tick_would_do_and_changes_nothing() -> None:
    rig = TickRig(FIXED, policies={"fixed": Fixed(workers=2)})
    rig.run_for(60)
    rig.grid.run_for(60)
    rig.controller.rules = replace(rig.rules, policies={"fixed": Fixed(workers=0)})
    before = rig.memory
    rig.tape.calls.clear()
    preview = rig.controller.preview(rig.clock.now())
    assert [(type(r.action), r.outcome) for r in preview.results] == [(DrainWorker, Outcome.DRY)] * 2
    assert preview.mode == "preview"
    assert (rig.tape.of(*CHANGING), rig.memory) == ([], before)
    assert [r.action for r in rig.tick().results] == [r.action for r in preview.results]
