import time
from dataclasses import replace

import pytest

from elastic_simulations.clock import StepClock, WallClock
from elastic_simulations.scenario import parse
from elastic_simulations.simulation import Simulation
from tests.simulations.pools import grid

TOLD = parse(
    {
        "run": {"seconds": 600},
        "group": [{"name": "small", "maximum": 3}],
        "jobs": [{"count": 4, "run": 100}],
    }
)


def test_a_standing_clock_steps_with_every_reading_until_it_is_moved() -> None:
    world = grid()
    clock, start = StepClock(world, 0.5), world.now
    assert [clock.now(), clock.now(), clock.now()] == [start, start + 0.5, start + 1.0]
    clock.arrive(start + 30)
    assert (clock.now(), clock.monotonic(), world.now) == (start + 30, start + 30, start + 30)


def test_a_wall_clock_runs_at_its_speed() -> None:
    world = grid()
    clock = WallClock(world, 1000.0)
    first, start = clock.now(), time.monotonic()
    time.sleep(0.05)
    passed, real = clock.now() - first, time.monotonic() - start
    assert passed == pytest.approx(1000 * real, rel=0.2)


def test_a_second_reading_of_the_clock_in_a_tick_changes_the_records() -> None:
    """The control of the test that compares the daemon's records with the simulator's."""
    honest = Simulation(TOLD).run()
    reader = Simulation(TOLD)

    class Twice(StepClock):
        def now(self) -> float:
            super().now()
            return super().now()

    reader.clock = Twice(reader.grid)
    assert Simulation(TOLD).run() == honest
    assert reader.run() != honest


def test_the_records_do_not_depend_on_the_step() -> None:
    coarse = Simulation(TOLD, step_seconds=7.0).run()
    assert coarse == Simulation(TOLD).run()


def test_another_seed_gives_other_records() -> None:
    told = parse(
        {
            "run": {"seconds": 600},
            "group": [{"name": "small", "maximum": 3, "model": {"boot": {"uniform": [10, 100]}}}],
            "jobs": [{"count": 4, "run": 100}],
        }
    )
    assert Simulation(told).run() != Simulation(replace(told, run=replace(told.run, seed=1))).run()
