"""Scenarios in which whatever can go wrong does, drawn from a seed: the same seed, the same trouble."""

import random

from elastic.core.model import GroupSpec
from elastic.core.override import OverrideKind
from elastic.core.resources import Resources
from elastic_simulations.draws import Distribution, Exponential, Uniform
from elastic_simulations.faults import ERRORS, Call, CallFault
from elastic_simulations.mishaps import Kind, Mishap
from elastic_simulations.scenario import Burst, Imposed, Restart, Run, Scenario
from elastic_simulations.specs import GroupModel, JobSpec, PoolSpec

TROUBLE_SECONDS = 7200.0
QUIET_SECONDS = 4 * 3600.0
MAXIMUM = 6
HARMFUL = [
    Kind.STARTD_RESTART,
    Kind.STARTD_SILENT,
    Kind.SERVER_ERROR,
    Kind.SERVER_STOPPED,
    Kind.SERVER_PAUSED,
    Kind.SERVER_VANISHES,
]
HARMLESS = [
    Kind.FOREIGN_DRAIN,
    Kind.ADS_VANISH,
    Kind.COLLECTOR_RESTART,
    Kind.COLLECTOR_OUTAGE,
    Kind.NEGOTIATOR_OUTAGE,
    Kind.SCHEDD_OUTAGE,
    Kind.SERVERS_UNLISTED,
    Kind.BOOTS_FAIL,
    Kind.NEVER_JOIN,
    Kind.NO_CAPACITY,
]
GROUP = GroupSpec(
    name="small",
    maximum=MAXIMUM,
    shape=Resources(2, 4096, 20480),
    idle_seconds=120.0,
    boot_seconds=400.0,
    join_seconds=300.0,
    lost_seconds=900.0,
    job_lease_seconds=600.0,
    scale_down_window_seconds=60.0,
    drain_fraction=0.5,
    policy="backlog",
)
POOL = PoolSpec(update_seconds=60.0, job_lease_seconds=600.0, schedds=("one", "two"))
MODEL = GroupModel(boot=Uniform(30, 120), join=Uniform(5, 40), teardown=Uniform(1, 60))


def scenario(seed: int, kinds: list[Kind]) -> Scenario:
    """Two hours of jobs and trouble of these kinds, then four quiet hours in which all must come right."""
    dice = random.Random(seed)  # noqa: S311 - trouble, no secret
    return Scenario(
        run=Run(seed=seed, seconds=TROUBLE_SECONDS + QUIET_SECONDS),
        pool=POOL,
        groups={"small": GROUP},
        models={"small": MODEL},
        bursts=tuple(_burst(dice) for _ in range(dice.randint(1, 5))),
        mishaps=tuple(_mishap(dice, kinds) for _ in range(dice.randint(0, 6))),
        faults=tuple(_fault(dice) for _ in range(dice.randint(0, 5))),
        overrides=tuple(_override(dice) for _ in range(dice.randint(0, 2))),
        restarts=tuple(Restart(at=_at(dice)) for _ in range(dice.randint(0, 3))),
    )


def _at(dice: random.Random) -> float:
    return round(dice.uniform(0, TROUBLE_SECONDS - 1800), 3)


def _burst(dice: random.Random) -> Burst:
    runs: list[Distribution] = [Uniform(5, 60), Exponential(200), Uniform(600, 1200)]
    job = JobSpec(
        run=dice.choice(runs),
        request=dice.choice([Resources(1, 512, 512), Resources(2, 1024, 512)]),
        owner=dice.choice(["alice", "bob"]),
    )
    return Burst(
        at=_at(dice),
        count=dice.randint(1, 12),
        schedd=dice.choice(POOL.schedds),
        max_idle=dice.choice([None, 2]),
        job=job,
    )


def _mishap(dice: random.Random, kinds: list[Kind]) -> Mishap:
    return Mishap(
        kind=dice.choice(kinds), at=_at(dice), seconds=dice.uniform(10, 1800), count=dice.choice([None, 1, 2])
    )


def _fault(dice: random.Random) -> CallFault:
    acted = dice.random() < 0.5
    return CallFault(
        call=dice.choice(list(Call)),
        # Only a lost answer leaves open whether the call took effect; every other error says that it did not.
        error="transient" if acted else dice.choice(sorted(ERRORS)),
        start=_at(dice),
        end=TROUBLE_SECONDS,
        acted=acted,
        times=dice.randint(1, 4),
        probability=dice.choice([0.5, 1.0]),
    )


def _override(dice: random.Random) -> Imposed:
    return Imposed(
        at=_at(dice),
        group="small",
        kind=dice.choice([OverrideKind.PIN, OverrideKind.FLOOR, OverrideKind.CEILING]),
        workers=dice.randint(0, MAXIMUM),
        seconds=dice.uniform(60, 1800),
    )
