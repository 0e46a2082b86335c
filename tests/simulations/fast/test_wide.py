"""Jobs that ask for memory and gpus, from the settings of a run: the fast engine and the whole controller agree."""

from array import array
from dataclasses import replace

import pytest

from elastic_simulations.runs.report import report
from elastic_simulations.runs.running import run
from elastic_simulations.runs.settings import RunSettings, SettingsError
from elastic_simulations.traces.trace import Trace
from tests.simulations.fast.engines import Job, trace_of

SETTINGS = RunSettings(
    slots=4, maximum=3, boot=70.0, sets={"memory_mb": "1000", "gpus": "1", "at_once": "false", "learns": "true"}
)


def hungry() -> Trace:
    """Two jobs with a gpu each, two that want most of a worker's memory, and one that fits beside anybody."""
    trace = trace_of([Job(0, 300), Job(0, 300), Job(10, 200), Job(20, 200), Job(30, 100)])
    columns = {
        "memory_mb": array("q", [100, 100, 900, 900, 10]),
        "gpus": array("q", [1, 1, 0, 0, 0]),
        "disk_mb": array("q", [5] * 5),
    }
    return replace(trace, optional=columns)


def test_memory_and_gpus_count_once_it_is_set_what_a_worker_has() -> None:
    alone = run(hungry(), replace(SETTINGS, sets={}, engine="python")).outcome
    shaped = run(hungry(), replace(SETTINGS, engine="python")).outcome
    assert len(set(alone.worker)) < len(set(shaped.worker)) == 3
    workers = list(shaped.worker)
    assert workers[0] != workers[1]
    assert workers[2] != workers[3]


def test_both_speeds_agree_on_them() -> None:
    fast, full = (run(hungry(), replace(SETTINGS, engine=engine)) for engine in ("python", "full"))
    assert fast.outcome.start_us == full.outcome.start_us
    assert fast.outcome.worker == full.outcome.worker
    assert fast.outcome.workers == full.outcome.workers
    assert (fast.waiting, fast.paid, fast.churn) == (full.waiting, full.paid, full.churn)
    assert fast.littles_law_residual == full.littles_law_residual == 0.0


def test_what_is_not_looked_at_is_told() -> None:
    assert report(run(hungry(), SETTINGS))["ignored"] == ["disk_mb"]


def test_an_amount_must_be_a_whole_number() -> None:
    with pytest.raises(SettingsError, match="--set gpus=some: a whole number, of one worker"):
        run(hungry(), replace(SETTINGS, sets={"gpus": "some"}))


def test_the_compiled_engine_says_that_it_does_not_know_them() -> None:
    with pytest.raises(SettingsError, match="--engine numba"):
        run(hungry(), replace(SETTINGS, engine="numba"))


def test_the_thesis_policy_sees_the_load_as_it_was_measured() -> None:
    settings = RunSettings(policy="thesis", maximum=4, boot=70.0, sets={"at_once": "false", "learns": "true"})
    jobs = trace_of([Job(0, 200)] * 8 + [Job(1000, 50)])
    fast, full = (run(jobs, replace(settings, minimum=1, engine=engine)) for engine in ("python", "full"))
    assert fast.outcome.start_us == full.outcome.start_us
    assert fast.outcome.workers == full.outcome.workers
