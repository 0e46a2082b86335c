"""Whatever a file holds, it is a trace or a TraceError that names it; rows are never lost without being counted."""

import gzip
import json
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from elastic_simulations.traces.errors import TraceError
from elastic_simulations.traces.reading import read
from elastic_simulations.traces.trace import Trace

ANY_FOLDER = settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
SUFFIXES = ["swf", "gwf", "json", "csv", "parquet", ""]
NUMBERS = st.one_of(
    st.integers(-2, 10**6), st.floats(), st.integers(), st.sampled_from(["-1", "x", "", "1e9", "0x10", "1_0", "\uff11"])
)


def tried(path: Path) -> Trace | None:
    try:
        return read(path, cached=False)
    except TraceError as error:
        assert str(error).startswith(str(path))  # noqa: PT017 - either is right
        return None


@ANY_FOLDER
@given(st.binary(max_size=400), st.sampled_from(SUFFIXES), st.booleans())
def test_any_bytes(tmp_path: Path, content: bytes, suffix: str, packed: bool) -> None:  # noqa: FBT001 - drawn
    path = tmp_path / f"t.{suffix}"
    path.write_bytes(gzip.compress(content) if packed else content)
    tried(path)


@ANY_FOLDER
@given(st.lists(st.lists(NUMBERS, min_size=1, max_size=30), max_size=8), st.sampled_from(["swf", "gwf"]))
def test_any_rows_of_numbers(tmp_path: Path, rows: list[list[object]], suffix: str) -> None:
    path = tmp_path / f"t.{suffix}"
    path.write_text("".join(" ".join(map(str, row)) + "\n" for row in rows))
    tried(path)


@ANY_FOLDER
@given(st.lists(st.tuples(st.integers(0, 1000), st.integers(-5, 50), st.integers(-2, 4)), min_size=1, max_size=20))
def test_every_row_is_a_job_or_counted(tmp_path: Path, rows: list[tuple[int, int, int]]) -> None:
    path = tmp_path / "t.swf"
    path.write_text("".join(f"1 {s} -1 {r} {c} -1 -1 -1 -1 -1 1 1 1 -1 -1 -1 -1 -1\n" for s, r, c in rows))
    trace = tried(path)
    kept = [(s, r, max(1, c)) for s, r, c in rows if r > 0]
    assert (trace is None) == (not kept)
    if trace is not None:
        assert len(trace) + trace.rows_dropped == len(rows)
        got = zip(trace.submit_us, trace.run_us, trace.cores, strict=True)
        assert [(s // 10**6, r // 10**6, c) for s, r, c in got] == sorted(kept, key=lambda row: row[0])


ATTRIBUTES = st.sampled_from(["QDate", "JobCurrentStartDate", "CompletionDate", "RequestCpus", "Owner", "ClusterId"])
VALUES = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=5)),
    lambda inner: st.lists(inner, max_size=2),
    max_leaves=3,
)


@ANY_FOLDER
@given(st.lists(st.dictionaries(ATTRIBUTES, VALUES), max_size=4), st.integers(0, 60))
def test_any_classads_whole_or_cut_off(tmp_path: Path, ads: list[dict[str, object]], cut: int) -> None:
    text = json.dumps(ads)
    path = tmp_path / "t.json"
    path.write_text(text[: len(text) - cut] if cut < len(text) else text)
    tried(path)


@ANY_FOLDER
@given(st.lists(st.lists(st.one_of(NUMBERS, st.text(max_size=4)), min_size=3, max_size=3), max_size=5))
def test_any_table(tmp_path: Path, rows: list[list[object]]) -> None:
    path = tmp_path / "t.csv"
    lines = ["submit,run,user", *(",".join(map(str, row)) for row in rows)]
    path.write_text("\n".join(lines), encoding="utf-8", errors="surrogatepass")
    tried(path)


def test_a_fuzzed_file_that_is_right_is_read(tmp_path: Path) -> None:
    """The control: `tried` is able to give a trace."""
    path = tmp_path / "t.csv"
    path.write_text("submit,run\n0,5\n")
    trace = tried(path)
    assert trace is not None
    assert len(trace) == 1


pytestmark = pytest.mark.timeout(120)
