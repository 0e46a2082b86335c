"""How long the command line takes to start: prints JSON; 0.3 s is the promise for `elastic --help`."""

import argparse
import json
import os
import statistics
import subprocess
import sys
import time

COMMANDS = (("--help",), ("version",), ("status", "--help"))


def main() -> None:
    """One line of JSON: for each command the median and the fastest start, in ms."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=9)
    runs = parser.parse_args().runs
    figures = {f"elastic {' '.join(command)}": timed(command, runs) for command in COMMANDS}
    print(json.dumps({"runs": runs, "python": sys.version.split()[0], "cpus": os.cpu_count(), **figures}))


def timed(command: tuple[str, ...], runs: int) -> dict[str, float]:
    """Milliseconds from the start of the process to its end; the first run, which fills caches, is left out."""
    took = [once(command) for _ in range(runs + 1)][1:]
    return {"median_ms": round(statistics.median(took)), "fastest_ms": round(min(took))}


def once(command: tuple[str, ...]) -> float:
    """One start, in ms."""
    begun = time.monotonic()
    subprocess.run([sys.executable, "-m", "elastic", *command], stdout=subprocess.DEVNULL, check=True)
    return (time.monotonic() - begun) * 1000


if __name__ == "__main__":
    main()
