"""A scenario's file run to its end in the full world, and measured as every other run."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from time import perf_counter

from elastic_simulations.fast.outcome import Samples
from elastic_simulations.full.engine import finish
from elastic_simulations.full.integrating import QueueMeter
from elastic_simulations.full.tables import launched, outcome
from elastic_simulations.grid import Grid
from elastic_simulations.jobs import Job
from elastic_simulations.runs.engines import FULL
from elastic_simulations.runs.running import Result, measured
from elastic_simulations.runs.settings import RunSettings, SettingsError
from elastic_simulations.scenario import PolicyChoice, Scenario, read_scenario
from elastic_simulations.simulation import Simulation
from elastic_simulations.traces.cache import checksum
from elastic_simulations.traces.following import counted
from elastic_simulations.traces.made import made
from elastic_simulations.traces.trace import MICROSECONDS, Trace

HOUR_US = 3600 * MICROSECONDS

ELSEWHERE = ("static", "minimum", "maximum", "slots", "order", "boot", "tick")
"""Settings that the file says in its own tables, for each group."""


def run_file(path: Path, settings: RunSettings) -> tuple[Result, str]:
    """The scenario of this file, under the policy and the seed of the settings where they name any; its checksum."""
    default = RunSettings()
    for name in ELSEWHERE:
        if getattr(settings, name) != getattr(default, name):
            raise SettingsError(f"{path}: {name} is for the scenario's file to say, not for an option beside it")
    if "on_events" in settings.sets:
        raise SettingsError(f"{path}: on_events is for the scenario's file to say: on_events = true in [run]")
    scenario = _with(read_scenario(path), settings)
    result = run_scenario(scenario, settings)
    return replace(result, trace=replace(result.trace, source=str(path))), checksum(path)


def run_scenario(scenario: Scenario, settings: RunSettings | None = None) -> Result:
    """Run it for its seconds, or with 0 of them until nothing can happen any more."""
    began = perf_counter()
    simulation = Simulation(scenario)
    meter = QueueMeter()
    simulation.grid.log.listeners.append(meter.hear)
    if scenario.run.seconds > 0:
        simulation.run()
    else:
        finish(simulation, scenario.expected)
    grid = simulation.grid
    jobs = [job for job in grid.log.jobs if job.spec.universe == "vanilla" and not job.spec.held]
    if not jobs:
        raise SettingsError("the scenario submits no job: there is nothing to measure")
    ticks_us = [round((at - scenario.run.epoch) * MICROSECONDS) for at in simulation.ticked]
    told = replace(settings or RunSettings(), engine="full", seed=scenario.run.seed, policy=scenario.policy.name)
    found = outcome(grid, jobs, meter, ticks_us, cores=None)
    if scenario.run.on_events:
        found.samples = Samples()
    result = measured(_trace(jobs, scenario.workload_trace), found, told, FULL)
    more = {**_more(scenario, grid, jobs), "failed_ticks": simulation.failed_ticks}
    return replace(result, more=more, wall_s=perf_counter() - began)


def _with(scenario: Scenario, settings: RunSettings) -> Scenario:
    """The scenario with what was asked for beside it; settings of a policy are given to all groups' policy."""
    default = RunSettings()
    if settings.seed != default.seed:
        scenario = replace(scenario, run=replace(scenario.run, seed=settings.seed))
    if settings.policy == default.policy and not settings.sets:
        return scenario
    name = settings.policy if settings.policy != default.policy else scenario.policy.name
    groups = {key: replace(group, policy=name) for key, group in scenario.groups.items()}
    return replace(scenario, policy=PolicyChoice(name=name, parameters=settings.sets), groups=groups)


def _trace(jobs: list[Job], read: Trace | None) -> Trace:
    """The jobs as they came; what of the workload's own file was dropped or repaired is told as of any trace."""
    users = sorted({job.spec.owner for job in jobs})
    places = {user: place for place, user in enumerate(users)}
    trace = made(
        (job.submit_us for job in jobs),
        (job.run_us for job in jobs),
        (job.spec.request.cpus for job in jobs),
        source="scenario",
        optional={"user": [places[job.spec.owner] for job in jobs]},
        users=users,
    )
    return trace if read is None else replace(trace, dropped=read.dropped, repaired=read.repaired, header=read.header)


def _more(scenario: Scenario, grid: Grid, jobs: list[Job]) -> Mapping[str, object]:
    """What only a world with groups and faults has: each group's share and cost, and what went wrong.

    `unfinished_jobs` were started, and had not ended when the scenario was over; `unserved` were never started.
    """
    lives = [(server, server.gone_us or grid.timeline.now_us) for server in launched(grid)]
    groups = {}
    for name, spec in sorted(scenario.groups.items()):
        mine = [(server, end - server.requested_us) for server, end in lives if server.group == name]
        hours = sum(life for _, life in mine) / HOUR_US
        groups[name] = {
            "workers": len(mine),
            "never_ready": sum(server.ready_us is None for server, _ in mine),
            "core_h": sum(life * server.flavor.cpus for server, life in mine) / HOUR_US,
            "cost": hours * spec.cost_per_hour,
        }
    read = scenario.workload_trace
    links = 0 if read is None else counted(read)
    return {
        "scenario": scenario.run.name,
        "dependencies": {"links": links, "honoured": links},
        "groups": groups,
        "cost_of_groups": sum(group["cost"] for group in groups.values()),
        "restarted_jobs": len(grid.lost_jobs()),
        "killed_jobs": len(grid.killed_jobs()),
        "unfinished_jobs": sum(job.first_start_us is not None and job.end_us is None for job in jobs),
        "faults_struck": len(grid.faults.struck),
    }
