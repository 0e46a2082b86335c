"""The newest releases: two virtual environments, of exactly what the lock files of deploy/lab name."""

from __future__ import annotations

import fcntl
import hashlib
import importlib.util
import os
import shutil
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

from elastic.lab.packages import DEPLOY, Report, run
from elastic.lab.release import Software
from elastic.local.errors import LocalError

OPENSTACK, SENLIN = LOCKS = ("openstack.lock", "senlin.lock")
# The application of each API; Senlin serves by itself.
MODULES = {
    "keystone": "keystone.wsgi.api",
    "placement": "placement.wsgi.api",
    "glance": "glance.wsgi.api",
    "nova": "nova.wsgi.osapi_compute",
    "heat": "heat.wsgi.api",
    "heat-cfn": "heat.wsgi.cfn",
    "gnocchi": "gnocchi.rest.wsgi",
    "aodh": "aodh.wsgi.api",
}


def prepare(home: Path, report: Report) -> Software:
    """Return the releases, installed first where they are missing; safe to repeat and to kill at any moment."""
    with only_one(home / ".lock"), ThreadPoolExecutor() as pool:
        list(pool.map(lambda lock: _environment(home, DEPLOY / lock, report), LOCKS))
    return known(home)


def known(home: Path) -> Software:
    """Return where the releases are, installed or not."""
    openstack, senlin = (_folder(home, DEPLOY / lock) for lock in LOCKS)
    etc = openstack / "etc"
    return Software(
        name=f"{openstack.name}-{senlin.name}",
        home=home,
        scripts=openstack / "bin",
        senlin_scripts=senlin / "bin",
        python=openstack / "bin" / "python",
        uwsgi=(str(openstack / "bin" / "uwsgi"), "--virtualenv", str(openstack)),
        applications={name: ("--module", f"{module}:application") for name, module in MODULES.items()},
        pipelines={
            "nova": etc / "nova" / "api-paste.ini",
            "glance": etc / "glance" / "glance-api-paste.ini",
            "heat": etc / "heat" / "api-paste.ini",
            "senlin": senlin / "etc" / "senlin" / "api-paste.ini",
        },
        heat=etc / "heat",
    )


@contextmanager
def only_one(lock: Path) -> Iterator[None]:
    """Let one process at a time install."""
    lock.parent.mkdir(parents=True, exist_ok=True)
    with lock.open("a", encoding="utf-8") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def _environment(home: Path, lock: Path, report: Report) -> None:
    """Make the virtual environment of one lock file, which is whole when it says so itself."""
    folder = _folder(home, lock)
    whole = folder / ".whole"
    if not whole.exists():
        report(f"installing {lock.stem}")
        shutil.rmtree(folder, ignore_errors=True)
        run([sys.executable, "-m", "venv", str(folder)], os.environ)
        _install(folder / "bin" / "python", lock)
        whole.touch()


def _install(python: Path, lock: Path) -> None:
    """Install exactly what the lock names, checked by its hashes; with uv where we have it, ten times as fast."""
    options = ("--quiet", "--no-deps", "--require-hashes", "--requirement", str(lock))
    if importlib.util.find_spec("uv"):
        uv = (sys.executable, "-m", "uv", "pip", "install", "--python", str(python), "--compile-bytecode")
        try:
            return run([*uv, *options], os.environ)
        except LocalError:
            # It knows nothing of pip's settings: on a machine with an index of its own, only pip finds that.
            pass
    return run([str(python), "-m", "pip", "install", "--disable-pip-version-check", *options], os.environ)


def _folder(home: Path, lock: Path) -> Path:
    """Return where a lock's environment is: named by its content, and by who runs it."""
    digest = hashlib.sha256(lock.read_bytes() + sys.version.encode()).hexdigest()[:10]
    return home / f"{lock.stem}-{digest}"
