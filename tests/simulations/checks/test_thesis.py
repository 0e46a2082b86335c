"""The thesis' runs, one seed each; `elastic sim validate` runs twenty."""

import pytest

from elastic_simulations.checks.thesis import RUNS, Thesis, minutes


@pytest.mark.parametrize("case", RUNS, ids=lambda case: case.name)
def test_a_run_of_the_thesis_takes_as_long_as_it_took(case: Thesis) -> None:
    took, _ = minutes(case, seed=1)
    assert took == pytest.approx(case.minutes, rel=0.02)
