"""Groups of jobs become shapes: requests evaluated, equal ones merged, counts kept."""

from collections.abc import Mapping
from typing import Any

import classad2
from hypothesis import given
from hypothesis import strategies as st

from elastic.adapters.htcondor import shapes, singles
from elastic.adapters.htcondor.templates import made
from elastic.core.observation import JobShape
from elastic.core.resources import Resources

NONE: frozenset[str] = frozenset()
GROUP: Mapping[str, object] = {
    "Id": 1,
    "JobIds": "1.0 ... 1.4",
    "JobCount": 5,
    "JobStatus": 1,
    "RequestCpus": 1,
    "RequestMemory": 64,
    "RequestDisk": 1024,
    "Requirements": classad2.ExprTree("TARGET.Memory >= RequestMemory"),
}


def group(**changes: object) -> Any:  # noqa: ANN401 - the bindings have no types
    return classad2.ClassAd({**GROUP, **changes})


def found(*groups: object, stamps: Mapping[str, str] | None = None) -> tuple[JobShape, ...]:
    machine = made(Resources(2, 1000, 1000, 0), {})
    waits = shapes.Waits(since={1: 100, 2: 150}, now=200)
    templates = {"group:g": (repr(machine), machine)}
    return shapes.finish("s", shapes.gather(groups, NONE), templates, shapes.Judged(), waits, stamps or {})


def only(*groups: object, stamps: Mapping[str, str] | None = None) -> JobShape:
    (shape,) = found(*groups, stamps=stamps)
    return shape


def test_a_group_is_a_shape() -> None:
    shape = only(group(ConcurrencyLimits="cat,Dog:2", AcctGroup="Group_A"))
    assert shape == JobShape(
        id=shape.id,
        idle=5,
        request=Resources(1, 64, 1, 0),
        fits={"group:g": Resources(1, 128, 1, 0)},
        oldest_wait_seconds=100.0,
        concurrency_limits=(("cat", 1.0), ("dog", 2.0)),
        accounting_group="group_a",
        example="1.0",
        queue_stamp="1.4",
    )
    assert shape.id.startswith("s#")


def test_expressions_that_come_to_the_same_are_one_shape() -> None:
    other = group(
        RequestMemory=classad2.ExprTree("64 * (1 + NumJobStarts)"), NumJobStarts=0, JobIds="2.0 2.1", JobCount=2
    )
    assert only(group(), other).idle == 7


def test_running_transferring_and_suspended_jobs_run() -> None:
    running = [group(JobStatus=status, JobIds=f"{status}.0", JobCount=1) for status in (2, 6, 7)]
    shape = only(group(), *running)
    assert (shape.idle, shape.running, shape.queue_stamp) == (5, 3, "7.0")


def test_other_requirements_limits_or_groups_are_other_shapes() -> None:
    others = [
        group(Requirements=classad2.ExprTree("true")),
        group(ConcurrencyLimits="cat"),
        group(AcctGroup="a"),
        group(RequestGPUs=1),
    ]
    assert len(found(group(), *others)) == 5


def test_what_machines_look_at_tells_jobs_apart() -> None:
    one, other = group(Owner="alice"), group(Owner="bob")
    assert len(shapes.gather([one, other], frozenset({"owner"}))) == 2


def test_the_same_jobs_have_the_same_id_at_the_next_tick() -> None:
    later = group(JobCount=3, JobIds="1.2 ... 1.4", Id=77)
    assert only(group()).id == only(later).id


def test_the_stamp_of_a_queue_never_goes_back() -> None:
    shape = only(group())
    assert only(group(JobIds="1.0 1.1", JobCount=2), stamps={shape.id: "1.4"}).queue_stamp == "1.4"
    assert only(group(JobIds="1.3 ... 10.0"), stamps={shape.id: "9.1"}).queue_stamp == "10.0"


def told(**changes: object) -> singles.Singles:
    nothing: dict[str, Any] = {"counts": (), "since": {}, "now": 0, "rejects": (), "factories": ()}
    return singles.Singles(**{**nothing, **changes})


def test_a_rejection_is_told_of_the_shape_whose_job_it_is() -> None:
    gathered = shapes.gather([group(), group(RequestCpus=2)], NONE)
    job = classad2.ClassAd({**GROUP, "ClusterId": 1, "ProcId": 3, "Owner": "bob"})
    key = shapes.key_of(shapes.reduced(job, NONE), NONE)
    told(rejects=((key, "no match found"), ((), "of a job that has gone"))).add_to(gathered, NONE)
    assert [shape.reject for shape in gathered.values()] == ["no match found", ""]


def test_an_attribute_that_only_other_shapes_look_at_makes_no_other_shape() -> None:
    """A schedd's groups have what their own expressions use; a single job is asked for what those of any use."""
    picky = group(Requirements=classad2.ExprTree('Owner == "bob" && MY.Site == 1 && Chain'), Owner="bob", Site=1,
                  Chain=classad2.ExprTree("Last > 0"), Last=1)  # fmt: skip
    asked_for = {"Owner": "bob", "Site": 1, "Chain": classad2.ExprTree("Last > 0"), "Last": 1, "ProcId": 3}
    plain = classad2.ClassAd({**GROUP, **asked_for})
    same = classad2.ClassAd({**dict(picky), "ProcId": 3})
    for job, of in ((plain, group()), (same, picky)):
        assert shapes.key_of(shapes.reduced(job, NONE), NONE) == shapes.key_of(of, NONE)
    assert "Owner" in shapes.reduced(plain, frozenset({"owner"}))


def test_a_factorys_unmade_jobs_are_hidden_in_the_shape_of_those_it_made() -> None:
    gathered = shapes.gather([group()], NONE)
    cluster = classad2.ClassAd(
        {**{k: v for k, v in GROUP.items() if k not in {"JobIds", "JobCount", "Id"}}, "ClusterId": 1,
         "TotalSubmitProcs": 20, "JobMaterializeLimit": 20, "JobMaterializeNextProcId": 5, "JobUniverse": 5}
    )  # fmt: skip
    shapes.add_hidden(gathered, cluster, singles.hidden_jobs(cluster, 5), NONE)
    ((idle, hidden),) = [(shape.idle, shape.hidden) for shape in gathered.values()]
    assert (idle, hidden) == (5, 15)


def test_a_factory_makes_no_more_than_its_limit_its_rest_and_nothing_while_paused() -> None:
    cluster = {"TotalSubmitProcs": 100, "JobMaterializeLimit": 30, "JobMaterializeNextProcId": 10}
    assert singles.hidden_jobs(cluster, 10) == 20
    assert singles.hidden_jobs({**cluster, "JobMaterializeNextProcId": 95}, 10) == 5
    assert singles.hidden_jobs(cluster, 40) == 0
    assert singles.hidden_jobs({**cluster, "JobMaterializePaused": 1}, 10) == 0


def test_ids_are_read_in_every_form() -> None:
    assert [shapes.job_ids(text) for text in ("1.0 ... 1.4", "5.0 5.1", "7.0", "")] == [
        [shapes.JobId(1, 0), shapes.JobId(1, 4)],
        [shapes.JobId(5, 0), shapes.JobId(5, 1)],
        [shapes.JobId(7, 0)],
        [],
    ]


@given(
    st.lists(
        st.tuples(st.integers(1, 50), st.sampled_from([1, 2, 6, 7]), st.integers(1, 3), st.sampled_from([32, 64, 128]))
    )
)
def test_no_job_is_lost_or_counted_twice(jobs: list[tuple[int, int, int, int]]) -> None:
    groups = [
        group(JobCount=count, JobStatus=status, RequestCpus=cpus, RequestMemory=memory, JobIds=f"{number}.0")
        for number, (count, status, cpus, memory) in enumerate(jobs, 1)
    ]
    seen = found(*groups)
    assert sum(shape.idle for shape in seen) == sum(count for count, status, _, _ in jobs if status == 1)
    assert sum(shape.running for shape in seen) == sum(count for count, status, _, _ in jobs if status != 1)
    assert len(seen) == len({(cpus, memory) for _, _, cpus, memory in jobs})
