"""Stacks of real Heat whose servers run nothing, in a project of their own: asked directly, or by the adapter."""

import json
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from elastic.adapters.openstack.connection import Services
from elastic.adapters.openstack.names import Names
from elastic.adapters.openstack.servers import Tag
from elastic.adapters.openstack.shedding import template
from elastic.adapters.openstack.stack import Stack, Stacks
from elastic.ports import NotFound, PortError
from tests.lab.support import wait
from tests.openstack.project import Project, project

SECONDS = 60.0
TRIES = 5
POOL = "rows"


@dataclass(slots=True)
class Heat:
    """Heat in one project of the lab, its stacks removed at the end."""

    own: Project
    services: Services
    stacks: Stacks
    names: Names
    made: list[str] = field(default_factory=list)

    # -- directly, as anybody may

    def stack(self, desired: int, text: str = "") -> Stack:
        """A new stack of a worker group, complete."""
        name = f"rows-{os.urandom(4).hex()}"
        self.made.append(name)
        self.create(name, desired, text)
        return self.settled(name)

    def create(self, name: str, desired: int, text: str = "") -> None:
        """Ask for a stack of this name, by the template of an AutoScalingGroup unless there is another."""
        parameters = {
            "desired": desired,
            "asked": f"{desired} first",
            "maximum": 6,
            "image": self.names.image("elastic-worker"),
            "flavor": "worker-1",
            "networks": [{"allocate_network": "none"}],
            "metadata": Tag(POOL, "nobody").metadata("small"),
            "user_data": "",
        }
        self.stacks.create(name, text or template("autoscaling_group"), parameters)

    def settled(self, name: str, *states: str) -> Stack:
        """The stack once nothing goes on with it, in one of these states."""

        def there() -> Stack | None:
            found = self._slowly(name)
            return found if found is not None and found.status in (states or (found.status,)) else None

        return wait(there, SECONDS, f"{name} is settled")

    def patch(self, stack: Stack, **parameters: object) -> None:
        """One PATCH of these parameters alone, as `openstack stack update --existing` sends it."""
        self.services.call("orchestration", "PATCH", stack.path, {"parameters": parameters})

    def begun(self, stack: Stack, **parameters: object) -> Stack:
        """The stack while such an update runs."""
        self.patch(stack, **parameters)
        wait(lambda: self.read(stack).busy, 20, "the update has begun")
        return stack

    def updated(self, stack: Stack, **parameters: object) -> Stack:
        """The stack after such a PATCH."""
        before = self.read(stack)
        self.patch(stack, **parameters)

        def over() -> Stack | None:
            found = self._slowly(stack.name)
            return found if found is not None and found.changed_at != before.changed_at else None

        return wait(over, SECONDS, f"the update of {stack.name} is over")

    def of_size(self, name: str, size: int) -> Stack:
        """The stack once it has so many members, all of them well; by the two ways that end nobody else."""
        stack = self.settled(name)
        if more := len(stack.members) - size:
            if more > 0:
                self.mark(stack, *range(more))
            stack = self.updated(stack, desired=size, asked=f"{size} ours")
        return stack

    def read(self, stack: Stack) -> Stack:
        """The stack as it is now."""
        found = self.stacks.read(stack.name)
        assert found is not None
        return found

    def _slowly(self, name: str) -> Stack | None:
        """The stack if nothing goes on with it; Heat is asked twice a second, and for members only then."""
        time.sleep(0.5)
        head = self.stacks.head(name)
        if head is None or head.busy:
            return None
        found = self.stacks.with_members(head)
        return None if found.busy else found

    def mark(self, stack: Stack, *numbers: int, unhealthy: bool = True) -> frozenset[str]:
        """Mark the members at these places of the order of names; their servers."""
        chosen = [stack.members[number] for number in numbers]
        for member in chosen:
            self.stacks.mark(stack, member, "a test", unhealthy=unhealthy)
        return frozenset(str(member.server_id) for member in chosen)

    def signal(self, stack: Stack, policy: str) -> None:
        """Signal one of the stack's policies."""
        self.services.call("orchestration", "POST", f"{stack.path}/resources/{policy}/signal", {})

    def oldest(self, stack: Stack) -> frozenset[str]:
        """The servers of the members that Heat made first; several where it made them in the same second."""
        found = self.services.call("orchestration", "GET", f"{stack.nested}/resources")["resources"]
        first = min(one["creation_time"] for one in found)
        return frozenset(one["physical_resource_id"] for one in found if one["creation_time"] == first)

    def alive(self) -> frozenset[str]:
        """Every server of the project that is not being deleted."""
        found = self.services.pages("compute", "/servers/detail", "servers")
        return frozenset(one["id"] for one in found if one["OS-EXT-STS:task_state"] != "deleting")

    def delete_server(self, server_id: str) -> None:
        """Delete a server behind Heat's back; return when it is gone."""
        self.services.call("compute", "DELETE", f"/servers/{server_id}")
        wait(lambda: server_id not in self.alive(), SECONDS, "the server is gone")

    def remove(self, name: str) -> None:
        """Delete a stack; return when it is gone."""

        def gone() -> bool:
            found = self.stacks.head(name)
            if found is not None and found.status != "DELETE_IN_PROGRESS":
                with suppress(PortError):
                    self.stacks.remove(found)
            return found is None

        wait(gone, SECONDS, f"{name} is gone")


@contextmanager
def heat_of(folder: Path) -> Iterator[Heat]:
    """Heat in a new project; nothing of it is left afterwards."""
    with project(folder) as own:
        services = Services("lab", clouds_file=own.clouds)
        heat = Heat(own, services, Stacks(services), Names(services))
        try:
            yield heat
        finally:
            own.faults()
            own.quota(instances=-1, cores=-1)
            for name in dict.fromkeys(heat.made):
                heat.remove(name)
            for server_id in heat.alive():
                with suppress(NotFound):
                    services.call("compute", "DELETE", f"/servers/{server_id}")
            wait(lambda: not heat.alive(), SECONDS, "no server is left")
            services.close()


def shown(row: str, attempt: Callable[[], bool], say: Callable[[object], None]) -> None:
    """Try until it shows; what does not show in five tries is told, and fails nothing: others are then safer."""
    for number in range(1, TRIES + 1):
        if attempt():
            say(f"Heat: {row}: shown at try {number}")
            return
    say(f"Heat: {row}: NOT seen in {TRIES} tries")


def with_policies() -> str:
    """The template of an AutoScalingGroup with two scaling policies: who adds them has not read its description."""
    tree: dict[str, Any] = yaml.safe_load(template("autoscaling_group"))
    tree["heat_template_version"] = "2021-04-16"
    for name, step in (("grow", 1), ("shrink", -1)):
        tree["resources"][name] = {
            "type": "OS::Heat::ScalingPolicy",
            "properties": {
                "adjustment_type": "change_in_capacity",
                "auto_scaling_group_id": {"get_resource": "group"},
                "scaling_adjustment": step,
                "cooldown": 1,
            },
        }
    return json.dumps(tree)
