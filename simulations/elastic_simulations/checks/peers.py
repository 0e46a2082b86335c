"""Other simulators on the same input, job by job."""

from collections.abc import Iterator
from importlib import import_module
from importlib.util import find_spec
from typing import Protocol

from elastic_simulations.checks.verdict import Verdict, little, not_run
from elastic_simulations.fast.static import run_static
from elastic_simulations.measures.checks import littles_law_residual
from elastic_simulations.traces.reference import reference_case
from elastic_simulations.traces.trace import Trace

JOBS, CORES = 20_000, 195


class _Resource(Protocol):
    def request(self) -> object: ...
    def release(self, request: object) -> object: ...


class _Environment(Protocol):
    now: int

    def timeout(self, delay: int) -> object: ...
    def process(self, generator: "Iterator[object]") -> object: ...
    def run(self) -> None: ...


def simpy() -> Iterator[Verdict]:
    """SimPy's Resource as a static pool: every start the same."""
    name = f"SimPy, {JOBS} jobs of the generated case, static {CORES}: jobs that start at another time"
    if find_spec("simpy") is None:
        yield not_run(name, 0, "needs simpy: pip install simpy")
        return
    trace = reference_case(JOBS)
    other = simpy_starts(trace, CORES)
    outcome = run_static(trace, CORES)
    differ = sum(map(int.__ne__, outcome.start_us, other))
    yield Verdict(check=name, expected=0, got=differ, tolerance="none", ok=differ == 0)
    yield little("SimPy's case", [littles_law_residual(trace, outcome)])


def simpy_starts(trace: Trace, cores: int) -> list[int]:
    """When SimPy starts each one-core job of the trace, in us."""
    library = import_module("simpy")
    environment: _Environment = library.Environment()
    pool: _Resource = library.Resource(environment, capacity=cores)
    starts = [0] * len(trace)

    def job(place: int, run: int) -> Iterator[object]:
        request = pool.request()
        yield request
        starts[place] = environment.now
        yield environment.timeout(run)
        pool.release(request)

    def source() -> Iterator[object]:
        for place, (submit, run) in enumerate(zip(trace.submit_us, trace.run_us, strict=True)):
            if submit > environment.now:
                yield environment.timeout(submit - environment.now)
            environment.process(job(place, run))

    environment.process(source())
    environment.run()
    return starts
