"""The figures that other programs agree on; LCG-2005-1 only where it lies."""

from pathlib import Path

import pytest

from elastic_simulations.checks import reference
from elastic_simulations.validate import failed, validate


def test_the_generated_reference_case_is_met_to_the_printed_digit() -> None:
    verdicts = list(reference.generated())
    assert [verdict for verdict in verdicts if not verdict.ok] == []
    assert len(verdicts) == 14


@pytest.mark.unshipped
def test_lcg_2005_1_is_met_to_the_printed_digit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if reference.found(None) is None:
        pytest.skip("LCG-2005-1.swf.gz is not beside this project; it may not be shipped")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    verdicts = list(reference.real(None))
    assert [verdict for verdict in verdicts if not verdict.ok] == []
    assert len(verdicts) == 15


def test_a_trace_that_is_not_there_is_not_run_and_fails_nothing(tmp_path: Path) -> None:
    verdicts = validate(tmp_path, "lcg")
    assert {verdict.kind for verdict in verdicts} == {"not-run"}
    assert not any(verdict.ok for verdict in verdicts)
    assert not failed(verdicts)
