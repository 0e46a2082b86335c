"""Slot ads become machines: what is free, claimed, idle, drained, by literal ads."""

from collections.abc import Mapping
from dataclasses import dataclass

import classad2
import pytest

from elastic.adapters.htcondor import slots
from elastic.adapters.htcondor.batch import _machine
from elastic.core.observation import DrainSeen, Machine
from elastic.core.resources import Resources

PARTITIONABLE = {
    "Name": "slot1@host",
    "MyAddress": "<10.0.0.1:9618?sock=startd_1>",
    "SlotType": "Partitionable",
    "State": "Unclaimed",
    "Activity": "Idle",
    "Cpus": 4,
    "Memory": 4096,
    "Disk": 4096 * 1024,
    "GPUs": 1,
    "TotalSlotCpus": 4,
    "TotalSlotMemory": 4096,
    "TotalSlotDisk": 4096.0 * 1024,
    "TotalSlotGPUs": 1,
    "NumDynamicSlots": 0,
    "NumDynamicSlotsTime": 900,
    "EnteredCurrentState": 100,
    "MyCurrentTime": 1000,
    "DaemonStartTime": 50,
    "LastHeardFrom": 5000,
    "Start": True,
    "ElasticServerId": "id-1",
    "ElasticWorker": "w1",
}
STATIC = {
    "Name": "slot1@host",
    "MyAddress": "<10.0.0.1:9618>",
    "SlotType": "Static",
    "State": "Unclaimed",
    "Activity": "Idle",
    "Cpus": 2,
    "Memory": 1024,
    "Disk": 1024 * 1024,
    "EnteredCurrentState": 600,
    "MyCurrentTime": 1000,
    "DaemonStartTime": 50,
    "LastHeardFrom": 5000,
}
DYNAMIC = {**PARTITIONABLE, "Name": "slot1_1@host", "SlotType": "Dynamic", "State": "Claimed", "Activity": "Busy"}


@dataclass(frozen=True)
class Seen:
    """What a startd's ads say together."""

    ads: tuple[Mapping[str, object], ...]

    def machine(self, *, busy_at: int = 0, now: float = 5002.0) -> Machine:
        """As the collector shows it at `now` on its clock."""
        return _machine(slots.row(self._slots(), busy_at), now)

    def drain(self) -> DrainSeen | None:
        """As the startd itself shows it."""
        return slots.drain_of(self._slots())

    def _slots(self) -> tuple[slots.Slot, ...]:
        return tuple(slots.read(classad2.ClassAd(dict(ad)), "kind") for ad in self.ads)


def seen(*ads: Mapping[str, object]) -> Seen:
    return Seen(ads)


def test_an_idle_partitionable_slot_is_a_free_machine() -> None:
    assert seen(PARTITIONABLE).machine() == Machine(
        name="host",
        address="<10.0.0.1:9618?sock=startd_1>",
        server_id="id-1",
        worker="w1",
        template="kind",
        claimed=False,
        jobs=0,
        idle_seconds=100.0,
        started=50,
        stamp=1000,
        total=Resources(4, 4096, 4096, 1),
        free=Resources(4, 4096, 4096, 1),
        ad_age_seconds=2.0,
    )


def test_a_partitionable_slot_with_dynamic_ones_is_claimed_and_has_left_what_it_says() -> None:
    machine = seen({**PARTITIONABLE, "Cpus": 1, "NumDynamicSlots": 3}).machine()
    assert (machine.claimed, machine.jobs, machine.free.cpus, machine.idle_seconds) == (True, 3, 1, None)


def test_the_idle_time_of_a_partitionable_slot_begins_when_its_last_dynamic_one_went() -> None:
    assert seen({**PARTITIONABLE, "NumDynamicSlotsTime": 995}).machine().idle_seconds == 5.0


def test_claimed_for_as_long_as_the_oldest_claim() -> None:
    assert seen(PARTITIONABLE).machine().claimed_seconds is None
    assert seen({**PARTITIONABLE, "NumDynamicSlots": 1}).machine().claimed_seconds == 100.0
    one, other = ({**STATIC, "State": "Claimed", "EnteredCurrentState": since} for since in (700, 990))
    assert (
        seen(one, {**other, "Name": "slot2@host"}, {**STATIC, "Name": "slot3@host"}).machine().claimed_seconds == 300.0
    )


def test_without_its_time_a_claim_has_no_age() -> None:
    ad = {**PARTITIONABLE, "NumDynamicSlots": 1, "NumDynamicSlotsTime": 0}
    assert (seen(ad).machine().claimed, seen(ad).machine().claimed_seconds) == (True, None)


def test_an_idle_time_never_reaches_back_into_what_was_seen_claimed() -> None:
    assert seen(PARTITIONABLE).machine(busy_at=980).idle_seconds == 20.0


def test_without_the_time_of_the_last_dynamic_slot_no_idle_time_is_known() -> None:
    ad = {name: value for name, value in PARTITIONABLE.items() if name != "NumDynamicSlotsTime"}
    assert seen(ad).machine().idle_seconds is None


def test_static_slots_add_up_and_are_idle_since_the_last_of_them() -> None:
    machine = seen(STATIC, {**STATIC, "Name": "slot2@host", "EnteredCurrentState": 990}).machine()
    assert (machine.total, machine.free) == (Resources(4, 2048, 2048, 0), Resources(4, 2048, 2048, 0))
    assert machine.idle_seconds == 10.0


@pytest.mark.parametrize(("activity", "free_cpus"), [("Busy", 1), ("Idle", 4), ("Retiring", 1)])
def test_a_claim_that_waits_for_its_next_job_is_room_and_still_claimed(activity: str, free_cpus: int) -> None:
    """Between two short jobs nothing runs: without this each gap asked for one server more."""
    whole = {**PARTITIONABLE, "Cpus": 1, "NumDynamicSlots": 1}
    machine = seen(whole, {**DYNAMIC, "Cpus": 3, "Activity": activity}).machine()
    assert (machine.claimed, machine.idle_seconds, machine.free.cpus) == (True, None, free_cpus)


@pytest.mark.parametrize("state", ["Claimed", "Matched", "Preempting"])
def test_a_claimed_static_slot_is_a_job_and_leaves_the_others_free(state: str) -> None:
    busy = {**STATIC, "State": state, "Activity": "Busy"}
    machine = seen(busy, {**STATIC, "Name": "slot2@host"}).machine()
    assert (machine.claimed, machine.jobs, machine.free.cpus, machine.total.cpus) == (True, 1, 2, 4)


def test_a_machine_whose_start_is_false_takes_no_jobs() -> None:
    assert seen({**PARTITIONABLE, "Start": False}).machine().accepts_jobs is False


def test_a_start_that_depends_on_the_job_takes_some() -> None:
    assert seen({**PARTITIONABLE, "Start": classad2.ExprTree("TARGET.Owner == 1")}).machine().accepts_jobs is True


def test_values_that_are_no_numbers_count_as_nothing() -> None:
    odd = {**PARTITIONABLE, "Cpus": classad2.Value.Undefined, "GPUs": classad2.ExprTree("1 + foo")}
    assert seen(odd).machine().free == Resources(0, 4096, 4096, 0)


DRAINING = {"Draining": True, "DrainReason": "elastic:l:w1:1", "DrainingRequestId": "7"}


def test_a_drained_machine_says_so_with_reason_and_id() -> None:
    machine = seen({**PARTITIONABLE, **DRAINING, "State": "Drained"}).machine()
    assert machine.drain == DrainSeen(reason="elastic:l:w1:1", request_id="7", drained=True)
    assert machine.accepts_jobs is False


def test_a_dynamic_slot_left_over_keeps_a_startd_from_being_drained() -> None:
    parent = {**PARTITIONABLE, **DRAINING, "State": "Drained"}
    assert seen(parent, {**DYNAMIC, **DRAINING}).drain() == DrainSeen(
        reason="elastic:l:w1:1", request_id="7", drained=False
    )


def test_static_slots_are_drained_only_together() -> None:
    one, other = {**STATIC, **DRAINING, "State": "Drained"}, {**STATIC, **DRAINING, "Name": "slot2@host"}
    drain = seen(one, other).drain()
    assert drain is not None
    assert drain.drained is False


def test_a_slot_that_still_ends_something_is_not_drained() -> None:
    drain = seen({**PARTITIONABLE, **DRAINING, "State": "Drained", "Activity": "Retiring"}).drain()
    assert drain is not None
    assert drain.drained is False


def test_a_machine_without_a_drain_shows_none() -> None:
    assert seen(PARTITIONABLE).drain() is None


def test_asked_directly_a_startd_tells_its_start_by_its_age() -> None:
    ad = {name: value for name, value in PARTITIONABLE.items() if name != "DaemonStartTime"}
    slot = slots.read(classad2.ClassAd({**ad, "MonitorSelfTime": 700, "MonitorSelfAge": 649}))
    assert slot.started == 51


def test_two_startds_of_one_name_are_two_machines() -> None:
    other = {**PARTITIONABLE, "MyAddress": "<10.0.0.2:9618>"}
    groups = slots.by_startd(slots.read(classad2.ClassAd(ad)) for ad in (PARTITIONABLE, other))
    assert sorted(groups) == [("host", "<10.0.0.1:9618?sock=startd_1>"), ("host", "<10.0.0.2:9618>")]
