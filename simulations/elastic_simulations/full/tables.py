"""What a run of the full world leaves behind, as the tables that the measures read: jobs, their attempts, workers."""

from array import array
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from elastic_simulations.datacentre import SimulatedServer, launch_order
from elastic_simulations.fast.outcome import Outcome, WorkerTable
from elastic_simulations.full.integrating import Change, QueueMeter, integrals, samples
from elastic_simulations.grid import Grid
from elastic_simulations.jobs import Job, JobEvent, JobLog
from elastic_simulations.traces.trace import UNKNOWN

SILENT = "silent"


@dataclass(frozen=True, slots=True)
class Attempt:
    """One execution: where, from when to when (us; the end of the run for one that has not ended), and whether well."""

    job: int
    machine: str
    start_us: int
    end_us: int
    ended: bool


def attempts(log: JobLog, places: Mapping[str, int], stopped_us: int) -> Iterator[Attempt]:
    """Every execution of every job, in the order of their ends."""
    running: dict[str, tuple[str, int]] = {}
    for line in log:
        gone = line.event is JobEvent.DISCONNECT and line.reason != SILENT
        if line.event is JobEvent.EXECUTE:
            running[line.job] = (line.machine, line.at_us)
        elif gone or line.event in {JobEvent.TERMINATE, JobEvent.EVICT, JobEvent.REMOVE}:
            # A job whose worker died under it stays in the queue as running; it used nothing from then on.
            machine, began = running.pop(line.job, ("", UNKNOWN))
            if began != UNKNOWN and line.job in places:
                ended = line.event is JobEvent.TERMINATE
                yield Attempt(places[line.job], machine, began, line.at_us, ended)
    for job, (machine, began) in running.items():
        if job in places:
            yield Attempt(places[job], machine, began, stopped_us, ended=False)


def outcome(grid: Grid, jobs: list[Job], meter: QueueMeter, ticks_us: list[int], *, cores: int | None) -> Outcome:
    """All tables of these jobs; `cores` is what each worker has, None = each its own."""
    stopped_us = grid.timeline.now_us
    places = {job.id_in_pool: place for place, job in enumerate(jobs)}
    servers = launched(grid)
    numbers = {f"{server.name}.{grid.spec.name}": number for number, server in enumerate(servers)}
    tried = list(attempts(grid.log, places, stopped_us))
    over = [job.end_us is not None for job in jobs]
    ended_us = max(job.end_us or 0 for job in jobs) if jobs and all(over) else stopped_us
    worker = array("q", (UNKNOWN,)) * len(jobs)
    for attempt in tried:
        worker[attempt.job] = numbers.get(attempt.machine, UNKNOWN)
    wants = [job.spec.request.cpus for job in jobs]
    demand = [(job.submit_us, want) for job, want in zip(jobs, wants, strict=True)]
    demand += [(job.end_us, -want) for job, want in zip(jobs, wants, strict=True) if job.end_us is not None]
    meter.move_to(max(ended_us, stopped_us) if not all(over) else ended_us)
    totals = integrals(demand, list(_supply(servers, 0)), ended_us)
    totals.queue = meter.total
    ours = [a for a in tried if a.machine in numbers]
    return Outcome(
        start_us=array("q", (UNKNOWN if job.first_start_us is None else job.first_start_us for job in jobs)),
        end_us=array("q", (UNKNOWN if job.end_us is None else job.end_us for job in jobs)),
        worker=worker,
        workers=_table(servers, cores),
        integrals=totals,
        samples=samples(demand, list(_supply(servers, 1)), ticks_us, ended_us),
        ended_us=ended_us,
        stopped_us=stopped_us,
        launches=len(servers),
        events=len(grid.log.lines) + 2 * len(servers),
        decisions=len(ticks_us),
        evictions=grid.log.count(JobEvent.EVICT),
        busy=_held(ours, wants, ended=True),
        wasted=_held(ours, wants, ended=False),
    )


def launched(grid: Grid) -> list[SimulatedServer]:
    """Every server that there ever was, in launch order; those that are still there know of their drains, too."""
    servers = [*grid.datacentre.gone, *grid.datacentre.servers.values()]
    for server in grid.datacentre.servers.values():
        if (startd := grid.startd_of(server)) is not None:
            server.drained_us, server.shut = startd.drained_us, tuple(startd.shut)
    return sorted(servers, key=lambda server: launch_order(server.requested_us, server.name))


def _held(tried: Iterable[Attempt], wants: list[int], *, ended: bool) -> int:
    return sum((a.end_us - a.start_us) * wants[a.job] for a in tried if a.ended is ended)


def _supply(servers: Iterable[SimulatedServer], later_us: int) -> Iterator[Change]:
    """Ready cores as they come and go; what a tick does to them shows `later_us` after it."""
    for server in servers:
        cores = server.machine.total.cpus
        if server.ready_us is None:
            continue
        yield server.ready_us, cores
        for closed_us, open_us in server.shut:
            yield closed_us + later_us, -cores
            yield open_us + later_us, cores
        ends = [at for at in (server.drained_us, server.off_us, server.gone_us) if at is not None]
        if ends:
            yield min(ends) + later_us, -cores


def _table(servers: list[SimulatedServer], cores: int | None) -> WorkerTable:
    def column(values: Iterable[int | None]) -> "array[int]":
        return array("q", (UNKNOWN if value is None else value for value in values))

    return WorkerTable(
        cores=1 if cores is None else cores,
        sizes=array("q", (server.flavor.cpus for server in servers)) if cores is None else None,
        requested=column(server.requested_us for server in servers),
        ready=column(server.ready_us for server in servers),
        drained=column(server.drained_us for server in servers),
        deleted=column(server.gone_us for server in servers),
    )
