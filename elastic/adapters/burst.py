"""Submit sleeping jobs with the bindings: a program, because they keep one identity for each process.

    python -m elastic.adapters.burst < BURSTS

BURSTS is a JSON list of objects: count, seconds, cpus, memory_mb, folder (for its files; the job's user writes there).
The environment names the pool and the tokens. It prints one cluster id a line.
"""

import json
import sys
from collections.abc import Mapping
from typing import Any


def main() -> int:
    """Submit every burst of standard input."""
    # Imported here: the bindings read the environment once, and are there on Linux only.
    import htcondor2  # noqa: PLC0415

    schedd = htcondor2.Schedd()
    for burst in json.load(sys.stdin):
        submitted = schedd.submit(htcondor2.Submit(_description(burst)), count=int(burst["count"]))
        print(submitted.cluster())  # noqa: T201  its result
    return 0


def _description(burst: Mapping[str, Any]) -> dict[str, str]:
    """A job that sleeps a little longer than the one before, so that they do not all end at once."""
    low, high = burst["seconds"]
    return {
        "executable": "/bin/sleep",
        "arguments": "$INT(seconds)",
        "seconds": f"{low} + ($(Process) % {max(1, high - low + 1)})",
        "transfer_executable": "False",
        "should_transfer_files": "YES",
        "when_to_transfer_output": "ON_EXIT",
        "initialdir": str(burst["folder"]),
        "log": "events.log",
        "request_cpus": str(burst["cpus"]),
        "request_memory": str(burst["memory_mb"]),
        "request_disk": "16MB",
    }


if __name__ == "__main__":
    sys.exit(main())
