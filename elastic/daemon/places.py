"""Where the settings file is, for the daemon and for the commands that talk to it."""

import os
from pathlib import Path

from elastic.settings import Settings, load

PLACE = Path("/etc/elastic/elastic.toml")
"""Where the settings file is when nobody names one."""


def settings_path(named: Path | None) -> Path | None:
    """The file named, else the one at the usual place, else none: then the environment says everything."""
    return named or (PLACE if PLACE.exists() else None)


def read_settings(named: Path | None) -> Settings:
    """The settings; raise SettingsError with every problem."""
    return load(settings_path(named), os.environ)
