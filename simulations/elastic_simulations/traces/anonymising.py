"""A trace without names: users and groups become numbers, header and source go; what remains is said."""

from array import array
from dataclasses import replace
from random import Random

from elastic_simulations.traces.trace import UNKNOWN, Trace

REMAINS = (
    "submit and run times, to the microsecond",
    "cores, memory, disk and gpus asked for",
    "cpu times and estimates",
    "which jobs belong to the same user or group (numbered in a drawn order)",
    "which job comes after which",
)
"""What somebody who knows a user's habits could still recognise them by."""

GONE = ("names of users and groups", "the header with its site and people", "job numbers", "places in the file")


def anonymised(trace: Trace, seed: int) -> Trace:
    """The same jobs; the same seed draws the same numbers, and without it they cannot be traced back."""
    optional = {name: column for name, column in trace.optional.items() if name != "job"}
    counts = {"user": len(trace.users), "group": len(trace.groups)}
    for name, count in counts.items():
        if name in optional:
            drawn = list(range(count))
            Random(f"{seed}/{name}").shuffle(drawn)  # noqa: S311 - the seed is the secret
            column = optional[name]
            optional[name] = array("q", (who if who == UNKNOWN else drawn[who] for who in column))
    return replace(
        trace,
        line=array("q", range(1, len(trace) + 1)),
        optional=optional,
        users=tuple(f"user{number + 1}" for number in range(counts["user"])),
        groups=tuple(f"group{number + 1}" for number in range(counts["group"])),
        header=(),
        source="anonymised",
    )
