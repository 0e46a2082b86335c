"""Who may import whom, and what the decision code may touch: read from the source, nothing has to run.

import-linter holds the layers, indirect imports included (pyproject.toml). These tests hold what it cannot
say: the complete list of what core and policies may import and call, and who may name whom directly.
"""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
SOURCES = {
    "elastic": ROOT / "elastic",
    "elastic_policies": ROOT / "policies" / "elastic_policies",
    "elastic_simulations": ROOT / "simulations" / "elastic_simulations",
}

# Standard library modules that compute and do nothing else. Adding one here is a decision: see docs/adr/0003.
PURE = frozenset(
    {
        "__future__",
        "bisect",
        "collections",
        "collections.abc",
        "dataclasses",
        "decimal",
        "enum",
        "fractions",
        "functools",
        "heapq",
        "itertools",
        "json",
        "math",
        "operator",
        "re",
        "statistics",
        "string",
        "types",
        "typing",
    }
)
# Built-in functions that reach outside, or whose answer differs from one process to the next.
IMPURE_CALLS = frozenset(
    {
        "__import__",
        "breakpoint",
        "compile",
        "eval",
        "exec",
        "globals",
        "hash",
        "id",
        "input",
        "locals",
        "open",
        "print",
        "vars",
    }
)

CORE = "elastic.core"
BELOW_CONTROLLER = frozenset({CORE, "elastic.ports"})
SHELL = BELOW_CONTROLLER | {"elastic.controller", "elastic.observer", "elastic.executor"}
CONFIGURED = frozenset({"elastic.plugins", "elastic.settings"})
# Which of our own packages a package may name, itself aside.
MAY_IMPORT = {
    CORE: frozenset[str](),
    "elastic.ports": {CORE},
    "elastic.plugins": BELOW_CONTROLLER,
    "elastic.settings": BELOW_CONTROLLER | {"elastic.plugins"},
    "elastic.local": BELOW_CONTROLLER,
    "elastic.lab": BELOW_CONTROLLER | {"elastic.local"},
    "elastic.observer": BELOW_CONTROLLER,
    "elastic.executor": BELOW_CONTROLLER,
    "elastic.controller": SHELL,
    "elastic.metrics": SHELL,
    "elastic.api": SHELL | CONFIGURED,
    "elastic.adapters": SHELL | CONFIGURED | {"elastic.local"},
    "elastic.daemon": SHELL | CONFIGURED | {"elastic.adapters", "elastic.api", "elastic.metrics"},
    "elastic.cli": SHELL
    | CONFIGURED
    | {"elastic.adapters", "elastic.api", "elastic.daemon", "elastic.lab", "elastic.local", "elastic.metrics"},
    "elastic.__main__": {"elastic.cli"},
    "elastic_policies": {CORE},
    "elastic_simulations": SHELL | CONFIGURED,
}


SCHEDULES = "elastic.core.schedules"
CALENDAR = {SCHEDULES: {"imports datetime"}}
"""What a day of the week and an hour are is arithmetic on a given moment; the clock itself is not read there."""


def modules(package: str) -> Iterator[tuple[str, Path]]:
    """Every module below a top-level package, by its full name."""
    top = SOURCES[package]
    for path in sorted(top.rglob("*.py")):
        parts = path.relative_to(top).with_suffix("").parts
        name = ".".join((package, *parts)).removesuffix(".__init__")
        yield name, path


def imported(source: str) -> set[str]:
    """Full names of all imports, wherever in the file; `from a import b` counts as a and as a.b."""
    found: set[str] = set()
    for item in ast.walk(ast.parse(source)):
        if isinstance(item, ast.Import):
            found.update(alias.name for alias in item.names)
        elif isinstance(item, ast.ImportFrom):
            module = item.module or ""  # relative imports are ruff's to find (TID252)
            found.update({module, *(f"{module}.{alias.name}" for alias in item.names)})
    return found


def part(module: str) -> str:
    """Which part of the architecture a module belongs to: `elastic.core.model` is `elastic.core`."""
    names = module.split(".")
    return ".".join(names[:2]) if names[0] == "elastic" else names[0]


def misplaced(module: str, source: str) -> set[str]:
    """Which parts of ours a module imports although it may not."""
    ours = {part(name) for name in imported(source) if name.split(".")[0] in SOURCES}
    return ours - {"elastic", "elastic.__version__", part(module)} - MAY_IMPORT[part(module)]


def impure(source: str, *, own: frozenset[str]) -> set[str]:
    """What keeps a source from being a pure function of its arguments; of ours it may use `own`."""
    tree = ast.parse(source)
    faults = {
        f"calls {item.func.id}()"
        for item in ast.walk(tree)
        if isinstance(item, ast.Call) and isinstance(item.func, ast.Name) and item.func.id in IMPURE_CALLS
    }
    faults |= {f"uses global {', '.join(item.names)}" for item in ast.walk(tree) if isinstance(item, ast.Global)}
    for item in ast.walk(tree):
        if isinstance(item, ast.Import):
            names = {alias.name for alias in item.names}
        elif isinstance(item, ast.ImportFrom):
            names = {"relative import" if item.level else item.module or ""}
        else:
            continue
        faults |= {f"imports {name}" for name in names if name not in PURE and part(name) not in own}
    return faults


@pytest.mark.parametrize("package", SOURCES)
def test_each_module_names_only_the_parts_below_it(package: str) -> None:
    faults = {name: bad for name, path in modules(package) if (bad := _misplaced_in(name, path))}
    assert faults == {}


@pytest.mark.parametrize(
    ("prefix", "own"),
    [(CORE, frozenset({CORE})), ("elastic_policies", frozenset({CORE, "elastic_policies"}))],
)
def test_decision_code_is_pure(prefix: str, own: frozenset[str]) -> None:
    checked = [(name, path) for name, path in modules(prefix.partition(".")[0]) if part(name) == prefix]
    assert checked, f"no module of {prefix} was found: the test would pass on nothing"
    sources = {name: path.read_text(encoding="utf-8") for name, path in checked}
    faults = {
        name: bad for name, source in sources.items() if (bad := impure(source, own=own) - CALENDAR.get(name, set()))
    }
    assert faults == {}
    assert {name: reads_clock(sources[name]) for name in CALENDAR if name in sources} in ({}, {SCHEDULES: set()})


def reads_clock(source: str) -> set[str]:
    """Calls of a calendar that ask what time it is."""
    return {
        item.attr
        for item in ast.walk(ast.parse(source))
        if isinstance(item, ast.Attribute) and item.attr in {"now", "today", "utcnow"}
    }


def test_a_calendar_that_reads_the_clock_is_found() -> None:
    assert reads_clock("from datetime import datetime\nx = datetime.now()") == {"now"}


def test_only_adapters_the_lab_and_the_command_line_name_the_local_pool() -> None:
    allowed = ("elastic.local", "elastic.adapters", "elastic.lab", "elastic.cli")
    importers = {
        name
        for name, path in modules("elastic")
        if any(part(other) == "elastic.local" for other in imported(path.read_text(encoding="utf-8")))
    }
    assert {name for name in importers if not name.startswith(allowed)} == set()


@pytest.mark.parametrize(
    "source",
    [
        "import time",
        "from datetime import datetime",
        "def f():\n    import random",
        "from os import environ",
        "import numpy as np",
        "from elastic.ports import Clock",
        "from . import model",
        "rank = hash('a')",
        "text = open('x').read()",
        "def f():\n    global memory\n    memory = 1",
    ],
)
def test_an_impure_source_is_found(source: str) -> None:
    assert impure(source, own=frozenset({CORE})) != set()


def test_a_pure_source_passes() -> None:
    source = "import math\nfrom collections.abc import Mapping\nfrom elastic.core import model\nx = math.ceil(1.5)"
    assert impure(source, own=frozenset({CORE})) == set()


@pytest.mark.parametrize(
    ("module", "source", "part_named"),
    [
        ("elastic.core.planner", "from elastic.ports import Cloud", "elastic.ports"),
        ("elastic.executor", "import elastic.controller", "elastic.controller"),
        ("elastic.controller", "from elastic import adapters", "elastic.adapters"),
        ("elastic.daemon", "def f():\n    import elastic_simulations.world", "elastic_simulations"),
        ("elastic_policies.fixed", "from elastic.controller import Controller", "elastic.controller"),
        ("elastic_simulations.world", "from elastic.adapters.local import LocalWorld", "elastic.adapters"),
    ],
)
def test_an_import_against_the_layers_is_found(module: str, source: str, part_named: str) -> None:
    assert misplaced(module, source) == {part_named}


def _misplaced_in(name: str, path: Path) -> set[str]:
    if name == "elastic":
        return {other for other in imported(path.read_text(encoding="utf-8")) if other.split(".")[0] in SOURCES}
    assert part(name) in MAY_IMPORT, f"give {part(name)} its place here and in the layers of pyproject.toml"
    return misplaced(name, path.read_text(encoding="utf-8"))
