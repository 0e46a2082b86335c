"""The simulated half of `make compare`; the other half needs a quarter of an hour of real daemons."""

import pytest

from bench.against_htcondor.calibration import Calibration
from bench.against_htcondor.real import Submitted
from bench.against_htcondor.twin import run_twin, scenario_of
from bench.against_htcondor.workloads import WORKLOADS, Workload
from elastic.core.resources import Resources

MEASURED = Calibration(
    boot_seconds=(10.0,),
    join_seconds=(1.0,),
    negotiation_seconds=5.0,
    start_seconds=0.5,
    job_overhead_seconds=0.4,
    removal_seconds=0.1,
)


def jobs(workload: Workload) -> list[Submitted]:
    return [
        Submitted(at=a.at, run_seconds=a.run_seconds, cores=a.cores) for a in workload.arrivals for _ in range(a.count)
    ]


def test_the_twin_of_a_bag_takes_what_its_parameters_add_up_to() -> None:
    bag = WORKLOADS[0]
    figures = run_twin(bag, jobs(bag), MEASURED, seeds=range(5))
    # Ten rounds on six workers that boot, join, and wait for a tick and for a negotiation cycle.
    rounds = 10 * (15.0 + MEASURED.job_overhead_seconds)
    assert rounds + 11.5 < figures.makespan_seconds < rounds + 11.5 + 2.0 + 5.0 + 1.0
    assert figures.mean_wait_seconds == pytest.approx(figures.makespan_seconds - rounds / 2 - 7.7, abs=1.0)
    assert figures == run_twin(bag, jobs(bag), MEASURED, seeds=range(5)), "drawn by seed, not by chance"


@pytest.mark.parametrize("workload", WORKLOADS, ids=lambda workload: workload.name)
def test_the_twin_has_the_settings_of_the_real_daemon(workload: Workload) -> None:
    scenario = scenario_of(workload, MEASURED, seed=1)
    (group,) = scenario.groups.values()
    assert (group.name, group.maximum, group.idle_seconds) == (
        workload.group["name"],
        workload.group["maximum"],
        workload.group["idle_seconds"],
    )
    assert group.shape == Resources(**workload.group["shape"])  # type: ignore[arg-type]
    assert (scenario.site.tick_seconds, scenario.pool.negotiation_seconds) == (2.0, 5.0)
