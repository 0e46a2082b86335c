"""What real Heat does with an AutoScalingGroup that is asked directly: the table in docs/backend-heat.md, row by row.

Dangerous rows end servers that nobody chose, and are shown to; test_heat_adapter.py shows that the adapter keeps clear
of them. All tests share one stack; each begins with as many members as it says, all of them well.
"""

from collections.abc import Iterator

import pytest

from elastic.adapters.openstack.stack import Stack
from elastic.ports import Malformed, PortError
from tests.lab.conftest import Say
from tests.openstack.stacks import Heat, heat_of, shown


@pytest.fixture(scope="module")
def heat(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Heat]:
    with heat_of(tmp_path_factory.mktemp("heat")) as made:
        yield made


@pytest.fixture(scope="module")
def name(heat: Heat) -> str:
    return heat.stack(4).name


def test_marked_members_and_no_others_go_when_the_group_shrinks_by_their_number(heat: Heat, name: str) -> None:
    stack = heat.of_size(name, 4)
    going = heat.mark(stack, 1, 3)
    after = heat.updated(stack, desired=2)
    assert after.server_ids == stack.server_ids - going == heat.alive() & stack.server_ids


def test_a_mark_that_is_taken_back_while_nothing_goes_on_changes_nothing(heat: Heat, name: str) -> None:
    stack = heat.of_size(name, 2)
    heat.mark(stack, 0)
    assert [member.marked for member in heat.read(stack).members] == [True, False]
    heat.mark(stack, 0, unhealthy=False)
    after = heat.updated(stack, desired=3)
    assert (len(after.members), stack.server_ids - after.server_ids) == (3, frozenset())


def test_two_marks_and_one_less_replace_a_living_server(heat: Heat, name: str, say: Say) -> None:
    def attempt() -> bool:
        stack = heat.of_size(name, 3)
        marked = heat.mark(stack, 0, 1)
        after = heat.updated(stack, desired=2).server_ids
        return marked & after == frozenset() and len(after - stack.server_ids) == 1

    shown("mark 2, PATCH N - 1: one is removed, the other replaced", attempt, say)


@pytest.mark.parametrize("more", [0, 1])
def test_a_mark_and_no_less_replaces_a_living_server(heat: Heat, name: str, say: Say, more: int) -> None:
    def attempt() -> bool:
        stack = heat.of_size(name, 2)
        marked = heat.mark(stack, 0)
        after = heat.updated(stack, desired=2 + more).server_ids
        return len(after) == 2 + more and not marked & after

    shown(f"mark 1, PATCH N{f' + {more}' if more else ''}: the marked one is replaced", attempt, say)


def test_without_a_mark_the_oldest_goes_busy_or_not(heat: Heat, name: str, say: Say) -> None:
    def attempt() -> bool:
        stack = heat.of_size(name, 3)
        oldest = heat.oldest(stack)
        return heat.updated(stack, desired=2).server_ids == stack.server_ids - oldest and len(oldest) == 1

    shown("PATCH N - 1 without a mark: the oldest goes", attempt, say)


def test_a_mark_while_an_update_runs_replaces_the_member(heat: Heat, name: str, say: Say) -> None:
    def attempt() -> bool:
        stack = heat.begun(heat.of_size(name, 2), desired=3)
        marked = heat.mark(stack, 0)
        return not marked & heat.settled(name).server_ids

    shown("mark 1 while an update runs: that update replaces it", attempt, say)


def test_a_second_update_takes_the_first_ones_place(heat: Heat, name: str) -> None:
    stack = heat.begun(heat.of_size(name, 3), desired=6)
    assert len(heat.updated(stack, desired=4).members) == 4


def test_a_size_outside_the_limits_is_refused(heat: Heat, name: str) -> None:
    stack = heat.settled(name)
    for size in (-1, 7):
        with pytest.raises(Malformed):
            heat.patch(stack, desired=size)
    assert heat.settled(name).server_ids == stack.server_ids


def test_a_size_of_nought_is_taken_for_none(heat: Heat, name: str, say: Say) -> None:
    stack = heat.of_size(name, 2)
    shown("PATCH desired = 0: nothing happens", lambda: empties(heat, stack) == stack.server_ids, say)
    heat.mark(stack, 0, 1)
    assert empties(heat, stack) == frozenset()


def empties(heat: Heat, stack: Stack) -> frozenset[str]:
    """The servers after an update to a size of 0."""
    return heat.updated(stack, desired=0).server_ids


def test_the_name_of_a_stack_that_is_just_going_is_taken(heat: Heat, name: str, say: Say) -> None:
    def attempt() -> bool:
        heat.stacks.remove(heat.settled(name))
        try:
            heat.create(name, 1)
        except PortError:
            return True
        return False

    shown("the name of a stack just deleted: refused", attempt, say)
