"""Whole grids on OpenStack: made, listed and removed in order, each step safe to repeat after whatever failed."""

import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from elastic.adapters.openstack.connection import Services
from elastic.adapters.openstack.gridstack import PREFIX, GridStack, GridStacks, shipped_parameters, text
from elastic.adapters.openstack.gridworkers import GridServer, GridWorkers
from elastic.ports import Conflict, Malformed, PortError, Transient

POLL_SECONDS = 1.0
HIDDEN = "******"
INITIAL = "initial"
"""The parameter that is the size of the worker group, unless elastic or somebody else has changed that."""
ADJUSTABLE = frozenset({"dns_servers", "enrol_port", "floating_address", "ssh_from", "submit_from"})
"""Parameters of a living grid that replace neither its network nor its master."""
DELETIONS = 3
"""How often a removal that failed is asked for again: Neutron needs a moment to see that ports are gone."""
TAKEN_SECONDS = 30.0
"""The name of a stack just deleted is free about a second later."""


class Done(StrEnum):
    """What `up` came to."""

    MADE = "made"
    MENDED = "mended"
    CHANGED = "changed"
    THERE = "there already"


class InUse(PortError):
    """The grid has workers, whose jobs would be lost; the text names them."""


@dataclass(frozen=True, slots=True)
class Row:
    """One grid in a list; `workers` counts servers, those of its daemon too."""

    name: str
    status: str
    workers: int
    made_at: str
    detail: str


class CloudGrids:
    """Grids of one project; `report` is told each step. Every wait ends after `seconds` with Transient."""

    def __init__(self, services: Services, report: Callable[[str], None], seconds: float) -> None:
        """Ask nobody yet."""
        self._services, self._report, self._seconds = services, report, seconds
        self._stacks, self._workers = GridStacks(services), GridWorkers(services)

    def up(self, grid: str, parameters: Mapping[str, Any], first: Mapping[str, Any]) -> tuple[Done, GridStack]:
        """Make it, or what of it is missing; `first` are parameters of the very making, such as secrets.

        A grid with workers is never changed: an update of its stack would reset its worker group. Raise Malformed with
        Heat's reasons when it fails; the same again, mended, goes on.
        """
        name = PREFIX + grid
        stack = self._settled(name)
        if stack is not None and stack.leaving:
            self._report(f"the removal of {grid} is finished first")
            self._deleted(stack)
            stack = None
        if stack is None:
            self._create(name, {**first, **parameters})
            return Done.MADE, self._result(name)
        changed = differing(stack, parameters)
        if stack.complete and not changed:
            return Done.THERE, stack
        self._change(stack, {each: parameters[each] for each in changed})
        return (Done.CHANGED if stack.complete else Done.MENDED), self._result(name)

    def down(self, grid: str, *, force: bool = False) -> tuple[bool, int]:
        """Remove all of it; return whether there was anything, and how many workers went. Safe to repeat.

        Raise InUse, and leave everything running, while it has workers, unless that is forced.
        """
        stack, servers = self._stacks.read(PREFIX + grid), self._workers.servers(grid)
        workers = [one for one in servers if not one.master]
        if workers and not force:
            raise InUse(in_use(grid, workers))
        self._quiet(grid, [one for one in servers if one.master], force=force)
        there = stack is not None or bool(servers)
        self._remove_workers(grid)
        if stack is not None:
            self._deleted(stack)
        self._remove_workers(grid, all_of_them=True)
        self._wait(lambda: not self._workers.servers(grid), f"servers of {grid} are still there")
        return there, len(workers)

    def listed(self) -> Sequence[Row]:
        """Every grid of the project of which a stack is left."""
        stacks = self._stacks.listed()
        return [self._row(stack) for stack in stacks]

    # -- making

    def _create(self, name: str, parameters: Mapping[str, Any]) -> None:
        missing = sorted(shipped_parameters(required=True) - parameters.keys())
        if missing:
            raise Malformed(f"parameters that have no default: {', '.join(missing)}; name them, or an environment file")
        self._report(f"stack {name}")
        deadline = time.monotonic() + TAKEN_SECONDS
        while True:
            try:
                return self._stacks.create(name, parameters)
            except Conflict:
                if time.monotonic() > deadline:
                    raise
                time.sleep(POLL_SECONDS)

    def _change(self, stack: GridStack, changed: Mapping[str, Any]) -> None:
        """Ask for what is missing, or for other parameters, where neither workers nor a queue can come to harm."""
        there = [one for one in self._stacks.workers(stack) if one.physical_id]
        size = self._stacks.group(stack).get("desired", stack.parameters.get(INITIAL))
        if size != stack.parameters.get(INITIAL) or (there and (changed or stack.complete)):
            raise InUse(
                f"the worker group of grid {stack.grid} has {len(there)} servers, and an update of the grid's stack "
                f"would reset it: take its workers away first, then repeat"
            )
        if stack.complete and (fixed := sorted(changed.keys() - ADJUSTABLE)):
            raise InUse(
                f"grid {stack.grid} was made with other {', '.join(fixed)}; that would replace its master and "
                f"lose its queue: `elastic grid down`, then up. What may change: {', '.join(sorted(ADJUSTABLE))}"
            )
        said = f", with other {', '.join(sorted(changed))}" if changed else ""
        self._report(f"stack {stack.name} is {stack.status}: once more{said}")
        if there:
            self._stacks.resume(stack)
        else:
            self._stacks.renew(stack, changed)

    def _result(self, name: str) -> GridStack:
        """The stack once nothing goes on; Malformed with every reason when it is not complete."""
        stack = self._settled(name, begun=True)
        if stack is None:
            raise Conflict(f"somebody has removed {name} meanwhile")
        if stack.complete:
            return stack
        failed = [one for one in self._stacks.resources(stack) if one.status.endswith("_FAILED")]
        reasons = "; ".join(f"{one.name}: {one.reason}" for one in failed) or stack.reason
        raise Malformed(f"grid {stack.grid} is {stack.status}: {reasons}")

    # -- removing

    def _quiet(self, grid: str, masters: Sequence[GridServer], *, force: bool) -> None:
        """Stop the masters, so that nobody orders workers; start them again if workers have come meanwhile."""
        for master in masters:
            self._report(f"{master.name} is stopped")
            self._workers.stop(master)
        if not force and (came := self._workers.workers(grid)):
            for master in masters:
                self._workers.start(master)
            raise InUse(in_use(grid, came))

    def _remove_workers(self, grid: str, *, all_of_them: bool = False) -> None:
        """Until none is left that the grid's own stack does not hold; with that gone, until none is left at all."""
        told = 0

        def gone() -> bool:
            nonlocal told
            left = self._workers.remove(grid, all_of_them=all_of_them)
            if left and left != told:
                self._report(f"{left} servers, stacks and clusters of workers are being removed")
            told = left
            return not left

        self._wait(gone, f"workers of {grid} are still there")

    def _deleted(self, stack: GridStack) -> None:
        """Ask until it is gone; Malformed with the reasons when it stays."""
        for _ in range(DELETIONS):
            self._report(f"stack {stack.name} is being removed")
            self._stacks.delete(stack)
            left = self._settled(stack.path)
            if left is None:
                return
        failed = [one for one in self._stacks.resources(stack) if one.status.endswith("_FAILED")]
        reasons = "; ".join(f"{one.name}: {one.reason}" for one in failed)
        raise Malformed(f"grid {stack.grid} is not removed: {reasons}; mend that, then repeat")

    # -- both

    def _settled(self, name: str, *, begun: bool = False) -> GridStack | None:
        """The stack once Heat is not at it, each change of a resource reported; None when there is none."""
        found: list[GridStack | None] = []
        told: dict[str, str] = {}

        def over() -> bool:
            stack = self._stacks.read(name)
            if stack is not None:
                self._tell(stack, told, silent=not (begun or told or stack.busy))
            found[:] = [stack]
            return stack is None or not stack.busy

        self._wait(over, f"{name} has not settled; the same command again goes on waiting")
        return found[0]

    def _tell(self, stack: GridStack, told: dict[str, str], *, silent: bool) -> None:
        if silent:
            return
        for one in self._stacks.resources(stack):
            if told.get(one.name) != one.status and not one.status.startswith("INIT"):
                told[one.name] = one.status
                self._report(f"{one.name} {one.status}" + (f": {one.reason}" if "FAILED" in one.status else ""))

    def _wait(self, over: Callable[[], bool], what: str) -> None:
        """Until it is so; what passes is waited out."""
        deadline = time.monotonic() + self._seconds
        trouble = ""
        while True:
            try:
                if over():
                    return
                trouble = ""
            except Transient as error:
                trouble = f" ({error})"
            if time.monotonic() > deadline:
                raise Transient(f"after {self._seconds:.0f} s {what}{trouble}")
            time.sleep(POLL_SECONDS)

    def _row(self, stack: GridStack) -> Row:
        detail = "" if stack.complete else stack.reason
        return Row(stack.grid, stack.status, len(self._workers.workers(stack.grid)), stack.made_at, detail)


def differing(stack: GridStack, parameters: Mapping[str, Any]) -> Sequence[str]:
    """Which of these parameters the stack was not made with; hidden ones cannot be compared."""
    known = stack.parameters
    return sorted(
        name
        for name, value in parameters.items()
        if known.get(name) != HIDDEN and _plain(known.get(name, "")) != _plain(text(value))
    )


def in_use(grid: str, workers: Sequence[GridServer]) -> str:
    """Why it is not removed."""
    named = ", ".join(one.name for one in workers)
    return f"grid {grid} has {len(workers)} workers, whose jobs would be lost: {named}"


def _plain(value: str) -> str:
    """A parameter without what Heat and people write differently."""
    try:
        return json.dumps(json.loads(value.lower() if value.lower() in ("true", "false") else value), sort_keys=True)
    except ValueError:
        return ",".join(part.strip() for part in value.split(","))
