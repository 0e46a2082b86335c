"""Run a command inside an unpacked prefix, in namespaces of its own; the machine's own mounts never change."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from elastic.local.errors import LocalError

# Users that daemons and jobs run as inside; where only one user id can be had, `elastic` is that one.
USERS: Mapping[str, int] = {"root": 0, "condor": 64, "elastic": 12345, "alice": 12346, "bob": 12347, "nobody": 65534}
JOB_USER = "elastic"
FOLDER_MARK = "ELASTIC_LOCAL_ROOT"
CLEAN_PATH = "/usr/bin:/usr/sbin"
HOST_PATH = "/usr/sbin:/usr/bin:/sbin:/bin"
MERGED = ("bin", "sbin", "lib", "lib64")


class Confinement(StrEnum):
    """How a process gets a root folder of its own on this machine."""

    UNSHARE = "unshare"
    BUBBLEWRAP = "bubblewrap"


@dataclass(frozen=True, slots=True, kw_only=True)
class Availability:
    """Whether real HTCondor daemons can run on this machine: how, or in one line why not."""

    how: Confinement | None
    reason: str

    def __bool__(self) -> bool:
        return self.how is not None


def availability() -> Availability:
    """Say whether real daemons can be fetched and run here; tries a namespace, which takes some milliseconds."""
    if not sys.platform.startswith("linux"):
        return Availability(how=None, reason=f"HTCondor daemons are run on Linux only, not on {sys.platform}")
    missing = [name for name in ("apt-get", "dpkg-deb", "tar", "setpriv") if not shutil.which(name, path=HOST_PATH)]
    if missing:
        return Availability(
            how=None, reason=f"needs {', '.join(missing)} to fetch and start HTCondor: not a Debian system?"
        )
    if os.geteuid() == 0:
        if _works(*UNSHARE, "/bin/sh", "-c", "mount -t tmpfs tmpfs /tmp && mount -t proc proc /proc"):
            return Availability(how=Confinement.UNSHARE, reason="root, with namespaces of its own for each daemon tree")
        return Availability(
            how=None, reason="root, but may not make namespaces and mounts (a container without CAP_SYS_ADMIN?)"
        )
    if not shutil.which("bwrap"):
        return Availability(
            how=None, reason="neither root nor bubblewrap: run as root, or install the package bubblewrap"
        )
    if _works("bwrap", "--unshare-user", "--unshare-pid", "--bind", "/", "/", "true"):
        return Availability(how=Confinement.BUBBLEWRAP, reason="bubblewrap, in a user namespace")
    return Availability(how=None, reason="bubblewrap is here, but this system forbids user namespaces without root")


def _works(*command: str) -> bool:
    try:
        return subprocess.run(command, capture_output=True, timeout=10, check=False).returncode == 0
    except (OSError, subprocess.TimeoutExpired):
        return False


@dataclass(frozen=True, slots=True, kw_only=True)
class Sandbox:
    """A root folder made of a read-only `prefix` and the writable `folders`, which keep their own paths inside.

    `mount_point` is an empty folder that only the namespace itself mounts over. `mark` is put into the environment of
    every process, so that all of them can be found again whatever was lost.
    """

    prefix: Path
    mount_point: Path
    folders: Sequence[Path]
    mark: Path
    environment: Mapping[str, str] = field(default_factory=dict)
    how: Confinement = Confinement.UNSHARE

    def command(self, *inner: str) -> Sequence[str]:
        """Return the command line that runs `inner` in its namespace, which dies with the thread that starts it."""
        environment = {
            "PATH": CLEAN_PATH,
            "HOME": "/",
            "LANG": "C.UTF-8",
            FOLDER_MARK: str(self.mark),
            **self.environment,
        }
        together = ("setpriv", "--pdeathsig", "KILL")
        match self.how:
            case Confinement.UNSHARE:
                spread = [f"{name}={value}" for name, value in environment.items()]
                script = self._script(shlex.join(["/usr/bin/env", "-i", *spread, *FIRST_PROCESS, *inner]))
                return (*together, *UNSHARE, "/bin/sh", "-c", script)
            case Confinement.BUBBLEWRAP:
                return (*together, "bwrap", *self._bubblewrap(environment), *inner)

    def host_environment(self) -> Mapping[str, str]:
        """Return the environment to start `command` with on the host's side."""
        return {"PATH": HOST_PATH, "LANG": "C.UTF-8", FOLDER_MARK: str(self.mark)}

    def write_accounts(self) -> None:
        """Write the passwd and group files of the inside next to the mount point; call it once before `command`."""
        self.mount_point.mkdir(parents=True, exist_ok=True)
        users = dict(USERS)
        if self.how is Confinement.BUBBLEWRAP:
            users[JOB_USER] = os.getuid()
        passwd = [f"{name}:x:{number}:{number}::/:/bin/sh" for name, number in users.items()]
        group = [f"{name}:x:{number}:" for name, number in users.items()]
        self._accounts("passwd").write_text("\n".join(passwd) + "\n", encoding="utf-8")
        self._accounts("group").write_text("\n".join(group) + "\n", encoding="utf-8")

    def _accounts(self, name: str) -> Path:
        return self.mount_point.with_name(f"{self.mount_point.name}.{name}")

    def _script(self, inner: str) -> str:
        """Return the shell lines that build the root folder on a tmpfs and run `inner` in it.

        A tmpfs, not the prefix itself: the prefix stays untouched, and condor's starter needs its root to be a mount
        point (else every job is held with errno 22).
        """
        root, prefix = shlex.quote(str(self.mount_point)), shlex.quote(str(self.prefix))
        lines = [
            "set -e",
            f"mount -t tmpfs -o mode=0755 tmpfs {root}",
            f"cd {root}",
            "mkdir -p usr etc proc dev sys root run var/tmp tmp",
            "chmod 1777 tmp var/tmp",
            *(f"ln -s usr/{name} {name}" for name in MERGED),
            f"mount --bind {prefix}/usr usr",
            "mount -o remount,bind,ro usr",
            f"cp -a {prefix}/etc/. etc/",
            *(f"cp {shlex.quote(str(self._accounts(name)))} etc/{name}" for name in ("passwd", "group")),
            "mount -t proc proc proc",
            "mount --bind /dev dev",
            "mount --bind /sys sys",
        ]
        for folder in self.folders:
            outside, inside = shlex.quote(str(folder)), shlex.quote(str(folder).lstrip("/"))
            lines += [f"mkdir -p {inside}", f"mount --bind {outside} {inside}"]
        return "\n".join([*lines, f"exec chroot . {inner}"])

    def _bubblewrap(self, environment: Mapping[str, str]) -> Sequence[str]:
        """Return the same root folder as options of bwrap."""
        usr, etc = str(self.prefix / "usr"), str(self.prefix / "etc")
        options = [
            "--unshare-user",
            "--unshare-pid",
            "--die-with-parent",
            "--ro-bind",
            usr,
            "/usr",
            "--ro-bind",
            etc,
            "/etc",
        ]
        for name in ("passwd", "group"):
            options += ["--ro-bind", str(self._accounts(name)), f"/etc/{name}"]
        for name in MERGED:
            options += ["--symlink", f"usr/{name}", f"/{name}"]
        options += [
            "--proc",
            "/proc",
            "--dev",
            "/dev",
            "--ro-bind",
            "/sys",
            "/sys",
            "--tmpfs",
            "/tmp",  # noqa: S108  a tmpfs of its own
            "--dir",
            "/run",
            "--dir",
            "/var/tmp",  # noqa: S108  as above
        ]
        for folder in self.folders:
            options += ["--bind", str(folder), str(folder)]
        options += ["--clearenv"]
        for name, value in environment.items():
            options += ["--setenv", name, value]
        return [*options, "--chdir", "/"]


# The kernel forgets "die with your parent" when a process changes its user, as condor_master does: so a shell is
# process 1, dies with the starter, and takes the namespace along.
FIRST_PROCESS = ("/bin/sh", "-c", '"$@" & wait $!', "sh")
UNSHARE = ("unshare", "--mount", "--pid", "--fork", "--kill-child=KILL", "--propagation", "private")


def require() -> Confinement:
    """Return how daemons are confined here; raise LocalError with the reason where they cannot be."""
    found = availability()
    if found.how is None:
        raise LocalError(found.reason)
    return found.how
