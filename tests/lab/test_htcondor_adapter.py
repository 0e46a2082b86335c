"""What the contract suite cannot ask of every world: static slots, hanging daemons, several schedds, quotas, rights."""

import os
import signal
import threading
import time
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

import psutil
import pytest

from elastic.core.memory import Drain, Template
from elastic.core.observation import Attempt, Inspection, JobShape, Machine, ScheddQueue
from elastic.core.resources import Resources
from elastic.local.pool import Pool
from elastic.ports import Refused, Transient, Unauthorized
from tests.contract.rig import busy, joined, nonce, seen, template
from tests.contract.rig import record as unknown
from tests.lab.again import Shared
from tests.lab.real import RealRig, central
from tests.lab.support import Client

T = TypeVar("T")
SECOND = "second@127-0-0-1.elastic.local"
FIRST = "127-0-0-1.elastic.local"
CONFIG = {
    "GROUP_NAMES": "group_a, group_b",
    "GROUP_QUOTA_group_a": "1",
    "GROUP_QUOTA_group_b": "1",
    "GROUP_ACCEPT_SURPLUS_group_b": "True",
    "DOG_LIMIT": "3",
}
STATIC = {"SLOT_TYPE_1_PARTITIONABLE": "False", "NUM_SLOTS_TYPE_1": "2", "SLOT_TYPE_1": "50%"}


@pytest.fixture(scope="module")
def pools(condor_prefix: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shared[tuple[Pool, Client]]]:
    """One central manager for all tests of this module, and another one after a test that failed."""
    with Shared(lambda: central(tmp_path_factory.mktemp("adapter"), condor_prefix, CONFIG, ["second"])) as shared:
        yield shared


@pytest.fixture
def rig(request: pytest.FixtureRequest, pools: Shared[tuple[Pool, Client]]) -> Iterator[RealRig]:
    """The pool, emptied when the test is over."""
    with pools.lent(request.node) as (pool, client), RealRig(pool, client, extra_schedds=[SECOND]) as real:
        yield real


def started(
    rig: RealRig, name: str, config: Mapping[str, str] | None = None, *, cpus: int = 2, gpus: int = 0
) -> Machine:
    rig.lab.start_worker(name, cpus=cpus, gpus=gpus, config=config)
    return rig.wait(lambda: machine(rig, name))


def machine(rig: RealRig, name: str) -> Machine | None:
    return next((m for m in rig.batch.machines().machines if m.worker == name), None)


def queue_of(rig: RealRig, schedd: str = FIRST, templates: dict[str, Template] | None = None) -> ScheddQueue:
    queue = rig.batch.queue(templates or template(rig))
    return next(schedd_queue for schedd_queue in queue.schedds if schedd_queue.schedd == schedd)


def idle_shapes(rig: RealRig, jobs: int) -> tuple[JobShape, ...]:
    """The shapes once so many jobs wait."""

    def shapes() -> tuple[JobShape, ...] | None:
        found = queue_of(rig).shapes
        return found if sum(shape.idle for shape in found) == jobs else None

    return rig.wait(shapes)


@contextmanager
def never_stopped(longest_seconds: float = 2.5) -> Generator[None]:
    """This process goes on meanwhile: no thread of it waits for its turn as long as a question's deadline."""
    over = threading.Event()
    gaps: list[float] = []

    def watch() -> None:
        last = time.monotonic()
        while not over.wait(0.02):
            now = time.monotonic()
            gaps.append(now - last)
            last = now

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        yield
    finally:
        over.set()
        watcher.join()
    assert max(gaps) < longest_seconds


def timed(call: Callable[[], T]) -> tuple[T, float]:
    begun = time.monotonic()
    return call(), time.monotonic() - begun


def test_static_slots_are_one_machine_of_which_a_part_may_be_claimed(rig: RealRig) -> None:
    whole = started(rig, "w1", STATIC)
    assert (whole.total.cpus, whole.free, whole.jobs, whole.claimed) == (2, whole.total, 0, False)
    rig.submit()
    # Between the claim and the job's start the slot is still room, for that very job.
    half = rig.wait(lambda: m if (m := machine(rig, "w1")) and m.claimed and m.free.cpus == 1 else None)
    assert (half.total, half.jobs, half.idle_seconds) == (whole.total, 1, None)


def test_static_slots_drain_only_when_none_of_them_is_claimed_and_are_drained_all_together(rig: RealRig) -> None:
    worker = seen(unknown(rig, "w1"), started(rig, "w1", STATIC))
    cluster = rig.submit()
    rig.wait(lambda: rig.batch.inspect(worker).claimed)
    with pytest.raises(Refused, match="claimed"):
        rig.batch.drain(worker, nonce(rig, "w1"), busy=False)
    rig.remove(cluster)
    rig.wait(lambda: not rig.batch.inspect(worker).claimed)
    rig.batch.drain(worker, nonce(rig, "w1"), busy=False)
    rig.wait(lambda: (d := rig.batch.inspect(worker).drain) and d.drained)
    shown = rig.wait(lambda: m if (m := machine(rig, "w1")) and m.drain and m.drain.drained else None)
    assert shown.accepts_jobs is False
    rig.batch.fence(worker)
    assert rig.batch.inspect(worker).silent


def test_a_drain_that_is_not_the_remembered_one_is_not_fenced(rig: RealRig) -> None:
    worker = joined(rig, "w1")
    rig.batch.drain(worker, nonce(rig, "w1", 2), busy=False)
    rig.wait(lambda: (d := rig.batch.inspect(worker).drain) and d.drained)
    stale = replace(worker, drain=Drain(nonce=nonce(rig, "w1", 1), asked_at=0.0))
    with pytest.raises(Refused):
        rig.batch.fence(stale)
    assert rig.batch.inspect(worker).answered


def test_a_startd_that_has_moved_on_to_a_new_port_is_not_fenced_for_its_old_drain(rig: RealRig) -> None:
    worker = joined(rig, "w1")
    rig.batch.drain(worker, nonce(rig, "w1"), busy=False)
    rig.restart_startd(worker)
    rig.wait(lambda: m if (m := machine(rig, "w1")) and m.started != worker.started else None)
    with pytest.raises(Refused):
        rig.batch.fence(worker)
    now = machine(rig, "w1")
    assert now is not None
    assert rig.batch.inspect(seen(worker, now)).answered


def test_without_a_token_of_the_workers_key_nothing_is_drained_and_the_error_says_so(rig: RealRig) -> None:
    worker = joined(rig, "w1")
    (rig.pool.folder.token_folder / "worker-w1").unlink()
    with pytest.raises(Unauthorized):
        rig.batch.drain(worker, nonce(rig, "w1"), busy=False)
    there = machine(rig, "w1")
    assert there is not None
    assert rig.htcondor.authorised(there) is False
    assert there.drain is None


def test_a_startd_that_does_not_know_us_is_not_taken_for_silent(rig: RealRig) -> None:
    worker = joined(rig, "w1")
    (rig.pool.folder.token_folder / "worker-w1").unlink()
    with pytest.raises(Transient):
        rig.batch.inspect(worker)


def test_who_may_drain_is_told_without_a_change(rig: RealRig) -> None:
    worker = joined(rig, "w1")
    there = machine(rig, "w1")
    assert there is not None
    assert rig.htcondor.authorised(there) is True
    assert rig.batch.inspect(worker).drain is None


def test_a_hanging_schedd_stops_neither_us_nor_what_the_other_schedds_say(rig: RealRig) -> None:
    rig.submit(2)
    rig.jobs.sleep(f"second-{time.monotonic_ns()}", 3, 600, schedd=SECOND)
    idle_shapes(rig, 2)
    rig.wait(lambda: sum(s.idle for s in queue_of(rig, SECOND).shapes) == 3)
    before = queue_of(rig)
    rig.stop_schedd()
    with never_stopped():
        after = rig.wait(lambda: q if (q := queue_of(rig)).error else None)
        jobs = rig.batch.jobs_on([])
    assert after.shapes == before.shapes
    assert queue_of(rig, SECOND).error == ""
    assert jobs.complete is False


def test_a_hanging_startd_is_silent_in_time_and_others_are_asked_meanwhile(rig: RealRig) -> None:
    hanging, well = joined(rig, "w1"), joined(rig, "w2")
    rig.signal_startd("w1", signal.SIGSTOP)
    answers: list[tuple[Inspection, float]] = []
    with never_stopped():
        thread = threading.Thread(target=lambda: answers.append(timed(lambda: rig.batch.inspect(hanging))))
        thread.start()
        time.sleep(0.3)
        other, seconds = timed(lambda: rig.batch.inspect(well))
        thread.join()
    ((answer, waited),) = answers
    assert (other.answered, answer.silent) == (True, True)
    assert seconds < waited, "it was not asked after the other one's deadline"
    rig.signal_startd("w1", signal.SIGCONT)
    assert rig.wait(lambda: rig.batch.inspect(hanging).answered)


def test_a_hanging_collector_is_an_error_in_time_and_is_asked_again(rig: RealRig) -> None:
    joined(rig, "w1")
    rig.pool.daemons.freeze("collector")
    try:
        with never_stopped(), pytest.raises(Transient):
            rig.wait(lambda: rig.batch.machines().machines is None, 8)
    finally:
        rig.pool.daemons.thaw("collector")
    assert rig.wait(lambda: machine(rig, "w1")).worker == "w1"


def test_each_schedd_is_asked_or_only_those_that_are_named(rig: RealRig) -> None:
    rig.jobs.sleep(f"second-{time.monotonic_ns()}", 3, 600, schedd=SECOND)
    rig.wait(lambda: sum(s.idle for s in queue_of(rig, SECOND).shapes) == 3)
    assert [q.schedd for q in rig.batch.queue(template(rig)).schedds] == [FIRST, SECOND]
    only = rig.fresh_batch((SECOND,)).queue(template(rig)).schedds
    assert [(q.schedd, sum(s.idle for s in q.shapes)) for q in only] == [(SECOND, 3)]


def test_jobs_of_schedds_that_are_not_served_are_named_on_our_machines_too(rig: RealRig) -> None:
    worker = busy(rig, "w1")
    rig.wait(lambda: rig.batch.jobs_on([worker.machine]).jobs)
    answer = rig.fresh_batch((SECOND,)).jobs_on([worker.machine])
    assert (len(answer.jobs[worker.machine]), answer.complete) == (1, True)


def test_a_schedd_that_is_named_but_unknown_is_told_with_an_error(rig: RealRig) -> None:
    (unknown_one,) = rig.fresh_batch(("nowhere",)).queue(template(rig)).schedds
    assert (unknown_one.schedd, unknown_one.shapes) == ("nowhere", ())
    assert "not in the collector" in unknown_one.error


def test_requests_that_are_expressions_are_evaluated_and_merged_with_equal_ones(rig: RealRig) -> None:
    rig.jobs.sleep(f"j-{time.monotonic_ns()}", 2, 600, request_memory="64 * (1 + NumJobStarts)")
    rig.jobs.sleep(f"j-{time.monotonic_ns()}", 1, 600, request_memory="64")
    (shape,) = idle_shapes(rig, 3)
    assert (shape.idle, shape.request) == (3, Resources(1, 64, 16, 0))


def test_a_misfit_names_the_resource_that_is_too_small(rig: RealRig) -> None:
    rig.submit(request=Resources(1, 8192, 64, 0))
    (shape,) = idle_shapes(rig, 1)
    assert shape.misfits["group:small"] == "RequestMemory 8192 > Memory 768"


def test_a_misfit_names_the_part_of_the_requirements_that_fails(rig: RealRig) -> None:
    rig.submit(impossible=True)
    (shape,) = idle_shapes(rig, 1)
    assert "HasUnobtainium" in shape.misfits["group:small"]


def test_a_machine_that_takes_only_some_jobs_says_start(rig: RealRig) -> None:
    kind = started(rig, "w1", {"START": 'TARGET.Owner == "nobody"'}).template
    rig.submit()
    rig.wait(lambda: rig.batch.machines().template_ads.get(kind))
    (shape,) = idle_shapes(rig, 1)
    assert kind not in shape.fits
    assert shape.misfits[kind].startswith("START")


def test_machines_differ_in_kind_by_what_jobs_look_at(rig: RealRig) -> None:
    started(rig, "w1", cpus=1)
    rig.lab.start_worker("w2", cpus=1, config={"HasPython3": "True", "STARTD_EXPRS": "HasPython3"})
    rig.wait(lambda: machine(rig, "w2"))
    rig.jobs.sleep(f"j-{time.monotonic_ns()}", 3, 600, requirements="TARGET.HasPython3 =?= true")

    def told_apart() -> bool:
        rig.batch.queue(template(rig))
        return len({m.template for m in rig.batch.machines().machines}) == 2

    rig.wait(told_apart)
    kinds = {m.worker: m.template for m in rig.batch.machines().machines}
    rig.wait(lambda: kinds["w2"] in rig.batch.machines().template_ads)
    shape = rig.wait(lambda: next(iter(s for s in queue_of(rig).shapes if kinds["w2"] in s.fits), None))
    assert kinds["w1"] in shape.misfits


def test_gpus_are_counted_and_asked_for(rig: RealRig) -> None:
    kind = started(rig, "w1", gpus=2).template
    rig.submit(request=Resources(1, 64, 64, 1))
    taken = rig.wait(lambda: m if (m := machine(rig, "w1")) and m.claimed else None)
    assert (taken.total.gpus, taken.free.gpus) == (2, 1)
    rig.wait(lambda: kind in rig.batch.machines().template_ads)
    (shape,) = rig.wait(lambda: queue_of(rig).shapes)
    assert (shape.fits[kind].gpus, shape.misfits["group:small"]) == (1, "RequestGPUs 1 > GPUs 0")


def test_only_groups_without_surplus_have_a_quota(rig: RealRig) -> None:
    rig.jobs.sleep(f"j-{time.monotonic_ns()}", 1, 600, accounting_group="group_a", accounting_group_user="alice")
    (shape,) = idle_shapes(rig, 1)
    assert shape.accounting_group == "group_a"
    assert rig.wait(lambda: rig.batch.negotiation().group_quotas) == {"group_a": (1.0, 0.0)}


def test_limits_that_are_configured_are_known_before_any_job_asks(rig: RealRig) -> None:
    assert rig.batch.negotiation().limits["dog"] == 3.0


def test_what_the_negotiator_said_of_a_job_that_waits_beside_a_machine_is_told(rig: RealRig) -> None:
    started(rig, "w1")
    rig.submit(impossible=True)
    reason = rig.wait(lambda: next(iter(s.last_reject_reason for s in queue_of(rig).shapes), ""))
    assert "no match found" in reason


def test_an_eviction_is_told_as_one_and_a_removal_as_nothing(rig: RealRig) -> None:
    worker = busy(rig, "w1")
    assert rig.batch.attempts() == ()
    rig.wait(lambda: set(rig.executes().values()) == {1})
    rig.pool.tool("condor_vacate_job", "-fast", "-all")
    (told,) = rig.wait(lambda: tuple(rig.batch.attempts()))
    assert (told.machine, told.failed, told.evicted) == (worker.machine, False, True)
    rig.wait(lambda: set(rig.executes().values()) == {2})
    rig.client.remove()
    (removed,) = rig.wait(lambda: tuple(rig.batch.attempts()))
    assert removed == Attempt(machine=worker.machine, cluster=told.cluster, failed=False)


def test_each_eviction_is_told_from_the_records_that_the_pool_is_configured_to_keep(rig: RealRig) -> None:
    """The queue knows a job's last one only; both happen before anybody asks."""
    worker = busy(rig, "w1")
    assert rig.batch.attempts() == ()

    def started(times: int) -> None:
        rig.wait(lambda: set(rig.executes().values()) == {times})

    started(1)
    rig.pool.tool("condor_vacate_job", "-fast", "-all")
    started(2)
    rig.pool.tool("condor_vacate_job", "-fast", "-all")
    started(3)
    first, second = rig.wait(lambda: tuple(rig.batch.attempts()))
    assert first == second == Attempt(machine=worker.machine, cluster=first.cluster, failed=False, evicted=True)
    where = rig.pool.tool("condor_config_val", "JOB_EPOCH_HISTORY").strip()
    assert Path(where).read_text(encoding="utf-8").count(f"ClusterId={first.cluster} ") == 2


def test_an_eviction_is_seen_even_where_a_schedd_keeps_no_record_of_executions(
    start_pool: Callable[..., Pool],
) -> None:
    pool = start_pool(extra_config={"JOB_EPOCH_HISTORY": ""})
    with Client(pool.folder) as user:
        rig = RealRig(pool, user)
        try:
            worker = busy(rig, "w1")
            assert rig.batch.attempts() == ()
            rig.wait(lambda: set(rig.executes().values()) == {1})
            pool.tool("condor_vacate_job", "-fast", "-all")
            (told,) = rig.wait(lambda: tuple(rig.batch.attempts()))
            assert told == Attempt(machine=worker.machine, cluster=told.cluster, failed=False, evicted=True)
            assert rig.batch.attempts() == ()
        finally:
            rig.close()


def test_a_program_that_cannot_be_started_is_a_failed_attempt(rig: RealRig) -> None:
    worker = joined(rig, "w1")
    rig.batch.attempts()
    batch = rig.jobs.submit(f"j-{time.monotonic_ns()}", 1, "/usr/bin/there-is-none")
    expected = Attempt(machine=worker.machine, cluster=str(batch.cluster), failed=True)
    assert rig.wait(lambda: [a for a in rig.batch.attempts() if a.cluster == expected.cluster]) == [expected]


def test_a_restarted_collector_is_young_again_and_its_schedds_are_still_asked(rig: RealRig) -> None:
    rig.submit(2)
    idle_shapes(rig, 2)
    before = rig.batch.machines().collector_age_seconds
    rig.pool.daemons.restart("collector")

    def younger() -> bool:
        try:
            age = rig.batch.machines().collector_age_seconds
        except Transient:
            return False
        return age is not None and before is not None and age < before

    rig.wait(younger)
    assert sum(shape.idle for shape in queue_of(rig).shapes) == 2


def test_closing_leaves_no_process(rig: RealRig) -> None:
    worker = joined(rig, "w1")
    rig.batch.queue(template(rig))
    before = _askers()
    batch = rig.fresh_batch()
    batch.machines()
    batch.queue(template(rig))
    batch.inspect(worker)
    assert _askers() > before
    batch.close()
    rig.wait(lambda: _askers() == before)


def _askers() -> set[int]:
    found = set()
    for process in psutil.Process(os.getpid()).children(recursive=True):
        # One that has just answered apart may end while we look.
        with suppress(psutil.NoSuchProcess):
            if "elastic.adapters.htcondor.asked" in process.cmdline():
                found.add(process.pid)
    return found
