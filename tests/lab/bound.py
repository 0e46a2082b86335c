"""How fast identical jobs can be done at best on workers that come one by one; shares no code with elastic.

    echo '{"jobs": 72, "job_seconds": 30, "overhead_seconds": 0.5, "available_at": [0, 8, 8.1]}' | python bound.py

`available_at` says for each worker when it can take its first job, in seconds after the jobs were submitted; each has
one slot. `overhead_seconds` is what one job costs its slot beside `job_seconds`. Prints the elapsed seconds and the
scaling factor (total job time / elapsed).
"""

import heapq
import json
import sys
from collections.abc import Sequence


def elapsed_seconds(jobs: int, job_seconds: float, overhead_seconds: float, available_at: Sequence[float]) -> float:
    """When the last job has ended, each given to the worker that is free first: for equal jobs nothing is faster."""
    if jobs < 1 or not available_at:
        raise ValueError("needs at least one job and one worker")
    free_at = list(available_at)
    heapq.heapify(free_at)
    end = 0.0
    for _ in range(jobs):
        done = heapq.heappop(free_at) + job_seconds + overhead_seconds
        heapq.heappush(free_at, done)
        end = max(end, done)
    return end


def scaling_factor(jobs: int, job_seconds: float, elapsed: float) -> float:
    """How many workers' work was done per worker's time: total job time / elapsed."""
    return jobs * job_seconds / elapsed


def main() -> None:
    """Read one case from standard input, print its bound."""
    case = json.load(sys.stdin)
    elapsed = elapsed_seconds(**case)
    factor = scaling_factor(case["jobs"], case["job_seconds"], elapsed)
    json.dump({"elapsed_seconds": elapsed, "scaling_factor": factor}, sys.stdout)
    sys.stdout.write("\n")


if __name__ == "__main__":
    main()
