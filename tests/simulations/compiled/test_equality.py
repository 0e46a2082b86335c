"""The compiled engine leaves behind what the pure-Python specification does, element by element, without tolerance."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from elastic.core.actions import Delete
from elastic.core.record import to_json
from elastic_simulations.fast import elastic, static
from elastic_simulations.fast.compiled import running
from elastic_simulations.fast.compiled import static as compiled_static
from tests.simulations.compiled.drawn import EVENTFUL, Drawn, happened, recorded, runs
from tests.simulations.fast.engines import Job, jobs, trace_of

# Hundreds of runs in both: minutes on a machine that many others use.
pytestmark = pytest.mark.timeout(900)


@settings(max_examples=200)
@given(runs())
def test_records_and_tables_are_equal_where_workers_are_launched_drained_resumed_and_tied(drawn: Drawn) -> None:
    outcome, records = recorded(elastic.run_elastic, drawn)
    assert recorded(running.run_elastic, drawn) == (outcome, records)
    assert happened(records) >= {*EVENTFUL, Delete}
    starts = [at for at in outcome.start_us if at >= 0]
    assert len(set(starts)) < len(starts)


@settings(max_examples=10)
@given(runs())
def test_records_have_the_same_bytes(drawn: Drawn) -> None:
    """Equal is not the same: numpy's numbers are equal to Python's, and print otherwise."""
    outcome, records = recorded(elastic.run_elastic, drawn)
    ours, our_records = recorded(running.run_elastic, drawn)
    assert repr((ours, our_records)) == repr((outcome, records))
    assert [to_json(record) for record in our_records] == [to_json(record) for record in records]


@settings(max_examples=200)
@given(runs(at_once=True), st.booleans())
def test_outcomes_are_equal_without_records_too(drawn: Drawn, on_events: bool) -> None:  # noqa: FBT001 - drawn
    spec = replace(drawn.spec, on_events=on_events)
    plain = elastic.run_elastic(drawn.trace, spec)
    assert running.run_elastic(drawn.trace, spec) == plain


@settings(max_examples=50)
@given(runs(at_once=True, plain=True))
def test_plain_runs_are_equal(drawn: Drawn) -> None:
    """Runs in which nothing lasts from one decision to the next but the pool."""
    plain = elastic.run_elastic(drawn.trace, drawn.spec)
    assert running.run_elastic(drawn.trace, drawn.spec) == plain


@settings(max_examples=200)
@given(jobs(most_cores=4), st.integers(4, 9), st.sampled_from([1, 10**13]))
def test_static_outcomes_are_equal(some: list[Job], cores: int, scale: int) -> None:
    """With a scale at which queue integrals need more than 64 bits, too."""
    trace = trace_of([Job(job.submit * scale // 1000 if scale > 1 else job.submit, job.run, job.cores) for job in some])
    assert compiled_static.run_static(trace, cores) == static.run_static(trace, cores)
