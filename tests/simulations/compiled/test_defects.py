"""Defects seeded into the compiled engine, each of which the test of equality must find."""

from collections.abc import Callable

import pytest
from hypothesis import HealthCheck, Phase, given, settings

from elastic_simulations.fast import elastic
from elastic_simulations.fast.compiled import layout, running
from elastic_simulations.fast.compiled.limits import KINDS
from elastic_simulations.fast.compiled.pool import CompiledPool
from tests.simulations.compiled.drawn import Drawn, recorded, runs


def later_boots(pool: CompiledPool, ready_at: list[int]) -> None:
    """Workers are ready a unit too late."""
    LAUNCH(pool, [at + 1 for at in ready_at])


def resumed_asleep(pool: CompiledPool, number: int) -> None:
    """A worker that was taken back waits for the next event before it takes a job."""
    RESUME(pool, number)
    pool._resumed = False  # noqa: SLF001 - the defect


def nearly_old(pool: CompiledPool, limit: int) -> list[int]:
    """Workers that have been idle for exactly as long as they must do not count."""
    return OLD(pool, limit - 1)


def drained_now(pool: CompiledPool, number: int) -> None:
    """The drain of a worker is forgotten in its table."""
    DRAIN(pool, number)
    pool._workers[layout.DRAINED, number] = -1  # noqa: SLF001 - the defect


def all_later(pool: CompiledPool, count: int, ready_at: int) -> None:
    """The same where all boot equally long."""
    ALIKE(pool, count, ready_at + 1)


def one_at_a_time(pool: CompiledPool, limit: int, _most: int) -> int:
    """Of many workers that may go, one goes."""
    return RETIRE(pool, limit, 1)


LAUNCH, RESUME, OLD, DRAIN = CompiledPool.launch_all, CompiledPool.resume, CompiledPool.old, CompiledPool.drain
ALIKE, RETIRE = CompiledPool.launch_alike, CompiledPool.retire

DEFECTS: dict[str, Callable[..., object]] = {
    "launch_all": later_boots,
    "resume": resumed_asleep,
    "old": nearly_old,
    "drain": drained_now,
}

IN_NUMBERS: dict[str, Callable[..., object]] = {"launch_alike": all_later, "retire": one_at_a_time}
"""Defects of what is done where nobody reads records."""


@settings(max_examples=40, phases=[Phase.generate], suppress_health_check=list(HealthCheck), derandomize=True)
@given(runs())
def compare(drawn: Drawn) -> None:
    assert recorded(running.run_elastic, drawn) == recorded(elastic.run_elastic, drawn)


@settings(max_examples=40, phases=[Phase.generate], suppress_health_check=list(HealthCheck), derandomize=True)
@given(runs(at_once=True, plain=True))
def compare_outcomes(drawn: Drawn) -> None:
    assert running.run_elastic(drawn.trace, drawn.spec) == elastic.run_elastic(drawn.trace, drawn.spec)


@pytest.mark.parametrize("name", sorted(DEFECTS))
def test_a_defect_of_the_pool_is_found(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(CompiledPool, name, DEFECTS[name])
    with pytest.raises(AssertionError):
        compare()


@pytest.mark.parametrize("name", sorted(IN_NUMBERS))
def test_a_defect_of_what_is_done_in_numbers_is_found(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(CompiledPool, name, IN_NUMBERS[name])
    with pytest.raises(AssertionError):
        compare_outcomes()


def test_a_wrong_order_among_workers_with_equal_room_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("elastic_simulations.fast.compiled.running.KINDS", dict.fromkeys(KINDS, layout.LAUNCH))
    with pytest.raises(AssertionError):
        compare()


def test_without_a_defect_nothing_is_found() -> None:
    compare()
    compare_outcomes()
