"""Packing orders by name: to which worker with room the next job goes."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

WORKER_BITS = 26
"""A key holds a worker's launch number in its lowest bits, so that equals go by it: sixty million launches a run."""

WORKER_MASK = (1 << WORKER_BITS) - 1


MANY = 1_000_000
"""A limit that never binds, and still is a number of workers that guardrails believe."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """`fullest_first`: workers with the least room that suffices, else those with the most.

    Among workers with the same room, `key` (of the time since which a worker has been, or last was, idle) is smallest
    for the next; then the lowest launch number.
    """

    fullest_first: bool
    key: Callable[[int, int], int]


def recent_first(since: int, worker: int) -> int:
    """The most recently idle first, so that the others grow old enough to go."""
    return (-since << WORKER_BITS) + worker


def longest_first(since: int, worker: int) -> int:
    """The longest idle first: every worker is used in turn."""
    return (since << WORKER_BITS) + worker


def launch_first(_since: int, worker: int) -> int:
    """The lowest launch number first."""
    return worker


DEFAULT = "fullest"

ORDERS: Mapping[str, Order] = {
    "fullest": Order(fullest_first=True, key=recent_first),
    "fullest-longest-idle": Order(fullest_first=True, key=longest_first),
    "fullest-launch": Order(fullest_first=True, key=launch_first),
    "emptiest": Order(fullest_first=False, key=longest_first),
}
