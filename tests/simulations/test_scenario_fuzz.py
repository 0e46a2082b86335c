"""Whatever stands in a scenario's file, the answer is a scenario or a list of mistakes."""

import copy
import tomllib
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from elastic_simulations.reading import ScenarioError
from elastic_simulations.scenario import parse

FOLDER = Path(__file__).parents[2] / "simulations" / "scenarios"
FILES = [tomllib.loads(path.read_text(encoding="utf-8")) for path in sorted(FOLDER.glob("*.toml"))]
LEAVES = st.one_of(
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=5),
    st.just({"lognormal": [1]}),
    st.just({"empirical": []}),
    st.just({"uniform": ["a", 2]}),
    st.just({"cpus": True}),
)
VALUES = st.recursive(LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner))


def places(table: object, path: tuple[object, ...] = ()) -> list[tuple[object, ...]]:
    """Every place of a file at which something stands."""
    inner = table.items() if isinstance(table, dict) else enumerate(table) if isinstance(table, list) else ()
    return [found for key, value in inner for found in [(*path, key), *places(value, (*path, key))]]


@settings(deadline=None)
@given(st.data())
def test_a_changed_value_is_taken_or_named(data: st.DataObject) -> None:
    tables = copy.deepcopy(data.draw(st.sampled_from(FILES)))
    *way, last = data.draw(st.sampled_from(places(tables)))
    where: Any = tables
    for key in way:
        where = where[key]
    where[last] = data.draw(VALUES)
    problems = mistakes(tables)
    assert problems is None or problems
    assert all(": " in problem for problem in problems or ())


def mistakes(tables: dict[str, object]) -> tuple[str, ...] | None:
    """None = it is a scenario."""
    try:
        parse(tables)
    except ScenarioError as error:
        return error.problems
    return None
