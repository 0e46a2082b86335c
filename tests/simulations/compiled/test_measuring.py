"""Figures from arrays are those of the plain measures, to the last bit."""

import math
from array import array
from dataclasses import replace

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from elastic_simulations.fast.compiled import measuring
from elastic_simulations.fast.compiled import paying as compiled_paying
from elastic_simulations.fast.elastic import run_elastic
from elastic_simulations.fast.static import run_static
from elastic_simulations.measures import checks, paying, waiting
from elastic_simulations.traces.trace import UNKNOWN
from tests.simulations.compiled.drawn import Drawn, runs
from tests.simulations.fast.engines import Job, jobs, trace_of


@settings(max_examples=60)
@given(jobs(most_cores=3), st.sampled_from([0, 10**8]), st.sampled_from([1, 3000, 10**8]), st.data())
def test_every_figure_is_the_same(some: list[Job], warmup_us: int, scale: int, data: st.DataObject) -> None:
    trace = trace_of([replace(job, run=job.run * scale) for job in some])
    users = data.draw(st.lists(st.integers(-1, 2), min_size=len(some), max_size=len(some)))
    trace = replace(trace, optional={"user": array("q", users)}, users=("a", "b", "c"))
    outcome = run_static(trace, 3)
    for place in data.draw(st.sets(st.integers(0, len(some) - 1), max_size=2)):
        outcome.start_us[place] = UNKNOWN
    assert measuring.waiting(trace, outcome, warmup_us) == waiting.waiting(trace, outcome, warmup_us)
    assert repr(measuring.waiting(trace, outcome)) == repr(waiting.waiting(trace, outcome))
    assert measuring.littles_law_residual(trace, outcome) == checks.littles_law_residual(trace, outcome)
    assert compiled_paying.paid(trace, outcome, (7,)) == paying.paid(trace, outcome, (7,))
    assert measuring.used(trace, outcome) == paying.used_by_jobs(trace, outcome)


@settings(max_examples=30)
@given(runs(at_once=True), st.sampled_from([0.3, 1.0]))
def test_what_was_paid_is_the_same_to_the_last_bit(drawn: Drawn, share: float) -> None:
    outcome = run_elastic(drawn.trace, drawn.spec)
    # Cut in the middle, so that workers outlive the last job, or were never ready, drained or gone.
    cut = replace(outcome, ended_us=int(outcome.ended_us * share))
    for of in (outcome, cut):
        assert repr(compiled_paying.paid(drawn.trace, of, (60,))) == repr(paying.paid(drawn.trace, of, (60,)))
        assert repr(compiled_paying.churn(of)) == repr(paying.churn(of))


@given(st.lists(st.floats(1.0, 1e12)))
def test_ratios_are_summed_as_fsum_sums_them(ratios: list[float]) -> None:
    assert measuring.exact_sum(np.sort(np.array(ratios))) == math.fsum(ratios)
