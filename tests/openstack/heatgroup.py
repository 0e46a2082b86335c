"""The adapter of one Heat group, driven on real Heat as the daemon's ticks would."""

import os
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

from elastic.adapters.openstack.enrolment import Enrolling
from elastic.adapters.openstack.heat import HeatGroup
from elastic.adapters.openstack.options import group_options
from elastic.adapters.openstack.servers import Tag
from elastic.adapters.openstack.stack import Stack
from elastic.adapters.openstack.zones import Zones
from elastic.core.memory import WorkerRecord
from elastic.core.model import GroupSpec
from elastic.core.observation import GroupSize
from elastic.ports import Accepted, Conflict, PortError, Unsent
from tests.lab.support import wait
from tests.openstack.stacks import POOL, SECONDS, Heat

PLAIN = {"flavor": "worker-1", "image": "elastic-worker", "networks": "none", "user_data": "launcher"}


def group_of(heat: Heat, *, kind: str = "autoscaling_group", stack: str = "", **options: str) -> "Group":
    """The adapter of one worker group of ours; its stack is made by the first launch unless it is there."""
    name = stack or f"rows-{os.urandom(4).hex()}"
    heat.made.append(name)
    backend = {"backend": "heat", "heat_kind": kind, "stack": name, "enrolment": "shared"}
    spec = GroupSpec(name="small", maximum=6, options={**PLAIN, **backend, **options})
    enrolling = cast("Enrolling", NoUserData())
    tag = Tag(POOL, "nobody")
    made = HeatGroup(spec, group_options(spec), heat.services, heat.names, tag, enrolling, Zones())
    return Group(heat, made)


class NoUserData:
    """Servers without user data run nothing, and are well."""

    def shared_user_data(self, *_: object) -> str:
        return ""


@dataclass(slots=True)
class Group:
    """One worker group as the adapter sees it, driven as the daemon's ticks would."""

    heat: Heat
    adapter: HeatGroup

    def of_size(self, size: int) -> frozenset[str]:
        """The servers of the group once it has so many."""
        found = self.heat.stacks.read(self.adapter.stack_name)
        has = sorted(found.server_ids) if found is not None else []
        if len(has) < size:
            return self.grow(size - len(has)).server_ids
        return self.shrink(*has[size:]).server_ids if len(has) > size else frozenset(has)

    def settled(self) -> Stack:
        """Its stack once nothing goes on with it."""
        return self.heat.settled(self.adapter.stack_name)

    def head(self) -> Stack:
        """Its stack as it is now, without members."""
        found = self.heat.stacks.head(self.adapter.stack_name)
        assert found is not None
        return found

    def refused(self, *server_ids: str) -> list[type[PortError]]:
        """The kinds of errors that one request to remove these is answered with."""
        return [type(error) for error in self.adapter.delete(_workers(server_ids)).values()]

    def told(self) -> GroupSize:
        """What the adapter says of the size, as each tick asks it."""
        found = self.adapter.size(self.heat.alive())
        assert found is not None
        return found

    def with_stray_mark(self) -> tuple[frozenset[str], str]:
        """Have somebody mark a member: all servers, and one to choose, without a mark where there is such a one."""
        stack = self.settled()
        marked = self.heat.mark(stack, 0)
        return stack.server_ids, min(stack.server_ids - marked, default=min(marked))

    def grow(self, more: int) -> Stack:
        """Ask for so many more, again while the stack is busy; the stack once they are there."""
        records = [WorkerRecord(name=f"new-{number}", group="small", requested_at=0.0) for number in range(more)]

        def asked() -> bool:
            try:
                answers = self.adapter.create(records)
            except Unsent:
                time.sleep(1)
                return False
            assert [type(answer.error) for answer in answers] == [Accepted] * more
            return True

        wait(asked, SECONDS, "the growth is taken on")
        return self.heat.settled(self.adapter.stack_name)

    def shrink(self, *server_ids: str) -> Stack:
        """Remove exactly these, again while the stack is busy; the stack afterwards."""

        def done() -> bool:
            errors = self.adapter.delete(_workers(server_ids))
            assert all(isinstance(error, Conflict) for error in errors.values()), errors
            return not errors

        wait(done, SECONDS, "the removal is carried out")
        return self.heat.settled(self.adapter.stack_name)


def _workers(server_ids: Sequence[str]) -> list[WorkerRecord]:
    return [
        WorkerRecord(name=f"old-{number}", group="small", requested_at=0.0, server_id=server_id)
        for number, server_id in enumerate(server_ids)
    ]
