"""The size of a Heat group as others may have changed it: what the port reports, and what it has reported."""

from dataclasses import dataclass

from elastic.adapters.openstack.stack import Stack, Stacks
from elastic.core.observation import GroupSize


@dataclass(frozen=True, slots=True)
class _Known:
    """The newest reading: a stack with its members, and the part of it that one request shows."""

    head: Stack
    whole: Stack


class Sizes:
    """Reads one stack each time; its members only when something has changed. At rest that is one request."""

    def __init__(self, stacks: Stacks, name: str) -> None:
        """Ask nobody yet."""
        self._stacks, self._name = stacks, name
        self._known: _Known | None = None
        self._told: tuple[int, str] | None = None

    def read(self, listed: frozenset[str]) -> GroupSize | None:
        """The group's size, None without a stack; `listed` are the servers that Nova has shown of the group."""
        head = self._stacks.head(self._name)
        if head is None:
            self._known = self._told = None
            return None
        stack = self._whole(head, listed)
        written, stamp = stack.asked
        self._told = (stack.desired, stamp)
        return GroupSize(
            desired=self._desired(stack),
            written=written,
            stamp=stamp,
            members=stack.server_ids,
            # One that cannot be deleted is looked at by whoever asks for workers, who then deletes it again.
            changing="" if stack.undeletable else stack.busy,
        )

    def untold(self, stack: Stack) -> str:
        """That its size is not what we asked for, and no tick has been told of it yet; else empty."""
        written, stamp = stack.asked
        if written in (None, stack.desired) or self._told == (stack.desired, stamp):
            return ""
        return f"its size was changed from outside from {written} to {stack.desired}, which the next tick takes over"

    def _whole(self, head: Stack, listed: frozenset[str]) -> Stack:
        known = self._known
        if known is None or known.head != head or known.whole.busy or known.whole.server_ids != listed:
            known = self._known = _Known(head, self._stacks.with_members(head))
        return known.whole

    def _desired(self, stack: Stack) -> int:
        """What it is told to have; after a signal to the group, which changes no parameter, what it has."""
        has = len(stack.members)
        if has == stack.desired or not stack.desired or not stack.complete:
            return stack.desired
        # Read again, lest an update that began between two requests looks like a signal.
        after = self._stacks.head(self._name)
        return has if after == stack.head else stack.desired
