"""How to cite elastic and the traces that it replays; CITATION.cff says the same of elastic for machines."""

from pathlib import Path
from typing import TypedDict

from elastic_simulations.runs.report import own_version
from elastic_simulations.traces.reading import read
from elastic_simulations.traces.summary import acknowledgements

TITLE = "elastic: an autoscaler for HTCondor on OpenStack, and a simulator of elastic pools"
AUTHORS = "The elastic authors"


class Thanks(TypedDict):
    """A trace, and the lines of its header that say whom to thank and where it comes from."""

    name: str
    sha256: str
    acknowledge: list[str]


def thanks(path: Path, fmt: str = "") -> Thanks:
    """What the trace asks for."""
    trace = read(path, fmt)
    return {"name": path.name, "sha256": trace.sha256, "acknowledge": list(acknowledgements(trace))}


def citation() -> str:
    """One sentence; the version decides what a figure means."""
    return f"{AUTHORS}. {TITLE}. Version {own_version()}. Software, Apache License 2.0."


def bibtex() -> str:
    """The same for LaTeX."""
    fields = {"author": f"{{{AUTHORS}}}", "title": f"{{{TITLE}}}", "version": own_version(), "license": "Apache-2.0"}
    lines = ",\n".join(f"  {name} = {{{value}}}" for name, value in fields.items())
    return f"@software{{elastic,\n{lines}\n}}"
