"""The workload of a scenario that is not written out job by job: a trace's file, or a generator's recipe."""

from dataclasses import dataclass, replace
from pathlib import Path

from elastic.core.resources import Resources
from elastic_simulations.draws import Constant
from elastic_simulations.specs import JobSpec
from elastic_simulations.traces.reading import read
from elastic_simulations.traces.recipes import recipe
from elastic_simulations.traces.shaping import shaped
from elastic_simulations.traces.trace import MICROSECONDS, UNKNOWN, Trace


@dataclass(frozen=True, slots=True, kw_only=True)
class Workload:
    """Either `trace` (a path, from the scenario's folder) or `generate` (arrivals as of `elastic trace generate`).

    It begins at `at` seconds. `memory_mb`, `disk_mb` and `cpu_efficiency` hold for jobs of which the trace says
    nothing; the other numbers are the generator's, `rate` in jobs a second, `run` their mean seconds; with `levels`
    above 0 each arrival is a DAG, a level `width` jobs with up to `fan_in` of the level above before each.
    """

    trace: str = ""
    format: str = ""
    scale_arrivals: float = 1.0
    scale_runtime: float = 1.0
    bootstrap_days: int | None = None
    generate: str = ""
    jobs: int = 1000
    rate: float = 0.01
    run: float = 600.0
    tail: float = 0.0
    bag: int = 1
    chain: int = 1
    levels: int = 0
    width: int = 4
    fan_in: int = 2
    at: float = 0.0
    schedd: str = ""
    memory_mb: int = 1024
    disk_mb: int = 1024
    cpu_efficiency: float = 1.0

    @property
    def problem(self) -> str:
        """What makes no sense; empty when nothing."""
        if bool(self.trace) == bool(self.generate):
            return "either trace or generate must be given"
        return ""

    def below(self, folder: Path) -> "Workload":
        """The same with its trace found from this folder."""
        return replace(self, trace=str(folder / self.trace)) if self.trace else self

    def made(self, seed: int) -> Trace:
        """The jobs; TraceError says what is wrong with them."""
        if self.generate:
            return recipe(
                self.generate,
                jobs=self.jobs,
                rate=self.rate,
                run=self.run,
                tail=self.tail,
                bag=self.bag,
                chain=self.chain,
                levels=self.levels,
                width=self.width,
                fan_in=self.fan_in,
                seed=seed,
            )
        trace = read(Path(self.trace), self.format)
        return shaped(
            trace, arrivals=self.scale_arrivals, runtime=self.scale_runtime, days=self.bootstrap_days, seed=seed
        )

    def job(self, trace: Trace, place: int) -> JobSpec:
        """The job at that place of the trace, with all that the trace says of it."""

        def said(name: str, otherwise: int) -> int:
            column = trace.optional.get(name)
            return column[place] if column is not None and column[place] != UNKNOWN else otherwise

        run_us, cores = trace.run_us[place], trace.cores[place]
        used_us, user, group = said("cpu_us", 0), said("user", UNKNOWN), said("group", UNKNOWN)
        return JobSpec(
            request=Resources(cores, said("memory_mb", self.memory_mb), said("disk_mb", self.disk_mb), said("gpus", 0)),
            run=Constant(run_us / MICROSECONDS),
            cpu_efficiency=min(1.0, used_us / (run_us * cores)) if used_us else self.cpu_efficiency,
            estimate_seconds=None if (asked := said("estimate_us", UNKNOWN)) == UNKNOWN else asked / MICROSECONDS,
            owner=trace.users[user] if user != UNKNOWN else "nobody",
            accounting_group=trace.groups[group] if group != UNKNOWN else "",
        )
