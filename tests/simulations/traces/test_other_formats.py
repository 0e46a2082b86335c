import json
from pathlib import Path

import pytest

from elastic_simulations.traces.errors import TraceError
from elastic_simulations.traces.reading import read
from elastic_simulations.traces.trace import Note
from tests.simulations.traces.files import seconds, swf, written

DAY = 1_700_000_000


def ad(proc: int = 0, **changes: object) -> dict[str, object]:
    return {
        "ClusterId": 7,
        "ProcId": proc,
        "JobUniverse": 5,
        "Owner": "anna",
        "AccountingGroup": "physics",
        "QDate": DAY + proc,
        "JobStartDate": DAY + 10,
        "JobCurrentStartDate": DAY + 50,
        "CompletionDate": DAY + 80,
        "RemoteWallClockTime": 70.0,
        "NumJobStarts": 2,
        "RequestCpus": 2,
        "RequestMemory": 512,
        "RequestDisk": 2049,
        "RequestGPUs": 1,
        "RemoteUserCpu": 12.5,
        "RemoteSysCpu": 1.0,
        **changes,
    }


def test_a_history_as_an_array_as_lines_and_spread_over_lines_is_the_same_trace(tmp_path: Path) -> None:
    ads = [ad(0), ad(1)]
    texts = (
        json.dumps(ads),
        "\n".join(json.dumps(one) for one in ads),
        "[\n" + "\n,\n".join(json.dumps(one, indent=2) for one in ads) + "\n]\n",
    )
    traces = [read(written(tmp_path, text, f"{n}.json")) for n, text in enumerate(texts)]
    for trace in traces:
        assert (seconds(trace.submit_us), seconds(trace.run_us), list(trace.cores)) == ([0, 1], [30, 30], [2, 2])
        assert {name: list(column) for name, column in trace.optional.items()} == {
            "job": [7, 7],
            "user": [0, 0],
            "group": [0, 0],
            "cpu_us": [13_500_000, 13_500_000],
            "memory_mb": [512, 512],
            "disk_mb": [3, 3],
            "gpus": [1, 1],
        }
        assert (trace.users, trace.groups) == (("anna",), ("physics",))
    assert [list(trace.line) for trace in traces] == [[1, 1], [1, 2], [2, 22]]


def test_of_several_runs_of_a_job_the_last_counts(tmp_path: Path) -> None:
    first = ad(JobCurrentStartDate=DAY + 1, CompletionDate=0, EpochWriteDate=DAY + 6)
    last = ad(JobCurrentStartDate=DAY + 10, CompletionDate=0, EpochWriteDate=DAY + 50)
    trace = read(written(tmp_path, f"{json.dumps(first)}\n{json.dumps(last)}\n", "epochs.jsonl"))
    assert seconds(trace.run_us) == [40]
    assert trace.dropped == (Note(what="an earlier run of a job that ran again", rows=1, first_line=1),)


def test_what_is_no_job_that_ran_is_dropped_by_reason(tmp_path: Path) -> None:
    never = ad(1, JobCurrentStartDate=None, JobStartDate=None, CompletionDate=0, RemoteWallClockTime=0)
    ads = [ad(0), never, ad(2, JobUniverse=7), ad(3, QDate=None), ad(4, CompletionDate=0)]
    trace = read(written(tmp_path, "\n".join(map(json.dumps, ads)), "h.jsonl"))
    assert seconds(trace.run_us) == [30, 70]
    assert {note.what: note.first_line for note in trace.dropped} == {
        "never ran": 2,
        "not of the vanilla universe": 3,
        "no QDate": 4,
    }
    assert "no start or no end known, RemoteWallClockTime taken as run time" in {note.what for note in trace.repaired}


def test_an_expression_counts_as_unknown(tmp_path: Path) -> None:
    trace = read(written(tmp_path, json.dumps(ad(RequestMemory="/Expr(MY.ImageSize * 2)/")), "h.json"))
    assert "memory_mb" not in trace.optional
    assert "RequestMemory is an expression, taken as unknown" in {note.what for note in trace.repaired}


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("[]", ": no job in it: the file has no row"),
        ('{"QDate": 1,', r":1: no whole ClassAd: '\{\"QDate\": 1,'; the file is cut off, or no JSON"),
        ('\n\n{"QDate": 1}\nnonsense', r":4: no whole ClassAd: 'nonsense'"),
        ("[1, 2]", r":1: a ClassAd belongs here, not '1, 2\]'"),
        ("[" * 100_000, r": no job in it"),
        ('{"a":' * 100_000, r":1: no whole ClassAd"),
        (json.dumps(ad(QDate=1e300)), r":1: QDate is out of range"),
        (json.dumps(ad(QDate=float("nan"))), r":1: QDate is out of range: 'nan'"),
        (b'{}\n{"Owner": "\xff"}', r":2: not UTF-8"),
        (b"{}\n\x00", r":2: NUL bytes"),
    ],
)
def test_what_is_no_history_is_told_with_its_line(tmp_path: Path, text: str | bytes, problem: str) -> None:
    with pytest.raises(TraceError, match=rf"^{tmp_path}/h\.json{problem}"):
        read(written(tmp_path, text, "h.json"))


def test_a_table_is_read_by_the_names_of_its_columns(tmp_path: Path) -> None:
    text = "user,run,submit,cores,colour,memory_mb\nanna,30,0,2,red,512\nbert,1.5,4,,blue,\n"
    trace = read(written(tmp_path, text, "t.csv"))
    assert (seconds(trace.submit_us), seconds(trace.run_us), list(trace.cores)) == ([0, 4], [30, 1.5], [2, 1])
    assert (trace.users, list(trace.optional["memory_mb"])) == (("anna", "bert"), [512, -1])


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", ": no job in it: the file has no row"),
        ("submit,cores\n1,2\n", r":1: no column for run; it may be called run, run_s"),
        ("submit,run,runtime\n1,2,3\n", r":1: two columns for run: 'run' and 'runtime'"),
        ("submit,run\n1,2\n3\n", r":3: 1 fields where the first line names 2: cut off\?"),
        ("submit,run\n1,x\n", r":2: run is no number: 'x'"),
        ("submit,run\n-5,1\n", r":2: submit time is negative"),
        ('submit,run\n1,"2', r":2: no CSV: unexpected end of data"),
        (b"submit,run\n1,\xff\n", r":2: not UTF-8"),
        ("submit,run\n1," + "9" * 200_000 + "\n", r":2: no CSV: field larger than field limit"),
    ],
)
def test_what_is_no_table_is_told_with_its_line(tmp_path: Path, text: str | bytes, problem: str) -> None:
    with pytest.raises(TraceError, match=rf"^{tmp_path}/t\.csv{problem}"):
        read(written(tmp_path, text, "t.csv"))


def test_parquet_is_read_like_a_table(tmp_path: Path) -> None:
    pyarrow = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    columns = {"submit": [0, 4, 5], "run": [30.0, None, 1.5], "user": ["anna", "bert", "anna"]}
    parquet.write_table(pyarrow.table(columns), tmp_path / "t.parquet")
    trace = read(tmp_path / "t.parquet")
    assert (seconds(trace.submit_us), seconds(trace.run_us), trace.users) == ([0, 5], [30, 1.5], ("anna",))
    assert trace.dropped == (Note(what="run time unknown", rows=1, first_line=2),)


def test_what_is_no_parquet_is_told(tmp_path: Path) -> None:
    pytest.importorskip("pyarrow")
    for content in (b"", b"PAR1", b"PAR1 and nothing that belongs there PAR1"):
        with pytest.raises(TraceError, match=rf"^{tmp_path}/t\.parquet: no Parquet that can be read"):
            read(written(tmp_path, content, "t.parquet"))


@pytest.mark.parametrize(
    ("text", "fmt"),
    [
        (swf((0, 5, 1)), "swf"),
        ("; header\n" + swf((0, 5, 1)), "swf"),
        (json.dumps([ad()]), "condor"),
        ("submit,run\n0,5\n", "csv"),
    ],
)
def test_the_format_is_told_by_the_first_bytes_where_the_name_does_not_say(tmp_path: Path, text: str, fmt: str) -> None:
    assert read(written(tmp_path, text, "trace")).format == fmt


def test_what_looks_like_nothing_known_is_told(tmp_path: Path) -> None:
    with pytest.raises(TraceError, match="not a known format; name one of swf, gwf, condor, csv, parquet"):
        read(written(tmp_path, "hello world\n", "trace"))
