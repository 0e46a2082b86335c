"""What real Heat does with a ResourceGroup that is asked directly: the last rows of docs/backend-heat.md."""

from collections.abc import Iterator

import pytest

from elastic.adapters.openstack.shedding import template
from tests.lab.conftest import Say
from tests.openstack.stacks import Heat, heat_of, shown

APPEND = template("resource_group")
UPDATE = APPEND.replace("removal_policies_mode: append", "removal_policies_mode: update")


@pytest.fixture(scope="module")
def heat(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Heat]:
    with heat_of(tmp_path_factory.mktemp("heat")) as made:
        yield made


def test_named_members_and_no_others_go(heat: Heat, say: Say) -> None:
    stack = heat.stack(5, APPEND)
    named = {member.name: str(member.server_id) for member in stack.members}
    after = heat.updated(stack, desired=3, removed=["0", "2"])
    assert after.server_ids == {named["1"], named["3"], named["4"]}

    def a_mark() -> bool:
        before = heat.read(stack)
        marked = heat.mark(before, 0)
        now = heat.updated(before, desired=len(before.members) - 1)
        healthy = before.server_ids - marked
        return not healthy <= now.server_ids

    shown("ResourceGroup: mark 1, count N - 1: a healthy one goes", a_mark, say)

    def no_such_name() -> bool:
        before = heat.read(stack)
        return len(heat.updated(stack, desired=len(before.members) - 1, removed=["77"]).members) < len(before.members)

    shown("ResourceGroup: a name that does not exist, count N - 1: another one goes", no_such_name, say)


def test_a_list_that_names_nobody_ends_living_members_in_the_other_mode(heat: Heat, say: Say) -> None:
    assert UPDATE != APPEND
    stack = heat.stack(3, UPDATE)

    def attempt() -> bool:
        before = heat.updated(stack, desired=2, removed=["0"])
        after = heat.updated(stack, desired=2, removed=[])
        return not before.server_ids <= after.server_ids

    shown("ResourceGroup: mode update, an empty list: living ones end", attempt, say)
