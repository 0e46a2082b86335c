"""Two ways to take chosen members out of a Heat group, one for each kind of group; both were tried on real Heat."""

from collections.abc import Callable, Collection, Mapping, Sequence
from importlib.resources import files
from typing import Protocol

from elastic.adapters.openstack.stack import Member, Stack, Stacks
from elastic.ports import Conflict, PortError, Transient

REMOVED = "removed"
"""Parameter of the template with a ResourceGroup: the members that an update takes out."""


class Shedding(Protocol):
    """What a kind of group needs: its template, and one update that removes exactly these members."""

    template: str

    def remove(self, stacks: Stacks, stack: Stack, going: Sequence[Member], again: Callable[[], Stack]) -> Stack:
        """Ask for the removal; return the stack as it was just before. Conflict = nothing was asked for."""


class ByMarks:
    """An AutoScalingGroup drops unhealthy members first: mark exactly these, look again, shrink by their number."""

    template = "worker-group.yaml"

    def remove(self, stacks: Stacks, stack: Stack, going: Sequence[Member], again: Callable[[], Stack]) -> Stack:
        for member in going:
            stacks.mark(stack, member, "elastic removes it", unhealthy=True)
        marked = again()
        if unhealthy(marked) != _named(going) or _alike(marked) != _alike(stack):
            unmark(stacks, marked)
            raise Conflict("the group changed while its members were marked; nothing was removed")
        try:
            stacks.resize(marked, len(marked.members) - len(going))
        except PortError as error:
            if not isinstance(error, Transient):
                unmark(stacks, marked)
            raise
        return marked


class ByNames:
    """A ResourceGroup drops the members that its removal policies name, which it never makes again."""

    template = "worker-group-resource-group.yaml"

    def remove(self, stacks: Stacks, stack: Stack, going: Sequence[Member], again: Callable[[], Stack]) -> Stack:
        fresh = again()
        if _alike(fresh) != _alike(stack):
            raise Conflict("the group has just changed; nothing was removed")
        stacks.resize(fresh, len(fresh.members) - len(going), **{REMOVED: sorted(_named(going))})
        return fresh


KINDS: Mapping[str, Shedding] = {"autoscaling_group": ByMarks(), "resource_group": ByNames()}


def template(kind: str) -> str:
    """The template of a worker group of this kind, as shipped."""
    return files("elastic.adapters.openstack").joinpath(KINDS[kind].template).read_text(encoding="utf-8")


def unhealthy(stack: Stack) -> frozenset[str]:
    """The names of the members that Heat would drop or replace at the next update."""
    return frozenset(m.name for m in stack.members if m.failed or m.server_id is None)


def unmark(stacks: Stacks, stack: Stack, keep: Collection[str] = ()) -> bool:
    """Make members that have a server healthy again, but for these servers; whether there were any.

    Heat takes back only a mark, so a member that failed in any other way gets one first.
    """
    found = [m for m in stack.members if m.failed and m.server_id and m.server_id not in keep]
    for member in found:
        if not member.marked:
            stacks.mark(stack, member, "about to be kept", unhealthy=True)
        stacks.mark(stack, member, "kept", unhealthy=False)
    return bool(found)


def _named(members: Sequence[Member]) -> frozenset[str]:
    return frozenset(m.name for m in members)


def _alike(stack: Stack) -> object:
    """What must be the same before and after members were marked."""
    return _named(stack.members), stack.desired, stack.asked, stack.changed_at
