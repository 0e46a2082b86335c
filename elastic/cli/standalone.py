"""Commands that need no daemon: a dry tick, the check of every connection, the settings."""

import json
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from elastic.api import views
from elastic.api.routes.orphans import listed, removals
from elastic.cli.client import Json
from elastic.cli.errors import CommandError, Exit
from elastic.cli.options import Output
from elastic.cli.printing import columns
from elastic.daemon.checks import check_all
from elastic.daemon.orphans import found, gone, removed
from elastic.daemon.parts import open_parts
from elastic.daemon.places import read_settings
from elastic.ports import ElasticError, Finding, LedgerError
from elastic.settings import Settings, SettingsError, reference_rows, render_reference


def settings_or_exit(config: Path | None) -> Settings:
    """The settings; every problem of them on standard error, exit code 2."""
    try:
        return read_settings(config)
    except SettingsError as error:
        raise CommandError(str(error), Exit.USAGE) from error


def dry_tick(config: Path | None) -> Json:
    """One dry tick without a daemon, in the interface's own form; the ledger must be free."""
    settings = settings_or_exit(config)
    try:
        parts = open_parts(settings, lambda: False)
    except LedgerError as error:
        raise CommandError(f"{error}; a running daemon is asked by `elastic plan` alone") from error
    except SettingsError as error:
        raise CommandError(str(error), Exit.USAGE) from error
    try:
        plan = views.plan(parts.in_mode().preview(parts.world.clock.now()))
    except ElasticError as error:
        raise CommandError(str(error)) from error
    finally:
        parts.close()
    answer: Json = json.loads(plan.model_dump_json())
    return answer


class Alone:
    """Cloud, HTCondor and ledger, asked without a daemon; the ledger is locked until `close`."""

    def __init__(self, config: Path | None) -> None:
        """Lock the ledger; CommandError when a daemon has it, or the settings are wrong."""
        settings = settings_or_exit(config)
        try:
            self._parts = open_parts(settings, lambda: False)
        except LedgerError as error:
            raise CommandError(f"{error}; a running daemon is asked by `elastic orphans` alone") from error
        except SettingsError as error:
            raise CommandError(str(error), Exit.USAGE) from error

    def orphans(self, safe_seconds: float) -> Json:
        """What belongs to nothing, in the interface's own form."""
        parts = self._parts
        try:
            seen = found(parts.world, parts.ledger.memory(), gone(parts.ledger), safe_seconds)
        except ElasticError as error:
            raise CommandError(str(error)) from error
        answer: Json = json.loads(listed(seen).model_dump_json())
        return answer

    def remove_orphans(self, ids: Sequence[str], safe_seconds: float) -> Json:
        """What became of each."""
        parts = self._parts
        try:
            done = removed(parts.world, parts.ledger.memory(), gone(parts.ledger), ids, safe_seconds)
        except ElasticError as error:
            raise CommandError(str(error)) from error
        answer: Json = json.loads(removals(done).model_dump_json())
        return answer

    def close(self) -> None:
        """Let go of everything."""
        self._parts.close()


def findings(config: Path | None) -> list[Finding]:
    """What `elastic check` finds; wrong settings are findings too, and end it."""
    try:
        settings = read_settings(config)
    except SettingsError as error:
        return [Finding(what="settings", ok=False, seen=problem) for problem in error.problems]
    groups = ", ".join(group.name for group in settings.groups)
    return [
        Finding(what="settings", ok=True, seen=f"pool {settings.pool}, worker groups: {groups}"),
        *check_all(settings),
    ]


def print_findings(console: Console, found: list[Finding]) -> None:
    """One line for each, and how to mend what is wrong."""
    rows = [("ok" if f.ok else "WRONG", f.what, f.seen + (f"\n→ {f.mend}" if f.mend else "")) for f in found]
    console.print(columns(("", "what", "seen"), rows))
    wrong = sum(not finding.ok for finding in found)
    console.print("all is well" if not wrong else f"{wrong} to mend")


def print_settings(config: Path | None, output: Output) -> None:
    """The settings in effect; a token is never shown."""
    found: Json = json.loads(settings_or_exit(config).model_dump_json())
    if output is Output.JSON:
        print(json.dumps(found, indent=2))
        return
    Console(highlight=False).print(columns(("setting", "value"), _flat("", found)))


def print_reference(output: Output) -> None:
    """Every setting with its unit, its default and the reason for it: as Markdown, or a list."""
    print(json.dumps(list(reference_rows()), indent=2) if output is Output.JSON else render_reference())


def _flat(path: str, value: object) -> list[tuple[str, str]]:
    if isinstance(value, dict) and value:
        return [row for name, item in value.items() for row in _flat(f"{path}.{name}" if path else name, item)]
    if isinstance(value, list) and value and all(isinstance(item, dict) for item in value):
        return [row for at, item in enumerate(value) for row in _flat(f"{path}[{at}]", item)]
    return [(path, json.dumps(value))]
