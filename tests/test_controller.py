from elastic_simulations.draws import Constant
from elastic_simulations.specs import JobSpec
from tests.tick_rig import TickRig

JOB = JobSpec(run=Constant(60.0))


def test_a_pool_grows_from_zero_works_its_queue_off_and_shrinks_to_zero_without_losing_a_job() -> None:
    rig = TickRig()
    rig.run_for(30)
    assert rig.servers == {}
    rig.grid.submit(JOB, 6)
    rig.run_until(lambda: len(rig.servers) == 4)
    rig.run_until(lambda: not rig.servers and not rig.memory.workers)
    assert rig.grid.lost_jobs() == ()
