"""The thesis' runs, one seed each; `elastic sim validate` runs twenty."""

import pytest

from elastic_simulations.checks.thesis import RUNS, Thesis, minutes
from elastic_simulations.checks.verdict import RESIDUAL


@pytest.mark.parametrize("case", RUNS, ids=lambda case: case.name)
def test_a_run_of_the_thesis_takes_as_long_as_it_took(case: Thesis) -> None:
    took = minutes(case, seed=1)
    assert took.jobs == pytest.approx(case.minutes, rel=0.02)
    assert took.residual < RESIDUAL
