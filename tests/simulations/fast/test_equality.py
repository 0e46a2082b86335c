"""The two speeds of simulation give the same, element by element, without tolerance; and this test can fail."""

from array import array
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import cache

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from elastic.core.model import GroupDemand, Worker, WorkerGroup
from elastic.core.record import TickRecord
from elastic_simulations.fast import elastic as engine
from elastic_simulations.fast import orders
from elastic_simulations.fast.elastic import run_elastic
from elastic_simulations.fast.group import GroupView
from elastic_simulations.fast.lazy import Fleet
from elastic_simulations.fast.pool import Pool
from elastic_simulations.fast.records import Records
from elastic_simulations.fast.spec import ElasticSpec
from elastic_simulations.traces.errors import TraceError
from tests.simulations.fast.worlds import Example, Seen, examples, fast, full, generated, missing, widened

# Hundreds of runs in both: minutes on a machine that many others use.
pytestmark = pytest.mark.timeout(900)

EXAMPLES = 200
SHARE = 50
WIDE = 40
CONTROLS = 20
"""Examples that a seeded defect may change; the first that it changes is enough."""


@cache
def all_examples() -> list[tuple[Example, Seen]]:
    return examples(EXAMPLES)


@cache
def in_full(number: int) -> Seen:
    example, quick = all_examples()[number]
    return full(example, len(quick.records))


def differences(some: list[tuple[Example, Seen]]) -> list[tuple[ElasticSpec, str]]:
    compared = ((example, quick, full(example, len(quick.records))) for example, quick in some)
    return [(example.spec, found) for example, quick, slow in compared if (found := difference(quick, slow))]


def difference(quick: Seen, slow: Seen) -> str:
    """Where two results differ first, in words."""
    for name in ("records", "jobs", "workers"):
        one, other = getattr(quick, name), getattr(slow, name)
        place = next((place for place, pair in enumerate(zip(one, other, strict=False)) if pair[0] != pair[1]), None)
        if place is not None or len(one) != len(other):
            return f"{name}[{min(len(one), len(other)) if place is None else place}]"
    return ""


@pytest.mark.parametrize("first", range(0, EXAMPLES, SHARE))
def test_fast_and_full_give_the_same_records_jobs_and_workers(first: int) -> None:
    numbers = range(first, first + SHARE)
    assert {number: difference(all_examples()[number][1], in_full(number)) for number in numbers} == dict.fromkeys(
        numbers, ""
    )


def test_every_example_has_a_launch_a_drain_a_resume_and_a_tie() -> None:
    assert [missing(*example) for example in all_examples()] == [set()] * EXAMPLES


def test_so_they_do_with_several_groups_and_jobs_that_ask_for_memory_and_gpus() -> None:
    wide = examples(WIDE, wide=True)
    assert differences(wide) == []
    assert {len(example.spec.workers) for example, _ in wide} == {1, 2, 3}


@pytest.mark.full
def test_so_they_do_on_two_hundred_of_these() -> None:
    assert differences(examples(EXAMPLES, wide=True)) == []


@contextmanager
def defect(owner: object, name: str, wrong: object) -> Iterator[None]:
    """The fast engine with one thing wrong; jobs of one core go through the pool for all kinds of jobs."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(engine, "SinglePool", Pool)
        patch.setattr(owner, name, wrong)
        yield


def _wrong_victims(fleet: Fleet) -> list[Worker]:
    return RIGHT_VICTIMS(fleet)[::-1]


def _sees_the_tick_before(run: engine.Run, at: int) -> None:
    run.pool.advance(max(0, at - run.tick_every))
    run.pool.now = at


def _last_launched_first(_since: int, worker: int) -> int:
    return ((orders.WORKER_MASK - worker) << orders.WORKER_BITS) + worker


def _idle_since_resumed(pool: Pool, number: int) -> None:
    pool.since[number] = pool.now
    RIGHT_RESUME(pool, number)


def _resumes_nobody(group: GroupView, asked: GroupDemand) -> WorkerGroup:
    return replace(RIGHT_SNAPSHOT(group, asked), resumable=0)


def _forgets_at_once(_records: Records) -> int:
    return 0


RIGHT_VICTIMS, RIGHT_RESUME, RIGHT_SNAPSHOT = Fleet.idle_victims, Pool.resume, GroupView.snapshot

WRONG_ORDERS = {name: replace(order, key=_last_launched_first) for name, order in orders.ORDERS.items()}

DEFECTS: dict[str, tuple[object, str, object]] = {
    "victims in the wrong order": (Fleet, "idle_victims", _wrong_victims),
    "a tick sees what the tick before should": (engine.Run, "_advance", _sees_the_tick_before),
    "of equal workers the last takes the job": (engine, "ORDERS", WRONG_ORDERS),
    "idle since it was taken back": (Pool, "resume", _idle_since_resumed),
    "nobody is taken back": (GroupView, "snapshot", _resumes_nobody),
    "who is being deleted does not count": (Records, "deleting", property(_forgets_at_once)),
}


@pytest.mark.parametrize("name", DEFECTS)
def test_a_defect_in_the_fast_engine_makes_the_two_differ(name: str) -> None:
    with defect(*DEFECTS[name]):
        assert any(difference(fast(all_examples()[number][0]), in_full(number)) for number in range(CONTROLS))


@given(st.sampled_from([generated, widened]), st.integers(0, 10_000), st.booleans(), st.booleans())
def test_a_run_without_records_does_what_was_compared(
    make: Callable[[int], Example],
    seed: int,
    at_once: bool,  # noqa: FBT001 - drawn
    learns: bool,  # noqa: FBT001 - drawn
) -> None:
    example = make(seed)
    spec = replace(example.spec, learns=learns, at_once=at_once)
    assert run_elastic(example.trace, spec) == run_elastic(example.trace, spec, lambda _: None)


@given(st.sampled_from([generated, widened]), st.integers(0, 10_000), st.booleans(), st.booleans())
def test_quiet_time_left_out_changes_nothing_either(
    make: Callable[[int], Example],
    seed: int,
    at_once: bool,  # noqa: FBT001 - drawn
    metered: bool,  # noqa: FBT001 - drawn
) -> None:
    example = make(seed)
    spec = replace(example.spec, at_once=at_once, metered=metered)
    whole, skipping = (run_elastic(example.trace, replace(spec, skips_quiet=skips)) for skips in (False, True))
    assert replace(whole, decisions=0, stopped_us=0) == replace(skipping, decisions=0, stopped_us=0)


# A worker is taken back at the tick at which another one is launched, and ready at once.
@example(seed=7668, at_once=False)
@given(st.integers(0, 10_000), st.booleans())
def test_the_pool_for_all_kinds_of_jobs_does_what_the_one_for_cores_does(seed: int, at_once: bool) -> None:  # noqa: FBT001
    example = generated(seed)
    spec = replace(example.spec, at_once=at_once)
    records: dict[bool, list[TickRecord]] = {True: [], False: []}
    outcomes = {
        shaped: run_elastic(example.trace, replace(spec, shaped=shaped), records[shaped].append)
        for shaped in (True, False)
    }
    assert records[True] == records[False]
    sizes = outcomes[True].workers.sizes
    assert sizes == array("q", [spec.slots]) * len(outcomes[True].workers.requested)
    assert (
        replace(outcomes[True], workers=replace(outcomes[True].workers, sizes=None, cores=spec.slots))
        == outcomes[False]
    )


def test_a_job_that_fits_on_no_worker_of_any_group_is_an_error_with_its_line() -> None:
    example = widened(2)
    trace = replace(example.trace, optional={"memory_mb": array("q", [1, 1, 5000] + [1] * (len(example.trace) - 3))})
    with pytest.raises(TraceError, match=r"generated:3: the job asks for \d cores?, 5000 MB of memory: it fits on no"):
        run_elastic(trace, example.spec)
