"""Debian packages that a lab needs on the machine itself: installed where they are missing, and never started."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from elastic.local.errors import LocalError

DEPLOY = Path(__file__).resolve().parents[2] / "deploy" / "lab"
PACKAGES = {"mariadb-server": "/usr/sbin/mariadbd", "rabbitmq-server": "/usr/lib/rabbitmq/bin/rabbitmq-server"}
COMPILER = {"gcc": "/usr/bin/gcc", "libc6-dev": "/usr/include/stdlib.h"}
# Asked by Debian's packages before they start what they bring; 101 = no.
POLICY = Path("/usr/sbin/policy-rc.d")
REFUSAL = "#!/bin/sh\n# elastic: packages start nothing while the lab's are installed\nexit 101\n"
UNITS = {
    "mariadb-server": ("mariadb.service",),
    "rabbitmq-server": ("rabbitmq-server.service", "epmd.service", "epmd.socket"),
}
COMMAND_SECONDS = 1800.0

Report = Callable[[str], None]
"""Called with what is done next, in a few words."""


def install_packages(report: Report) -> None:
    """Install the Debian packages that are missing; what they bring is not started, now or at the next boot."""
    missing = [name for name, file in {**PACKAGES, **_compiler()}.items() if not Path(file).exists()]
    if not missing:
        return
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        raise LocalError(f"needs root on Debian to install: {', '.join(missing)}")
    report(f"installing {', '.join(missing)}")
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    apt = ("apt-get", "-qq", "-o", "DPkg::Lock::Timeout=300", "-o", "Dpkg::Use-Pty=0")
    run([*apt, "update"], environment)
    with _nothing_started():
        run([*apt, "install", "--yes", "--no-install-recommends", *missing], environment)
    units = [unit for name in missing for unit in UNITS.get(name, ())]
    if units and shutil.which("systemctl"):
        subprocess.run(["systemctl", "disable", *units], capture_output=True, check=False)


def _compiler() -> Mapping[str, str]:
    """Return what uwsgi is compiled with: the headers of the interpreter that runs us, where Debian has them."""
    header = Path(sysconfig.get_paths()["include"]) / "Python.h"
    return {**COMPILER, f"python{sys.version_info[0]}.{sys.version_info[1]}-dev": str(header)}


@contextmanager
def _nothing_started() -> Iterator[None]:
    """Forbid packages to start daemons; a rule that the machine has already stays as it is."""
    # One of ours was left behind by a kill.
    if POLICY.exists() and POLICY.read_text(encoding="utf-8", errors="replace") != REFUSAL:
        yield
        return
    POLICY.write_text(REFUSAL, encoding="ascii")
    POLICY.chmod(0o755)
    try:
        yield
    finally:
        POLICY.unlink(missing_ok=True)


def run(command: Sequence[str], environment: Mapping[str, str]) -> None:
    """Run a command to its end; raise LocalError with what it said."""
    try:
        done = subprocess.run(
            command, env=environment, capture_output=True, text=True, timeout=COMMAND_SECONDS, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise LocalError(f"{command[0]} did not run: {error}") from error
    if done.returncode:
        said = (done.stdout + done.stderr).strip()[-2000:]
        raise LocalError(f"{' '.join(command[:6])} failed ({done.returncode}): {said}")
