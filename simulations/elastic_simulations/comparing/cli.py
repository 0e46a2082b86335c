"""The command `elastic sim compare`: options become a comparison, its answer JSON or a table."""

import json
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer


class Output(StrEnum):
    """How results are printed."""

    TABLE = "table"
    JSON = "json"


def compare(
    policies: Annotated[
        list[str], typer.Option("--policy", help="NAME or NAME:key=value,key=value; or static:cores=N. Repeat.")
    ],
    trace: Annotated[str, typer.Option("--trace", help="The trace: SWF, GWF, HTCondor history, CSV, Parquet.")] = "",
    generate: Annotated[
        str, typer.Option("--generate", help="Or a workload for each seed: poisson:jobs=5000,rate=0.1")
    ] = "",
    baseline: Annotated[
        str, typer.Option("--baseline", help="What the others are compared with; else the first.")
    ] = "",
    figures: Annotated[
        list[str] | None, typer.Option("--metric", help="A figure of `elastic sim run -o json`: wait.mean. Repeat.")
    ] = None,
    seeds: Annotated[int, typer.Option("--seeds", help="How many: each a workload drawn anew.")] = 20,
    bootstrap_days: Annotated[
        int | None,
        typer.Option(
            "--bootstrap-days", help="Days drawn from the trace for each seed; else as many as it has; 0 none."
        ),
    ] = None,
    scale_arrivals: Annotated[float, typer.Option("--scale-arrivals", help="So many times as many jobs a second.")] = 1,
    scale_runtime: Annotated[float, typer.Option("--scale-runtime", help="Run times so many times as long.")] = 1.0,
    warmup: Annotated[str, typer.Option("--warmup", help="Leave out jobs of the first seconds; or mser5.")] = "mser5",
    confidence: Annotated[float, typer.Option("--confidence", help="Of the intervals, and of what differs.")] = 0.95,
    minimum: Annotated[int, typer.Option("--min", help="Workers at least.")] = 0,
    maximum: Annotated[int, typer.Option("--max", help="Workers at most.")] = 1_000_000,
    slots: Annotated[int, typer.Option("--slots", help="Cores of a worker.")] = 1,
    order: Annotated[str, typer.Option("--order", help="To which worker with room the next job goes.")] = "fullest",
    boot: Annotated[float, typer.Option("--boot", help="Seconds from the request of a worker to ready.")] = 234.0,
    tick: Annotated[float, typer.Option("--tick", help="Seconds between decisions.")] = 60.0,
    engine: Annotated[str, typer.Option("--engine", help="auto, python, numba or full.")] = "auto",
    dependencies: Annotated[
        str,
        typer.Option("--dependencies", help="honour: a job waits for those that the trace names before it; or ignore."),
    ] = "honour",
    fmt: Annotated[str, typer.Option("--format", help="The trace's format, where its name does not say.")] = "",
    cores: Annotated[int | None, typer.Option("--cores", min=1, help="Runs at once; else as many as cores.")] = None,
    output: Annotated[Output, typer.Option("--output", "-o", help="How to print the result.")] = Output.TABLE,
) -> None:
    """Several policies side by side: the same workloads for all, paired differences, what is left of chance.

    min, max, slots, order, boot, tick and engine may also be given for one policy: --policy backlog:slots=8,max=100
    """
    from elastic_simulations.campaigns.processes import own_cores
    from elastic_simulations.comparing.again import answer
    from elastic_simulations.comparing.options import FIGURES, Options

    options = Options(
        policies=policies,
        trace=trace,
        fmt=fmt,
        generate=generate,
        baseline=baseline,
        figures=figures or FIGURES,
        seeds=seeds,
        bootstrap_days=bootstrap_days,
        scale_arrivals=scale_arrivals,
        scale_runtime=scale_runtime,
        warmup=warmup,
        confidence=confidence,
        minimum=minimum,
        maximum=maximum,
        slots=slots,
        order=order,
        boot=boot,
        tick=tick,
        engine=engine,
        dependencies=dependencies,
    )
    found = answer(options, Path(), cores or own_cores())
    if output is Output.JSON:
        print(json.dumps(found, indent=2))
        return
    from elastic_simulations.comparing.table import show

    show(found)
