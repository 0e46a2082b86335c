from pathlib import Path

import pytest

from elastic_simulations.traces import cache
from elastic_simulations.traces.reading import read
from tests.simulations.traces.files import swf, written

TEXT = "; header\n" + swf((5, 2, 1), (0, 3, 2), (1, 0, 1))


def entry(folder: Path) -> Path:
    (only,) = (folder / "elastic" / "traces").iterdir()
    return only


def test_what_comes_from_the_cache_is_what_was_parsed(tmp_path: Path, cache_of_its_own: Path) -> None:
    path = written(tmp_path, TEXT)
    parsed, cached = read(path), read(path)
    assert cached == parsed
    assert entry(cache_of_its_own).name.startswith(parsed.sha256)


def test_the_second_reading_does_not_parse(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = written(tmp_path, TEXT)
    first = read(path)
    monkeypatch.setattr("elastic_simulations.traces.swf.read", None)
    assert read(path) == first


@pytest.mark.parametrize("damage", [b"", b"nonsense", b"elastic trace 1\n{}\n", b"elastic trace 1\n{"])
def test_a_damaged_entry_is_parsed_anew(tmp_path: Path, cache_of_its_own: Path, damage: bytes) -> None:
    path = written(tmp_path, TEXT)
    first = read(path)
    entry(cache_of_its_own).write_bytes(damage)
    assert read(path) == first


def test_a_flipped_bit_in_an_entry_is_noticed(tmp_path: Path, cache_of_its_own: Path) -> None:
    path = written(tmp_path, TEXT)
    first = read(path)
    raw = bytearray(entry(cache_of_its_own).read_bytes())
    raw[-1] ^= 1
    entry(cache_of_its_own).write_bytes(raw)
    assert read(path) == first


def test_a_changed_file_is_another_trace(tmp_path: Path) -> None:
    first = read(written(tmp_path, TEXT))
    second = read(written(tmp_path, TEXT + swf((9, 9, 1))))
    assert (len(first), len(second)) == (2, 3)
    assert first.sha256 != second.sha256


def test_a_cache_that_cannot_be_written_costs_nothing_but_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    assert cache.folder() == tmp_path / "file" / "elastic" / "traces"
    assert len(read(written(tmp_path, TEXT))) == 2
