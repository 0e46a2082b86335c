"""What real Heat does when others signal a group, fill the quota, delete servers, or re-point an image.

Asked directly, these ways end living servers: they are shown to. By the adapter nobody goes who was not chosen.
"""

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from elastic.adapters.openstack.stack import Stack
from elastic.core.memory import WorkerRecord
from elastic.ports import Malformed
from tests.lab.conftest import Say
from tests.lab.support import wait
from tests.openstack.heatgroup import group_of
from tests.openstack.stacks import SECONDS, Heat, heat_of, shown, with_policies

COOLDOWN_SECONDS = 2.5


@pytest.fixture(scope="module")
def heat(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Heat]:
    with heat_of(tmp_path_factory.mktemp("heat")) as made:
        yield made


def signalled(heat: Heat, stack: Stack, policy: str) -> Stack:
    """The stack after a signal that changed its size."""
    before = heat.read(stack)
    time.sleep(COOLDOWN_SECONDS)
    heat.signal(stack, policy)

    def over() -> Stack | None:
        found = heat.read(stack)
        return found if not found.busy and found.server_ids != before.server_ids else None

    return wait(over, SECONDS, "the signal was followed")


@pytest.fixture(scope="module")
def name(heat: Heat) -> str:
    """A stack with two policies that signals start."""
    return heat.stack(3, with_policies()).name


def test_a_mark_and_a_signal_remove_two(heat: Heat, name: str, say: Say) -> None:
    def attempt() -> bool:
        before = heat.of_size(name, 3)
        marked = heat.mark(before, 2)
        gone = before.server_ids - signalled(heat, before, "shrink").server_ids
        return marked < gone and len(gone) == 2

    shown("mark 1, signal - 1: the marked one and a healthy one go", attempt, say)


def test_any_update_undoes_what_signals_did(heat: Heat, name: str, say: Say) -> None:
    def attempt() -> bool:
        grown = signalled(heat, heat.of_size(name, 1), "grow")
        # Whatever it is about.
        after = heat.updated(grown, maximum=5)
        return len(grown.members) == 2 and len(after.members) == 1

    shown("size moved by a signal, then any PATCH: back to the parameter", attempt, say)
    grown = signalled(heat, heat.of_size(name, 1), "grow")
    group = group_of(heat, stack=name)
    told = group.told()
    assert (told.desired, told.written, told.members) == (2, 1, grown.server_ids)
    after = group.grow(1)
    assert (grown.server_ids < after.server_ids, len(after.members)) == (True, 3)
    chosen = str(after.members[2].server_id)
    assert group.shrink(chosen).server_ids == after.server_ids - {chosen}


def test_a_signal_in_the_cooldown_is_lost_without_a_word(heat: Heat, name: str, say: Say) -> None:
    def attempt() -> bool:
        grown = signalled(heat, heat.of_size(name, 1), "grow")
        heat.signal(grown, "grow")
        time.sleep(1)
        return heat.settled(name).server_ids == grown.server_ids

    shown("signal in the cooldown: HTTP success, and nothing happens", attempt, say)


def test_lowering_the_size_after_the_quota_refused_some_ends_a_living_server(heat: Heat, say: Say) -> None:
    stack = heat.stack(2)

    def attempt() -> bool:
        before = heat.of_size(stack.name, 2)
        with full(heat):
            broken = grown_in_vain(heat, before, 2)
        # Back to the size that it had: one new member has failed, the other was never begun, and counts as a good one.
        after = heat.updated(broken, desired=2)
        return not before.server_ids <= after.server_ids

    shown("growth refused by quota, then the size of before: a living server ends", attempt, say)
    group = group_of(heat)
    before = group.grow(2)
    with full(heat):
        broken = grown_in_vain(heat, before, 2)
        assert [member.server_id for member in broken.members].count(None) == 2
        chosen = str(next(member.server_id for member in broken.members if member.server_id))
        assert group.shrink(chosen).server_ids == before.server_ids - {chosen}
    again = group.grow(1)
    assert (before.server_ids - {chosen} < again.server_ids, len(again.members)) == (True, 2)


@contextmanager
def full(heat: Heat) -> Iterator[None]:
    """While the project may have no server more than it has."""
    heat.own.quota(instances=len(heat.alive()))
    try:
        yield
    finally:
        heat.own.quota(instances=-1)


def grown_in_vain(heat: Heat, stack: Stack, more: int) -> Stack:
    """The stack after it was told to grow by so many, for which there was no quota."""
    wanted = len(stack.members) + more
    heat.patch(stack, desired=wanted, asked=f"{wanted} ours")
    return heat.settled(stack.name, "UPDATE_FAILED")


def test_a_server_deleted_behind_its_back_is_still_a_member(heat: Heat) -> None:
    group = group_of(heat)
    before = group.grow(2)
    lost, kept = (str(member.server_id) for member in before.members)
    heat.delete_server(lost)
    seen = heat.read(before)
    assert [(m.server_id, m.status) for m in seen.members] == [(m.server_id, m.status) for m in before.members]
    assert group.shrink(lost).server_ids == {kept}


@pytest.mark.full
def test_an_image_that_was_put_in_anothers_place_changes_no_server(heat: Heat) -> None:
    first = image(heat, "rows-image")
    group = group_of(heat, image="rows-image")
    before = group.grow(1)
    renamed(heat, first, "rows-image-old")
    second = image(heat, "rows-image")
    heat.names.forget()
    try:
        after = group.grow(1)
        assert (before.server_ids < after.server_ids, len(after.members)) == (True, 2)
        assert {found_image(heat, one) for one in after.server_ids} == {first}

        heat.services.call("image", "DELETE", f"/images/{first}")
        heat.names.forget()
        with pytest.raises(Malformed, match=f"the image {first}, of which .* is gone: .* once it is empty"):
            group.adapter.create([WorkerRecord(name="w", group="small", requested_at=0.0)])
        assert group.settled().server_ids == after.server_ids
        assert group.shrink(*after.server_ids).members == ()
        (server_id,) = group.grow(1).server_ids
        assert found_image(heat, server_id) == second
    finally:
        heat.services.call("image", "DELETE", f"/images/{second}")


def image(heat: Heat, name: str) -> str:
    """The id of a new image of the project, of which nothing boots."""
    wanted = {"name": name, "disk_format": "raw", "container_format": "bare", "visibility": "private"}
    made = str(heat.services.call("image", "POST", "/images", wanted)["id"])
    answer = heat.services.connection().image.put(
        f"/images/{made}/file", data=b"rows\n", headers={"Content-Type": "application/octet-stream"}
    )
    assert answer.ok
    return made


def renamed(heat: Heat, image_id: str, name: str) -> None:
    """Give an image another name."""
    change = json.dumps([{"op": "replace", "path": "/name", "value": name}])
    kind = {"Content-Type": "application/openstack-images-v2.1-json-patch"}
    answer = heat.services.connection().image.patch(f"/images/{image_id}", data=change, headers=kind)
    assert answer.ok


def found_image(heat: Heat, server_id: str) -> str:
    return str(heat.services.call("compute", "GET", f"/servers/{server_id}")["server"]["image"]["id"])
