"""The token for writes: made once, read by its owner alone, whole whoever is killed."""

from pathlib import Path

import pytest

from elastic.daemon.token import TokenError, read_or_make


def test_a_token_is_made_once_for_its_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / "state" / "api.token"
    first = read_or_make(path)
    assert (read_or_make(path), len(first) >= 32, path.stat().st_mode & 0o777) == (first, True, 0o600)
    assert [file.name for file in path.parent.iterdir()] == ["api.token"]


def test_what_a_killed_start_left_is_no_token(tmp_path: Path) -> None:
    (tmp_path / ".api.token.1").write_text("half a tok", encoding="ascii")
    assert len(read_or_make(tmp_path / "api.token")) >= 32


@pytest.mark.parametrize(
    ("text", "mode", "why"), [("short", 0o600, "delete it for a new one"), ("x" * 40, 0o644, "chmod")]
)
def test_a_token_that_is_none_or_is_open_to_others_says_what_to_do(
    tmp_path: Path, text: str, mode: int, why: str
) -> None:
    path = tmp_path / "api.token"
    path.write_text(text, encoding="ascii")
    path.chmod(mode)
    with pytest.raises(TokenError, match=why):
        read_or_make(path)
