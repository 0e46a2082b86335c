"""Get the software of a release onto this machine, shared by all labs of a clone."""

from __future__ import annotations

from pathlib import Path

from elastic.lab import newest, zed
from elastic.lab.packages import DEPLOY, Report, install_packages
from elastic.lab.release import Release, Software
from elastic.local.errors import LocalError
from elastic.local.runtime import runtime_home

PREPARE = {Release.NEWEST: newest.prepare, Release.ZED: zed.prepare}
KNOWN = {Release.NEWEST: newest.known, Release.ZED: zed.known}


def software_home() -> Path:
    """Return where control planes are kept, for all labs of this clone: beside the daemons of HTCondor."""
    return runtime_home().parent / "openstack"


def prepare(release: Release, report: Report, home: Path | None = None) -> Software:
    """Return the software, installed first where it is missing; safe to repeat and to kill at any moment."""
    if not DEPLOY.is_dir():
        raise LocalError(f"no {DEPLOY}: the one-machine cloud needs a clone of the project, not the package alone")
    home = (home or software_home()).resolve()
    with newest.only_one(home / ".lock-packages"):
        install_packages(report)
    return PREPARE[release](home, report)


def known(release: Release, home: Path | None = None) -> Software:
    """Return where the software is, installed or not; nothing is done."""
    return KNOWN[release]((home or software_home()).resolve())
