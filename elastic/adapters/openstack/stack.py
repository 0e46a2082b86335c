"""A Heat stack with one group of servers: what it holds, and the few requests that change it."""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from elastic.adapters.openstack.connection import Json, Services
from elastic.ports import Malformed, NotFound

GROUP = "group"
SERVER = "OS::Nova::Server"
DESIRED, ASKED = "desired", "asked"
"""Parameters: how many members there are, and how many elastic asked for last, with a mark of that request."""
TIMEOUT_MINUTES = 30
"""Heat gives an update up after so long, and the next one goes on: longer than slow boots, tried several times."""
SETTLED = ("CREATE_COMPLETE", "UPDATE_COMPLETE", "CHECK_COMPLETE", "CREATE_FAILED", "UPDATE_FAILED", "CHECK_FAILED")
"""States in which an update may begin; all failed stacks that were tried accepted one."""


@dataclass(frozen=True, slots=True)
class Member:
    """One member of the group: its name in the nested stack, its server if it has one, its state and why."""

    name: str
    server_id: str | None
    status: str
    reason: str = ""

    @property
    def marked(self) -> bool:
        """Whether Heat counts it as unhealthy: the next update removes or replaces it."""
        return self.status == "CHECK_FAILED"

    @property
    def failed(self) -> bool:
        """Whether Heat drops it before all others when the group shrinks, and may replace it when it grows."""
        return self.status.endswith("_FAILED")


@dataclass(frozen=True, slots=True)
class Stack:
    """A stack and its group at one moment; `nested` is the path of the nested stack, empty before it was made.

    `leaving` are members whose removal was asked for and failed: they no longer count, and each update tries again.
    """

    path: str
    status: str
    reason: str
    parameters: Mapping[str, Any] = field(default_factory=dict)
    changed_at: str = ""
    nested: str = ""
    nested_status: str = ""
    members: tuple[Member, ...] = ()
    leaving: tuple[Member, ...] = ()

    @property
    def name(self) -> str:
        """Its name."""
        return self.path.split("/")[2]

    @property
    def busy(self) -> str:
        """Why nothing may be changed now; empty when something may."""
        if self.status not in SETTLED:
            return f"the stack is {self.status}"
        if self.nested_status and self.nested_status not in SETTLED:
            return f"the group is {self.nested_status}"
        return ""

    @property
    def complete(self) -> bool:
        """Whether the last update did all it had to, in the group too."""
        return all(status.endswith("_COMPLETE") for status in (self.status, self.nested_status))

    @property
    def undeletable(self) -> bool:
        """Whether somebody asked for its deletion, and that failed: no update is accepted any more."""
        return self.status == "DELETE_FAILED"

    @property
    def desired(self) -> int:
        """How many members it is told to have."""
        return int(self.parameters[DESIRED])

    @property
    def asked(self) -> tuple[int | None, str]:
        """How many we asked for last, and the mark of that request; None where the stack does not remember."""
        number, _, stamp = str(self.parameters.get(ASKED, "")).partition(" ")
        return (int(number), stamp) if number.isdecimal() else (None, "")

    @property
    def head(self) -> "Stack":
        """The same without its members: equal heads are of a stack that nothing has happened to."""
        return replace(self, nested="", nested_status="", members=(), leaving=())

    @property
    def server_ids(self) -> frozenset[str]:
        """The servers of all members."""
        return frozenset(m.server_id for m in self.members if m.server_id)

    @property
    def all_server_ids(self) -> frozenset[str]:
        """The same, with those that should be gone."""
        return self.server_ids.union(m.server_id for m in self.leaving if m.server_id)


class Stacks:
    """Reads and changes stacks by Heat's API."""

    def __init__(self, services: Services) -> None:
        """Ask nobody yet."""
        self._services = services

    def read(self, name: str) -> Stack | None:
        """The stack of this name with its group; None when there is none."""
        head = self.head(name)
        return None if head is None else self.with_members(head)

    def head(self, name: str) -> Stack | None:
        """The stack of this name without its members, which is one request; None when there is none."""
        try:
            found = self._ask("GET", f"/stacks/{name}?resolve_outputs=false")["stack"]
        except NotFound:
            return None
        if found["stack_status"] == "DELETE_COMPLETE":
            return None
        if DESIRED not in found["parameters"]:
            raise Malformed(f"the stack {name} was not made from elastic's template: name another in options.stack")
        reason, changed_at = str(found["stack_status_reason"]), str(found["updated_time"])
        return Stack(_path(found), found["stack_status"], reason, found["parameters"], changed_at)

    def create(self, name: str, template: str, parameters: Mapping[str, Any]) -> None:
        """Ask for a new stack; a failed creation is kept, to be looked at."""
        self._ask("POST", "/stacks", {"stack_name": name, **_whole(template, parameters)})

    def resize(self, stack: Stack, desired: int, **parameters: object) -> None:
        """Ask for exactly so many members; of all other parameters, only those given are changed."""
        asked = {ASKED: mark_of(desired)} if ASKED in stack.parameters else {}
        wanted = {DESIRED: desired, **asked, **parameters}
        self._ask("PATCH", stack.path, {"parameters": wanted, "timeout_mins": TIMEOUT_MINUTES})

    def renew(self, stack: Stack, template: str, parameters: Mapping[str, Any]) -> None:
        """Give the stack a new template and parameters: only where it has no member."""
        self._ask("PUT", stack.path, _whole(template, parameters))

    def preview(self, stack: Stack, desired: int) -> Mapping[str, Sequence[Json]]:
        """What `resize` would do, by kind: added, deleted, replaced, updated, unchanged."""
        asked = {"parameters": {DESIRED: desired}}
        answer = self._ask("PATCH", f"{stack.path}/preview", asked, again=True)
        changes: Mapping[str, Sequence[Json]] = answer["resource_changes"]
        return changes

    def definitions(self, stack: Stack) -> Mapping[str, Mapping[str, Any]]:
        """The properties that each member was made with, by its name."""
        found = self._ask("GET", f"{stack.nested}/template").get("resources", {})
        return {name: made.get("properties", {}) for name, made in found.items()}

    def mark(self, stack: Stack, member: Member, reason: str, *, unhealthy: bool) -> None:
        """Mark one member unhealthy, or take that back; nothing else happens yet."""
        asked = {"mark_unhealthy": unhealthy, "resource_status_reason": reason}
        self._ask("PATCH", f"{stack.nested}/resources/{member.name}", asked, again=True)

    def remove(self, stack: Stack) -> None:
        """Delete the whole stack with all its members."""
        self._ask("DELETE", stack.path)

    def with_members(self, stack: Stack) -> Stack:
        """The same stack with its group's members as they are now."""
        found = self._ask("GET", f"{stack.path}/resources?nested_depth=2")["resources"]
        group = next((one for one in found if one["resource_name"] == GROUP), None)
        if group is None or not group["physical_resource_id"]:
            return stack
        try:
            nested = self._ask("GET", f"/stacks/{group['physical_resource_id']}?resolve_outputs=false")["stack"]
        except NotFound as error:
            raise Malformed(f"the stack's resource {GROUP} has no nested stack: {error}") from error
        made = sorted(
            (
                Member(
                    one["resource_name"],
                    one["physical_resource_id"] or None,
                    one["resource_status"],
                    one.get("resource_status_reason") or "",
                )
                for one in found
                if one["resource_type"] == SERVER and one["resource_status"] != "DELETE_COMPLETE"
            ),
            key=lambda member: member.name,
        )
        return replace(
            stack,
            nested=_path(nested),
            nested_status=nested["stack_status"],
            members=tuple(m for m in made if not m.status.startswith("DELETE")),
            leaving=tuple(m for m in made if m.status.startswith("DELETE")),
        )

    def _ask(self, method: Any, path: str, body: Json | None = None, *, again: bool = False) -> Json:
        return self._services.call("orchestration", method, path, body, again=again)


def _whole(template: str, parameters: Mapping[str, Any]) -> Json:
    return {
        "template": template,
        "parameters": parameters,
        "disable_rollback": True,
        "timeout_mins": TIMEOUT_MINUTES,
    }


def mark_of(desired: int) -> str:
    """What a request leaves in the stack, so that a change by others is told from it: the size, and its own mark."""
    return f"{desired} {uuid.uuid4().hex[:8]}"


def _path(found: Json) -> str:
    return f"/stacks/{found['stack_name']}/{found['id']}"
