import pytest
from hypothesis import given
from hypothesis import strategies as st

from elastic_simulations.fast.static import run_static, simulate, simulate_alike
from elastic_simulations.measures.checks import littles_law_residual
from elastic_simulations.measures.paying import paid
from elastic_simulations.traces.errors import TraceError
from elastic_simulations.traces.trace import MICROSECONDS
from tests.simulations.fast.engines import Job, fifo_starts, jobs, trace_of


@given(jobs(most_cores=4), st.integers(4, 9))
def test_every_job_starts_when_a_plainly_right_fifo_starts_it(some: list[Job], cores: int) -> None:
    outcome = run_static(trace_of(some), cores)
    assert [at / MICROSECONDS for at in outcome.start_us] == fifo_starts(some, cores)


@given(jobs(most_cores=4), st.integers(4, 9))
def test_the_queue_integral_of_the_loop_is_the_sum_of_the_waits_of_the_records(some: list[Job], cores: int) -> None:
    trace = trace_of(some)
    assert littles_law_residual(trace, run_static(trace, cores)) == 0.0


@given(jobs(most_cores=4), st.integers(4, 9))
def test_under_less_over_supply_is_demand_less_supply(some: list[Job], cores: int) -> None:
    outcome = run_static(trace_of(some), cores)
    of = outcome.integrals
    demanded = sum((end - job.submit * MICROSECONDS) * job.cores for job, end in zip(some, outcome.end_us, strict=True))
    assert of.under - of.over == demanded - of.ready


def test_a_wide_job_at_the_head_holds_up_the_narrow_one_behind_it() -> None:
    outcome = run_static(trace_of([Job(0, 10, 1), Job(1, 5, 2), Job(2, 1, 1)]), 2)
    assert [at // MICROSECONDS for at in outcome.start_us] == [0, 10, 15]


def test_paid_is_busy_and_idle_from_0_to_the_end_of_the_last_job() -> None:
    trace = trace_of([Job(5, 10), Job(6, 3)])
    split = paid(trace, run_static(trace, 2))
    assert (split.paid, split.busy, split.idle, split.tail) == (30_000_000, 13_000_000, 17_000_000, 0)


def test_a_job_wider_than_the_pool_is_an_error_with_its_line() -> None:
    with pytest.raises(TraceError, match=r"^test:2: the job asks for 3 cores, there are 2: it could never start$"):
        run_static(trace_of([Job(0, 1), Job(1, 1, 3)]), 2)


@given(jobs(), st.integers(1, 6))
def test_the_loop_for_jobs_alike_does_what_the_general_one_does(some: list[Job], slots: int) -> None:
    submit, run = [job.submit for job in some], [job.run for job in some]
    assert simulate_alike([*submit], run, slots) == simulate([*submit], run, [1] * len(run), slots)
