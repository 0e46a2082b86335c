"""What one release of OpenStack is, on disk: where its programs, its pipelines and its applications are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path


class Release(StrEnum):
    """Which control plane: the newest releases, in virtual environments, or Debian 12's own, of 2022."""

    NEWEST = "newest"
    ZED = "zed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Software:
    """One release, installed; `name` differs wherever the software does.

    Senlin is apart because it needs older libraries than the others. `variables` are for every program of it. Where
    threads are `green`, an API must not have several in one process.
    """

    name: str
    home: Path
    scripts: Path
    senlin_scripts: Path
    python: Path
    uwsgi: Sequence[str]
    applications: Mapping[str, Sequence[str]]
    pipelines: Mapping[str, Path]
    heat: Path
    variables: Mapping[str, str] = field(default_factory=dict)
    green: bool = False

    def script(self, name: str) -> str:
        """Return a program of the release; Senlin's are known by their names."""
        return str((self.senlin_scripts if name.startswith("senlin") else self.scripts) / name)
