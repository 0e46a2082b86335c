"""Write the generated parts of the documentation and check every relative link; with --check, only compare.

A generated part stands between `<!-- generated: NAME -->` and `<!-- end -->` in any *.md file of the
repository; NAME is a key of GENERATORS. The text comes from the code, so that it cannot fall behind.
"""

import argparse
import json
import re
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import yaml

from elastic.api import reference as http_api
from elastic.core.lifecycle import TABLE, TRANSITIONS, Ad, Cell, Phase
from elastic.core.uses import TABLE as TABLE_OF_USES
from elastic.settings import render_reference

ROOT = Path(__file__).parent.parent
CLAIMED = ((True, "busy: something is claimed"), (False, "idle: nothing is"))

GENERATED = re.compile(r"(<!-- generated: (?P<name>[\w-]+) -->\n).*?(<!-- end -->)", re.DOTALL)
FENCE = re.compile(r"^(?P<fence>```+|~~~+).*?^(?P=fence)[ \t]*$", re.DOTALL | re.MULTILINE)
CODE = re.compile(r"(?P<ticks>`+)(?!`).+?(?<!`)(?P=ticks)(?!`)")
LINK = re.compile(r"\[[^\]]*\]\(\s*<?(?P<target>[^)\s>]+)>?(?:\s+\"[^\"]*\")?\s*\)")
REFERENCE = re.compile(r"^ {0,3}\[[^\]]+\]:\s+<?(?P<target>\S+?)>?\s*$", re.MULTILINE)
HEADING = re.compile(r"^ {0,3}#{1,6}\s+(?P<text>.+?)\s*#*\s*$", re.MULTILINE)
ELSEWHERE = re.compile(r"^[a-z][a-z0-9+.-]*:", re.IGNORECASE)


def make_targets() -> str:
    """The targets of the Makefile with their own one-line descriptions."""
    text = (ROOT / "Makefile").read_text(encoding="utf-8")
    rows = re.findall(r"^([a-z-]+):.*?## (.+)$", text, re.MULTILINE)
    return _table(["target", "what it does"], [[f"`make {name}`", what] for name, what in rows])


def lifecycle_table() -> str:
    """The table that derives a worker's phase, as the code has it."""
    head = ["server", *Ad]
    rows = [[listing, *(_cell(cells[ad]) for ad in Ad)] for listing, cells in TABLE.items()]
    return _table(head, rows)


def lifecycle_edges() -> str:
    """For each phase those that may follow it, as the code has them."""
    return _table(
        ["phase", "may become"],
        [[phase, ", ".join(other for other in Phase if other in after)] for phase, after in TRANSITIONS.items()],
    )


def heat_parameters(file: Path) -> str:
    """The parameters of a Heat template, as it explains and constrains them."""
    parameters = yaml.safe_load(file.read_text(encoding="utf-8"))["parameters"]
    rows = [
        [f"`{name}`", " ".join(said["description"].split()), _default(said), _allowed(said)]
        for name, said in parameters.items()
    ]
    return _table(["parameter", "what it is", "default", "allowed"], rows)


def _default(said: Mapping[str, object]) -> str:
    if "default" not in said:
        return "(required)"
    default = said["default"]
    shown = default if isinstance(default, str) else json.dumps(default)
    return "(empty)" if default in ("", [], {}) else f"`{shown}`"


def _allowed(said: Mapping[str, Any]) -> str:
    """Each constraint in a few words; a boolean needs none."""
    # Of JSON handed on by another template Heat counts the characters.
    words = {"string": " characters", "comma_delimited_list": " items", "json": " characters"}
    shown = []
    for constraint in said.get("constraints", ()):
        kind, value = next((kind, value) for kind, value in constraint.items() if kind != "description")
        unit = words.get(said["type"], "") if kind == "length" else ""
        match kind:
            case "range" | "length":
                shown.append(" to ".join(str(value[end]) for end in ("min", "max") if end in value) + unit)
            case "allowed_pattern":
                shown.append(f"`{value.replace('|', chr(92) + '|')}`")
            case "allowed_values":
                shown.append(", ".join(f"`{each}`" for each in value))
            case _:
                shown.append(f"a {value.partition('.')[2]} that is there")
    return "; ".join(shown) or "`true`, `false`"


def uses_table() -> str:
    """What a worker is by HTCondor and its CPU, as the code has it."""
    rows = [[claimed, *(f"**{TABLE_OF_USES[busy, load]}**" for load in (True, False))] for busy, claimed in CLAIMED]
    return _table(["HTCondor", "CPU: load", "CPU: no load"], rows)


def _cell(cell: Cell) -> str:
    timed = f", {cell.after} after `{cell.timer}`" if cell.after else ""
    return f"{cell.phase}{timed}{', flagged' if cell.flagged else ''}"


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    return "\n".join(f"| {' | '.join(row)} |" for row in (head, ["---"] * len(head), *rows))


GENERATORS: Mapping[str, Callable[[], str]] = {
    "http-api": http_api.render_reference,
    "lifecycle-edges": lifecycle_edges,
    "lifecycle-table": lifecycle_table,
    "make-targets": make_targets,
    "settings": render_reference,
    "uses-table": uses_table,
    **{f"hot-{file.stem}": partial(heat_parameters, file) for file in sorted((ROOT / "hot").glob("*.yaml"))},
}


def regenerated(text: str, generators: Mapping[str, Callable[[], str]]) -> str:
    """The text with each generated part written anew; raises KeyError for a name that no generator has."""
    return GENERATED.sub(lambda found: f"{found[1]}\n{generators[found['name']]().strip()}\n\n{found[3]}", text)


def anchors(text: str) -> set[str]:
    """The fragments by which a page's headings can be linked, as the common forges make them."""
    found: set[str] = set()
    for heading in HEADING.finditer(FENCE.sub("", text)):
        words = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading["text"]).lower()
        slug = re.sub(r"[^\w\- ]", "", words).replace(" ", "-")
        repeats = sum(1 for other in found if re.fullmatch(re.escape(slug) + r"(-\d+)?", other))
        found.add(f"{slug}-{repeats}" if repeats else slug)
    return found


def broken_links(page: Path) -> Iterator[str]:
    """Each relative link of a page whose file or heading does not exist, with why."""
    prose = CODE.sub("", FENCE.sub("", page.read_text(encoding="utf-8")))
    for link in (*LINK.finditer(prose), *REFERENCE.finditer(prose)):
        if ELSEWHERE.match(link["target"]):
            continue
        path, _, fragment = unquote(link["target"]).partition("#")
        target = page.parent / path if path else page
        if not target.exists():
            yield f"{link['target']}: no such file"
        elif fragment and target.suffix == ".md" and fragment not in anchors(target.read_text(encoding="utf-8")):
            yield f"{link['target']}: no such heading"


def pages() -> list[Path]:
    """Every Markdown file that git knows or would take, so that what is ignored is not checked."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", "*.md"]
    listed = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    return sorted(path for name in listed.split("\0") if name and (path := ROOT / name).is_file())


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--check", action="store_true", help="write nothing; fail if a generated part is out of date")
    check: bool = parser.parse_args().check
    faults: list[str] = []
    checked = pages()
    for page in checked:
        before = page.read_text(encoding="utf-8")
        name = page.relative_to(ROOT)
        try:
            after = regenerated(before, GENERATORS)
        except KeyError as unknown:
            faults.append(f"{name}: no generator {unknown}; known: {', '.join(sorted(GENERATORS))}")
            continue
        if after != before and check:
            faults.append(f"{name}: a generated part is out of date; run `make docs`")
        elif after != before:
            page.write_text(after, encoding="utf-8")
            print(f"wrote {name}")
        faults += [f"{name}: {fault}" for fault in broken_links(page)]
    print("\n".join(faults) or f"docs: {len(checked)} pages, links and generated parts in order")
    return bool(faults)


if __name__ == "__main__":
    sys.exit(main())
