"""Colours that a picture leaves to the page: each stands for a variable of the style sheet, light or dark."""

import re
from collections.abc import Iterator, Mapping, MutableMapping
from contextlib import contextmanager
from io import StringIO
from typing import cast

import matplotlib as mpl
from matplotlib.figure import Figure

INK = "#010101"
MUTED = "#020202"
GRID = "#030303"
SURFACE = "#040404"
DEMAND = "#050505"
SUPPLY = "#060606"
RUNNING = "#070707"
BOOT = "#080808"
BUSY = "#090909"
IDLE = "#0a0a0a"
TEARDOWN = "#0b0b0b"
ACCENT = "#0c0c0c"
SERIES = ("#0d0d0d", "#0e0e0e", "#0f0f0f", "#101010", "#111111", "#121212", "#131313", "#141414")

VARIABLES: Mapping[str, str] = {
    INK: "--ink",
    MUTED: "--muted",
    GRID: "--grid",
    SURFACE: "--card",
    DEMAND: "--demand",
    SUPPLY: "--supply",
    RUNNING: "--running",
    BOOT: "--boot",
    BUSY: "--busy",
    IDLE: "--idle",
    TEARDOWN: "--teardown",
    ACCENT: "--accent",
    **{colour: f"--series-{number}" for number, colour in enumerate(SERIES, 1)},
}
"""Colours that nobody would choose, so that replacing them hits nothing else."""

RC: Mapping[str, object] = {
    "svg.hashsalt": "elastic",
    "svg.fonttype": "none",
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans"],
    "font.size": 10,
    "text.color": MUTED,
    "axes.edgecolor": GRID,
    "axes.facecolor": "none",
    "axes.labelcolor": MUTED,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "axes.xmargin": 0.0,
    "figure.facecolor": "none",
    "grid.color": GRID,
    "grid.linewidth": 0.8,
    "xtick.color": GRID,
    "ytick.color": GRID,
    "xtick.labelcolor": MUTED,
    "ytick.labelcolor": MUTED,
    "legend.frameon": False,
    "legend.labelcolor": INK,
    "lines.linewidth": 1.6,
    "lines.solid_joinstyle": "round",
    "path.simplify": False,
}

FRACTION = re.compile(r"(?<=\.\d\d)\d+")
"""Hundredths of a point are finer than any screen, and half as many bytes."""

ATTRIBUTE = re.compile(r'(\bid="|xlink:href="#|url\(#)([^")]+)')


@contextmanager
def figure(height: float, width: float = 10.0) -> Iterator[Figure]:
    """An empty figure of that many inches, with these settings and no others of the user's."""
    with mpl.rc_context():
        mpl.rcdefaults()
        cast("MutableMapping[str, object]", mpl.rcParams).update(RC)
        yield Figure(figsize=(width, height), layout="constrained")


def svg(drawn: Figure, name: str, title: str) -> str:
    """The figure as markup for a page that has others too: its ids begin with `name`, `title` is read aloud."""
    out = StringIO()
    drawn.savefig(out, format="svg", metadata={"Date": None, "Creator": None, "Format": None, "Type": None})
    text = out.getvalue()
    text = text[text.index("<svg") :]
    text = re.sub(r"<metadata>.*?</metadata>\s*", "", text, flags=re.DOTALL)
    text = FRACTION.sub("", text)
    text = ATTRIBUTE.sub(lambda found: f"{found[1]}{name}-{found[2]}", text)
    for colour, variable in VARIABLES.items():
        text = text.replace(colour, f"var({variable})")
    text = re.sub(r' (?:width|height)="[^"]*"', "", text[: text.index(">")]) + text[text.index(">") :]
    text = re.sub(r"font: (?:[^;\"]*?)([\d.]+px) [^;\"]*", r"font-size: \1", text)
    return text.replace("<svg ", f'<svg role="img" aria-label="{title}" ', 1)
