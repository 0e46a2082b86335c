import json
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from elastic_simulations.cli import app
from elastic_simulations.measures.warmup import LAST, batched, truncation
from elastic_simulations.runs.running import run
from elastic_simulations.runs.settings import RunSettings, SettingsError
from elastic_simulations.traces.exporting import write_swf
from elastic_simulations.traces.made import made
from elastic_simulations.traces.reference import reference_case

SECOND = 1_000_000


def by_definition(batches: list[int]) -> int | None:
    """White's formula as it is printed, with means, in fractions."""

    def z(d: int) -> Fraction:
        kept = batches[d:]
        mean = Fraction(sum(kept), len(kept))
        return sum(((value - mean) ** 2 for value in kept), Fraction(0)) / len(kept) ** 2

    candidates = range(len(batches) - LAST)
    if not candidates:
        return None
    best = min(candidates, key=lambda d: (z(d), d))
    return best if 2 * best <= len(batches) else None


@given(st.lists(st.integers(0, 50), max_size=40))
def test_the_cut_is_where_the_formula_is_least(batches: list[int]) -> None:
    assert truncation(batches) == by_definition(batches)


def test_batches_are_of_five_and_a_rest_is_left_out() -> None:
    assert batched([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]) == [15, 40]


def test_a_slope_that_never_ends_has_no_warm_up() -> None:
    assert truncation([value * value for value in range(100, 0, -1)]) is None
    assert truncation([3] * 5) is None
    assert truncation([3] * 6) == 0


def test_the_jobs_of_the_first_crowd_are_left_out() -> None:
    # 50 jobs of 60 s at once on one core, then one every 100 s: a long wait that is worked off, then none.
    submits = [0] * 50 + [3000 + 100 * number for number in range(300)]
    trace = made([at * SECOND for at in submits], [60 * SECOND] * 350, source="a crowd")
    result = run(trace, RunSettings(static=1, warmup="mser5"))
    assert (result.warmup.rule, result.warmup.seconds, result.warmup.found) == ("mser5", 3000.0, True)
    assert (result.waiting.jobs, result.waiting.wait.max) == (300, 0.0)
    assert run(trace, RunSettings(static=1)).waiting.jobs == 350


def test_a_warm_up_that_leaves_no_job_is_told() -> None:
    with pytest.raises(SettingsError, match=r"--warmup 10 leaves no job: the last is submitted at 5 s"):
        run(made([0, 5 * SECOND], [1, 1], source="two"), RunSettings(static=1, warmup=10.0))


def test_the_command_says_what_was_left_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    with (tmp_path / "trace.swf").open("w") as file:
        write_swf(reference_case(500), file)

    def answer(*words: str) -> tuple[float, str, bool]:
        done = CliRunner().invoke(app, ["run", "--trace", str(tmp_path / "trace.swf"), *words, "-o", "json"])
        found = json.loads(done.stdout)
        return found["warmup_s"], found["warmup_rule"], found["warmup_found"]

    assert answer() == (0.0, "given", True)
    assert answer("--warmup", "60") == (60.0, "given", True)
    assert answer("--warmup", "mser5")[1:] == ("mser5", True)
    for wrong in ("soon", "-1", "nan", "inf"):
        done = CliRunner().invoke(app, ["run", "--trace", str(tmp_path / "trace.swf"), "--warmup", wrong])
        assert (
            str(done.exception)
            == f"--warmup {wrong if wrong == 'soon' else float(wrong)}: seconds, not below 0, or mser5"
        )
