"""The waiting game (SC'20): own cores at one price, an overflow group at another, and jobs that never wait."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial

from elastic.core.model import Snapshot
from elastic.core.policy import Target
from elastic_simulations.checks.drawing import poisson_trace
from elastic_simulations.checks.queues import SEEDS, WARMUP, interval
from elastic_simulations.checks.spreading import spread
from elastic_simulations.checks.verdict import Verdict
from elastic_simulations.draws import Constant
from elastic_simulations.fast.counting_groups import run_by_counts_of_groups
from elastic_simulations.fast.elastic import run_elastic
from elastic_simulations.fast.spec import ElasticSpec, Workers, reference_group

OWN_PRICE, OVERFLOW_PRICE = 3.84, 9.6
"""Per core-hour."""

ARRIVAL, SERVICE = 0.2, 0.002

OWN = 0
"""The worker with one's own cores: the first that is launched, and the only one of its group."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Game:
    """`cores` of one's own; the mean price of a core-hour of work, and the share that overflows (both exact)."""

    cores: int
    price: float
    overflow: float
    jobs: int


GAMES = (
    Game(cores=108, price=4.482662, overflow=0.034944, jobs=120_000),
    Game(cores=100, price=4.56672, overflow=0.07570, jobs=60_000),
)
"""Jobs a seed: so many that the interval is less than 5 % of the value wide on each side."""


class NeverWait:
    """What runs in a group and what is asked of it beyond: who finds no core of one's own is launched one elsewhere."""

    def decide(self, snapshot: Snapshot) -> dict[str, Target]:
        """One's own cores are at their minimum, which is their maximum."""
        asked = {name: group.demand for name, group in snapshot.groups.items()}
        return {name: Target(one.running_jobs + one.unmet_workers, "nobody waits") for name, one in asked.items()}


def game_spec(cores: int) -> ElasticSpec:
    """One worker with all of one's own cores, always there; behind it workers of one core without a boot.

    Decided at every event: an overflow worker comes with the job that needs it, and goes with it.
    """
    own = reference_group(slots=cores, minimum=1, maximum=1, idle_seconds=0.0)
    overflow = replace(reference_group(idle_seconds=0.0), name="overflow", cost_per_hour=own.cost_per_hour + 1)
    at_once = Constant(0.0)
    return ElasticSpec(
        group=own,
        policy=NeverWait(),
        slots=cores,
        boot_seconds=at_once,
        more=(Workers(group=overflow, policy=NeverWait(), boot_seconds=at_once),),
        on_events=True,
    )


def play(case: Game, seed: int, *, every_time: bool = False) -> tuple[float, float]:
    """Price and overflowing share of one seed; every worker is paid for from its request to its deletion.

    `every_time` decides anew where the same was decided before.
    """
    trace = poisson_trace(ARRIVAL, SERVICE, case.jobs, seed)
    outcome = (run_elastic if every_time else run_by_counts_of_groups)(trace, game_spec(case.cores))
    table, first = outcome.workers, int(case.jobs * WARMUP)
    span = trace.submit_us[-1] - trace.submit_us[first]
    ran = trace.run_us[first:]
    elsewhere = [worker for worker in outcome.worker[first:] if worker != OWN]
    overflow = sum(table.deleted[worker] - table.requested[worker] for worker in elsewhere)
    paid = case.cores * span * OWN_PRICE + overflow * OVERFLOW_PRICE
    return paid / sum(ran), len(elsewhere) / len(ran)


def games(cases: Sequence[Game] = GAMES, *, every_time: bool = False) -> Iterator[Verdict]:
    """Over twenty fixed seeds, by the engine itself: own cores, overflow group, policy, guardrails, planner."""
    for case in cases:
        runs = spread(partial(play, case, every_time=every_time), range(1, SEEDS + 1))
        name = f"waiting game, never wait, s={case.cores}"
        yield interval(f"{name}: price", case.price, [price for price, _ in runs])
        yield interval(f"{name}: overflow", case.overflow, [share for _, share in runs])
