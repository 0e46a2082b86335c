"""Values that were made quickly are those that the core's dataclasses make, and nobody can change them either."""

import pickle
from dataclasses import FrozenInstanceError, replace

import pytest

from elastic.core.lifecycle import Phase
from elastic.core.model import GroupSpec, Snapshot, WorkerGroup
from elastic_simulations.fast.making import quick

SPEC = GroupSpec(name="workers", maximum=5)
GROUP = WorkerGroup(spec=SPEC, counts={Phase.READY: 3}, busy=2)

make_group = quick(WorkerGroup, "spec", "busy", "counts")
make_snapshot = quick(Snapshot, "tick", "now", "groups")


def test_a_value_made_quickly_is_the_same_value() -> None:
    made = make_group(SPEC, 2, {Phase.READY: 3})
    assert type(made) is WorkerGroup
    assert (made, repr(made)) == (GROUP, repr(GROUP))
    assert (made.idle, made.counted) == (1, 3)
    assert make_snapshot(7, 60.0, {"workers": made}) == Snapshot(now=60.0, tick=7, groups={"workers": GROUP})


def test_it_can_be_replaced_and_pickled_and_not_changed() -> None:
    made = make_group(SPEC, 2, {Phase.READY: 3})
    assert replace(made, busy=3) == replace(GROUP, busy=3)
    assert pickle.loads(pickle.dumps(made)) == GROUP  # noqa: S301 - our own bytes
    with pytest.raises(FrozenInstanceError):
        made.busy = 4  # type: ignore[misc] # what is tested


def test_each_has_defaults_of_its_own() -> None:
    one, other = make_snapshot(1, 0.0, {}), make_snapshot(2, 0.0, {})
    assert one.sources == other.sources == {}
    assert one.sources is not other.sources


def test_the_dataclass_itself_is_made_as_before() -> None:
    assert WorkerGroup(spec=SPEC, counts={Phase.READY: 3}, busy=2) == GROUP
    with pytest.raises(TypeError):
        WorkerGroup(SPEC)  # type: ignore[call-arg] # its fields have names
