"""One elastic run in the full world: the daemon's own controller, ledger and all, on the jobs of a trace."""

from array import array
from collections.abc import Callable
from dataclasses import replace
from math import inf

from elastic.core.lifecycle import Phase
from elastic.core.model import GroupSpec, SiteSpec, WorkerGroup
from elastic.core.policy import Policy
from elastic.core.schedules import NOTHING_ASKED
from elastic.core.wakes import next_wake
from elastic_simulations.draws import Constant
from elastic_simulations.fast.outcome import Arrivals, Outcome
from elastic_simulations.fast.spec import ElasticSpec, Workers, patient
from elastic_simulations.full.feeding import cores_only, feed, shaped
from elastic_simulations.full.integrating import QueueMeter
from elastic_simulations.full.tables import outcome
from elastic_simulations.scenario import PolicyChoice, Run, Scenario
from elastic_simulations.simulation import Simulation
from elastic_simulations.specs import GroupModel, PoolSpec
from elastic_simulations.traces.following import depends
from elastic_simulations.traces.trace import UNKNOWN, Trace

LEDGER = "simulation"
"""The fast engine's: workers have the same names, and so draw the same boot times."""

MOST_TICKS = 1_000_000
"""Two years of ticks a minute apart: a quarter of an hour of ours, or more."""

GOING = (Phase.DRAINING, Phase.DRAINED, Phase.DELETING)
SURE_TICKS = 60
"""Before jobs that wait beside a pool that stands still are given up: a negotiator may have been slow."""


def run_full(trace: Trace, spec: ElasticSpec) -> Outcome:
    """All jobs of the trace; without negotiation cycles, delays and faults, so that the fast engine can be compared."""
    simulation = Simulation(ideal(spec), policies=policies(spec), identity=LEDGER)
    meter = QueueMeter()
    simulation.grid.log.listeners.append(meter.hear)
    order = feed(simulation.grid, trace, shaped(trace) if spec.shaped else cores_only(trace))
    finish(simulation, len(trace))
    ticks_us = [round((at - spec.epoch) * 1e6) for at in simulation.ticked]
    cores = None if spec.wide or depends(trace) else spec.slots
    jobs = simulation.grid.log.jobs
    found = outcome(simulation.grid, jobs, meter, ticks_us, cores=cores)
    return _with_arrivals(found, trace, order, [job.submit_us for job in jobs]) if depends(trace) else found


def _with_arrivals(found: Outcome, trace: Trace, order: list[int], came_us: list[int]) -> Outcome:
    """Jobs that waited for others stand in the tables as they came; who never came, comes last."""
    never = sorted(set(range(len(trace))).difference(order))
    for column in (found.start_us, found.end_us, found.worker):
        column.extend([UNKNOWN] * len(never))
    came = array("q", [*came_us, *(found.ended_us for _ in never)])
    return replace(found, arrivals=Arrivals(order=array("q", [*order, *never]), submit_us=came))


def policies(spec: ElasticSpec) -> Callable[[str], Policy]:
    """The policies of all groups, by the names that the groups give."""
    by_name = {one.group.policy: one.policy for one in spec.workers}
    return by_name.__getitem__


def ideal(spec: ElasticSpec) -> Scenario:
    """The spec as a scenario: everything that the fast engine does not model takes no time and never fails."""
    return Scenario(
        run=Run(seed=spec.seed, epoch=spec.epoch),
        pool=PoolSpec(
            negotiation_seconds=0.0,
            claim_seconds=0.0,
            update_seconds=0.0,
            ad_delay_seconds=0.0,
            packing=spec.order,
            estimates=spec.estimates,
            estimate_noise=spec.estimate_noise,
        ),
        site=_ticking(spec.site),
        policy=PolicyChoice(name=spec.group.policy),
        groups={one.group.name: _patient(one) for one in spec.workers},
        models={one.group.name: _model(one, cancels=spec.cancels) for one in spec.workers},
    )


def _patient(one: Workers) -> GroupSpec:
    """The fast engine knows no deadline of a boot."""
    if not isinstance(one.boot_seconds, Constant):
        return one.group
    boot, join = (max(most, 2 * one.boot_seconds.value) for most in (one.group.boot_seconds, one.group.join_seconds))
    return replace(one.group, boot_seconds=boot, join_seconds=join)


def _model(one: Workers, *, cancels: bool) -> GroupModel:
    """A server whose boot may be cancelled is listed as building until it joins, any other as active."""
    at_once = Constant(0.0)
    boot, join = (one.boot_seconds, at_once) if cancels else (at_once, one.boot_seconds)
    return GroupModel(boot=boot, join=join, teardown=at_once)


def finish(simulation: Simulation, jobs: int) -> None:
    """Tick until all these jobs have come and nothing can happen any more, or nothing has been done for a day."""
    quiet, patience = 0, patient(simulation.scenario.site, simulation.scenario.groups.values())
    for record in simulation.ticks(inf):
        quiet = 0 if record.plan.actions or _pending(simulation, jobs) else quiet + 1
        waits = any(schedd.jobs for schedd in simulation.grid.schedds.values())
        if (quiet > (SURE_TICKS if waits else 0) and _settled(simulation, over=not waits)) or quiet >= patience:
            return


def _ticking(site: SiteSpec) -> SiteSpec:
    """Every tick in its time, none before it: as the fast engine counts them."""
    return replace(site, min_wake_seconds=site.tick_seconds)


def _pending(simulation: Simulation, jobs: int) -> bool:
    """Whether something will happen by itself: a job that comes or runs, a server that boots, joins or goes."""
    grid = simulation.grid
    to_come = jobs - len(grid.log.jobs) - grid.held_back
    if to_come > 0 or any(True for schedd in grid.schedds.values() for _ in schedd.on_machines()):
        return True
    groups = simulation.records[-1].snapshot.groups.values()
    return any(group.upcoming or any(map(group.count, GOING)) for group in groups)


def _settled(simulation: Simulation, *, over: bool) -> bool:
    """Whether no later tick can decide anything else, as long as nothing happens: what the fast engine asks, too.

    Schedules go on for ever: once all jobs are over, they do not count.
    """
    record, before = simulation.records[-1], simulation.records[-2:][0]
    timeless = replace(simulation.scenario.site, tick_seconds=inf, min_wake_seconds=0.0)
    groups = record.snapshot.groups
    asked = {name: replace(group, schedule=NOTHING_ASKED) for name, group in groups.items()} if over else groups
    if next_wake(replace(record.snapshot, groups=asked), record.targets, (), timeless)[0] != inf:
        return False
    return all(
        not any(worker.phase is Phase.READY and worker.keep for worker in group.workers)
        and group.policy_memory == before.snapshot.groups[name].policy_memory
        and not _window_moves(group, record.now)
        for name, group in groups.items()
    )


def _window_moves(group: WorkerGroup, now: float) -> bool:
    """Whether a higher recommendation is still to leave the stabilisation window."""
    kept = group.memory.recommendations
    since = now - group.spec.scale_down_window_seconds
    return any(at > since and workers > kept[-1][1] for at, workers in kept)
