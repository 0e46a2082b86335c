"""Servers that are members of a Heat AutoScalingGroup: exact sizes, and removal of chosen members only."""

import threading
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from importlib.resources import files
from typing import Any

from elastic.adapters.openstack.connection import Services
from elastic.adapters.openstack.enrolment import Enrolling
from elastic.adapters.openstack.gather import Gather, removed
from elastic.adapters.openstack.names import Names
from elastic.adapters.openstack.options import GroupOptions
from elastic.adapters.openstack.servers import Tag
from elastic.adapters.openstack.stack import GROUP, Member, Stack, Stacks
from elastic.core.memory import WorkerRecord
from elastic.core.model import GroupSpec
from elastic.ports import Conflict, Created, Malformed, Mismatch, NotFound, PortError, Transient

TEMPLATE = "worker-group.yaml"
GATHER_SECONDS = 0.5
SETTLE_SECONDS = 45.0
"""An update takes 4 to 7 s; what has not settled by then is looked at again by the next tick."""
POLL_SECONDS = 0.5
PREVIEWED = ("added", "deleted", "replaced")
"""What an update of the size alone does to no resource of the stack itself."""


class HeatGroup:
    """One worker group as a stack; every change is one update at a time, and removal is verified."""

    def __init__(
        self, group: GroupSpec, options: GroupOptions, services: Services, names: Names, tag: Tag, enrolling: Enrolling
    ) -> None:
        """Ask nobody yet."""
        self.group, self.options = group, options
        self.stack_name = options.stack or f"elastic-{tag.pool}-{group.name}"
        self._services, self._names, self._tag, self._enrolling = services, names, tag, enrolling
        self._stacks = Stacks(services)
        self._one = threading.Lock()
        self._removals = Gather(self._remove, GATHER_SECONDS)

    def create(self, workers: Sequence[WorkerRecord]) -> Sequence[Created]:
        """Ask for so many members more, by one update to an exact size.

        Which member answers which intent shows when Nova lists them: every answer is Transient. A definite error
        means that nothing was asked for.
        """
        with self._one:
            stack = self._settled()
            if stack is None:
                self._stacks.create(self.stack_name, template(), self._parameters(len(workers)))
            elif not stack.members:
                self._stacks.renew(stack, template(), self._parameters(len(workers)))
            else:
                self._grow(self._cleaned(stack), len(workers))
        waiting = Transient(f"asked of the stack {self.stack_name}; which member it is shows when it is listed")
        return [Created(worker=worker.name, error=waiting) for worker in workers]

    def delete(self, workers: Sequence[WorkerRecord]) -> Mapping[str, PortError]:
        """Remove exactly these members, together with those that others ask for at this moment."""
        return removed(self._removals, workers)

    # -- growing

    def _grow(self, stack: Stack, more: int) -> None:
        desired = len(stack.members) + more
        self._must_be_harmless(stack, desired)
        self._stacks.resize(stack, desired)

    def _cleaned(self, stack: Stack) -> Stack:
        """The stack without marks, and without members that never got a server: each of them would cost a good one."""
        self._unmark(stack)
        if any(member.server_id is None for member in stack.members):
            self._shed(self._again(), ())
        return self._again() if stack.good != stack.members else stack

    # -- removing

    def _remove(self, workers: Sequence[WorkerRecord]) -> Sequence[PortError | None]:
        """Mark, read again, update to N - k, wait, verify; one answer for each worker."""
        with self._one:
            stack = self._settled()
            answers = {worker.name: self._unremovable(stack, worker) for worker in workers}
            chosen = [worker for worker in workers if answers[worker.name] == ""]
            if stack is not None and chosen:
                going = frozenset(str(worker.server_id) for worker in chosen)
                self._unmark(stack, keep=going)
                self._shed(self._again(), going)
        return [None if answers[w.name] in ("", ALREADY_GONE) else Malformed(answers[w.name]) for w in workers]

    def _unremovable(self, stack: Stack | None, worker: WorkerRecord) -> str:
        """Why this worker is not removed as a member; empty when it is, ALREADY_GONE when nothing is to be done."""
        if worker.server_id is None:
            return f"the server id of {worker.name} is not known; servers are never deleted by name"
        if stack is not None and stack.member(worker.server_id) is not None:
            return ""
        try:
            self._services.call("compute", "GET", f"/servers/{worker.server_id}")
        except NotFound:
            return ALREADY_GONE
        return f"server {worker.server_id} is not a member of the stack {self.stack_name}"

    def _shed(self, stack: Stack, server_ids: Collection[str]) -> None:
        """Remove these members and those without a server, and nobody else."""
        going = [m for m in stack.members if m.server_id in server_ids or m.server_id is None]
        for member in going:
            self._stacks.mark(stack, member, "elastic removes it", unhealthy=True)
        marked = self._again()
        if {m.name for m in marked.members if m.marked} != {m.name for m in going} or _names(marked) != _names(stack):
            self._unmark(marked)
            raise Conflict("the group changed while its members were marked; nothing was removed")
        try:
            self._stacks.resize(marked, len(marked.members) - len(going))
        except PortError as error:
            if not isinstance(error, Transient):
                self._unmark(marked)
            raise
        self._verify(marked, going)

    def _verify(self, before: Stack, going: Sequence[Member]) -> None:
        """Wait until the update has settled; raise Mismatch when others than these are gone."""
        after = self._wait()
        asked = {member.name for member in going}
        kept = {m.server_id for m in before.members if m.name not in asked}
        there = {m.server_id for m in after.members}
        if lost := kept - there:
            named = ", ".join(sorted(map(str, lost)))
            raise Mismatch(f"the stack {self.stack_name} has lost members that nobody asked to remove: {named}")
        if left := {m.server_id for m in going if m.server_id} & there:
            raise Transient(f"still members: {', '.join(sorted(map(str, left)))}; {after.reason}")

    def _unmark(self, stack: Stack, keep: Collection[str] = ()) -> None:
        """Take marks back from members that have a server."""
        for member in stack.members:
            if member.marked and member.server_id and member.server_id not in keep:
                self._stacks.mark(stack, member, "kept", unhealthy=False)

    # -- both

    def _must_be_harmless(self, stack: Stack, desired: int) -> None:
        """Raise Malformed when this update would touch a living member.

        Heat's preview of the members themselves is of no use (it shows a new group); what can change them are the
        stack's own parameters, which somebody may have changed.
        """
        changes = self._stacks.preview(stack, desired)
        touched = {one["resource_name"] for kind in PREVIEWED for one in changes.get(kind, ())}
        touched |= {one["resource_name"] for one in changes.get("updated", ())} - {GROUP}
        for name, made in self._stacks.definitions(stack).items():
            if any(made.get(key) != stack.parameters[key] for key in ("image", "flavor")):
                touched.add(name)
        if touched:
            named = ", ".join(sorted(touched))
            raise Malformed(f"an update to {desired} would touch living members, so it is not sent: {named}")

    def _settled(self) -> Stack | None:
        stack = self._stacks.read(self.stack_name)
        if stack is not None and stack.busy:
            raise Conflict(f"{stack.busy}: {self.stack_name}")
        return stack

    def _again(self) -> Stack:
        stack = self._settled()
        if stack is None:
            raise Conflict(f"the stack {self.stack_name} has just gone")
        return stack

    def _wait(self, monotonic: Callable[[], float] = time.monotonic) -> Stack:
        deadline = monotonic() + SETTLE_SECONDS
        while monotonic() < deadline:
            stack = self._stacks.read(self.stack_name)
            if stack is not None and not stack.busy:
                return stack
            time.sleep(POLL_SECONDS)
        raise Transient(f"the stack {self.stack_name} has not settled in {SETTLE_SECONDS:.0f} s")

    def _parameters(self, desired: int) -> Mapping[str, Any]:
        """All parameters of a group that has no member yet."""
        options = self.options
        return {
            "desired": desired,
            "maximum": max(1, self.group.maximum),
            "image": self._names.image(options.image),
            "flavor": self._names.flavor(options.flavor).id,
            "networks": self._networks(),
            "security_groups": list(options.security_groups),
            "key_name": options.keypair,
            "availability_zone": options.zones[0] if options.zones else "",
            "scheduler_hints": {"group": options.server_group} if options.server_group else {},
            "config_drive": options.config_drive,
            "metadata": self._tag.metadata(self.group.name),
            "user_data": self._enrolling.shared_user_data(self.group, options),
        }

    def _networks(self) -> Sequence[Mapping[str, str]]:
        names = self.options.networks
        if names == ("none",):
            return [{"allocate_network": "none"}]
        return [{"network": self._names.network(name)} for name in names] or [{"allocate_network": "auto"}]


ALREADY_GONE = "gone"


def template() -> str:
    """The template of a worker group, as shipped."""
    return files("elastic.adapters.openstack").joinpath(TEMPLATE).read_text(encoding="utf-8")


def _names(stack: Stack) -> frozenset[str]:
    return frozenset(member.name for member in stack.members)
