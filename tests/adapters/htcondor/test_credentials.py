"""What `elastic check` says of the folder of tokens, and how to mend it."""

from pathlib import Path

import pytest

from elastic.adapters.htcondor.credentials import check
from elastic.local.tokens import POOL_KEY_ID, mint, new_signing_key
from elastic.ports import Finding

NOW = 1_000_000.0
KEY = new_signing_key()


def token(expires_at: float | None = None) -> str:
    return mint(KEY, key_id=POOL_KEY_ID, domain="d", subject="elastic@d", issued_at=NOW - 9e5, expires_at=expires_at)


def checked(folder: Path, **files: str) -> Finding:
    for name, text in files.items():
        (folder / name).write_text(text, encoding="utf-8")
    return check(folder, NOW)


def test_tokens_that_are_valid_are_counted(tmp_path: Path) -> None:
    found = checked(tmp_path, one=token(), two=f"# for the pool\n{token(NOW + 9e9)}\n")
    assert found == Finding(what="tokens", ok=True, seen=f"2 in {tmp_path}")


def test_the_next_to_expire_is_named_a_day_before(tmp_path: Path) -> None:
    found = checked(tmp_path, later=token(NOW + 80_000), sooner=token(NOW + 7200))
    assert found == Finding(what="tokens", ok=True, seen=f"2 in {tmp_path}; sooner expires in 2 h")


def test_what_has_expired_or_is_no_token_is_named_with_how_to_renew_it(tmp_path: Path) -> None:
    found = checked(tmp_path, good=token(), old=token(NOW - 7200), none="", other="not a token")
    assert (found.ok, found.seen) == (
        False, f"{tmp_path}: none holds no IDTOKEN; old expired 2 h ago; other holds no IDTOKEN"
    )  # fmt: skip
    assert "condor_token_create" in found.mend


def test_one_expired_line_of_a_file_is_enough(tmp_path: Path) -> None:
    assert checked(tmp_path, both=f"{token()}\n{token(NOW - 300)}").seen == f"{tmp_path}: both expired 5 min ago"


def test_many_wrong_ones_are_counted(tmp_path: Path) -> None:
    found = checked(tmp_path, **{f"t{number}": "" for number in range(7)})
    assert found.seen.endswith("t4 holds no IDTOKEN and 2 more")


@pytest.mark.parametrize("name", ["nothing", "file"])
def test_a_folder_that_is_not_there_is_told(tmp_path: Path, name: str) -> None:
    (tmp_path / "file").touch()
    found = check(tmp_path / name, NOW)
    assert found.ok is False
    assert str(tmp_path / name) in found.seen


def test_an_empty_folder_is_told(tmp_path: Path) -> None:
    (tmp_path / ".hidden").touch()
    assert check(tmp_path, NOW).seen == f"{tmp_path} holds no token"


def test_what_cannot_be_read_is_told(tmp_path: Path) -> None:
    (tmp_path / "locked").symlink_to(tmp_path / "locked")
    (tmp_path / "good").write_text(token(), encoding="utf-8")
    (tmp_path / "folder").mkdir()
    found = check(tmp_path, NOW)
    assert (found.ok, found.seen) == (
        False, f"{tmp_path}: locked cannot be read (Too many levels of symbolic links)"
    )  # fmt: skip
    assert "daemon's user" in found.mend
