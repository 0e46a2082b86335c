"""What a worker looks like to a job: learned from the last one, not from a broken one, and doubted where it may be."""

from dataclasses import replace

import pytest

from elastic.core.memory import GroupMemory, MemoryChange, OddWorker, Template, WorkerRecord
from elastic.core.model import Snapshot
from elastic.core.observation import JobShape, Machine
from elastic.core.resources import Resources
from elastic.core.templates import learn, wanted
from tests.core.builders import BIG, JOB, NOW, TEMPLATE, joined, look, machine, memory, queue, seen, server, shape, spec

ADS = {"kind-1": "[Cpus = 4]", "kind-2": "[Cpus = 8]"}
LEARNED = Template(ad="[Cpus = 4]", resources=BIG, learned=True)
POOR = Template(ad="[Cpus = 1]", resources=JOB, learned=True)
TINY = Resources(1, 900, 40_000, 0)
WHY = "1 cpus instead of 4, 900 MB of memory instead of 4000"


def group(template: Template | None = None, **changes: object) -> GroupMemory:
    make = GroupMemory(group="g", template=template)
    return replace(make, **changes)  # type: ignore[arg-type]


def taught(known: GroupMemory, *workers: tuple[WorkerRecord, Machine]) -> GroupMemory:
    machines = {record.name: seen_as for record, seen_as in workers}
    return learn(known, spec(), [record for record, _ in workers], machines, ADS)


def odd(name: str, age: float, total: Resources = TINY) -> tuple[WorkerRecord, Machine]:
    """A worker that joined so many seconds ago, far smaller than configured."""
    return joined(name, age=age + 60), machine(name, template="kind-2", total=total)


def good(name: str, age: float) -> tuple[WorkerRecord, Machine]:
    return joined(name, age=age + 60), machine(name)


# -- learning


def test_the_last_joined_worker_teaches_the_template() -> None:
    last = (joined("w2", age=400), machine("w2", template="kind-2"))
    assert taught(group(), (joined("w1", age=500), machine("w1")), last).template == replace(LEARNED, ad="[Cpus = 8]")


def test_it_is_known_when_a_worker_showed_the_template_last() -> None:
    once = taught(group(), good("w1", 500))
    assert (once.template_learned_at, taught(once, good("w1", 500))) == (NOW - 500, once)
    assert taught(once, good("w2", 400)).template_learned_at == NOW - 400


def test_a_kind_whose_ad_is_not_there_yet_teaches_nothing() -> None:
    assert learn(group(), spec(), [joined()], {"w1": machine()}, {}) == group()


@pytest.mark.parametrize(("age", "expected"), [(60, "[Cpus = 4]"), (600, "old")])
def test_the_template_is_learned_when_the_ad_of_its_kind_comes_some_ticks_late(age: float, expected: str) -> None:
    old = Template(ad="old", resources=BIG, learned=True)
    known = memory([joined(age=age)], [group(old)])
    snapshot, _ = look(seen([machine()], [server()], ads=ADS), known)
    learned_now = snapshot.groups["g"].memory.template
    assert learned_now is not None
    assert learned_now.ad == expected


def test_before_the_first_join_a_worker_looks_as_configured_less_the_reserve() -> None:
    snapshot, _ = look(seen(), memory(), spec(reserve=Resources(memory_mb=500)))
    assert snapshot.groups["g"].template == BIG._replace(memory_mb=3500)


def test_before_the_first_join_a_worker_has_what_the_settings_promise() -> None:
    promised = {"HasSingularity": "true"}
    assert wanted(memory(), {"g": spec(plain_attributes=promised)})["group:g"].attributes == promised


# -- one broken worker


def test_a_worker_far_smaller_than_configured_teaches_nothing_and_is_named_once() -> None:
    """With a minimum of 0 no other worker ever came to correct it: its jobs did not fit any more."""
    record, ad = odd("w2", age=0)
    known = memory([record], [group(LEARNED)])
    snapshot, change = look(seen([ad], [server("w2")], ads=ADS), known)
    assert snapshot.groups["g"].memory.template == LEARNED
    assert refusals(change) == [("w2", f"no template for its group: {WHY}")]
    again, later = look(seen([ad], [server("w2")], ads=ADS), replace(known, groups={"g": snapshot.groups["g"].memory}))
    assert (again.groups["g"].memory.template, refusals(later)) == (LEARNED, [])


def test_before_any_good_worker_a_broken_one_leaves_the_configured_shape() -> None:
    assert taught(group(), odd("w1", age=0)).template is None


def test_two_workers_of_the_same_odd_size_show_that_the_configuration_is_wrong() -> None:
    first = taught(group(LEARNED), odd("w1", age=100))
    second = taught(first, odd("w2", age=0, total=TINY._replace(memory_mb=910)))
    assert second.template == Template(ad="[Cpus = 8]", resources=TINY._replace(memory_mb=910), learned=True)


def test_two_broken_workers_of_different_sizes_show_nothing() -> None:
    first = taught(group(LEARNED), odd("w1", age=100))
    assert taught(first, odd("w2", age=0, total=TINY._replace(cpus=0))).template == LEARNED


def test_an_odd_worker_is_forgotten_once_a_good_one_has_joined_after_it() -> None:
    first = taught(group(LEARNED), odd("w1", age=100))
    between = taught(first, good("w2", age=50))
    assert (first.odd, between.odd) == (OddWorker(worker="w1", total=TINY, joined_at=NOW - 100, reason=WHY), None)
    assert taught(between, odd("w3", age=0)).template == LEARNED


def test_the_same_sightings_teach_the_same_again() -> None:
    sights = [good("w1", age=50), odd("w2", age=20)]
    once = taught(group(), *sights)
    assert (once.template, taught(once, *sights)) == (LEARNED, once)


def test_the_disk_is_not_judged() -> None:
    small = (joined("w1"), machine("w1", total=BIG._replace(disk_mb=10)))
    assert taught(group(), small).template == replace(LEARNED, resources=BIG._replace(disk_mb=10))


# -- a template that nobody could correct

REFUSED = shape("big", 2, fits={"plain:g": JOB}, misfits={TEMPLATE: "RequestCpus 4 > Cpus 1"}, example="7.0")


def dropped(jobs: JobShape, known: GroupMemory, *workers: WorkerRecord) -> tuple[Snapshot, MemoryChange]:
    here = ([machine(w.name) for w in workers], [server(w.name) for w in workers])
    return look(seen(*here, jobs=queue(jobs)), memory(workers, [known]))


def test_jobs_are_judged_against_the_configured_shape_too_where_no_worker_could_correct_the_template() -> None:
    known = [group(POOR)]
    gone = joined("w1", vanished_at=NOW - 10)
    specs = {"g": spec()}
    assert sorted(wanted(memory([], known), specs)) == ["group:g", "plain:g"]
    assert sorted(wanted(memory([gone], known), specs)) == ["group:g", "plain:g"]
    assert sorted(wanted(memory([joined()], known), specs)) == ["group:g"]
    assert sorted(wanted(memory(), specs)) == ["group:g"]


def test_a_template_that_refuses_what_the_configured_shape_takes_gives_way_and_says_so() -> None:
    snapshot, change = dropped(REFUSED, group(POOR))
    assert snapshot.groups["g"].memory.template is None
    why = "jobs like 7.0 would fit a worker as configured, and not as last joined: RequestCpus 4 > Cpus 1"
    assert [event.text for event in change.events if event.kind == "template_dropped"] == [
        f"{why}; the next worker will show"
    ]
    # They count as fitting nowhere until the next tick has asked again: no worker stands behind a plain template.
    assert [(u.shape, u.cause) for u in snapshot.demand.unserved] == [("big", "fits nowhere")]


@pytest.mark.parametrize(
    ("jobs", "known", "workers"),
    [
        (REFUSED, group(POOR, template_dropped_at=NOW - 86_399), ()),
        (REFUSED, group(POOR, template_learned_at=NOW - 86_399), ()),
        (REFUSED, group(POOR), (joined(),)),
        (replace(REFUSED, fits={**REFUSED.fits, "group:other": JOB}), group(POOR), ()),
        (replace(REFUSED, fits={}), group(POOR), ()),
        (replace(REFUSED, idle=0), group(POOR), ()),
    ],
    ids=[
        "tried today",
        "a worker showed it today",
        "a worker is there",
        "fits elsewhere",
        "fits nowhere at all",
        "no job waits",
    ],
)
def test_else_a_template_stays(jobs: JobShape, known: GroupMemory, workers: tuple[WorkerRecord, ...]) -> None:
    assert dropped(jobs, known, *workers)[0].groups["g"].memory.template == POOR


def refusals(change: MemoryChange) -> list[tuple[str, str]]:
    return [(e.worker, e.text.partition(";")[0]) for e in change.events if e.kind == "template_refused"]
