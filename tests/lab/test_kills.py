"""A SIGKILL of the daemon at every named moment, and at random ones, on real HTCondor daemons with the local cloud."""

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from elastic.local.pool import Pool
from elastic.local.processes import teardown
from tests.lab.course import Course, side_by_side
from tests.lab.jobs import Jobs
from tests.lab.lives import Lane
from tests.lab.moments import CHANGING, LOOKING
from tests.lab.pieces import GROW, SHRINK, random_seconds
from tests.lab.site import POOL_CONFIG
from tests.lab.support import Client

LANES = 3
SAVES = (
    "what was seen",
    *(f"what was seen ({news})" for news in ("adopted", "joined", "drained", "vanished", "missing")),
    "what groups remember",
    "the intent to launch",
    "the server id",
    "the intent to drain",
    "the drain's answer",
    "the refused drain",
    "the intent to fence",
    "the intent to delete",
    "the intent to delete again",
    "the worker put back",
    "the end of a worker",
)
STEPS = (*(f"the save of {what}" for what in SAVES), *sorted(CHANGING | LOOKING))
EXPECTED = frozenset(f"{when} {step}" for when in ("before", "after") for step in STEPS)
"""What the rehearsals must come to; they may find more, such as an ad that vanishes and returns."""


@contextmanager
def lanes(root: Path, prefix: Path) -> Iterator[Sequence[Lane]]:
    """One pool with some ledgers side by side, each with one worker; checked for second servers in the end."""
    with Pool(root, prefix, extra_config=POOL_CONFIG) as pool, ExitStack() as stack:
        stack.callback(teardown, root / "servers")
        made = []
        for number in range(LANES):
            client = stack.enter_context(Client(pool.folder))
            made.append(Lane(pool, Jobs(client, pool.folder), number))
            stack.callback(made[-1].end)
        side_by_side(made, Lane.start)
        yield made
        deleted = {grave.stem for grave in (pool.folder.servers / ".graves").glob("*.log")}
        assert deleted <= {server for lane in made for server in lane.ever}


def test_killed_at_every_named_moment_the_next_daemon_loses_no_server_no_drain_and_no_job(
    tmp_path: Path, condor_prefix: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Before and after each save and each call about a worker; each name once."""
    course = Course()
    with lanes(tmp_path, condor_prefix) as made:
        side_by_side(made, course.live)
    with capsys.disabled():
        names = "".join(f"\n  {moment} ({kind})" for moment, kind in sorted(course.done.items()))
        print(f"\nkills: {len(course.done)} named moments, missed {course.missed}:{names}")  # noqa: T201
    assert EXPECTED - course.done.keys() == set()


@pytest.mark.parametrize("kills", [20, pytest.param(200, marks=[pytest.mark.full, pytest.mark.timeout(3600)])])
def test_killed_at_a_random_moment_of_growth_or_shrinkage_the_next_daemon_loses_nothing_either(
    tmp_path: Path, condor_prefix: Path, capsys: pytest.CaptureFixture[str], kills: int
) -> None:
    """From outside, within the first seconds of a daemon that has something to do."""
    lasts: dict[int, str] = {}
    seeds = iter(range(kills))

    def live(lane: Lane) -> None:
        for seed in seeds:
            lasts[seed] = lane.play_at_random(GROW, random_seconds(seed)).last
            shrunk = next(seeds, None)
            if shrunk is None:
                lane.play(SHRINK, "")
                return
            lasts[shrunk] = lane.play_at_random(SHRINK, random_seconds(shrunk)).last

    with lanes(tmp_path, condor_prefix) as made:
        side_by_side(made, live)
    with capsys.disabled():
        counted = "".join(f"\n  {times} x {moment}" for moment, times in sorted(Counter(lasts.values()).items()))
        print(f"\nkills: {len(lasts)} at random; the last moments were:{counted}")  # noqa: T201
    assert len(lasts) == kills
