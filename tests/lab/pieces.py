"""The pieces of life that a daemon is killed in: growing, shrinking, and the way back from there."""

import random
from dataclasses import dataclass

RANDOM_SECONDS = 4.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """A piece of life: from one worker to two, back to one, or the way there and back.

    `workers` is how many there are in the end. `leaves`: somebody wishes the newest worker away. `prelude`: a first
    daemon is killed there. `returns`: the wish is taken back after the prelude. `hold`: the daemon waits there, and
    meanwhile a job is started on that worker.
    """

    name: str
    workers: int
    leaves: bool = False
    prelude: str = ""
    returns: bool = False
    hold: str = ""


GROW = Kind(name="grow", workers=2)
SHRINK = Kind(name="shrink", workers=1, leaves=True)
GROWING = (GROW, Kind(name="adopt", workers=2, prelude="after create"))
SHRINKING = (
    SHRINK,
    Kind(name="delete again", workers=1, leaves=True, prelude="after the save of the intent to delete"),
    Kind(name="refused", workers=1, leaves=True, hold="before drain"),
)
RETURNING = (
    Kind(name="resume", workers=2, leaves=True, prelude="before the save of the intent to fence", returns=True),
    Kind(name="switch on", workers=2, leaves=True, prelude="after fence", returns=True),
)


def random_seconds(seed: int) -> float:
    """When a daemon is killed at random, counted from its first moment; half of them within the first half second."""
    return RANDOM_SECONDS * random.Random(seed).random() ** 3  # noqa: S311  not a secret
