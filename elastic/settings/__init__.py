"""Everything an operator can set: one TOML file, secrets and environment over it, all problems said at once."""

from elastic.settings.changes import Differences, differences
from elastic.settings.groups import GroupSettings
from elastic.settings.loading import SettingsError, load
from elastic.settings.model import Settings
from elastic.settings.reference import reference_rows, render_reference

__all__ = [
    "Differences",
    "GroupSettings",
    "Settings",
    "SettingsError",
    "differences",
    "load",
    "reference_rows",
    "render_reference",
]
