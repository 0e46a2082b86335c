"""Which engine runs: chosen by the number of jobs, forced by name; and that its cache costs no run anything."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from elastic_simulations.fast.compiled.limits import why_not
from elastic_simulations.runs import engines
from elastic_simulations.runs.settings import RunSettings, SettingsError
from elastic_simulations.traces.exporting import write_swf
from elastic_simulations.traces.made import made
from elastic_simulations.traces.reference import reference_case
from elastic_simulations.traces.trace import MICROSECONDS

SMALL = made([0, 5_000_000], [9_000_000, 9_000_000], source="test")
ELASTIC = str(Path(sys.executable).parent / "elastic")

# Several processes, some of which compile everything: minutes on a machine that many others use.
pytestmark = pytest.mark.timeout(900)


@pytest.fixture(autouse=True)
def _a_new_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if nothing had been simulated yet."""
    monkeypatch.setattr(engines, "_simulated", 0)


@pytest.fixture
def trace(tmp_path: Path) -> Path:
    path = tmp_path / "small.swf"
    with path.open("w", encoding="utf-8") as file:
        write_swf(reference_case(300), file)
    return path


def told(trace: Path, *words: str, cache: Path, path: str = "") -> Mapping[str, object]:
    """What one process prints; `path` lies before everything that it imports."""
    command = [ELASTIC, "sim", "run", "--trace", str(trace), "-o", "json", *words]
    environment = {**os.environ, "XDG_CACHE_HOME": str(cache), "PYTHONPATH": path}
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    assert (done.returncode, done.stderr) == (0, "")
    answer: dict[str, object] = json.loads(done.stdout)
    return answer


def figures(answer: Mapping[str, object]) -> Mapping[str, object]:
    """All but the time, and which engine was asked for and ran."""
    return {name: value for name, value in answer.items() if name not in {"wall_s", "settings", "manifest"}}


def engine_of(answer: Mapping[str, object]) -> object:
    manifest = answer["manifest"]
    assert isinstance(manifest, dict)
    return manifest["engine"]


def test_numba_is_taken_once_a_process_has_enough_jobs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engines, "PAYS_FROM", 5)
    chosen = [engines.chosen(RunSettings(), SMALL) for _ in range(4)]
    assert chosen == ["python", "python", "numba", "numba"]


def test_without_the_extra_the_specification_runs_and_forcing_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(engines, "PAYS_FROM", 1)
    monkeypatch.setattr(engines, "find_spec", {}.get)
    assert engines.chosen(RunSettings(), SMALL) == "python"
    with pytest.raises(
        SettingsError, match=r"^--engine numba: numba is not installed: pip install 'elastic\[compiled\]'$"
    ):
        engines.chosen(RunSettings(engine="numba"), SMALL)


def test_what_64_bits_cannot_count_is_left_to_the_specification() -> None:
    wide = made([0, 0], [1, 1], [1 << 29, 1 << 29], source="test")
    long = made([0, 0], [300 * 365 * 86_400 * MICROSECONDS] * 2, source="test")
    assert why_not(SMALL, 4, "fullest") == ""
    assert why_not(wide, None, "fullest") == "jobs ask for more than 1073741824 cores in all; use --engine python"
    assert why_not(long, 1, "fullest") == "the run could go on for more than 500 years; use --engine python"
    assert why_not(SMALL, None, "alphabetical") == "the order 'alphabetical' is not compiled; use --engine python"


@pytest.mark.parametrize("words", [("--static", "3"), ("--slots", "2", "--set", "headroom=2")])
def test_the_printed_figures_are_the_same(trace: Path, words: tuple[str, ...], tmp_path: Path) -> None:
    plain = told(trace, "--engine", "python", *words, cache=tmp_path)
    compiled = told(trace, "--engine", "numba", *words, cache=tmp_path)
    assert json.dumps(figures(compiled)) == json.dumps(figures(plain))
    assert (engine_of(plain), engine_of(compiled)) == ("python", "numba")


def test_a_second_process_does_not_compile_and_a_damaged_cache_is_made_anew(trace: Path, tmp_path: Path) -> None:
    words = ("--engine", "numba", "--static", "3")
    first = told(trace, *words, cache=tmp_path)
    made_once = {path: path.stat().st_mtime_ns for path in (tmp_path / "elastic" / "compiled").rglob("*.nb?")}
    assert made_once
    assert figures(told(trace, *words, cache=tmp_path)) == figures(first)
    assert {path: path.stat().st_mtime_ns for path in made_once} == made_once
    for path in made_once:
        path.write_bytes(path.read_bytes()[:40])
    assert figures(told(trace, *words, cache=tmp_path)) == figures(first)
    assert all(path.stat().st_size > 40 for path in made_once if path.suffix == ".nbi")


def test_a_cache_that_cannot_be_written_fails_no_run(trace: Path, tmp_path: Path) -> None:
    no_folder = tmp_path / "file"
    no_folder.write_text("")
    assert engine_of(told(trace, "--engine", "numba", "--static", "3", cache=no_folder)) == "numba"


def test_a_numba_that_cannot_be_imported_is_told_and_not_needed(trace: Path, tmp_path: Path) -> None:
    broken = tmp_path / "broken" / "numba"
    broken.mkdir(parents=True)
    (broken / "__init__.py").write_text("raise ImportError('no LLVM')")
    assert engine_of(told(trace, "--static", "3", cache=tmp_path, path=str(broken.parent))) == "python"
    command = [ELASTIC, "sim", "run", "--trace", str(trace), "-o", "json", "--static", "3", "--engine", "numba"]
    environment = {**os.environ, "PYTHONPATH": str(broken.parent)}
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    assert (done.returncode, done.stderr) == (
        2,
        "elastic: --engine numba: numba cannot be imported (no LLVM): pip install --upgrade 'elastic[compiled]'\n",
    )


def test_a_small_run_imports_neither_numpy_nor_what_takes_long_to_load(trace: Path, tmp_path: Path) -> None:
    code = "import sys; from elastic.cli import main; main(); print(*sorted(sys.modules), file=sys.stderr)"
    command = [sys.executable, "-c", code, "sim", "run", "--trace", str(trace), "--static", "3", "-o", "json"]
    environment = {**os.environ, "XDG_CACHE_HOME": str(tmp_path)}
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)
    heavy = {"numba", "numpy", "pyarrow", "pydantic", "rich", "typer", "elastic.core.planner"}
    assert not heavy & set(done.stderr.split())
