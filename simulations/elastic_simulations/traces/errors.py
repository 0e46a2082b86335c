"""The one error of this package: where in which file, what is wrong, what would be right."""

from pathlib import Path

from elastic_simulations.errors import SimulationError


class TraceError(SimulationError):
    """A trace cannot be used; the text begins with file and line (line 0 = the file as a whole)."""

    def __init__(self, source: Path | str, line: int, problem: str) -> None:
        """Keep the parts; the text joins them."""
        self.source = str(source)
        self.line = line
        self.problem = problem
        where = f"{source}:{line}" if line else str(source)
        super().__init__(f"{where}: {problem}")
