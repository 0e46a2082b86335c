"""What `elastic sim run` does once its options are understood, whoever understood them."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from elastic_simulations.progress import shown
from elastic_simulations.runs.outputs import JOBS, WORKERS, check_outputs
from elastic_simulations.runs.report import own_version, report
from elastic_simulations.runs.running import Result, run
from elastic_simulations.runs.settings import HONOUR, RunSettings, SettingsError, checked, lost_options
from elastic_simulations.traces.reading import read
from elastic_simulations.traces.shaping import shaped

SCENARIO = "scenario"
"""The format of a file that is no trace but a scenario: `--scenario FILE` is `--trace FILE --format scenario`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """The options of the command, by the names of their parameters; `sets` as key=value.

    `state` is no option: it is what `from_live` was found to be, so that a manifest has it.
    """

    trace: Path
    policy: str
    static: int | None
    minimum: int
    maximum: int
    slots: int
    order: str
    boot: float
    tick: float
    sets: Sequence[str]
    seed: int
    engine: str
    warmup: str
    fmt: str
    scale_arrivals: float
    scale_runtime: float
    bootstrap_days: int | None
    jobs_to: Path | None
    workers_to: Path | None
    quanta: Sequence[int] = ()
    price: float | None = None
    html_to: Path | None = None
    from_live: str = ""
    group: str = ""
    state: Mapping[str, object] | None = None
    dependencies: str = HONOUR


def lost(asked: Asked) -> str:
    """What to say of options that were given in vain; empty when there are none. Figures are as without them."""
    options = lost_options(_settings(asked))
    return (
        f"ignored: {', '.join(options)}: --static {asked.static} has no workers and decides nothing" if options else ""
    )


WRITTEN = ("jobs_to", "workers_to", "html_to")
"""Options that name a file to write: they change no figure."""


def answer(asked: Asked) -> Mapping[str, object]:
    """Simulate, write the files asked for, and report."""
    check_outputs({asked.jobs_to: JOBS, asked.workers_to: WORKERS, asked.html_to: ()})
    if asked.html_to is not None:
        from elastic_simulations.reports.writing import check_libraries  # noqa: PLC0415 - for those who ask

        check_libraries()
    if asked.from_live and asked.state is None:
        from elastic_simulations.live.command import with_state  # noqa: PLC0415 - as above

        asked = with_state(asked)
    result, file_sha256 = simulated(asked)
    told = {**report(result), "manifest": {**manifest(asked, file_sha256), "engine": result.engine}}
    _write(asked, result, told)
    return told


def simulated(asked: Asked) -> tuple[Result, str]:
    """The run, and the checksum of its trace's file."""
    settings = checked(_settings(asked))
    if asked.fmt == SCENARIO:
        from elastic_simulations.full.scenario import run_file  # noqa: PLC0415 - the whole controller

        return run_file(asked.trace, settings)
    if asked.state is not None:
        from elastic_simulations.live.command import run_live  # noqa: PLC0415 - for those who ask

        return run_live(asked, settings)
    file = read(asked.trace, asked.fmt)
    trace = shaped(
        file,
        arrivals=asked.scale_arrivals,
        runtime=asked.scale_runtime,
        days=asked.bootstrap_days,
        seed=asked.seed,
    )
    return run(trace, settings), file.sha256


def _write(asked: Asked, result: Result, told: Mapping[str, object]) -> None:
    if asked.jobs_to is not None or asked.workers_to is not None:
        from elastic_simulations.runs.tables import write_jobs, write_workers  # noqa: PLC0415 - for those who ask

        for write, path in ((write_jobs, asked.jobs_to), (write_workers, asked.workers_to)):
            if path is not None:
                with shown(f"writing {path.name}"):
                    write(result, path)
    if asked.html_to is not None:
        from elastic_simulations.reports.writing import write_run  # noqa: PLC0415 - as above

        with shown(f"writing {asked.html_to.name}"):
            write_run(told, result, asked.html_to)


def manifest(asked: Asked, file_sha256: str) -> Mapping[str, object]:
    """The options as given, with the checksum of the trace's file; `elastic sim rerun` makes the run again from it."""
    options = {name: str(value) if isinstance(value, Path) else value for name, value in asdict(asked).items()}
    return {"version": own_version(), "file_sha256": file_sha256, "options": options}


def _settings(asked: Asked) -> RunSettings:
    return RunSettings(
        policy=asked.policy,
        static=asked.static,
        minimum=asked.minimum,
        maximum=asked.maximum,
        slots=asked.slots,
        order=asked.order,
        boot=asked.boot,
        tick=asked.tick,
        sets=pairs(asked.sets),
        seed=asked.seed,
        engine=asked.engine,
        warmup=warmup_of(asked.warmup),
        quanta=tuple(asked.quanta),
        price=asked.price,
        dependencies=asked.dependencies,
    )


def warmup_of(text: str) -> float | str:
    """Seconds, or the name of a rule; `checked` says what is wrong with either."""
    try:
        return float(text)
    except ValueError:
        return text


def pairs(sets: Sequence[str]) -> dict[str, str]:
    """What `--set key=value` gave; SettingsError for anything else."""
    given: dict[str, str] = {}
    for text in sets:
        key, found, value = text.partition("=")
        if not (found and key):
            raise SettingsError(f"--set {text}: must be key=value")
        given[key.strip()] = value.strip()
    return given
