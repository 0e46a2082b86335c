"""Whatever stands in a record, it is a tick or a RecordError that names file and line."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from elastic.core.record import to_json
from elastic_policies.backlog import Backlog
from elastic_simulations.replaying.records import RecordError, recorded
from elastic_simulations.replaying.replay import replayed
from elastic_simulations.replaying.sums import Sums
from elastic_simulations.scenario import read_scenario
from elastic_simulations.simulation import Simulation

SCENARIO = Path(__file__).parents[3] / "simulations" / "scenarios" / "burst.toml"
LINE = to_json(Simulation(read_scenario(SCENARIO)).run(900)[-1])
ANYTHING = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=4)),
    lambda inner: st.one_of(st.lists(inner, max_size=2), st.dictionaries(st.text(max_size=4), inner, max_size=2)),
    max_leaves=4,
)


def places(value: object, path: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    """Where in this value something stands that could be something else."""
    inner: list[tuple[str | int, object]] = []
    if isinstance(value, dict):
        inner = list(value.items())
    elif isinstance(value, list):
        inner = list(enumerate(value))
    return [path, *(place for key, item in inner for place in places(item, (*path, key)))]


PLACES = places(json.loads(LINE))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(st.sampled_from(PLACES[1:]), ANYTHING), min_size=1, max_size=3))
def test_a_record_with_anything_in_it_is_a_tick_or_told(
    tmp_path: Path, changes: list[tuple[tuple[str | int, ...], object]]
) -> None:
    record = json.loads(LINE)
    for path, value in changes:
        here = record
        for key in path[:-1]:
            here = here[key] if isinstance(here, dict) and key in here else {}
        if isinstance(here, dict):
            here[path[-1]] = value
    file = tmp_path / "ticks.jsonl"
    file.write_text(json.dumps(record) + "\n")
    sums = Sums()
    try:
        sums.add(replayed(recorded([file], []), "backlog", Backlog()))
        sums.groups()
        for each in sums.differing:
            datetime.fromtimestamp(each.now, UTC)
    except RecordError as error:
        assert str(error).startswith(f"{file}:1: no record of a tick")  # noqa: PT017 - either is right


def test_the_record_itself_is_a_tick(tmp_path: Path) -> None:
    """The control."""
    file = tmp_path / "ticks.jsonl"
    file.write_text(LINE + "\n")
    assert len(list(recorded([file], []))) == 1


pytestmark = pytest.mark.timeout(180)
