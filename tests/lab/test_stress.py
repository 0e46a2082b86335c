"""A stream of short jobs on real daemons while workers are removed as fast as the protocol allows."""

from pathlib import Path

import pytest

from elastic.local.pool import Pool
from elastic.local.processes import teardown
from tests.lab.jobs import Jobs
from tests.lab.site import POOL_CONFIG
from tests.lab.stress import SEED, WORKERS, Churn, CollectorSaysIdle, Stream
from tests.lab.support import Client, Lab

ENDED_SECONDS = 90.0
CONTROL_SECONDS = 90.0
Full = pytest.param(1800.0, 300, marks=[pytest.mark.full, pytest.mark.timeout(3600)])


@pytest.mark.parametrize(("seconds", "least"), [(60.0, 20), Full])
def test_no_job_is_hurt_however_fast_workers_are_removed(
    tmp_path: Path, condor_prefix: Path, capsys: pytest.CaptureFixture[str], seconds: float, least: int
) -> None:
    """Four ticks a second; each job is executed once, by one shadow, and ends by itself."""
    with (
        Pool(tmp_path, condor_prefix, extra_config=POOL_CONFIG) as pool,
        Client(pool.folder) as client,
        Churn(pool, tmp_path) as churn,
    ):
        try:
            churn.until_joined(120)
            with Stream(Jobs(client, pool.folder), SEED) as stream:
                elapsed = churn.run(seconds, least)
                removed = churn.removed
            churn.settle(60)
            ended = stream.ended(ENDED_SECONDS)
        finally:
            teardown(tmp_path / "servers")
    with capsys.disabled():
        done = ", ".join(f"{count} {what}" for what, count in sorted(churn.results.items()))
        print(f"\nstress: {removed} workers removed in {elapsed:.0f} s under {ended.jobs} jobs; {done}")  # noqa: T201
    assert ended.hurt == {}
    assert ended.starts == {(1, 1): ended.jobs}
    assert removed >= least


def test_the_control_of_the_stress_hurts_jobs_by_killing_what_the_collector_calls_idle(
    tmp_path: Path, condor_prefix: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The same jobs; each second one worker that the collector shows as unclaimed is killed, until a job is hurt."""
    with Pool(tmp_path, condor_prefix, extra_config=POOL_CONFIG) as pool, Client(pool.folder) as client:
        try:
            lab = Lab(pool, client)
            lab.start_workers(WORKERS)
            killer = CollectorSaysIdle(lab)
            with Stream(Jobs(client, pool.folder), SEED) as stream:
                damage = killer.run(stream, CONTROL_SECONDS)
        finally:
            teardown(tmp_path / "servers")
    with capsys.disabled():
        print(f"\ncontrol of the stress: {killer.kills} kills, then {len(damage)} jobs hurt: {dict(damage)}")  # noqa: T201
    assert damage != {}
