from pathlib import Path

import pytest

from elastic_simulations.traces.errors import TraceError
from elastic_simulations.traces.reading import read
from elastic_simulations.traces.trace import Note
from tests.simulations.traces.files import packed, seconds, swf, written

WHOLE = "7 10 2 30 4 25 2048 8 60 1024 1 3 5 1 1 1 -1 -1\n"


def test_every_field_ends_in_its_column(tmp_path: Path) -> None:
    trace = read(written(tmp_path, f"; Acknowledge: Somebody\n{WHOLE}"))
    assert (trace.header, trace.users, trace.groups, trace.format) == (
        ("Acknowledge: Somebody",),
        ("3",),
        ("5",),
        "swf",
    )
    assert (seconds(trace.submit_us), seconds(trace.run_us), list(trace.cores), list(trace.line)) == (
        [10],
        [30],
        [4],
        [2],
    )
    known = {name: list(column) for name, column in trace.optional.items()}
    assert known == {"user": [0], "group": [0], "estimate_us": [60_000_000], "cpu_us": [25_000_000], "memory_mb": [4]}


def test_rows_without_a_run_are_dropped_and_counted_with_their_first_line(tmp_path: Path) -> None:
    trace = read(written(tmp_path, swf((0, 5, 1), (1, 0, 1), (2, -1, 1), (3, 0, 1), (4, 2, 1))))
    assert len(trace) == 2
    assert trace.dropped == (
        Note(what="run time not positive", rows=2, first_line=2),
        Note(what="run time unknown", rows=1, first_line=3),
    )
    assert len(trace) + trace.rows_dropped == 5


def test_an_unsorted_file_is_sorted_equals_in_the_order_of_the_file(tmp_path: Path) -> None:
    trace = read(written(tmp_path, swf((9, 1, 1), (4, 2, 1), (9, 3, 1), (4, 4, 1))))
    assert seconds(trace.run_us) == [2, 4, 1, 3]
    assert list(trace.line) == [2, 4, 1, 3]
    assert trace.repaired == (Note(what="out of order, sorted by submit time", rows=4, first_line=2),)


def test_unknown_cores_are_the_requested_ones_or_one(tmp_path: Path) -> None:
    text = "1 0 -1 5 -1 -1 -1 6 -1 -1 1 1 1 -1 -1 -1 -1 -1\n2 0 -1 5 -1 -1 -1 -1 -1 -1 1 1 1 -1 -1 -1 -1 -1\n"
    trace = read(written(tmp_path, text))
    assert list(trace.cores) == [6, 1]
    assert trace.repaired == (Note(what="cores unknown, taken as 1", rows=1, first_line=2),)


def test_fractions_exponents_blanks_extra_columns_and_gzip_are_read(tmp_path: Path) -> None:
    text = "; x\n\n   1  0.5 -1 1e2 1.0 -1 -1 1 -1 -1 1 1 1 -1 -1 -1 -1 -1 77 78\r\n"
    plain, gzipped = read(written(tmp_path, text)), read(packed(tmp_path, text))
    assert (seconds(plain.submit_us), seconds(plain.run_us)) == ([0.5], [100])
    assert (plain.submit_us, plain.run_us, plain.cores) == (gzipped.submit_us, gzipped.run_us, gzipped.cores)


def test_a_preceding_job_is_found_wherever_it_stands(tmp_path: Path) -> None:
    row = "{} {} -1 5 1 -1 -1 1 -1 -1 1 1 1 -1 -1 -1 {} {}\n"
    trace = read(written(tmp_path, row.format(10, 8, -1, -1) + row.format(11, 3, 10, 20) + row.format(12, 9, 99, -1)))
    assert list(trace.optional["after"]) == [1, -1, -1]
    assert list(trace.optional["think_us"]) == [20_000_000, -1, -1]
    assert Note(what="preceding job is not in the trace, ignored", rows=1, first_line=3) in trace.repaired


def test_the_grid_workload_format_has_names_and_disk(tmp_path: Path) -> None:
    fields = "1 100 0 50 2 -1 -1 2 -1 2048 1 U7 G2 X Q P S S UNITARY -1 -1 300 -1 -1 -1 -1 -1 V P"
    trace = read(written(tmp_path, f"# Grid Workload Format\n{fields}\n", "trace.gwf"))
    assert (trace.users, trace.groups, trace.format) == (("U7",), ("G2",), "gwf")
    assert (list(trace.optional["disk_mb"]), list(trace.optional["memory_mb"])) == ([300], [4])


def test_times_since_1970_begin_at_0(tmp_path: Path) -> None:
    trace = read(written(tmp_path, swf((1_700_000_000, 5, 1), (1_700_000_060, 5, 1))))
    assert seconds(trace.submit_us) == [0, 60]
    assert trace.repaired[0].what == "times count from 1970: all 1700000000 s earlier"


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", r"no job in it: the file has no row"),
        ("; only a header\n", r"no job in it: the file has no row"),
        (swf((0, 0, 1)), r"no job in it \(1 dropped: run time not positive, first in line 1\)"),
        ("1 0 -1 5", r":1: 4 fields where 18 belong: the file is cut off here"),
        (swf((0, 5, 1)) + "2 0 -1\n", r":2: 3 fields where 18 belong: the line is cut off"),
        (swf((0, 5, 1), (-7, 5, 1)), r":2: submit time is negative \(-7 s\)"),
        (swf((0, "nan", 1)), r":1: run time is no number: 'nan'"),
        (swf((0, "inf", 1)), r":1: run time is no number: 'inf'"),
        (swf((0, "1e400", 1)), r":1: run time is out of range: '1e400'"),
        (swf((0, "9" * 30, 1)), r":1: run time is out of range: '9{30}'"),
        (swf(("9" * 5000, 1, 1)), r":1: submit time is out of range: '9{40}\.\.\.'"),
        (swf((0, "5é", 1)), r":1: run time is no number: '5\\xc3\\xa9'"),
        (b"1 0 -1 \x00", r":1: NUL bytes: this is a binary file"),
        (b"\x80\x81\xff\xfe binary", r":1: 2 fields where 18 belong"),
        ("x" * (1 << 20), r":1: a line longer than 1048576 bytes"),
    ],
)
def test_what_cannot_be_meant_is_told_with_file_and_line(tmp_path: Path, text: str | bytes, problem: str) -> None:
    with pytest.raises(TraceError, match=rf"^{tmp_path}/trace\.swf{problem if problem[0] == ':' else ': ' + problem}"):
        read(written(tmp_path, text))


def test_a_header_that_is_not_utf_8_is_repaired_and_counted(tmp_path: Path) -> None:
    trace = read(written(tmp_path, b"; Universit\xe4t\n" + swf((0, 5, 1)).encode()))
    assert trace.header == ("Universität",)
    assert trace.repaired == (Note(what="header line is not UTF-8, read as Latin-1", rows=1, first_line=1),)


def test_gzip_that_is_cut_off_or_damaged_is_told_with_its_line(tmp_path: Path) -> None:
    text = swf(*((second, 5, 1) for second in range(5000)))
    whole = packed(tmp_path, text).read_bytes()
    with pytest.raises(TraceError, match=r"trace\.swf\.gz:\d+: the gzip file is truncated here; fetch it again$"):
        read(written(tmp_path, whole[: len(whole) // 2], "trace.swf.gz"))
    damaged = whole[:100] + bytes(200) + whole[300:]
    with pytest.raises(TraceError, match=r"trace\.swf\.gz:\d+: "):
        read(written(tmp_path, damaged, "trace.swf.gz"))


def test_a_folder_or_a_missing_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(TraceError, match="cannot be read: Is a directory"):
        read(tmp_path)
    with pytest.raises(TraceError, match="cannot be read: No such file"):
        read(tmp_path / "none.swf")


def test_a_packed_file_without_a_telling_name_that_is_cut_off_is_told(tmp_path: Path) -> None:
    whole = packed(tmp_path, swf((0, 5, 1)), "trace").read_bytes()
    path = written(tmp_path, whole[:-4], "trace")
    with pytest.raises(TraceError, match=r"trace:1: the gzip file is truncated here; fetch it again"):
        read(path)


def test_more_cores_than_any_machine_has_are_told(tmp_path: Path) -> None:
    path = written(tmp_path, f"1 0 -1 5 {10**22} -1 -1 1 -1 -1 1 1 1 -1 -1 -1 -1 -1\n")
    with pytest.raises(TraceError, match=r"trace.swf:1: cores are out of range: '10000000000000000000000'"):
        read(path)
