"""What others make of a group that the cloud itself keeps at a size, and what the core makes of that."""

from dataclasses import replace

import pytest

from elastic.core.actions import Adopt, DrainWorker, Launch
from elastic.core.change import applied
from elastic.core.decide import decide
from elastic.core.guardrails import constrain
from elastic.core.memory import GroupMemory, Memory, SizeSeen
from elastic.core.model import GroupSpec, Snapshot
from elastic.core.observation import GroupSize, Machines, Observations, SourceReading
from elastic.core.override import Override, OverrideKind
from elastic.core.planner import plan
from elastic.core.record import Plan
from elastic.core.remember import remember
from elastic_policies.fixed import Fixed
from tests.core.builders import (
    LEDGER,
    NOW,
    SITE,
    changed,
    failed,
    joined,
    look,
    machine,
    memory,
    override,
    record,
    seen,
    server,
    spec,
)

POLICIES = {"fixed": Fixed(workers=2)}


def group_spec(**changes: object) -> GroupSpec:
    plain = spec(policy="fixed", idle_seconds=60.0, scale_down_window_seconds=0.0, drain_fraction=1.0)
    return changed(plain, changes)


def world(size: GroupSize | None, *names: str, extra: tuple[str, ...] = ()) -> Observations:
    """Workers that serve, idle, and further servers of the group that no record knows."""
    servers = [server(name, worker=None) for name in (*names, *extra)]
    sizes = None if size is None else SourceReading(value={"g": size})
    return replace(seen(map(machine, (*names, *extra)), servers), sizes=sizes)


def size(desired: int | None, *members: str, written: int | None = 2, stamp: str = "a", **changes: object) -> GroupSize:
    plain = GroupSize(desired=desired, written=written, stamp=stamp, members=frozenset(f"s-{m}" for m in members))
    return changed(plain, changes)


def remembered(*names: str, last: SizeSeen | None = None) -> Memory:
    return memory(map(joined, names), [GroupMemory(group="g", size=last)] if last else ())


def decided(observations: Observations, before: Memory, **changes: object) -> tuple[Snapshot, Memory, Plan]:
    """One tick's snapshot and plan, and the memory after it."""
    snapshot, change = look(observations, before, group_spec(**changes))
    proposal = decide(snapshot, POLICIES)
    made = plan(snapshot, constrain(proposal, snapshot, SITE), SITE)
    return snapshot, applied(applied(before, change, {}), remember(snapshot, proposal), {}), made


def pin(workers: int, before: int) -> Override:
    return Override(
        id="outside-g-7",
        group="g",
        kind=OverrideKind.PIN,
        workers=workers,
        author="outside",
        reason=f"its size in the cloud was changed from {before} to {workers}",
        created_at=NOW,
        expires_at=NOW + 3600,
    )


def test_the_size_that_we_asked_for_is_nothing_new() -> None:
    snapshot, after, made = decided(world(size(2, "w1", "w2"), "w1", "w2"), remembered("w1", "w2"))
    assert (snapshot.overrides, after.overrides, made.actions) == ((), (), ())
    assert after.groups["g"].size == SizeSeen(desired=2, stamp="a")


def test_a_size_from_outside_is_kept_as_a_pin_of_outside_for_the_usual_time() -> None:
    snapshot, after, _ = decided(world(size(4, "w1", "w2"), "w1", "w2"), remembered("w1", "w2"))
    assert snapshot.overrides == after.overrides == (pin(4, before=2),)
    _, change = look(world(size(4, "w1", "w2"), "w1", "w2"), remembered("w1", "w2"), group_spec())
    assert [(e.kind, e.group, e.text) for e in change.events if e.kind == "outside"] == [
        ("outside", "g", "its size in the cloud was changed from 2 to 4; kept there for 3600 s")
    ]


def test_it_is_taken_over_once() -> None:
    observations = world(size(4, "w1", "w2"), "w1", "w2")
    _, after, _ = decided(observations, remembered("w1", "w2"))
    _, change = look(observations, after, group_spec(), now=NOW + 30)
    assert (change.overrides, change.groups) == ((), ())


@pytest.mark.parametrize(
    ("desired", "written", "stamp", "adopted"),
    [
        (4, 2, "a", None),  # as it was
        (5, 2, "a", (5, 4)),  # changed once more
        (2, 2, "a", (2, 4)),  # and back, which is what we had asked for
        (3, 3, "b", None),  # our own request
        (6, 3, "b", (6, 3)),  # our own request, and after it somebody's
        (6, None, "", None),  # a stack that remembers nothing of us, seen for the first time
        (None, None, "", None),  # cannot be read now
    ],
)
def test_whose_change_it_is_shows_by_the_mark_of_our_last_request(
    desired: int | None, written: int | None, stamp: str, adopted: tuple[int, int] | None
) -> None:
    before = remembered("w1", "w2", last=SizeSeen(desired=4, stamp="a"))
    _, change = look(world(size(desired, "w1", "w2", written=written, stamp=stamp), "w1", "w2"), before, group_spec())
    assert change.overrides == (() if adopted is None else (pin(adopted[0], before=adopted[1]),))


def test_a_cloud_without_sizes_says_nothing() -> None:
    snapshot, after, made = decided(world(None, "w1", "w2"), remembered("w1", "w2"))
    assert (after.groups["g"].size, made.actions, "sizes" in snapshot.sources) == (None, (), False)


def test_a_pin_of_the_operator_gives_way_to_the_newer_one_from_outside() -> None:
    before = replace(remembered("w1", "w2"), overrides=(override(OverrideKind.PIN, 1),))
    snapshot, after, _ = decided(world(size(4, "w1", "w2"), "w1", "w2"), before)
    assert snapshot.overrides == after.overrides == (pin(4, before=2),)


def test_members_that_were_added_are_taken_over_and_nothing_is_launched_beside_them() -> None:
    observations = world(size(4, "w1", "w2", "n1", "n2"), "w1", "w2", extra=("n1", "n2"))
    snapshot, _, made = decided(observations, remembered("w1", "w2"))
    assert [(type(a), a.server_id) for a in made.actions if isinstance(a, Adopt)] == [(Adopt, "s-n1"), (Adopt, "s-n2")]
    assert [a.worker for a in made.actions] == [f"g-{LEDGER}-51", f"g-{LEDGER}-52"]
    assert made.targets["g"].workers == snapshot.groups["g"].counted == 2


def test_no_server_is_taken_over_on_its_metadata_alone() -> None:
    foreign = world(size(2, "w1", "w2"), "w1", "w2", extra=("n1",))
    _, _, made = decided(foreign, remembered("w1", "w2"))
    assert made.actions == ()


def test_members_of_an_open_intent_are_its_own() -> None:
    intent = record("w3", age=10, server_id=None)
    before = memory([joined("w1"), joined("w2"), intent])
    _, after, made = decided(world(size(3, "w1", "w2", "n1", written=3), "w1", "w2", extra=("n1",)), before)
    assert after.workers["w3"].server_id == "s-n1"
    assert not [a for a in made.actions if isinstance(a, Adopt | Launch)]


def test_while_the_group_changes_its_number_stays() -> None:
    busy = size(4, "w1", "w2", changing="the stack is UPDATE_IN_PROGRESS")
    _, _, made = decided(world(busy, "w1", "w2"), remembered("w1", "w2"))
    assert (made.actions, made.targets["g"].workers) == ((), 2)
    assert made.targets["g"].reason.endswith("held: the stack is UPDATE_IN_PROGRESS")


def test_a_size_that_cannot_be_read_holds_its_group() -> None:
    observations = failed(world(size(2, "w1"), "w1"), "sizes")
    snapshot, _, made = decided(observations, remembered("w1"))
    assert (made.actions, snapshot.sources["sizes"].ok) == ((), False)
    assert "its size cannot be read" in made.targets["g"].reason


def test_workers_that_others_removed_are_not_removed_a_second_time() -> None:
    before = remembered("w1", "w2", "w3", "w4", last=SizeSeen(desired=4, stamp="a"))
    snapshot, _, made = decided(half_gone(2), before)
    assert (snapshot.groups["g"].counted, snapshot.groups["g"].left) == (2, 2)
    assert (made.targets["g"].workers, made.actions) == (2, ())


def test_a_policy_that_wants_fewer_does_not_remove_others_for_those_that_others_removed() -> None:
    before = remembered("w1", "w2", "w3", "w4", last=SizeSeen(desired=2, stamp="a"))
    snapshot, _ = look(half_gone(2), before, group_spec())
    made = plan(snapshot, constrain(decide(snapshot, {"fixed": Fixed(workers=1)}), snapshot, SITE), SITE)
    assert [(type(action), action.worker) for action in made.actions] == [(DrainWorker, "w1")]


def test_what_others_removed_leaves_room_for_as_many_as_the_group_may_have() -> None:
    before = remembered("w1", "w2", "w3", "w4", last=SizeSeen(desired=4, stamp="a"))
    snapshot, _, made = decided(half_gone(2), before, maximum=2)
    assert (snapshot.groups["g"].counted, made.targets["g"].workers, made.actions) == (2, 2, ())


def half_gone(desired: int) -> Observations:
    """Two of four workers whose servers are gone by others' doing; the collector has not noticed yet."""
    machines = SourceReading(value=Machines(machines=tuple(map(machine, ("w1", "w2", "w3", "w4")))))
    return replace(world(size(desired, "w1", "w2"), "w1", "w2"), machines=machines)


def test_a_worker_that_the_cloud_lists_and_its_group_does_not_know_counts_as_any_other() -> None:
    unknown = world(size(3, "w1", "w2", written=2), "w1", "w2", "w3")
    snapshot, _, made = decided(unknown, remembered("w1", "w2", "w3"))
    assert (snapshot.groups["g"].left, made.targets["g"].workers, made.actions) == (0, 3, ())


def test_a_smaller_size_that_the_cloud_did_not_carry_out_is_reached_by_draining() -> None:
    # Heat takes a size of 0 for none: all members stay.
    kept = world(size(0, "w1", "w2"), "w1", "w2")
    _, _, made = decided(kept, remembered("w1", "w2"))
    assert [type(a) for a in made.actions] == [DrainWorker, DrainWorker]


def test_when_the_pin_is_over_the_policy_decides_again() -> None:
    observations = world(size(4, "w1", "w2", "w3", "w4"), "w1", "w2", "w3", "w4")
    before = replace(
        remembered("w1", "w2", "w3", "w4", last=SizeSeen(desired=4, stamp="a")), overrides=(pin(4, before=2),)
    )
    snapshot, change = look(observations, before, group_spec(), now=NOW + 3601)
    assert change.overrides_ended == ("outside-g-7",)
    proposal = decide(snapshot, POLICIES)
    assert constrain(proposal, snapshot, SITE)["g"].workers == 2
