"""Switches of the fast engine that have no meaning where the daemon itself decides."""

from collections.abc import Mapping

from elastic_simulations.runs.settings import SettingsError

REFUSED = {
    "at_once": "true",
    "learns": "false",
    "metered": "false",
    "skips_quiet": "true",
    "on_events": "true",
}
"""What the daemon never does, by the name of the switch."""


def refuse(sets: Mapping[str, str]) -> None:
    """SettingsError for a switch that the full world would have to ignore."""
    for name, value in sets.items():
        if REFUSED.get(name) == value:
            way = "; a scenario's file may ask for it: on_events = true in [run]" if name == "on_events" else ""
            problem = f"--set {name}={value}: not with --engine full, where the daemon's own controller runs"
            raise SettingsError(problem + way)
