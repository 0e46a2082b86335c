"""Results of earlier runs read from their JSON, and simulated again where their trace still lies there."""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path

from elastic_simulations.errors import SimulationError
from elastic_simulations.reports.comparing import COST, WAIT
from elastic_simulations.reports.families import Told, told
from elastic_simulations.reports.page import Shown
from elastic_simulations.runs.command import simulated
from elastic_simulations.runs.manifest import asked_again

MOST_DRAWN = 8
"""More results than this are compared, but not drawn one by one."""


Found = tuple[Path, Told]


def stored(paths: Sequence[Path]) -> list[Found]:
    """Every result in these files: of a run, a comparison or a campaign; a list of them, or one a line."""
    found = [(path, each) for path in paths for each in _told(path)]
    if not found:
        raise SimulationError("no result in these files; give what `elastic sim run -o json` printed")
    return found


def shown(found: Sequence[Found], *, draw: bool = True) -> list[Shown]:
    """Each result, with its run where that can be made again from its manifest."""
    draws = draw and len(found) <= MOST_DRAWN
    return [_shown(path, each, draw=draws and not each.note) for path, each in found]


def _shown(path: Path, told: Told, *, draw: bool) -> Shown:
    result, why_not = None, told.note
    if draw:
        try:
            result, _ = simulated(asked_again(path, told.answer))
        except SimulationError as error:
            why_not = f"Not drawn: {error}"
    return Shown(answer=told.answer, result=result, why_not_drawn=why_not, name=told.name, workload=told.workload)


def _told(path: Path) -> Iterator[Told]:
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise SimulationError(f"{path}: cannot be read: {error}") from error
    try:
        values = _values(text)
    except (ValueError, RecursionError) as error:
        raise SimulationError(f"{path}: no JSON ({error}); give a result of `elastic sim run -o json`") from error
    for value in values:
        results = list(told(value))
        if not results:
            problem = f"no result of `elastic sim run -o json`: {COST} or {WAIT} is not in it"
            raise SimulationError(f"{path}: {problem}")
        yield from results


def _values(text: str) -> list[object]:
    """One value, or one a line."""
    try:
        value = json.loads(text)
    except ValueError:
        return [json.loads(line) for line in text.splitlines() if line.strip()]
    return value if isinstance(value, list) else [value]
