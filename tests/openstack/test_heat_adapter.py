"""The adapter on real Heat, where asking directly would end a server that nobody chose: here nobody else goes.

All tests share one group; each begins with as many members as it says.
"""

import os
from collections.abc import Iterator

import pytest

from elastic.core.memory import WorkerRecord
from elastic.ports import Transient, Unsent
from tests.lab.support import wait
from tests.openstack.heatgroup import Group, group_of
from tests.openstack.stacks import SECONDS, Heat, heat_of


@pytest.fixture(scope="module")
def heat(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Heat]:
    with heat_of(tmp_path_factory.mktemp("heat")) as made:
        yield made


@pytest.fixture(scope="module")
def group(heat: Heat) -> Group:
    return group_of(heat)


def test_the_newest_goes_when_it_is_chosen(group: Group) -> None:
    first = group.of_size(1)
    both = group.grow(1).server_ids
    (newest,) = both - first
    assert group.shrink(newest).server_ids == first


def test_somebodys_marks_replace_nobody_when_the_group_grows(group: Group) -> None:
    group.of_size(1)
    before, _ = group.with_stray_mark()
    after = group.grow(2)
    assert (before < after.server_ids, len(after.members)) == (True, 3)


def test_somebodys_marks_take_nobody_along_when_a_member_goes(group: Group) -> None:
    group.of_size(3)
    before, unmarked = group.with_stray_mark()
    assert group.shrink(unmarked).server_ids == before - {unmarked}


def test_while_an_update_runs_nothing_is_asked_and_nobody_is_marked(group: Group) -> None:
    (chosen, *_) = sorted(group.of_size(2))
    stack = group.settled()
    running = group.heat.begun(stack, desired=3, asked="3 ours")
    with pytest.raises(Unsent):
        group.adapter.create([WorkerRecord(name="w", group="small", requested_at=0.0)])
    assert not any(member.marked for member in group.heat.read(running).members)
    after = group.shrink(chosen)
    assert stack.server_ids - after.server_ids == {chosen}


def test_a_change_from_outside_is_told_before_anything_is_written_and_marks_of_ours_are_taken_back(
    group: Group,
) -> None:
    group.of_size(2)
    before = group.settled()
    group.told()
    # As left by a removal that was cut off before it was sent.
    chosen = sorted(group.heat.mark(before, 0))
    # Heat acts on marks at once, whoever asks; what is left of them when the update is over is taken back.
    changed = group.heat.updated(before, desired=3)
    stray = group.heat.mark(changed, 0)
    workers = [WorkerRecord(name="w", group="small", requested_at=0.0, server_id=server_id) for server_id in stray]
    assert [str(error) for error in group.adapter.delete(workers).values()] == [
        "its size was changed from outside from 2 to 3, which the next tick takes over: " + group.adapter.stack_name
    ]
    after = group.settled()
    assert (after.server_ids, [m.marked for m in after.members]) == (changed.server_ids, [False] * 3)
    assert not set(chosen) & after.server_ids
    told = group.told()
    assert (told.desired, told.written, told.members) == (3, 2, changed.server_ids)
    going = sorted(stray)
    assert group.shrink(*going).server_ids == changed.server_ids - stray
    assert (group.told().desired, group.told().written) == (2, 2)


def test_at_rest_the_size_costs_one_request(group: Group) -> None:
    def cost() -> int:
        before = group.heat.services.calls
        group.told()
        return group.heat.services.calls - before

    group.told()
    # Nova's list of the project, which the test itself asks for, is the other one; a slow answer is asked for twice.
    assert min(cost() for _ in range(3)) == 2


def test_a_group_is_emptied_and_grows_again_from_what_the_settings_say_then(group: Group) -> None:
    assert group.shrink(*group.of_size(2)).members == ()
    assert len(group.grow(1).members) == 1


def test_a_stack_that_others_deleted_is_made_anew(group: Group) -> None:
    group.of_size(1)
    group.heat.stacks.remove(group.settled())
    assert len(group.grow(2).members) == 2


def test_a_removal_that_fails_is_carried_out_by_asking_again(group: Group) -> None:
    before = group.of_size(2)
    chosen = min(before)
    group.heat.own.faults(destroy_error="it hangs")
    assert group.refused(chosen) == [Transient]
    broken = group.settled()
    assert (broken.status, [m.server_id for m in broken.leaving]) == ("UPDATE_FAILED", [chosen])
    group.heat.own.faults()
    after = group.shrink(chosen)
    assert (after.server_ids, after.leaving) == (before - {chosen}, ())


def test_a_stack_that_cannot_be_deleted_loses_its_servers_one_by_one_and_is_made_anew(group: Group) -> None:
    heat = group.heat
    before = group.of_size(2)
    heat.own.faults(destroy_error="it hangs")
    heat.stacks.remove(group.settled())
    wait(lambda: group.head().undeletable, SECONDS, "its deletion has failed")
    heat.own.faults()
    with pytest.raises(Unsent, match="made anew once its servers have gone"):
        group.adapter.create([WorkerRecord(name="w", group="small", requested_at=0.0)])
    assert heat.alive() & before == before
    assert group.refused(min(before)) == []
    wait(lambda: heat.alive() & before == before - {min(before)}, SECONDS, "one is gone")
    assert group.refused(max(before)) == []
    wait(lambda: not heat.alive() & before, SECONDS, "the other one is gone")
    assert len(group.grow(1).members) == 1


def test_members_of_a_resource_group_go_by_name_and_never_come_back(heat: Heat) -> None:
    group = group_of(heat, kind="resource_group", stack=f"rows-{os.urandom(4).hex()}")
    before = group.grow(3)
    chosen = str(before.members[0].server_id)
    assert group.shrink(chosen).server_ids == before.server_ids - {chosen}
    after = group.grow(1)
    assert before.server_ids - {chosen} < after.server_ids
    assert [member.name for member in after.members] == ["1", "2", "3"]
    assert group.shrink(*after.server_ids).members == ()
    assert len(group.grow(1).members) == 1


def test_a_zone_without_hosts_is_passed_over_for_the_next_where_nobody_lives_yet(heat: Heat) -> None:
    # The lab has no zone of this name: Nova takes no server for it.
    zoned = group_of(heat, zones="dark, nova")
    (none,) = zoned.grow(1).members
    assert (none.server_id, "availability zone is not available" in none.reason) == (None, True)
    (member,) = zoned.grow(1).members
    server = heat.services.call("compute", "GET", f"/servers/{member.server_id}")["server"]
    assert (zoned.settled().parameters["availability_zone"], server["metadata"]["elastic_zone"]) == ("nova", "nova")
    zoned.shrink(str(member.server_id))
