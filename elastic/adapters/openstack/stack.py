"""A Heat stack with one AutoScalingGroup: what it holds, and the few requests that change it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from elastic.adapters.openstack.connection import Json, Services
from elastic.ports import Malformed, NotFound

GROUP = "group"
SERVER = "OS::Nova::Server"
SETTLED = ("CREATE_COMPLETE", "UPDATE_COMPLETE", "CHECK_COMPLETE", "CREATE_FAILED", "UPDATE_FAILED", "CHECK_FAILED")
"""States in which an update may begin; all failed stacks that were tried accepted one."""


@dataclass(frozen=True, slots=True)
class Member:
    """One member of the group: its name in the nested stack, its server if it has one, its state."""

    name: str
    server_id: str | None
    status: str

    @property
    def marked(self) -> bool:
        """Whether Heat counts it as unhealthy: the next update removes or replaces it."""
        return self.status == "CHECK_FAILED"


@dataclass(frozen=True, slots=True)
class Stack:
    """A stack and its group at one moment; `nested` is the path of the nested stack, empty before it was made."""

    path: str
    status: str
    reason: str
    parameters: Mapping[str, Any] = field(default_factory=dict)
    nested: str = ""
    nested_status: str = ""
    members: tuple[Member, ...] = ()

    @property
    def busy(self) -> str:
        """Why nothing may be changed now; empty when something may."""
        if self.status not in SETTLED:
            return f"the stack is {self.status}"
        if self.nested_status and self.nested_status not in SETTLED:
            return f"the group is {self.nested_status}"
        return ""

    @property
    def good(self) -> tuple[Member, ...]:
        """Members that have a server and are not marked."""
        return tuple(m for m in self.members if m.server_id and not m.marked)

    def member(self, server_id: str) -> Member | None:
        """The member whose server this is."""
        return next((m for m in self.members if m.server_id == server_id), None)


class Stacks:
    """Reads and changes stacks by Heat's API."""

    def __init__(self, services: Services) -> None:
        """Ask nobody yet."""
        self._services = services

    def read(self, name: str) -> Stack | None:
        """The stack of this name with its group; None when there is none."""
        try:
            found = self._ask("GET", f"/stacks/{name}")["stack"]
        except NotFound:
            return None
        if found["stack_status"] == "DELETE_COMPLETE":
            return None
        path = _path(found)
        stack = Stack(path, found["stack_status"], str(found["stack_status_reason"]), found["parameters"])
        return self._with_members(stack)

    def create(self, name: str, template: str, parameters: Mapping[str, Any]) -> None:
        """Ask for a new stack; a failed creation is kept, to be looked at."""
        asked = {"stack_name": name, "template": template, "parameters": parameters, "disable_rollback": True}
        self._ask("POST", "/stacks", asked)

    def resize(self, stack: Stack, desired: int) -> None:
        """Ask for exactly so many members, everything else as it is."""
        self._ask("PATCH", stack.path, {"parameters": {"desired": desired}})

    def renew(self, stack: Stack, template: str, parameters: Mapping[str, Any]) -> None:
        """Give the stack a new template and parameters: only where it has no member."""
        self._ask("PUT", stack.path, {"template": template, "parameters": parameters, "disable_rollback": True})

    def preview(self, stack: Stack, desired: int) -> Mapping[str, Sequence[Json]]:
        """What `resize` would do, by kind: added, deleted, replaced, updated, unchanged."""
        asked = {"parameters": {"desired": desired}}
        answer = self._ask("PATCH", f"{stack.path}/preview", asked)
        changes: Mapping[str, Sequence[Json]] = answer["resource_changes"]
        return changes

    def definitions(self, stack: Stack) -> Mapping[str, Mapping[str, Any]]:
        """The properties that each member was made with, by its name."""
        found = self._ask("GET", f"{stack.nested}/template").get("resources", {})
        return {name: made.get("properties", {}) for name, made in found.items()}

    def mark(self, stack: Stack, member: Member, reason: str, *, unhealthy: bool) -> None:
        """Mark one member unhealthy, or take that back; nothing else happens yet."""
        asked = {"mark_unhealthy": unhealthy, "resource_status_reason": reason}
        self._ask("PATCH", f"{stack.nested}/resources/{member.name}", asked)

    def remove(self, stack: Stack) -> None:
        """Delete the whole stack with all its members."""
        self._ask("DELETE", stack.path)

    def _with_members(self, stack: Stack) -> Stack:
        found = self._ask("GET", f"{stack.path}/resources?nested_depth=2")["resources"]
        group = next((one for one in found if one["resource_name"] == GROUP), None)
        if group is None or not group["physical_resource_id"]:
            return stack
        try:
            nested = self._ask("GET", f"/stacks/{group['physical_resource_id']}")["stack"]
        except NotFound as error:
            raise Malformed(f"the stack's resource {GROUP} has no nested stack: {error}") from error
        members = (
            Member(one["resource_name"], one["physical_resource_id"] or None, one["resource_status"])
            for one in found
            if one["resource_type"] == SERVER and not one["resource_status"].startswith("DELETE")
        )
        return Stack(
            stack.path,
            stack.status,
            stack.reason,
            stack.parameters,
            _path(nested),
            nested["stack_status"],
            tuple(sorted(members, key=lambda m: m.name)),
        )

    def _ask(self, method: Any, path: str, body: Json | None = None) -> Json:
        return self._services.call("orchestration", method, path, body)


def _path(found: Json) -> str:
    return f"/stacks/{found['stack_name']}/{found['id']}"
