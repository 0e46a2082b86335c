"""The same workload in the full simulator, with the parameters of the calibration and the daemon's own settings."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from statistics import fmean

from bench.against_htcondor.calibration import Calibration
from bench.against_htcondor.real import HOUR_SECONDS, MICROSECONDS, Figures, Submitted
from bench.against_htcondor.workloads import MACHINE_UPDATE_SECONDS, MIN_WAKE_SECONDS, TICK_SECONDS, Workload
from elastic_simulations.draws import Draws
from elastic_simulations.full.engine import finish
from elastic_simulations.full.feeding import cores_only, feed
from elastic_simulations.full.integrating import QueueMeter
from elastic_simulations.full.tables import outcome
from elastic_simulations.measures.paying import paid
from elastic_simulations.measures.waiting import waiting
from elastic_simulations.scenario import Scenario, parse
from elastic_simulations.simulation import Simulation
from elastic_simulations.traces.made import made
from elastic_simulations.traces.trace import Trace

SEEDS = range(1, 21)
SETTLE_SECONDS = 60.0
UPDATE_SECONDS = 5.0
AD_DELAY_SECONDS = 0.3


def run_twin(
    workload: Workload, jobs: Sequence[Submitted], measured: Calibration, seeds: Iterable[int] = SEEDS
) -> Figures:
    """The mean of twenty runs: the jobs come at a drawn moment between two ticks and two negotiation cycles."""
    runs = [_once(workload, jobs, measured, seed) for seed in seeds]
    names = Figures.__dataclass_fields__
    return Figures(**{name: fmean(getattr(run, name) for run in runs) for name in names})


def _once(workload: Workload, jobs: Sequence[Submitted], measured: Calibration, seed: int) -> Figures:
    scenario = scenario_of(workload, measured, seed)
    spread = measured.negotiation_seconds * Draws(seed).uniform("phase", "submit")
    trace = _trace(jobs, SETTLE_SECONDS + spread)
    simulation = Simulation(scenario)
    meter = QueueMeter()
    simulation.grid.log.listeners.append(meter.hear)
    feed(simulation.grid, trace, cores_only(trace))
    finish(simulation, len(trace))
    result = outcome(simulation.grid, simulation.grid.log.jobs, meter, [], cores=None)
    waits = waiting(trace, result).wait
    return Figures(
        makespan_seconds=(result.ended_us - trace.submit_us[0]) / MICROSECONDS,
        mean_wait_seconds=waits.mean,
        p95_wait_seconds=waits.p95,
        paid_core_hours=paid(trace, result).paid / MICROSECONDS / HOUR_SECONDS,
    )


def scenario_of(workload: Workload, measured: Calibration, seed: int) -> Scenario:
    """The site as the real daemon has it, on a pool and a cloud as they were measured."""
    group: Mapping[str, object] = {
        **workload.group,
        "policy": "backlog",
        "model": {
            "boot": {"empirical": list(measured.boot_seconds)},
            "join": {"empirical": list(measured.join_seconds)},
            "teardown": measured.removal_seconds,
        },
    }
    scenario = parse(
        {
            "run": {"name": workload.name, "seed": seed},
            "pool": {
                "negotiation_seconds": measured.negotiation_seconds,
                "start_seconds": measured.start_seconds,
                "job_overhead_seconds": measured.job_overhead_seconds,
                "update_seconds": UPDATE_SECONDS,
                "ad_delay_seconds": AD_DELAY_SECONDS,
            },
            "site": {
                "tick_seconds": TICK_SECONDS,
                "min_wake_seconds": MIN_WAKE_SECONDS,
                "machine_update_seconds": MACHINE_UPDATE_SECONDS,
            },
            "group": [group],
        }
    )
    return replace(scenario, run=replace(scenario.run, epoch=0.0))


def _trace(jobs: Sequence[Submitted], begin: float) -> Trace:
    submit = [round((begin + job.at) * MICROSECONDS) for job in jobs]
    run = [round(job.run_seconds * MICROSECONDS) for job in jobs]
    return made(submit, run, [job.cores for job in jobs], source="lab")
