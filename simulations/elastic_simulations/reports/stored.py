"""Results of earlier runs read from their JSON, and simulated again where their trace still lies there."""

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from elastic_simulations.errors import SimulationError
from elastic_simulations.reports.comparing import COST, WAIT, Answer
from elastic_simulations.reports.metrics import value_at
from elastic_simulations.reports.page import Shown
from elastic_simulations.runs.command import simulated
from elastic_simulations.runs.manifest import asked_again

MOST_DRAWN = 8
"""More results than this are compared, but not drawn one by one."""


def stored(paths: Sequence[Path]) -> list[tuple[Path, Answer]]:
    """Every result in these files: one object each, a list of them, or one a line."""
    found = [(path, answer) for path in paths for answer in _answers(path)]
    if not found:
        raise SimulationError("no result in these files; give what `elastic sim run -o json` printed")
    return found


def shown(found: Sequence[tuple[Path, Answer]], *, draw: bool = True) -> list[Shown]:
    """Each result, with its run where that can be made again from its manifest."""
    if not draw or len(found) > MOST_DRAWN:
        return [Shown(answer=answer) for _, answer in found]
    return [_shown(path, answer) for path, answer in found]


def _shown(path: Path, answer: Answer) -> Shown:
    try:
        result, _ = simulated(asked_again(path, answer))
    except SimulationError as error:
        return Shown(answer=answer, why_not_drawn=f"Not drawn: {error}")
    return Shown(answer=answer, result=result)


def _answers(path: Path) -> Iterator[Answer]:
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise SimulationError(f"{path}: cannot be read: {error}") from error
    try:
        values = _values(text)
    except (ValueError, RecursionError) as error:
        raise SimulationError(f"{path}: no JSON ({error}); give a result of `elastic sim run -o json`") from error
    for value in values:
        if not isinstance(value, Mapping) or value_at(value, COST) is None or value_at(value, WAIT) is None:
            raise SimulationError(f"{path}: no result of `elastic sim run -o json`: {COST} or {WAIT} is not in it")
        yield value


def _values(text: str) -> list[object]:
    """One value, or one a line."""
    try:
        value = json.loads(text)
    except ValueError:
        return [json.loads(line) for line in text.splitlines() if line.strip()]
    return value if isinstance(value, list) else [value]
