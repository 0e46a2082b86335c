"""The same static FIFO run in SimPy: reads the cached trace, simulates, prints the waiting times as JSON."""

import json
import sys
from collections.abc import Generator
from pathlib import Path

import simpy

from elastic_simulations.measures.spread import spread_of_times
from elastic_simulations.traces.reading import read


def main() -> None:
    trace = read(Path(sys.argv[1]))
    environment = simpy.Environment()
    slots = simpy.Resource(environment, capacity=int(sys.argv[2]))
    waits: list[int] = []

    def job(run: int) -> Generator[simpy.Event, None, None]:
        submitted = environment.now
        with slots.request() as request:
            yield request
            waits.append(int(environment.now - submitted))
            yield environment.timeout(run)

    def source() -> Generator[simpy.Event, None, None]:
        for submit, run in zip(trace.submit_us, trace.run_us, strict=True):
            if (gap := submit - environment.now) > 0:
                yield environment.timeout(gap)
            environment.process(job(run))

    environment.process(source())
    environment.run()
    spread = spread_of_times(waits)
    print(json.dumps({"mean": spread.mean, "p95": spread.p95, "last_end": environment.now / 1e6, "jobs": len(waits)}))


main()
