"""Get a control plane's software onto this machine: Debian packages, and pinned releases in environments."""

from __future__ import annotations

import fcntl
import hashlib
import importlib.util
import os
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from elastic.local.errors import LocalError
from elastic.local.runtime import runtime_home

DEPLOY = Path(__file__).resolve().parents[2] / "deploy" / "lab"
LOCKS = ("openstack.lock", "senlin.lock")
PACKAGES = {"mariadb-server": "/usr/sbin/mariadbd", "rabbitmq-server": "/usr/lib/rabbitmq/bin/rabbitmq-server"}
COMPILER = {"gcc": "/usr/bin/gcc", "libc6-dev": "/usr/include/stdlib.h"}
# Asked by Debian's packages before they start what they bring; 101 = no.
POLICY = Path("/usr/sbin/policy-rc.d")
UNITS = ("mariadb.service", "rabbitmq-server.service", "epmd.service", "epmd.socket")
COMMAND_SECONDS = 1800.0

Report = Callable[[str], None]
"""Called with what is done next, in a few words."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Software:
    """Two virtual environments: Senlin needs older libraries than the others."""

    openstack: Path
    senlin: Path


def software_home() -> Path:
    """Return where control planes are unpacked, for all labs of this clone: beside the daemons of HTCondor."""
    return runtime_home().parent / "openstack"


def prepare(report: Report, home: Path | None = None) -> Software:
    """Return the software, installed first where it is missing; safe to repeat and to kill at any moment."""
    if not (DEPLOY / LOCKS[0]).is_file():
        raise LocalError(f"no {DEPLOY}: the one-machine cloud needs a clone of the project, not the package alone")
    home = (home or software_home()).resolve()
    home.mkdir(parents=True, exist_ok=True)
    with _only_one(home / ".lock"):
        install_packages(report)
        with ThreadPoolExecutor() as pool:
            openstack, senlin = pool.map(lambda lock: _environment(home, DEPLOY / lock, report), LOCKS)
    return Software(openstack=openstack, senlin=senlin)


def known(home: Path | None = None) -> Software:
    """Return where the software is, installed or not; nothing is done."""
    home = (home or software_home()).resolve()
    openstack, senlin = (_folder(home, DEPLOY / lock) for lock in LOCKS)
    return Software(openstack=openstack, senlin=senlin)


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
    _run([*apt, "update"], environment)
    with _nothing_started():
        _run([*apt, "install", "--yes", "--no-install-recommends", *missing], environment)
    if shutil.which("systemctl"):
        subprocess.run(["systemctl", "disable", *UNITS], capture_output=True, check=False)


def _compiler() -> Mapping[str, str]:
    """Return what uwsgi is compiled with: the headers of the interpreter that runs us, where Debian has them."""
    header = Path(sysconfig.get_paths()["include"]) / "Python.h"
    return {**COMPILER, f"python{sys.version_info[0]}.{sys.version_info[1]}-dev": str(header)}


@contextmanager
def _nothing_started() -> Iterator[None]:
    """Forbid packages to start daemons; a rule that the machine has already stays as it is."""
    if POLICY.exists():
        yield
        return
    POLICY.write_text("#!/bin/sh\nexit 101\n", encoding="ascii")
    POLICY.chmod(0o755)
    try:
        yield
    finally:
        POLICY.unlink(missing_ok=True)


def _environment(home: Path, lock: Path, report: Report) -> Path:
    """Return the virtual environment of one lock file; it is named by the file's content and appears when whole."""
    folder = _folder(home, lock)
    whole = folder / ".whole"
    if not whole.exists():
        report(f"installing {lock.stem} (minutes)")
        shutil.rmtree(folder, ignore_errors=True)
        _run([sys.executable, "-m", "venv", str(folder)], os.environ)
        _install(folder / "bin" / "python", lock)
        whole.touch()
    return folder


def _install(python: Path, lock: Path) -> None:
    """Install exactly what the lock names, checked by its hashes; with uv where we have it, ten times as fast."""
    options = ("--quiet", "--no-deps", "--require-hashes", "--requirement", str(lock))
    if importlib.util.find_spec("uv"):
        uv = (sys.executable, "-m", "uv", "pip", "install", "--python", str(python), "--compile-bytecode")
        try:
            return _run([*uv, *options], os.environ)
        except LocalError:
            # It knows nothing of pip's settings: on a machine with an index of its own, only pip finds that.
            pass
    return _run([str(python), "-m", "pip", "install", "--disable-pip-version-check", *options], os.environ)


def _folder(home: Path, lock: Path) -> Path:
    digest = hashlib.sha256(lock.read_bytes() + sys.version.encode()).hexdigest()[:10]
    return home / f"{lock.stem}-{digest}"


def _run(command: Sequence[str], environment: Mapping[str, str]) -> None:
    try:
        done = subprocess.run(
            command, env=environment, capture_output=True, text=True, timeout=COMMAND_SECONDS, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise LocalError(f"{command[0]} did not run: {error}") from error
    if done.returncode:
        said = (done.stdout + done.stderr).strip()[-2000:]
        raise LocalError(f"{' '.join(command[:6])} failed ({done.returncode}): {said}")


@contextmanager
def _only_one(lock: Path) -> Iterator[None]:
    with lock.open("a", encoding="utf-8") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
