"""The independent program that says how fast requirement 3 could be met at best."""

import itertools
import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.lab import bound


@pytest.mark.parametrize(
    ("jobs", "overhead", "available_at", "elapsed"),
    [
        (1, 0.0, [0.0], 30.0),
        (3, 0.0, [0.0], 90.0),
        (3, 0.5, [0.0], 91.5),
        (7, 0.0, [0.0] * 7, 30.0),
        (8, 0.0, [0.0] * 7, 60.0),
        # One waits for a boot of 10 s, and still helps.
        (2, 0.0, [0.0, 10.0], 40.0),
        # A worker that comes when all is done does nothing.
        (2, 0.0, [0.0, 100.0], 60.0),
        # A job goes to whoever is free first, also when a later worker would not delay it more.
        (72, 0.0, [0.0] * 7, 330.0),
    ],
)
def test_gives_each_job_to_the_worker_that_is_free_first(
    jobs: int, overhead: float, available_at: list[float], elapsed: float
) -> None:
    assert bound.elapsed_seconds(jobs, 30.0, overhead, available_at) == pytest.approx(elapsed)


def test_no_assignment_of_six_jobs_to_three_workers_is_faster() -> None:
    available_at, job_seconds = [0.0, 4.0, 11.0], 7.0
    best = min(
        max(start + job_seconds * chosen.count(worker) for worker, start in enumerate(available_at) if worker in chosen)
        for chosen in itertools.product(range(3), repeat=6)
    )

    assert bound.elapsed_seconds(6, job_seconds, 0.0, available_at) == pytest.approx(best)


def test_no_workers_never_end() -> None:
    with pytest.raises(ValueError, match="one worker"):
        bound.elapsed_seconds(1, 30.0, 0.0, [])


def test_is_a_program_of_its_own() -> None:
    case = {"jobs": 72, "job_seconds": 30.0, "overhead_seconds": 0.0, "available_at": [0.0] * 7}

    done = subprocess.run(
        [sys.executable, "-I", Path(bound.__file__)], input=json.dumps(case), capture_output=True, text=True, check=True
    )

    assert json.loads(done.stdout) == {"elapsed_seconds": 330.0, "scaling_factor": pytest.approx(2160 / 330)}
