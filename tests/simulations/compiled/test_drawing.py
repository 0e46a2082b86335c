"""Random traces, and what their jobs wait, are the same to the last bit where numba is installed."""

from elastic_simulations.checks.drawing import PLAIN, poisson_trace, ways


def test_compiled_or_not_the_jobs_and_what_they_wait_are_the_same() -> None:
    assert ways() != PLAIN
    plain, compiled = (poisson_trace(0.2, 0.002, 20_000, 7, by) for by in (PLAIN, ways()))
    assert compiled == plain
    starts = PLAIN.run_static(plain, 105).start_us
    assert ways().run_static(plain, 105).start_us == starts
    assert ways().waited(starts, plain.submit_us) == PLAIN.waited(starts, plain.submit_us)
