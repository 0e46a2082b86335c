"""How the command line starts: what it says of itself, and that nothing heavy is imported for that."""

import subprocess
import sys

import pytest

from elastic import __version__
from tests.daemon_rig import here, run

HEAVY = (
    "alembic",
    "apscheduler",
    "classad2",
    "fastapi",
    "htcondor2",
    "httpx",
    "matplotlib",
    "numpy",
    "openstack",
    "prometheus_client",
    "pydantic",
    "sqlalchemy",
    "structlog",
    "uvicorn",
)
COMMANDS = (
    "run",
    "check",
    "demo",
    "settings",
    "version",
    "status",
    "workers",
    "events",
    "plan",
    "override set",
    "override list",
    "override clear",
    "drain",
    "protect",
    "unprotect",
    "go",
    "adopt",
    "breaker reset",
    "grid up",
    "grid down",
    "grid list",
)


def test_help_imports_nothing_heavy() -> None:
    code = "import sys; from elastic.cli.app import app; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert sorted(set(loaded) & set(HEAVY)) == []


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_a_help_of_its_own(command: str) -> None:
    ended = here(*command.split(), "--help")
    assert ended.returncode == 0
    assert len(ended.stdout.splitlines()) > 5


def test_the_version_is_that_of_the_package() -> None:
    assert run("version").stdout == f"elastic {__version__}\n"


def test_the_reference_of_the_settings_gives_reasons() -> None:
    assert "idle_seconds" in here("settings", "--reference").stdout
