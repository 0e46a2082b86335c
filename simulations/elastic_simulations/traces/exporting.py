"""Traces and results as files of others: SWF, and the CSV of Batsim and evalys."""

import csv
from collections.abc import Iterable, Iterator
from typing import Protocol

from elastic_simulations.fast.outcome import Outcome
from elastic_simulations.traces.following import before_texts, numbers
from elastic_simulations.traces.placing import placed
from elastic_simulations.traces.trace import MICROSECONDS, UNKNOWN, Column, Trace

EVALYS = (
    "jobID",
    "workload_name",
    "submission_time",
    "requested_number_of_resources",
    "requested_time",
    "success",
    "starting_time",
    "execution_time",
    "finish_time",
    "waiting_time",
    "turnaround_time",
    "stretch",
    "allocated_resources",
)


EXTRA = {
    "user": "user",
    "group": "group",
    "cpu_us": "cpu_time",
    "memory_mb": "memory_mb",
    "disk_mb": "disk_mb",
    "gpus": "gpus",
    "after": "after",
    "think_us": "think_time",
}
"""Columns of ours beside those of evalys, which passes them over; read back under these names."""


class Written(Protocol):
    """Something with `write`."""

    def write(self, text: str, /) -> object: ...


def write_swf(trace: Trace, file: Written, start_us: Column | None = None) -> None:
    """All jobs as SWF 2.2, with their waits where they are known; seconds, with a fraction where there is one."""
    file.write("; Version: 2.2\n; Conversion: elastic\n")
    for line in trace.header:
        if not line.startswith(("Version:", "Conversion:")):
            file.write(f"; {line}\n")
    for row in _swf_rows(trace, start_us):
        file.write(" ".join(row) + "\n")


def write_evalys(trace: Trace, file: Written, outcome: Outcome | None = None) -> None:
    """A line of evalys' jobs.csv a job, and after its columns what else the trace knows (EXTRA).

    Of a result every started job, `allocated_resources` being its cores; of a trace every job, its schedule empty.
    """
    rows = csv.writer(file, lineterminator="\n")
    extra = [name for name in EXTRA if name in trace.optional]
    rows.writerow((*EVALYS, *(EXTRA[name] for name in extra)))
    estimate, called = trace.optional.get("estimate_us"), numbers(trace)
    before = before_texts(trace) if "after" in extra else []
    for job, schedule in _schedules(trace, outcome):
        wanted = estimate[job] if estimate is not None else UNKNOWN
        head = (called[job], "elastic", seconds(trace.submit_us[job]), trace.cores[job], seconds(wanted))
        rows.writerow(
            (*head, *schedule, *(before[job] if name == "after" else _extra(trace, name, job) for name in extra))
        )


def _schedules(trace: Trace, outcome: Outcome | None) -> Iterator[tuple[int, tuple[object, ...]]]:
    """(job, success to allocated_resources)."""
    if outcome is None:
        for job, run in enumerate(trace.run_us):
            yield job, ("", "", seconds(run), "", "", "", "", "")
        return
    where = placed(trace, outcome)
    for job, (submit, run, start) in enumerate(zip(trace.submit_us, trace.run_us, outcome.start_us, strict=True)):
        if start != UNKNOWN:
            turnaround = start - submit + run
            times = map(seconds, (start, run, start + run, start - submit, turnaround))
            yield job, (1, *times, repr(turnaround / run), where[job])


def _extra(trace: Trace, name: str, job: int) -> str:
    value = trace.optional[name][job]
    if value == UNKNOWN:
        return ""
    match name:
        case "user":
            return trace.users[value]
        case "group":
            return trace.groups[value]
        case "cpu_us" | "think_us":
            return seconds(value)
        case _:
            return str(value)


def seconds(value_us: int) -> str:
    """Microseconds as seconds, exactly; -1 for unknown."""
    if value_us == UNKNOWN:
        return "-1"
    whole, rest = divmod(value_us, MICROSECONDS)
    return f"{whole}.{rest:06}".rstrip("0") if rest else str(whole)


def _swf_rows(trace: Trace, start_us: Column | None) -> Iterator[Iterable[str]]:
    known = trace.optional
    for job, (submit, run, cores) in enumerate(zip(trace.submit_us, trace.run_us, trace.cores, strict=True)):

        def of(name: str, place: int = job) -> int:
            column = known.get(name)
            return UNKNOWN if column is None else column[place]

        wait = UNKNOWN if start_us is None or start_us[job] == UNKNOWN else start_us[job] - submit
        memory, after = of("memory_mb"), of("after")
        per_core = UNKNOWN if memory == UNKNOWN else memory * 1024 // cores
        yield (
            str(job + 1),
            seconds(submit),
            seconds(wait),
            seconds(run),
            str(cores),
            seconds(of("cpu_us")),
            "-1",
            str(cores),
            seconds(of("estimate_us")),
            str(per_core),
            "1",
            *(str(UNKNOWN if of(name) == UNKNOWN else of(name) + 1) for name in ("user", "group")),
            *("-1",) * 3,
            str(UNKNOWN if after == UNKNOWN else after + 1),
            seconds(of("think_us")) if after != UNKNOWN else "-1",
        )
