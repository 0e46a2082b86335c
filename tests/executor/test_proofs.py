from elastic.core.actions import Outcome, Proof
from elastic.core.memory import Wish, WishKind
from elastic.core.observation import ServerStatus
from elastic_simulations.faults import Call, CallFault
from tests.executor.hands import LONG_JOB, ONE, SPEC, Named, changed, delete, drained, methods, rig_with
from tests.tick_rig import TickRig


def test_a_building_server_is_looked_up_right_before_it_is_deleted() -> None:
    rig = rig_with(1, ticks_seconds=10)
    [result] = rig.act(delete(Proof.BUILDING))
    assert result.outcome is Outcome.DONE
    assert rig.tape.calls == [("lookup", next(iter(rig.servers))), ("save", ""), ("delete", ONE)]


def test_a_server_that_is_up_meanwhile_is_kept() -> None:
    rig = rig_with(1, ticks_seconds=10)
    rig.grid.run_for(20)
    [result] = rig.act(delete(Proof.BUILDING))
    assert (result.outcome, result.detail) == (
        Outcome.REFUSED,
        "the cloud no longer says that it is building, but active",
    )
    assert methods(rig) == ["lookup"]


def test_a_worker_that_has_joined_is_never_deleted_as_building() -> None:
    rig = rig_with(1)
    next(iter(rig.grid.datacentre.servers.values())).status = ServerStatus.BUILDING
    [result] = rig.act(delete(Proof.BUILDING))
    assert (result.outcome, result.detail, methods(rig)) == (Outcome.REFUSED, "it has joined", [])


def dead(rig: TickRig) -> TickRig:
    """The worker's server lost its power long ago, and is listed still."""
    server = next(s for s in rig.grid.datacentre.servers.values() if s.name == ONE)
    rig.grid.datacentre.fail(server, "its host died")
    rig.run_for(SPEC.ad_lifetime_seconds + SPEC.job_lease_seconds + 60)
    return rig


def test_a_dead_worker_is_deleted_when_silent_unnamed_and_past_its_lease_and_its_console_is_kept() -> None:
    rig = dead(rig_with(1))
    [result] = rig.act(delete(Proof.GONE))
    assert result.outcome is Outcome.DONE
    assert methods(rig) == ["jobs_on", "inspect", "console", "save", "delete"]
    assert "its host died" in rig.memory.workers[ONE].console


def test_a_worker_in_the_collector_is_not_gone() -> None:
    rig = rig_with(1)
    [result] = rig.act(delete(Proof.GONE))
    assert (result.outcome, result.detail) == (Outcome.REFUSED, "its machine ad is in the collector")


def test_a_worker_that_answers_at_its_last_address_is_not_gone() -> None:
    rig = rig_with(1)
    changed(rig, vanished_at=rig.grid.now - 1000)
    [result] = rig.act(delete(Proof.GONE))
    assert (result.outcome, result.detail) == (Outcome.REFUSED, "its startd answers")
    assert methods(rig) == ["jobs_on", "inspect"]


def test_a_dead_worker_whose_jobs_may_still_be_waiting_for_it_is_kept() -> None:
    rig = dead(rig_with(1))
    changed(rig, vanished_at=rig.grid.now - 40)
    [result] = rig.act(delete(Proof.GONE))
    assert (result.outcome, result.detail) == (
        Outcome.REFUSED,
        "the lease of jobs that it may have held ends in 60 s",
    )


def test_a_dead_worker_that_a_job_names_is_kept() -> None:
    rig = dead(rig_with(1, batch=Named))
    [result] = rig.act(delete(Proof.GONE))
    assert (result.outcome, result.detail) == (Outcome.REFUSED, "jobs name it: schedd#7.0")
    assert methods(rig) == ["jobs_on"]


def test_a_dead_worker_is_kept_while_a_schedd_is_silent() -> None:
    rig = dead(rig_with(1))
    rig.grid.schedds["schedd"].up = False
    [result] = rig.act(delete(Proof.GONE))
    assert (result.outcome, result.detail) == (Outcome.REFUSED, "not every schedd has answered")


def test_a_server_that_never_joined_and_still_may_is_kept() -> None:
    rig = rig_with(1, ticks_seconds=20)
    [result] = rig.act(delete(Proof.GONE))
    assert (result.outcome, result.detail) == (Outcome.REFUSED, "its startd may still join")


FORCE = Wish(kind=WishKind.FORCE, author="alice", reason="hangs", asked_at=0.0)


def forced(rig: TickRig) -> TickRig:
    rig.grid.submit(LONG_JOB)
    rig.grid.run_for(30)
    changed(rig, wish=FORCE)
    return rig


def test_a_force_names_the_jobs_that_it_kills_then_deletes_and_drops_the_ads() -> None:
    rig = forced(rig_with(1))
    [result] = rig.act(delete(Proof.FORCED))
    assert (result.outcome, result.detail) == (Outcome.DONE, "kills 1 jobs: schedd#1.0")
    assert methods(rig) == ["jobs_on", "save", "save", "delete", "invalidate"]
    assert [e.text for e in rig.ledger.events if e.kind == "forced"] == ["not needed; kills 1 jobs: schedd#1.0"]


def test_a_force_that_cannot_name_the_jobs_kills_none() -> None:
    rig = forced(rig_with(1))
    rig.grid.schedds["schedd"].up = False
    [result] = rig.act(delete(Proof.FORCED))
    assert result.outcome is Outcome.REFUSED
    assert methods(rig) == ["jobs_on"]


def test_nothing_is_forced_that_nobody_forced() -> None:
    rig = rig_with(1)
    [result] = rig.act(delete(Proof.FORCED))
    assert (result.outcome, result.detail, methods(rig)) == (Outcome.REFUSED, "nobody has forced it", [])


def test_a_force_removes_a_worker_whose_startd_cannot_be_switched_off_and_says_so() -> None:
    rig = drained(rig_with(1))
    changed(rig, wish=FORCE)
    rig.grid.faults.add(CallFault(call=Call.FENCE))
    [result] = rig.act(delete(Proof.FORCED))
    assert result.outcome is Outcome.DONE
    assert "its startd was not switched off first" in result.detail


def test_a_force_on_a_drained_worker_switches_its_startd_off_first() -> None:
    rig = drained(rig_with(1))
    changed(rig, wish=FORCE)
    [result] = rig.act(delete(Proof.FORCED))
    assert (result.outcome, result.detail) == (Outcome.DONE, "kills no job")
    assert methods(rig) == ["jobs_on", "save", "fence", "save", "delete", "invalidate"]
