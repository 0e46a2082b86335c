"""Servers that are members of a Heat group: exact sizes, and removal of chosen members only."""

import threading
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from functools import partial
from typing import Any

from elastic.adapters.openstack.connection import Services
from elastic.adapters.openstack.enrolment import Enrolling
from elastic.adapters.openstack.errors import unsent
from elastic.adapters.openstack.gather import Gather, removed
from elastic.adapters.openstack.names import Names
from elastic.adapters.openstack.options import GroupOptions
from elastic.adapters.openstack.servers import Tag, listed
from elastic.adapters.openstack.shedding import KINDS, template, unmark
from elastic.adapters.openstack.sizes import Sizes
from elastic.adapters.openstack.stack import ASKED, GROUP, Stack, Stacks, mark_of
from elastic.adapters.openstack.zones import Zones, zoned
from elastic.core.memory import WorkerRecord
from elastic.core.model import GroupSpec
from elastic.core.observation import GroupSize
from elastic.ports import Accepted, Conflict, Created, Malformed, Mismatch, NotFound, PortError, Transient, Unsent

GATHER_SECONDS = 0.5
SETTLE_SECONDS = 45.0
"""An update takes 4 to 7 s; what has not settled by then is looked at again by the next tick."""
POLL_SECONDS = 0.5
PREVIEWED = ("added", "deleted", "replaced")
"""What an update of the size alone does not do to the group as a whole."""
ALREADY_GONE, ALONE = "gone", "alone"
"""A server that need not be removed, and one that its stack can no longer remove."""


class HeatGroup:
    """One worker group as a stack; every change is one update at a time, and removal is verified."""

    def __init__(
        self,
        group: GroupSpec,
        options: GroupOptions,
        services: Services,
        names: Names,
        tag: Tag,
        enrolling: Enrolling,
        zones: Zones,
    ) -> None:
        """Ask nobody yet."""
        self.group, self.options = group, options
        self.stack_name = options.stack or f"elastic-{tag.pool}-{group.name}"
        self._services, self._names, self._tag, self._enrolling = services, names, tag, enrolling
        self._zones = zones
        self._stacks = Stacks(services)
        self._sizes = Sizes(self._stacks, self.stack_name)
        self._one = threading.Lock()
        self._removals = Gather(self._remove, GATHER_SECONDS)
        self._kept: frozenset[str] = frozenset()

    def size(self, listed: frozenset[str]) -> GroupSize | None:
        """What the stack says of itself, None without one; `listed` are the group's servers that Nova has shown."""
        return self._sizes.read(listed)

    def create(self, workers: Sequence[WorkerRecord]) -> Sequence[Created]:
        """Ask for so many members more, by one update to an exact size.

        Which member answers which intent shows when Nova lists them: every answer is Accepted. A definite error, and
        Unsent, mean that nothing was asked for.
        """
        with self._one:
            with unsent():
                ask = self._order(len(workers))
            try:
                ask()
            except Conflict as error:
                # Such as a name that Heat holds for a moment longer than its stack.
                raise Unsent(str(error)) from error
        waiting = Accepted(f"asked of the stack {self.stack_name}; which member it is shows when it is listed")
        return [Created(worker=worker.name, error=waiting) for worker in workers]

    def delete(self, workers: Sequence[WorkerRecord]) -> Mapping[str, PortError]:
        """Remove exactly these members, together with those that others ask for at this moment."""
        return removed(self._removals, workers)

    # -- growing

    def _order(self, more: int) -> Callable[[], None]:
        """The one request by which the group gets so many members more; all that comes before it is done here."""
        stack = self._read()
        if stack is not None and stack.undeletable:
            self._delete_again(stack)
        if stack is None:
            return partial(self._stacks.create, self.stack_name, self._template(), self._parameters(more))
        self._must_be_ready(stack)
        self._verify(stack)
        self._hear(stack)
        if stack.members:
            stack = self._cleaned(stack)
        if not stack.members:
            return partial(self._stacks.renew, stack, self._template(), self._parameters(more))
        self._must_have_image(stack)
        desired = len(stack.members) + more
        self._must_be_harmless(stack, desired)
        return partial(self._stacks.resize, stack, desired)

    def _hear(self, stack: Stack) -> None:
        """Learn which zone had no host, from members that never got a server."""
        zone = str(stack.parameters.get("availability_zone", ""))
        for member in stack.members:
            if member.server_id is None:
                self._zones.heard(member.reason, zone, f"{stack.path}/{member.name}")

    def _cleaned(self, stack: Stack) -> Stack:
        """The stack without marks, and without members that have no server: each would cost a good one or its place."""
        changed = unmark(self._stacks, stack)
        dead = self._dead(stack)
        if dead or any(member.server_id is None for member in stack.members):
            changed = True
            self._shed(self._again(), dead)
        return self._again() if changed else stack

    def _dead(self, stack: Stack) -> frozenset[str]:
        """The members' servers that were deleted behind Heat's back; that one is in no list is not enough."""
        there = {found["id"] for found in listed(self._services, self._tag.pool)}
        return frozenset(one for one in sorted(stack.server_ids - there) if not self._exists(one))

    def _delete_again(self, stack: Stack) -> None:
        """A stack whose deletion failed takes no update: deleted again, once none of its servers is left; Conflict."""
        left = [server_id for server_id in sorted(stack.all_server_ids) if self._exists(server_id)]
        if not left:
            self._stacks.remove(stack)
            raise Conflict(f"the stack {self.stack_name} is {stack.status}; its deletion is asked for again")
        named = ", ".join(left)
        raise Conflict(f"the stack {self.stack_name} is {stack.status}: made anew once its servers have gone: {named}")

    # -- removing

    def _remove(self, workers: Sequence[WorkerRecord]) -> Sequence[PortError | None]:
        """Look, ask for an update to N - k that takes exactly these, wait, verify; one answer for each worker."""
        with self._one:
            stack = self._read()
            answers = {worker.name: self._unremovable(stack, worker) for worker in workers}
            chosen = {str(w.server_id) for w in workers if not answers[w.name]}
            if stack is not None and chosen:
                self._must_be_ready(stack)
                self._verify(stack)
                unmark(self._stacks, stack, keep=chosen)
                self._shed(self._again(), chosen)
            for worker in workers:
                if answers[worker.name] == ALONE:
                    self._services.call("compute", "DELETE", f"/servers/{worker.server_id}")
        fine = ("", ALREADY_GONE, ALONE)
        return [None if answers[w.name] in fine else Malformed(answers[w.name]) for w in workers]

    def _unremovable(self, stack: Stack | None, worker: WorkerRecord) -> str:
        """Why this worker is not removed as a member; empty when it is, a word when there is another way or no need."""
        if worker.server_id is None:
            return f"the server id of {worker.name} is not known; servers are never deleted by name"
        member = stack is not None and worker.server_id in stack.all_server_ids
        if member and stack is not None and not stack.undeletable:
            return ""
        if not self._exists(worker.server_id):
            return ALREADY_GONE
        if not member and stack is not None and stack.busy:
            return f"server {worker.server_id} is not a member of the stack {self.stack_name} while {stack.busy}"
        # Whose answer from Nova was lost, Heat has never known; only the ledger and Nova have.
        return ALONE

    def _shed(self, stack: Stack, server_ids: Collection[str]) -> None:
        """Remove these members and those without a server, and nobody else."""
        going = [m for m in stack.members if m.server_id in server_ids or m.server_id is None]
        self._must_be_harmless(stack, len(stack.members) - len(going))
        self._kept = stack.server_ids.difference(server_ids)
        try:
            before = KINDS[self.options.heat_kind].remove(self._stacks, stack, going, self._again)
        except Conflict:
            self._kept = frozenset()
            raise
        after = self._wait(before)
        self._verify(after)
        if left := after.all_server_ids.intersection(server_ids):
            raise Transient(f"still members: {', '.join(sorted(left))}; {after.reason}")

    def _verify(self, after: Stack) -> None:
        """Raise Mismatch when others are gone than those that the last removal was about.

        Looked at when the stack has settled, however long that takes; not after a change from outside, which may take
        whom it likes.
        """
        kept, self._kept = self._kept, frozenset()
        if (lost := kept - after.server_ids) and after.desired == after.asked[0]:
            named = ", ".join(sorted(lost))
            raise Mismatch(f"the stack {self.stack_name} has lost members that nobody asked to remove: {named}")

    def _wait(self, before: Stack) -> Stack:
        """The stack once an update that began after `before` is over; Heat may take a moment to begin."""
        deadline = time.monotonic() + SETTLE_SECONDS
        while time.monotonic() < deadline:
            stack = self._stacks.read(self.stack_name)
            if stack is not None and not stack.busy and stack.changed_at != before.changed_at:
                return stack
            time.sleep(POLL_SECONDS)
        raise Transient(f"the stack {self.stack_name} has not settled in {SETTLE_SECONDS:.0f} s")

    # -- both

    def _must_be_ready(self, stack: Stack) -> None:
        """Raise Conflict while something goes on, and after a change from outside that no tick has been told of.

        Marks of ours are taken back first: whoever changed the size did not mean them.
        """
        if stack.busy:
            raise Conflict(f"{stack.busy}: {self.stack_name}")
        if why := self._sizes.untold(stack):
            unmark(self._stacks, stack)
            raise Conflict(f"{why}: {self.stack_name}")

    def _must_have_image(self, stack: Stack) -> None:
        """Raise Malformed when the image that the members are made of is gone; another would replace living members."""
        used = str(stack.parameters["image"])
        try:
            self._names.image(used)
        except Malformed as error:
            why = f"the image {used}, of which the members of {self.stack_name} are made, is gone"
            raise Malformed(f"{why}: the group grows again, with the settings' image, once it is empty") from error

    def _must_be_harmless(self, stack: Stack, desired: int) -> None:
        """Raise Malformed when this update would touch a living member.

        Heat's preview of the members themselves is of no use (it shows a new group); what can change them are the
        stack's own parameters, which somebody may have changed.
        """
        changes = self._stacks.preview(stack, desired)
        previewed = {one["resource_name"] for kind in PREVIEWED for one in changes.get(kind, ())}
        # What else somebody has put into the stack has no members.
        touched = previewed & {GROUP}
        for name, made in self._stacks.definitions(stack).items():
            if any(made.get(key) != stack.parameters[key] for key in ("image", "flavor")):
                touched.add(name)
        if touched:
            named = ", ".join(sorted(touched))
            raise Malformed(f"an update to {desired} would touch living members, so it is not sent: {named}")

    def _read(self) -> Stack | None:
        stack = self._stacks.read(self.stack_name)
        if stack is None or stack.status.startswith("DELETE"):
            # Somebody deletes all of it.
            self._kept = frozenset()
        return stack

    def _again(self) -> Stack:
        stack = self._stacks.read(self.stack_name)
        if stack is None:
            raise Conflict(f"the stack {self.stack_name} has just gone")
        self._must_be_ready(stack)
        return stack

    def _exists(self, server_id: str) -> bool:
        try:
            self._services.call("compute", "GET", f"/servers/{server_id}")
        except NotFound:
            return False
        return True

    def _template(self) -> str:
        return template(self.options.heat_kind)

    def _parameters(self, desired: int) -> Mapping[str, Any]:
        """All parameters of a group that has no member yet."""
        options = self.options
        zone = self._zones.pick(options.zones)
        return {
            "desired": desired,
            ASKED: mark_of(desired),
            "maximum": max(1, self.group.maximum),
            "image": self._names.image(options.image),
            "flavor": self._names.flavor(options.flavor).id,
            "networks": self._networks(),
            "security_groups": list(options.security_groups),
            "key_name": options.keypair,
            "availability_zone": zone,
            "scheduler_hints": {"group": options.server_group} if options.server_group else {},
            "config_drive": options.config_drive,
            "metadata": zoned(self._tag.metadata(self.group.name), zone),
            "user_data": self._enrolling.shared_user_data(self.group, options),
        }

    def _networks(self) -> Sequence[Mapping[str, str]]:
        names = self.options.networks
        if names == ("none",):
            return [{"allocate_network": "none"}]
        return [{"network": self._names.network(name)} for name in names] or [{"allocate_network": "auto"}]
