"""Fetch real HTCondor daemons and unpack them into one folder; nothing is installed on the machine itself."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import shutil
import stat
import subprocess
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from elastic.local.debian import Mirror, download, host_mirror
from elastic.local.errors import LocalError

STABLE = "trixie"
TESTING = "forky"
PACKAGES = ("condor", "bash", "coreutils")
KNOWN_GOOD = Path(__file__).with_name("known-good.json")
MERGED_FOLDERS = ("bin", "sbin", "lib", "lib64")

Progress = Callable[[str, int, int], None]
"""Called with a step, how much of it is done, and its total; totals are 0 where they are not known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Runtime:
    """HTCondor daemons, unpacked and ready below `prefix`."""

    prefix: Path
    suite: str
    versions: Mapping[str, str]
    warnings: Sequence[str] = ()

    @property
    def condor_version(self) -> str:
        """The Debian version of the package `condor`, e.g. 23.9.6+dfsg-2.1."""
        return self.versions["condor"]


def runtime_home() -> Path:
    """Return where runtimes are kept: `.local/htcondor` of this clone, or below the user's cache if it is none."""
    project = Path(__file__).resolve().parents[2]
    if (project / "pyproject.toml").is_file():
        return project / ".local" / "htcondor"
    cache = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(cache) / "elastic" / "htcondor"


def prepare(
    suite: str = STABLE, *, home: Path | None = None, mirror: Mirror | None = None, progress: Progress | None = None
) -> Runtime:
    """Return the runtime of `suite`, fetched and unpacked first if it is not there yet.

    Safe to repeat, to kill at any moment and to call from several processes at once: the folder appears whole or not
    at all.
    """
    home = (home or runtime_home()).resolve()
    prefix = home / suite
    if not (prefix / "manifest.json").is_file():
        home.mkdir(parents=True, exist_ok=True)
        report = progress or _silent
        with _only_one(home / f".{suite}.lock", report):
            if not (prefix / "manifest.json").is_file():
                _build(prefix, suite, mirror or host_mirror(), report)
    return _runtime(prefix)


def _silent(_step: str, _done: int, _total: int) -> None:
    """Report nothing."""


def _build(prefix: Path, suite: str, mirror: Mirror, report: Progress) -> None:
    """Download, unpack beside `prefix`, and rename."""
    downloads = prefix.with_name(f".{suite}.download")
    partial = prefix.with_name(f".{suite}.partial")
    report("downloading", 0, 0)
    archives = download(PACKAGES, suite=suite, mirror=mirror, folder=downloads)
    for leftover in (partial, prefix):
        shutil.rmtree(leftover, ignore_errors=True)
    partial.mkdir()
    _unpack(archives, partial, report)
    _finish(partial)
    manifest = {"suite": suite, "packages": dict(map(_record, archives))}
    (partial / "manifest.json").write_text(json.dumps(manifest, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    partial.rename(prefix)
    shutil.rmtree(downloads, ignore_errors=True)


def _unpack(archives: Sequence[Path], prefix: Path, report: Progress) -> None:
    # The merged-/usr links come first, so that the order of the packages does not matter.
    for name in MERGED_FOLDERS:
        (prefix / "usr" / name).mkdir(parents=True)
        (prefix / name).symlink_to(f"usr/{name}")
    with ThreadPoolExecutor(max_workers=os.cpu_count() or 1) as pool:
        for done, _ in enumerate(pool.map(lambda archive: _extract(archive, prefix), archives), start=1):
            report("unpacking", done, len(archives))


def _extract(archive: Path, prefix: Path) -> None:
    """Unpack one package's files over `prefix`, keeping its links to folders."""
    tar = ["tar", "--extract", "--directory", str(prefix), "--keep-directory-symlink", "--exclude=./dev/*"]
    with subprocess.Popen(["dpkg-deb", "--fsys-tarfile", str(archive)], stdout=subprocess.PIPE) as source:
        done = subprocess.run(tar, stdin=source.stdout, capture_output=True, text=True, check=False)
    if done.returncode or source.returncode:
        raise LocalError(f"cannot unpack {archive.name}: {done.stderr.strip()[-500:]}; is the disk full?")


def _finish(prefix: Path) -> None:
    """Do by hand the few things that the packages' install scripts would have done."""
    shell = prefix / "usr" / "bin" / "sh"
    if not shell.exists():
        shell.symlink_to("bash")
    for name in ("etc/condor", "var/cache", "var/lib"):
        shutil.rmtree(prefix / name, ignore_errors=True)
    etc = prefix / "etc"
    (etc / "nsswitch.conf").write_text(
        "passwd: files\ngroup: files\nshadow: files\nhosts: files dns\n", encoding="utf-8"
    )
    (etc / "hosts").write_text("127.0.0.1 localhost\n", encoding="utf-8")
    for name in ("passwd", "group", "resolv.conf"):
        (etc / name).write_text("", encoding="utf-8")
    # Jobs run in here as users of their own; nothing in here should make them root.
    for file in _files(prefix / "usr"):
        mode = file.lstat().st_mode
        if stat.S_ISREG(mode) and mode & (stat.S_ISUID | stat.S_ISGID):
            file.chmod(stat.S_IMODE(mode) & 0o777)
    ldconfig = shutil.which("ldconfig", path="/sbin:/usr/sbin:/bin:/usr/bin")
    if ldconfig is None:
        raise LocalError("no ldconfig on this machine; install libc-bin")
    subprocess.run([ldconfig, "-r", str(prefix)], check=True, capture_output=True)


def _files(folder: Path) -> Iterator[Path]:
    for parent, _, names in os.walk(folder):
        yield from (Path(parent) / name for name in names)


def _record(archive: Path) -> tuple[str, Mapping[str, str]]:
    """Return a package's name and its line in the manifest."""
    name, version, architecture = archive.stem.split("_")
    with archive.open("rb") as content:
        digest = hashlib.file_digest(content, "sha256").hexdigest()
    return name, {"version": version.replace("%3a", ":"), "architecture": architecture, "sha256": digest}


def _runtime(prefix: Path) -> Runtime:
    manifest = json.loads((prefix / "manifest.json").read_text(encoding="utf-8"))
    packages: Mapping[str, Mapping[str, str]] = manifest["packages"]
    versions = {name: record["version"] for name, record in packages.items()}
    warnings = compare(packages, known_good().get(manifest["suite"], {}), manifest["suite"])
    return Runtime(prefix=prefix, suite=manifest["suite"], versions=versions, warnings=warnings)


def known_good() -> Mapping[str, Any]:
    """Return the condor packages that this code was tested with: suite -> package -> version, architecture, sha256."""
    record: Mapping[str, Any] = json.loads(KNOWN_GOOD.read_text(encoding="utf-8"))
    return record


def compare(
    packages: Mapping[str, Mapping[str, str]], tested: Mapping[str, Mapping[str, str]], suite: str
) -> Sequence[str]:
    """Return a sentence for each condor package that is not the tested one; no error, because mirrors move on."""
    if not tested:
        return (f"no tested HTCondor version on record for suite {suite}",)
    found = []
    for name, have in sorted(packages.items()):
        want = tested.get(name)
        if not name.startswith("condor"):
            continue
        if not want or want["architecture"] != have["architecture"]:
            found.append(f"{name} was not tested on this architecture in suite {suite}")
        elif want["version"] != have["version"]:
            found.append(f"{name} {have['version']} is not the tested {want['version']} of suite {suite}")
        elif want["sha256"] != have["sha256"]:
            found.append(f"{name} {have['version']} of suite {suite} has another checksum than the tested file")
    return tuple(found)


@contextmanager
def _only_one(lock: Path, report: Progress) -> Iterator[None]:
    with lock.open("a", encoding="utf-8") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            report("waiting for another process that unpacks HTCondor", 0, 0)
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield
