"""The command `elastic sim`: options become settings, results become JSON or a table; found by entry point."""

import json
import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from elastic_simulations.campaigns.cli import campaign
from elastic_simulations.comparing.cli import compare

app = typer.Typer(help="Replay workload traces under the very code that decides in the daemon.", no_args_is_help=True)
app.command("compare")(compare)
app.command("campaign")(campaign)


class Output(StrEnum):
    """How results are printed."""

    TABLE = "table"
    JSON = "json"


As = Annotated[Output, typer.Option("--output", "-o", help="How to print the result.")]


@app.command("run")
def run(
    trace: Annotated[
        Path | None, typer.Option("--trace", help="The trace: SWF, GWF, HTCondor history, CSV, Parquet.")
    ] = None,
    scenario: Annotated[
        Path | None, typer.Option("--scenario", help="Instead: a scenario (TOML) for the full world.")
    ] = None,
    policy: Annotated[
        str | None, typer.Option("--policy", help="A policy by its name.", show_default="backlog")
    ] = None,
    static: Annotated[int | None, typer.Option("--static", help="This many cores, always on; no policy.")] = None,
    minimum: Annotated[int, typer.Option("--min", help="Workers at least.")] = 0,
    maximum: Annotated[int, typer.Option("--max", help="Workers at most.")] = 1_000_000,
    slots: Annotated[int, typer.Option("--slots", help="Cores of a worker.")] = 1,
    order: Annotated[str, typer.Option("--order", help="To which worker with room the next job goes.")] = "fullest",
    boot: Annotated[float, typer.Option("--boot", help="Seconds from the request of a worker to ready.")] = 234.0,
    tick: Annotated[float, typer.Option("--tick", help="Seconds between decisions.")] = 60.0,
    sets: Annotated[list[str] | None, typer.Option("--set", help="key=value of policy or group; repeat.")] = None,
    seed: Annotated[int, typer.Option("--seed", help="Where all randomness comes from.")] = 0,
    engine: Annotated[str, typer.Option("--engine", help="auto, python, numba or full.")] = "auto",
    warmup: Annotated[str, typer.Option("--warmup", help="Leave out jobs of the first seconds; or mser5.")] = "0",
    fmt: Annotated[str, typer.Option("--format", help="The trace's format, where its name does not say.")] = "",
    scale_arrivals: Annotated[float, typer.Option("--scale-arrivals", help="So many times as many jobs a second.")] = 1,
    scale_runtime: Annotated[float, typer.Option("--scale-runtime", help="Run times so many times as long.")] = 1.0,
    bootstrap_days: Annotated[int | None, typer.Option("--bootstrap-days", help="So many days, drawn anew.")] = None,
    dependencies: Annotated[
        str,
        typer.Option("--dependencies", help="honour: a job waits for those that the trace names before it; or ignore."),
    ] = "honour",
    jobs_to: Annotated[
        Path | None, typer.Option("--jobs", help="Write every job: .swf, .csv (evalys) or .parquet.")
    ] = None,
    workers_to: Annotated[Path | None, typer.Option("--workers", help="Write every worker: .csv or .parquet.")] = None,
    quanta: Annotated[
        list[int] | None, typer.Option("--quantum", help="Seconds of a billing period, beside 1 and 3600; repeat.")
    ] = None,
    price: Annotated[float | None, typer.Option("--price", help="Of a core-hour: costs in any currency.")] = None,
    html_to: Annotated[
        Path | None, typer.Option("--html", help="Write a page with plots and all figures, for any browser.")
    ] = None,
    from_live: Annotated[
        str,
        typer.Option(
            "--from-live",
            metavar="URL|FOLDER",
            help="Begin with the workers and the queue of a running daemon (its address, or the folder of its records);"
            " the trace is then its history, best with the queue: elastic trace export.",
        ),
    ] = "",
    group: Annotated[str, typer.Option("--group", help="Only this group of that daemon, where it has several.")] = "",
    output: As = Output.TABLE,
) -> None:
    """Simulate one trace under one policy, or on a fixed number of cores; or all that a scenario's file says.

    Exit codes: 0 done (jobs that could never run are counted as unserved), 1 it failed, with the reason: mostly file
    and line of a trace; 2 options, settings or policies that make no sense.
    """
    from elastic_simulations.runs.command import SCENARIO, Asked, answer, lost
    from elastic_simulations.runs.settings import RunSettings, check_static

    if (trace is None) == (scenario is None):
        raise typer.BadParameter("give either --trace or --scenario", param_hint="--trace / --scenario")
    if static is not None:
        check_static(static, policy, ())
    asked = Asked(
        trace=trace or scenario or Path(),
        policy=RunSettings().policy if policy is None else policy,
        static=static,
        minimum=minimum,
        maximum=maximum,
        slots=slots,
        order=order,
        boot=boot,
        tick=tick,
        sets=sets or (),
        seed=seed,
        engine=engine,
        warmup=warmup,
        fmt=fmt if scenario is None else SCENARIO,
        scale_arrivals=scale_arrivals,
        scale_runtime=scale_runtime,
        bootstrap_days=bootstrap_days,
        jobs_to=jobs_to,
        workers_to=workers_to,
        quanta=quanta or (),
        price=price,
        html_to=html_to,
        from_live=from_live,
        group=group,
        dependencies=dependencies,
    )
    result = answer(asked)
    if said := lost(asked):
        print(said, file=sys.stderr)
    if output is Output.JSON:
        print(json.dumps(result, indent=2))
        return
    from elastic_simulations.runs.table import show

    show(result)


@app.command("rerun")
def rerun(
    result: Annotated[
        Path,
        typer.Argument(
            help="What run, compare, campaign or replay printed with -o json; a campaign's runs.jsonl;"
            " a validation's manifest."
        ),
    ],
    traces: Annotated[
        list[Path] | None, typer.Option("--trace", help="Where a trace lies now, if it was moved. Repeat.")
    ] = None,
    run_: Annotated[str, typer.Option("--run", help="Only this run of a campaign's table.")] = "",
    cores: Annotated[int | None, typer.Option("--cores", min=1, help="Runs at once; else as many as cores.")] = None,
) -> None:
    """Make a result again from its manifest, and say whether it came out the same; exit 1 when it did not."""
    from elastic_simulations.campaigns.processes import own_cores
    from elastic_simulations.rerunning import rerun
    from elastic_simulations.runs.report import own_version

    made = rerun(result, traces or (), cores or own_cores(), run_)
    for one in made:
        print(json.dumps(one.answer, indent=2 if len(made) == 1 else None))
        if one.version != own_version():
            print(f"made by elastic {one.version}, this is {own_version()}", file=sys.stderr)
        which = f"{one.which}: " if one.which else ""
        print(f"{which}differs: {', '.join(one.differ)}" if one.differ else f"{which}the same", file=sys.stderr)
    if any(one.differ for one in made):
        raise typer.Exit(1)


@app.command("report")
def report(
    results: Annotated[
        list[Path], typer.Argument(help="What `elastic sim run`, `compare` or `campaign` printed with -o json.")
    ],
    html: Annotated[Path, typer.Option("--html", help="Where to write the page.")],
    draw: Annotated[
        bool, typer.Option("--draw/--no-draw", help="Simulate each again (up to 8) to draw it over time.")
    ] = True,
) -> None:
    """Write one HTML page about several results: cost against waiting with the Pareto front, plots, all figures."""
    from elastic_simulations.reports.writing import check_libraries, write

    check_libraries()
    from elastic_simulations.progress import shown as bar
    from elastic_simulations.reports.stored import shown, stored

    with bar("simulating and drawing"):
        write(shown(stored(results), draw=draw), html)


@app.command("cite")
def cite(
    trace: Annotated[Path | None, typer.Argument(help="A trace.")] = None,
    fmt: Annotated[str, typer.Option("--format", help="The trace's format, where its name does not say.")] = "",
    output: As = Output.TABLE,
) -> None:
    """Whom the trace's own header asks to be thanked, and how to cite elastic."""
    from elastic_simulations.runs.citing import bibtex, citation, thanks

    of = thanks(trace, fmt) if trace is not None else None
    if output is Output.JSON:
        print(json.dumps({"trace": of, "elastic": {"text": citation(), "bibtex": bibtex()}}, indent=2))
        return
    if of is not None:
        print("\n".join(of["acknowledge"]) or f"{trace}: its header names nobody")
        print()
    print(f"{citation()}\n\n{bibtex()}")


@app.command("validate")
def validate(
    data: Annotated[
        Path | None, typer.Option("--data", envvar="ELASTIC_TRACES", help="Where real traces lie, if anywhere.")
    ] = None,
    only: Annotated[str, typer.Option("--only", help="Only families of checks whose name contains this.")] = "",
    full: Annotated[bool, typer.Option("--full", help="Make every decision anew: half an hour.")] = False,
    manifest_to: Annotated[
        Path | None, typer.Option("--manifest", help="Write the verdicts there with their manifest, for rerun.")
    ] = None,
    output: As = Output.TABLE,
) -> None:
    """Check the simulator against closed forms and other programs (minutes); exit 1 when a check fails."""
    from elastic_simulations.validate import failed, plain, validate

    verdicts = validate(data, only, full=full)
    if output is Output.JSON:
        print(json.dumps([plain(verdict) for verdict in verdicts], indent=2))
    else:
        from elastic_simulations.runs.table import show_verdicts

        show_verdicts(verdicts)
    if manifest_to is not None:
        from elastic_simulations.campaigns.store import replace
        from elastic_simulations.rerunning import validated

        replace(manifest_to, json.dumps(validated(verdicts, data, only, full=full), indent=2).encode())
    if failed(verdicts):
        raise typer.Exit(1)
