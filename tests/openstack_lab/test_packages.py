"""Debian packages come without starting what they bring, and leave the machine's own rules as they were."""

from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from elastic.lab import packages


@pytest.fixture
def policy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where this machine would keep its rule."""
    monkeypatch.setattr(packages, "POLICY", tmp_path / "policy-rc.d")
    return packages.POLICY


def quiet() -> AbstractContextManager[None]:
    return packages._nothing_started()  # noqa: SLF001  what is tested writes outside the lab


def test_nothing_may_start_meanwhile_and_the_rule_is_taken_back(policy: Path) -> None:
    with quiet():
        assert policy.read_text(encoding="ascii").endswith("exit 101\n")
        assert policy.stat().st_mode & 0o111
    assert not policy.exists()


def test_the_machines_own_rule_stays(policy: Path) -> None:
    policy.write_text("#!/bin/sh\nexit 0\n", encoding="ascii")
    with quiet():
        pass
    assert policy.read_text(encoding="ascii") == "#!/bin/sh\nexit 0\n"


def test_a_rule_that_a_kill_left_behind_is_taken_back(policy: Path) -> None:
    policy.write_text(packages.REFUSAL, encoding="ascii")
    with quiet():
        pass
    assert not policy.exists()
