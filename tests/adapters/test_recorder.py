"""The recorder: every record can be read back, old files go, and no fault of a disk reaches the tick."""

import gzip
import json
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from elastic.adapters.recorder import FileRecorder, Keep, read_lines
from elastic.core.model import Snapshot
from elastic.core.record import Plan, TickRecord, to_json

DAY = 86400.0
NOON = 20_000 * DAY + DAY / 2
WHOLE = Keep(file_mb=1e6, total_mb=1e6, days=1e6)

RECORDS = """
import resource
import sys
from pathlib import Path
from elastic.adapters.recorder import FileRecorder
from elastic.core.model import Snapshot
from elastic.core.record import Plan, TickRecord

recorder = FileRecorder(Path(sys.argv[1]))
def record(tick):
    now = 1000.0 + tick
    snapshot = Snapshot(now=now, tick=tick, groups={})
    recorder.record(TickRecord(tick=tick, now=now, snapshot=snapshot, proposal={}, targets={}, plan=Plan()))
"""

RECORDS_FOREVER = f"""{RECORDS}
for tick in range(1, 1_000_000):
    record(tick)
    print(tick, flush=True)
"""

# A limit on the size of files is the smallest full disk.
FILLS_THE_DISK = f"""{RECORDS}
record(1)
recorder.close()
_, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
resource.setrlimit(resource.RLIMIT_FSIZE, (5, hard))
for tick in range(2, 6):
    record(tick)
resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
record(6)
recorder.close()
"""


def record(tick: int, now: float | None = None, padding: str = "") -> TickRecord:
    moment = NOON + tick if now is None else now
    return TickRecord(
        tick=tick,
        now=moment,
        snapshot=Snapshot(now=moment, tick=tick, groups={}),
        proposal={},
        targets={},
        plan=Plan(wake_reason=padding),
    )


def files(folder: Path) -> list[str]:
    return sorted(file.name for file in folder.iterdir())


def ticks(folder: Path) -> list[int]:
    return [int(json.loads(line)["tick"]) for line in read_lines(folder)]


def test_each_record_is_one_line_as_the_core_writes_it(tmp_path: Path) -> None:
    recorder = FileRecorder(tmp_path / "records")
    for tick in (1, 2):
        recorder.record(record(tick))
        # Readable at once, the file still open.
        assert ticks(tmp_path / "records")[-1] == tick
    recorder.close()
    assert list(read_lines(tmp_path / "records")) == [to_json(record(1)), to_json(record(2))]


def test_a_file_that_is_closed_is_plain_gzip_named_after_its_first_record(tmp_path: Path) -> None:
    recorder = FileRecorder(tmp_path)
    recorder.record(record(42))
    recorder.record(record(43))
    recorder.close()
    (name,) = files(tmp_path)
    assert name == "ticks-20241004T120042Z-000000042.jsonl.gz"
    assert gzip.decompress((tmp_path / name).read_bytes()).decode().splitlines() == [
        to_json(record(42)),
        to_json(record(43)),
    ]


def test_a_file_of_enough_is_closed_and_another_begun(tmp_path: Path) -> None:
    recorder = FileRecorder(tmp_path, replace(WHOLE, file_mb=0.0001))
    for tick in range(1, 5):
        recorder.record(record(tick))
    recorder.close()
    assert len(files(tmp_path)) > 1
    assert ticks(tmp_path) == [1, 2, 3, 4]


def test_a_day_has_its_own_files(tmp_path: Path) -> None:
    recorder = FileRecorder(tmp_path)
    for tick in range(1, 5):
        recorder.record(record(tick, now=NOON + tick * DAY / 2))
    recorder.close()
    assert files(tmp_path) == [
        "ticks-20241005T000000Z-000000001.jsonl.gz",
        "ticks-20241006T000000Z-000000003.jsonl.gz",
    ]


def test_a_restart_begins_a_new_file_even_at_the_same_tick(tmp_path: Path) -> None:
    for _ in range(3):
        recorder = FileRecorder(tmp_path)
        recorder.record(record(7))
        recorder.close()
    assert len(files(tmp_path)) == 3
    assert ticks(tmp_path) == [7, 7, 7]


def test_files_whose_last_record_is_too_old_are_deleted(tmp_path: Path) -> None:
    recorder = FileRecorder(tmp_path, replace(WHOLE, days=2))
    for tick in range(1, 8):
        recorder.record(record(tick, now=NOON + tick * DAY))
    recorder.close()
    assert ticks(tmp_path) == [4, 5, 6, 7]


def test_the_oldest_files_go_when_all_together_are_too_large(tmp_path: Path) -> None:
    recorder = FileRecorder(tmp_path, Keep(file_mb=0.0001, total_mb=0.001, days=1e6))
    for tick in range(1, 40):
        recorder.record(record(tick))
    recorder.close()
    kept = ticks(tmp_path)
    assert kept == list(range(kept[0], 40))
    assert 1 < len(kept) < 39
    assert sum(file.stat().st_size for file in tmp_path.iterdir()) < 2000


def test_the_newest_file_stays_however_little_may_be_kept(tmp_path: Path) -> None:
    recorder = FileRecorder(tmp_path, Keep(file_mb=1, total_mb=1e-9, days=1e-9))
    recorder.record(record(1))
    recorder.record(record(2))
    recorder.close()
    assert ticks(tmp_path) == [1, 2]


def test_other_files_in_the_folder_are_left_alone(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine", encoding="utf-8")
    recorder = FileRecorder(tmp_path, Keep(file_mb=1e-9, total_mb=1e-9, days=1e-9))
    for tick in range(5):
        recorder.record(record(tick))
    recorder.close()
    assert "notes.txt" in files(tmp_path)


def test_a_disk_that_fails_costs_records_is_said_once_and_never_raises(tmp_path: Path) -> None:
    folder = tmp_path / "records"
    folder.write_text("a file where the folder should be", encoding="utf-8")
    recorder = FileRecorder(folder)
    with capture_logs() as said:
        recorder.record(record(1))
        recorder.record(record(2))
        folder.unlink()
        recorder.record(record(3))
        recorder.record(record(4))
    recorder.close()
    assert [line["event"] for line in said] == ["cannot record ticks", "recording again"]
    assert ticks(folder) == [3, 4]


def test_a_full_disk_leaves_no_trail_of_empty_files(tmp_path: Path) -> None:
    subprocess.run([sys.executable, "-c", FILLS_THE_DISK, str(tmp_path)], check=True, timeout=30)
    assert files(tmp_path) == [
        "ticks-19700101T001641Z-000000001.jsonl.gz",
        "ticks-19700101T001646Z-000000006.jsonl.gz",
    ]
    assert ticks(tmp_path) == [1, 6]


def test_a_record_that_cannot_be_written_does_not_raise(tmp_path: Path) -> None:
    recorder = FileRecorder(tmp_path)
    with capture_logs() as said:
        recorder.record(record(1, now=float("nan")))
        recorder.record(record(2))
    recorder.close()
    assert [line["event"] for line in said] == ["cannot record ticks", "recording again"]
    assert ticks(tmp_path) == [2]


def test_a_kill_loses_no_record(tmp_path: Path) -> None:
    command = [sys.executable, "-c", RECORDS_FOREVER, str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        first = [child.stdout.readline() for _ in range(50)]
        child.send_signal(signal.SIGKILL)
        said = "".join((*first, child.stdout.read())).rpartition("\n")[0].splitlines()
    last = int(said[-1])
    assert ticks(tmp_path) in (list(range(1, last + 1)), list(range(1, last + 2)))


def test_a_damaged_file_does_not_hide_the_others(tmp_path: Path) -> None:
    for tick in (1, 2, 3):
        recorder = FileRecorder(tmp_path)
        recorder.record(record(tick))
        recorder.close()
    middle = tmp_path / files(tmp_path)[1]
    middle.write_bytes(b"not gzip")
    assert ticks(tmp_path) == [1, 3]


@pytest.mark.parametrize("length", [10, 100, 200])
def test_a_file_that_was_cut_off_gives_what_is_whole(tmp_path: Path, length: int) -> None:
    recorder = FileRecorder(tmp_path)
    for tick in (1, 2, 3):
        recorder.record(record(tick))
    recorder.close()
    (file,) = tmp_path.iterdir()
    file.write_bytes(file.read_bytes()[:-length])
    kept = ticks(tmp_path)
    assert kept == list(range(1, len(kept) + 1))
