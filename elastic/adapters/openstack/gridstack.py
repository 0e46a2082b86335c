"""The stack that a whole grid is: what Heat says of it, and the few requests that make and remove it."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib.resources import files
from typing import Any

import yaml

from elastic.adapters.openstack.connection import Json, Services
from elastic.ports import NotFound

TEMPLATE, GROUP_TEMPLATE = "grid.yaml", "worker-group.yaml"
TAG = "elastic-grid"
PREFIX = "elastic-grid-"
SERVER = "OS::Nova::Server"
TIMEOUT_MINUTES = 90
"""Heat's own deadline, above the hour that a master may take at most."""


@dataclass(frozen=True, slots=True)
class Resource:
    """One resource of the stack itself, or a server in its worker group."""

    name: str
    kind: str
    status: str
    reason: str
    physical_id: str


@dataclass(frozen=True, slots=True)
class GridStack:
    """The stack at one moment; `parameters` are text, `outputs` empty until it is complete."""

    name: str
    path: str
    status: str
    reason: str
    made_at: str = ""
    parameters: Mapping[str, str] = field(default_factory=dict)
    outputs: Mapping[str, Any] = field(default_factory=dict)

    @property
    def grid(self) -> str:
        """The grid's name, as its users call it."""
        return self.name.removeprefix(PREFIX)

    @property
    def busy(self) -> bool:
        """Whether Heat is still at it."""
        return self.status.endswith("_IN_PROGRESS")

    @property
    def leaving(self) -> bool:
        """Whether somebody has asked for its removal."""
        return self.status.startswith("DELETE_")

    @property
    def complete(self) -> bool:
        """Whether all of it was made."""
        return self.status.endswith("_COMPLETE") and not self.leaving


class GridStacks:
    """Reads and changes the stacks of grids by Heat's API."""

    def __init__(self, services: Services) -> None:
        """Ask nobody yet."""
        self._services = services

    def read(self, name: str) -> GridStack | None:
        """The stack of this name or path; None when there is none (any more)."""
        path = name if name.startswith("/") else f"/stacks/{name}"
        try:
            found = self._ask("GET", path)["stack"]
        except NotFound:
            return None
        return None if found["stack_status"] == "DELETE_COMPLETE" else _stack(found)

    def listed(self) -> Sequence[GridStack]:
        """Every grid's stack of the project, by name, without parameters and outputs."""
        found = self._services.call("orchestration", "GET", "/stacks", query={"tags": TAG})["stacks"]
        return sorted(map(_stack, found), key=lambda stack: (stack.name, stack.path))

    def create(self, name: str, parameters: Mapping[str, Any]) -> None:
        """Ask for a new stack; what fails is kept, to be mended."""
        self._ask("POST", "/stacks", {"stack_name": name, "tags": TAG, **_asked(parameters)})

    def renew(self, stack: GridStack, parameters: Mapping[str, Any]) -> None:
        """Ask for the rest of it by the newest template; parameters that are not named stay."""
        self._ask("PATCH", stack.path, {"tags": TAG, **_asked(parameters)})

    def resume(self, stack: GridStack) -> None:
        """Ask for the rest of it, exactly as it was asked for."""
        self._ask("PATCH", stack.path, {"parameters": {}, "disable_rollback": True})

    def delete(self, stack: GridStack) -> None:
        """Ask for its removal; safe to repeat."""
        self._ask("DELETE", stack.path)

    def resources(self, stack: GridStack) -> Sequence[Resource]:
        """The stack's own resources, by name."""
        found = self._ask("GET", f"{stack.path}/resources")["resources"]
        return sorted(map(_resource, found), key=lambda one: one.name)

    def workers(self, stack: GridStack) -> Sequence[Resource]:
        """The servers of its worker group, by name, those that were never made too."""
        path = f"{stack.path}/resources"
        found = self._services.call("orchestration", "GET", path, query={"nested_depth": 3, "type": SERVER})[
            "resources"
        ]
        nested = (one for one in found if one.get("parent_resource"))
        return sorted(map(_resource, nested), key=lambda one: one.name)

    def group(self, stack: GridStack) -> Mapping[str, str]:
        """The parameters of the worker group's own stack; {} before there is one."""
        for one in self.resources(stack):
            if one.kind == GROUP_TEMPLATE and one.physical_id:
                try:
                    found = self._ask("GET", f"/stacks/{one.physical_id}")["stack"]
                except NotFound:
                    return {}
                return dict(found["parameters"])
        return {}

    def _ask(self, method: Any, path: str, body: Json | None = None) -> Json:
        return self._services.call("orchestration", method, path, body)


def shipped(name: str) -> str:
    """A template, as shipped."""
    return files("elastic.adapters.openstack").joinpath(name).read_text(encoding="utf-8")


def shipped_parameters(*, required: bool = False) -> frozenset[str]:
    """The names of the grid's parameters; `required`: those without a default."""
    said: Mapping[str, Mapping[str, Any]] = yaml.safe_load(shipped(TEMPLATE))["parameters"]
    return frozenset(name for name, one in said.items() if not (required and "default" in one))


def text(value: Any) -> str:
    """A parameter as Heat shows it, whatever type it was given as."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list) and all(isinstance(item, str) for item in value):
        return ",".join(value)
    return value if isinstance(value, str) else json.dumps(value, sort_keys=True)


def _asked(parameters: Mapping[str, Any]) -> Json:
    return {
        "template": shipped(TEMPLATE),
        "files": {GROUP_TEMPLATE: shipped(GROUP_TEMPLATE)},
        "parameters": dict(parameters),
        "disable_rollback": True,
        "timeout_mins": TIMEOUT_MINUTES,
    }


def _stack(found: Json) -> GridStack:
    outputs = {one["output_key"]: one.get("output_value") for one in found.get("outputs", ())}
    return GridStack(
        name=found["stack_name"],
        path=f"/stacks/{found['stack_name']}/{found['id']}",
        status=found["stack_status"],
        reason=str(found.get("stack_status_reason") or ""),
        made_at=str(found.get("creation_time") or ""),
        parameters={name: text(value) for name, value in found.get("parameters", {}).items()},
        outputs=outputs,
    )


def _resource(found: Json) -> Resource:
    return Resource(
        name=found["resource_name"],
        kind=found["resource_type"],
        status=found["resource_status"],
        reason=str(found.get("resource_status_reason") or ""),
        physical_id=str(found.get("physical_resource_id") or ""),
    )
