"""Debian 12's own OpenStack (Zed, 2022), unpacked into a folder and run by Debian's Python; not installed."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from elastic.lab.newest import only_one
from elastic.lab.packages import Report
from elastic.lab.release import Software
from elastic.local.debian import download, host_mirror, os_release
from elastic.local.errors import LocalError

SUITE = "bookworm"
PYTHON = Path("/usr/bin/python3")
PACKAGES = (
    "keystone",
    "placement-api",
    "glance-api",
    "python3-nova",
    "nova-api",
    "nova-conductor",
    "nova-scheduler",
    "heat-api",
    "heat-api-cfn",
    "heat-engine",
    "senlin-api",
    "senlin-conductor",
    "senlin-engine",
    "senlin-health-manager",
    "gnocchi-api",
    "gnocchi-metricd",
    "aodh-api",
    "aodh-evaluator",
    "aodh-notifier",
    "python3-fixtures",
    "python3-pymysql",
    "uwsgi-core",
    "uwsgi-plugin-python3",
)
# What the interpreter itself is made of must be the machine's own.
LEFT_OUT = ("libc6", "libc-bin", "libc-dev-bin", "libpython3.11-stdlib", "libpython3.11-minimal", "python3.11-minimal")
APPLICATIONS = {
    "keystone": "keystone-wsgi-public",
    "placement": "placement-api",
    "glance": "glance-wsgi-api",
    "nova": "nova-api-wsgi",
    "heat": "heat-wsgi-api",
    "heat-cfn": "heat-wsgi-api-cfn",
    "aodh": "aodh-api",
}


def prepare(home: Path, report: Report) -> Software:
    """Return the release, fetched and unpacked first where it is missing; raise LocalError on another system."""
    folder = home / "zed"
    if os_release().get("VERSION_CODENAME") != SUITE:
        raise LocalError("the release zed runs on Debian 12 only: its libraries are made for that one's Python")
    with only_one(home / ".lock-zed"):
        if not folder.exists():
            _build(folder, report)
    return known(home)


def known(home: Path) -> Software:
    """Return where the release is, unpacked or not."""
    folder = home / "zed"
    scripts, share, libraries = folder / "usr" / "bin", folder / "usr" / "share", folder / "usr" / "lib"
    shared = libraries / f"{platform.machine()}-linux-gnu"
    applications: dict[str, Sequence[str]] = {
        name: ("--wsgi-file", str(scripts / script)) for name, script in APPLICATIONS.items()
    }
    uwsgi = (
        str(scripts / "uwsgi-core"),
        *("--plugins-dir", str(libraries / "uwsgi" / "plugins"), "--plugins", "python311"),
        # Known once the plugin is there; without it Python is looked for beside uwsgi.
        *("--pyhome", "/usr"),
    )
    return Software(
        name=f"zed-{SUITE}",
        home=home,
        scripts=scripts,
        senlin_scripts=scripts,
        python=PYTHON,
        uwsgi=uwsgi,
        applications={**applications, "gnocchi": ("--module", "gnocchi.rest.wsgi:application")},
        pipelines={
            "nova": share / "nova-common" / "api-paste.ini",
            "glance": share / "glance-common" / "glance-api-paste.ini",
            "heat": folder / "etc" / "heat" / "api-paste.ini",
            "senlin": share / "senlin-common" / "api-paste.ini",
        },
        heat=folder / "etc" / "heat",
        green=True,
        variables={
            "PYTHONPATH": str(libraries / "python3" / "dist-packages"),
            # The last two are links that Debian's packages make when they are installed.
            "LD_LIBRARY_PATH": ":".join(str(shared / name) for name in ("", "blas", "lapack")),
        },
    )


def _build(folder: Path, report: Report) -> None:
    """Download, unpack beside `folder`, and rename."""
    downloads, partial = folder.with_name(".zed.download"), folder.with_name(".zed.partial")
    report("fetching Zed")
    archives = download(PACKAGES, suite=SUITE, mirror=host_mirror(), folder=downloads)
    shutil.rmtree(partial, ignore_errors=True)
    (partial / "usr" / "lib").mkdir(parents=True)
    (partial / "lib").symlink_to("usr/lib")
    wanted = [archive for archive in archives if archive.name.split("_")[0] not in LEFT_OUT]
    report("unpacking Zed")
    with ThreadPoolExecutor(max_workers=os.cpu_count() or 1) as pool:
        for _ in pool.map(lambda archive: _extract(archive, partial), wanted):
            pass
    partial.rename(folder)
    shutil.rmtree(downloads, ignore_errors=True)


def _extract(archive: Path, folder: Path) -> None:
    left_out = [f"--exclude=./usr/share/{name}" for name in ("doc", "locale", "man")]
    tar = ["tar", "--extract", "--directory", str(folder), "--keep-directory-symlink", "--exclude=./dev/*", *left_out]
    with subprocess.Popen(["dpkg-deb", "--fsys-tarfile", str(archive)], stdout=subprocess.PIPE) as source:
        done = subprocess.run(tar, stdin=source.stdout, capture_output=True, text=True, check=False)
    if done.returncode or source.returncode:
        raise LocalError(f"cannot unpack {archive.name}: {done.stderr.strip()[-500:]}; is the disk full?")
