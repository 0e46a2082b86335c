"""Download Debian packages of another suite, signatures checked, without touching the machine's own package state."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from elastic.local.errors import LocalError

ARCHIVE_KEYRING = "debian-archive-keyring"
KEYRING_FILE = Path("usr/share/keyrings/debian-archive-keyring.gpg")
SUITE_ALIASES = frozenset({"stable", "oldstable", "testing", "unstable", "sid"})
HOST_HOOKS = ("APT::Update::Post-Invoke", "APT::Update::Post-Invoke-Success", "DPkg::Post-Invoke")
APT_TIMEOUT_SECONDS = 900.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Mirror:
    """Where this machine gets Debian's packages from, and the keyring that it trusts for them ("" = apt's own)."""

    uri: str
    keyring: str = ""


def host_mirror(etc: Path = Path("/etc")) -> Mirror:
    """Return the Debian mirror of this machine's own apt sources; raise LocalError if it has none."""
    release = os_release(etc)
    if release.get("ID") != "debian":
        raise LocalError(f"apt sources of {release.get('ID', 'an unknown system')}, not of Debian")
    wanted = SUITE_ALIASES | {release.get("VERSION_CODENAME", "")}
    for uri, suites, components, keyring in _sources(etc / "apt"):
        if wanted & set(suites) and "main" in components:
            return Mirror(uri=uri, keyring=keyring)
    raise LocalError(f"no Debian source for {sorted(wanted)} in {etc}/apt; add one to sources.list")


def os_release(etc: Path = Path("/etc")) -> Mapping[str, str]:
    """Return what this system says of itself in os-release; empty if it says nothing."""
    try:
        lines = (etc / "os-release").read_text(encoding="utf-8").splitlines()
    except OSError:
        return {}
    pairs = (line.split("=", 1) for line in lines if "=" in line)
    return {name: value.strip("\"'") for name, value in pairs}


def download(packages: Sequence[str], *, suite: str, mirror: Mirror, folder: Path) -> Sequence[Path]:
    """Fetch `packages` and all that they depend on into `folder`; return the .deb files by name.

    Every file is checked against the suite's signed index. A keyring too old for the suite is replaced, for this
    download only, by the newest one that the machine's own (signed) sources offer.
    """
    config = _updated(folder, suite, mirror)
    # Files of an earlier, killed run are used again; apt checks each one against the index once more.
    _apt("install", "--yes", "--download-only", *packages, config=config)
    return sorted((folder / "cache" / "archives").glob("*.deb"))


def download_alone(package: str, *, suite: str, mirror: Mirror, folder: Path) -> Path:
    """Fetch one package without what it depends on, checked in the same way: to look into it, not to run it."""
    config = _updated(folder, suite, mirror)
    _apt("download", package, config=config, cwd=folder)
    return max(folder.glob(f"{package}_*.deb"))


def _updated(folder: Path, suite: str, mirror: Mirror) -> Path:
    """Return a configuration of apt whose index of the suite is new and verified."""
    config = _private_config(folder, suite, mirror)
    try:
        _apt("update", config=config)
    except LocalError as error:
        if "NO_PUBKEY" not in str(error):
            raise
        newer = Mirror(uri=mirror.uri, keyring=str(_newer_keyring(folder / "keyring")))
        config = _private_config(folder, suite, newer)
        _apt("update", config=config)
    return config


def _private_config(folder: Path, suite: str, mirror: Mirror) -> Path:
    """Write apt's configuration for one suite; the package database is empty, so that all dependencies come."""
    for name in ("state/lists/partial", "cache/archives/partial"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    (folder / "status").write_text("", encoding="utf-8")
    signed_by = f"Signed-By: {mirror.keyring}\n" if mirror.keyring else ""
    sources = f"Types: deb\nURIs: {mirror.uri}\nSuites: {suite}\nComponents: main\n{signed_by}"
    (folder / "suite.sources").write_text(sources, encoding="utf-8")
    settings = {
        "Dir::Etc::SourceList": folder / "suite.sources",
        "Dir::Etc::SourceParts": "/dev/null",
        "Dir::Etc::Preferences": "/dev/null",
        "Dir::Etc::PreferencesParts": "/dev/null",
        "Dir::State": folder / "state",
        "Dir::State::status": folder / "status",
        "Dir::Cache": folder / "cache",
        "APT::Sandbox::User": "root",
        "APT::Install-Recommends": "false",
        "APT::Get::AllowUnauthenticated": "false",
        "Acquire::AllowInsecureRepositories": "false",
        "Acquire::Languages": "none",
        "Acquire::Retries": "3",
        "Debug::NoLocking": "true",
    }
    lines = [f'{name} "{value}";' for name, value in settings.items()]
    # The host's hooks (docker-clean and its like) belong to the host's own package state.
    lines += [
        f"#clear {hook};"
        for hook in ("APT::Update::Post-Invoke", "APT::Update::Post-Invoke-Success", "DPkg::Post-Invoke")
    ]
    config = folder / "apt.conf"
    config.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return config


def _newer_keyring(folder: Path) -> Path:
    """Download and unpack the archive keyring that the machine's own sources offer now; it is not installed."""
    folder.mkdir(parents=True, exist_ok=True)
    _apt("download", ARCHIVE_KEYRING, cwd=folder)
    packages = sorted(folder.glob(f"{ARCHIVE_KEYRING}_*.deb"))
    if not packages:
        raise LocalError(f"apt-get download {ARCHIVE_KEYRING} brought no file; run apt-get update first")
    _run(["dpkg-deb", "--extract", str(packages[-1]), str(folder)])
    return folder / KEYRING_FILE


def _apt(*arguments: str, config: Path | None = None, cwd: Path | None = None) -> None:
    chosen = ["-c", str(config)] if config else []
    # Error-Mode=any: a suite that cannot be verified must fail here, not leave an old list behind with a warning.
    strict = ["-o", "APT::Update::Error-Mode=any"]
    _run(["apt-get", "-q", *chosen, *strict, *arguments], cwd=cwd)


def _run(command: Sequence[str], *, cwd: Path | None = None) -> None:
    try:
        done = subprocess.run(
            command,
            cwd=cwd,
            # What apt says is read, so it must say it in English.
            env={**os.environ, "LC_ALL": "C.UTF-8"},
            capture_output=True,
            text=True,
            timeout=APT_TIMEOUT_SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise LocalError(f"{command[0]} did not run: {error}") from error
    if done.returncode:
        raise LocalError(
            f"{' '.join(command[:2])} failed ({done.returncode}): {(done.stdout + done.stderr).strip()[-2000:]}"
        )


_ONE_LINE = re.compile(r"^deb\s+(?:\[(?P<options>[^]]*)\]\s+)?(?P<uri>\S+)\s+(?P<suite>\S+)(?P<components>.*)$")


def _sources(apt: Path) -> Iterator[tuple[str, Sequence[str], Sequence[str], str]]:
    """Yield (uri, suites, components, keyring) of every binary source, both spellings of sources.list(5)."""
    files = [apt / "sources.list", *sorted((apt / "sources.list.d").glob("*"))]
    for file in files:
        if not file.is_file():
            continue
        text = file.read_text(encoding="utf-8", errors="replace")
        yield from _deb822(text) if file.suffix == ".sources" else _one_line(text) if file.suffix == ".list" else ()


def _one_line(text: str) -> Iterator[tuple[str, Sequence[str], Sequence[str], str]]:
    for line in text.splitlines():
        if found := _ONE_LINE.match(line.split("#", 1)[0].strip()):
            options = dict(pair.split("=", 1) for pair in (found["options"] or "").split() if "=" in pair)
            yield found["uri"], [found["suite"]], found["components"].split(), options.get("signed-by", "")


def _deb822(text: str) -> Iterator[tuple[str, Sequence[str], Sequence[str], str]]:
    for stanza in re.split(r"\n\s*\n", text):
        lines = [line for line in stanza.splitlines() if not line.startswith("#")]
        fields = {
            name.strip().lower(): value.strip()
            for name, _, value in (line.partition(":") for line in lines if line[:1].strip())
        }
        if "deb" in fields.get("types", "").split() and fields.get("enabled", "yes").lower() != "no":
            keyring = fields.get("signed-by", "")
            for uri in fields.get("uris", "").split():
                yield uri, fields.get("suites", "").split(), fields.get("components", "").split(), keyring
