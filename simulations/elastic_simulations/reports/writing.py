"""Results as a file: the page where its libraries are there, else a word on how to have them."""

from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from elastic_simulations.errors import SimulationError

if TYPE_CHECKING:
    from elastic_simulations.reports.page import Shown
    from elastic_simulations.runs.running import Result

NEEDED = ("jinja2", "matplotlib")


def check_libraries() -> None:
    """SimulationError when a page could not be made: better before a long run than after it."""
    if missing := [name for name in NEEDED if find_spec(name) is None]:
        raise SimulationError(f"the HTML report needs {' and '.join(missing)}: pip install 'elastic[report]'")


def write_run(answer: Mapping[str, object], result: "Result", path: Path) -> None:
    """The page of one run."""
    check_libraries()
    from elastic_simulations.reports.page import Shown  # noqa: PLC0415 - half a second, for those who ask

    write([Shown(answer=answer, result=result)], path)


def write(results: "Sequence[Shown]", path: Path) -> None:
    """The page of these results."""
    from elastic_simulations.reports.page import page  # noqa: PLC0415 - as above

    written(page(results), path)


def written(text: str, path: Path) -> None:
    """The page as a file."""
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise SimulationError(f"{path}: cannot be written: {error.strerror or error}") from error
