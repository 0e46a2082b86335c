"""Everything an operator can set: one TOML file, secrets and environment over it, all problems said at once."""

from elastic.settings.changes import Differences, differences
from elastic.settings.groups import GroupSettings
from elastic.settings.loading import SettingsError, load
from elastic.settings.model import Settings
from elastic.settings.reference import reference_rows, render_reference
from elastic.settings.schedules import ScheduleError, read_schedule

__all__ = [
    "Differences",
    "GroupSettings",
    "ScheduleError",
    "Settings",
    "SettingsError",
    "differences",
    "load",
    "read_schedule",
    "reference_rows",
    "render_reference",
]
