"""Tables made once are copied into every later lab: making them takes half of a first start."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

from elastic.lab.configs import Site
from elastic.lab.release import Software
from elastic.local.errors import LocalError

# Where a lab keeps what making tables leaves behind: Gnocchi writes files too.
PARTS = ("mariadb/data", "gnocchi")


def template(software: Software, syncs: Sequence[str]) -> Path:
    """Return where the tables of this very software are kept, made by these very steps; there may be none yet."""
    version = subprocess.run(["/usr/sbin/mariadbd", "--version"], capture_output=True, text=True, check=True).stdout
    names = (software.name, version, *syncs)
    digest = hashlib.sha256("\n".join(names).encode()).hexdigest()[:10]
    return software.home / f"tables-{digest}"


def use(site: Site, source: Path) -> bool:
    """Copy the tables into a lab that has none; say whether there were any. The database must not run."""
    if not source.is_dir():
        return False
    for part in PARTS:
        shutil.rmtree(site.folder.state / part, ignore_errors=True)
        _copy(source / part, site.folder.state / part)
    return True


def keep(site: Site, target: Path) -> None:
    """Copy a lab's tables for later ones, all or nothing. The database must not run."""
    partial = target.with_name(f".{target.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    for part in PARTS:
        _copy(site.folder.state / part, partial / part)
    if not target.exists():
        partial.rename(target)


def _copy(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    done = subprocess.run(
        ["cp", "--archive", "--reflink=auto", "--sparse=always", str(source), str(target)],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise LocalError(f"cannot copy {source}: {done.stderr.strip()[-500:]}; is the disk full?")
