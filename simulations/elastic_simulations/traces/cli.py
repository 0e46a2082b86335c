"""The command `elastic trace`: look at traces, make them, write them in other formats; found by entry point."""

import json
import sys
from dataclasses import asdict
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from elastic_simulations.traces.summary import Summary
    from elastic_simulations.traces.trace import Trace

app = typer.Typer(help="Look at workload traces, make them, write them in other formats.", no_args_is_help=True)


class Output(StrEnum):
    """How answers are printed."""

    TABLE = "table"
    JSON = "json"


class Kind(StrEnum):
    """What can be generated."""

    REFERENCE = "reference"
    POISSON = "poisson"
    MODULATED = "modulated"
    CYCLES = "cycles"
    BURSTS = "bursts"


File = Annotated[Path, typer.Argument(help="The trace: SWF, GWF, HTCondor history, CSV, Parquet.")]
To = Annotated[
    Path | None, typer.Option("--to", help="FILE.swf, .csv (evalys) or .parquet; else SWF to standard output.")
]
Format = Annotated[str, typer.Option("--format", help="The trace's format, where its name does not say.")]


@app.command("info")
def info(
    trace: File,
    fmt: Format = "",
    output: Annotated[Output, typer.Option("--output", "-o", help="How to print the answer.")] = Output.TABLE,
) -> None:
    """What is in a trace: jobs, span, work, run times, what was dropped, and a picture."""
    from elastic_simulations.progress import shown
    from elastic_simulations.traces.reading import read
    from elastic_simulations.traces.summary import picture, summary

    found = read(trace, fmt)
    with shown("adding up"):
        answer = summary(found)
    if output is Output.JSON:
        print(json.dumps(asdict(answer), indent=2))
        return
    _print(answer)
    jobs, work = picture(found)
    print(f"\njobs submitted over time\n|{jobs}|\nwork submitted over time\n|{work}|")


@app.command("anonymise")
def anonymise(
    trace: File,
    to: To = None,
    fmt: Format = "",
    seed: Annotated[
        int | None,
        typer.Option("--seed", help="Draws the numbers of users; keep it secret. Else one that nobody knows."),
    ] = None,
) -> None:
    """Write the trace without any name; what remains is said on standard error."""
    from secrets import randbits

    from elastic_simulations.traces.anonymising import GONE, REMAINS, anonymised
    from elastic_simulations.traces.reading import read

    _write(anonymised(read(trace, fmt), randbits(64) if seed is None else seed), to)
    print("gone:", *GONE, sep="\n  ", file=sys.stderr)
    print("remains:", *REMAINS, sep="\n  ", file=sys.stderr)


@app.command("convert")
def convert(
    trace: File,
    to: To = None,
    fmt: Format = "",
) -> None:
    """Write the trace as SWF, as CSV for evalys, or as Parquet.

    What was dropped or repaired on the way in, and what finds no place in such a file, is said on standard error.
    """
    from elastic_simulations.traces.reading import read

    found = read(trace, fmt)
    _write(found, to)
    for word, notes in (("dropped", found.dropped), ("repaired", found.repaired)):
        for note in notes:
            print(f"{word}: {note.rows} rows, {note.what}, first in line {note.first_line}", file=sys.stderr)


@app.command("generate")
def generate(
    kind: Annotated[Kind, typer.Argument(help="What kind of arrivals.")],
    to: To = None,
    jobs: Annotated[int, typer.Option("--jobs", help="How many jobs.")] = 100_000,
    rate: Annotated[float, typer.Option("--rate", help="Arrivals a second.")] = 0.2,
    run: Annotated[float, typer.Option("--run", help="Mean run time in seconds.")] = 500.0,
    tail: Annotated[float, typer.Option("--tail", help="Shape of a Pareto run time; 0 = exponential.")] = 0.0,
    bag: Annotated[int, typer.Option("--bag", help="Jobs that come together.")] = 1,
    chain: Annotated[int, typer.Option("--chain", help="Jobs of a bag that follow on one another.")] = 1,
    levels: Annotated[
        int, typer.Option("--levels", help="DAGs: levels between a job that forks and one that joins; 0 = none.")
    ] = 0,
    width: Annotated[int, typer.Option("--width", help="Jobs a level of a DAG.")] = 4,
    fan_in: Annotated[int, typer.Option("--fan-in", help="At most so many of the level above before a job.")] = 2,
    seed: Annotated[int, typer.Option("--seed", help="The same seed gives the same trace.")] = 0,
) -> None:
    """Write a trace that never was."""
    from elastic_simulations.progress import shown
    from elastic_simulations.traces.recipes import recipe
    from elastic_simulations.traces.reference import reference_case

    with shown("generating"):
        if kind is Kind.REFERENCE:
            made = reference_case(jobs)
        else:
            dag = {"levels": levels, "width": width, "fan_in": fan_in}
            made = recipe(kind.value, jobs=jobs, rate=rate, run=run, tail=tail, bag=bag, chain=chain, seed=seed, **dag)
    _write(made, to)


def _write(trace: "Trace", to: Path | None) -> None:
    """The trace, and a word on what finds no place there."""
    from elastic_simulations.progress import shown
    from elastic_simulations.traces.exporting import write_swf
    from elastic_simulations.traces.writing import lost, write_trace

    with shown(f"writing {to}"):
        if to is None:
            write_swf(trace, sys.stdout)
        else:
            write_trace(trace, to)
    suffix = ".swf" if to is None else to.suffix
    if gone := lost(trace, suffix):
        print(f"lost: {', '.join(gone)} have no place in {suffix.removeprefix('.')}", file=sys.stderr)


def _print(answer: "Summary") -> None:
    values = asdict(answer)
    width = max(map(len, values))
    for name, value in values.items():
        if name in {"dropped", "repaired"}:
            for note in value:
                print(f"{name:{width}}  {note['rows']} rows, {note['what']}, first in line {note['first_line']}")
        elif isinstance(value, dict):
            print(f"{name:{width}}  " + ", ".join(f"{part} {number:,.6g}" for part, number in value.items()))
        elif isinstance(value, list | tuple):
            print(f"{name:{width}}  {'; '.join(map(str, value)) or '-'}")
        else:
            print(f"{name:{width}}  {value:,.6g}" if isinstance(value, float) else f"{name:{width}}  {value}")
