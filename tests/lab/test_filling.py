"""Which of two workers gets the next job by the shipped rank: the one that works, so that the other gets empty."""

from pathlib import Path

from tests.contract.rig import joined
from tests.lab.private_network import fragment
from tests.lab.real import RealRig, central

RANKS = ("NEGOTIATOR_PRE_JOB_RANK", "NEGOTIATOR_POST_JOB_RANK")


def test_the_next_job_goes_to_the_worker_that_has_one_and_the_adapter_knows_it(
    condor_prefix: Path, tmp_path: Path
) -> None:
    shipped = fragment("60-elastic-central-manager.conf")
    config = {name: shipped[name] for name in RANKS}
    with central(tmp_path, condor_prefix, config) as (pool, client), RealRig(pool, client) as rig:
        for name in ("w1", "w2"):
            joined(rig, name)

        def hosts(jobs: int) -> list[str] | None:
            running = [
                str(job["RemoteHost"]).partition("@")[2] for job in client.jobs("JobStatus == 2", ["RemoteHost"])
            ]
            return running if len(running) == jobs else None

        for jobs in (1, 2):
            rig.submit(1)
            seen = rig.wait(lambda: hosts(jobs))  # noqa: B023  waited for
            assert len(set(seen)) == 1
        assert rig.htcondor.spreads() == ""

        # And a pool that spreads is told so.
        with (pool.folder.central / "condor_config").open("a", encoding="utf-8") as file:
            file.write("NEGOTIATOR_PRE_JOB_RANK = Cpus\n")
        pool.tool("condor_reconfig")
        assert rig.wait(lambda: rig.fresh_batch().spreads() or None) == "NEGOTIATOR_PRE_JOB_RANK = Cpus"
