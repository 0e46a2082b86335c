"""A SIGKILL of the daemon before and after each request of each backend, on real HTCondor workers in a real OpenStack.

What the local cloud's tests show for the saves and the calls of the ports is shown here for what lies within the
adapters; with the marker `full`, for all of them, and at random moments.
"""

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from itertools import zip_longest
from pathlib import Path

import pytest

from elastic.adapters.openstack.connection import Services
from elastic.adapters.openstack.servers import listed
from elastic.local.daemon import Tree
from elastic.local.loopback import free_port
from elastic.local.pool import Pool
from elastic.local.processes import teardown
from tests.lab.conftest import Say
from tests.lab.course import Course, side_by_side
from tests.lab.doomed import Within
from tests.lab.jobs import Jobs
from tests.lab.lives import Lane
from tests.lab.moments import CHANGING, LOOKING
from tests.lab.pieces import GROW, SHRINK, Kind
from tests.lab.site import POOL_CONFIG
from tests.lab.support import Client
from tests.openstack import boundaries
from tests.openstack.records import astray
from tests.openstack.rig import lab_folder
from tests.openstack.site import group, remove_groups

LAUNCH_SECONDS = {"nova": 8.0, "heat": 20.0, "senlin": 20.0}
"""An intent whose call never went out is forgotten after three times as long, and Heat must have made its server."""
SAVES = (
    "what was seen",
    "the intent to launch",
    "the intent to drain",
    "the drain's answer",
    "the intent to fence",
    "the intent to delete",
    "the intent to delete again",
    "the end of a worker",
)
STEPS = (*(f"the save of {what}" for what in SAVES), *sorted((CHANGING | LOOKING) - {"jobs_on"}))


class CloudLane(Lane):
    """A ledger whose servers are made by a backend of OpenStack, and a line of daemons."""

    settles_seconds = 240.0
    backend = "nova"

    def __init__(self, pool: Pool, jobs: Jobs, number: int) -> None:
        # The same for all daemons of the line: members that boot while none lives ask the next one.
        self.enrol_port = free_port()
        self.services = Services("lab", clouds_file=lab_folder() / "clouds.yaml")
        self.group = group(
            self.backend,
            maximum=4,
            policy="fixed",
            idle_seconds=3600.0,
            validation_seconds=0.5,
            scale_down_window_seconds=0.1,
            launch_seconds=LAUNCH_SECONDS[self.backend],
            breaker_failures=1000,
            delete_repeat_seconds=2.0,
        )
        super().__init__(pool, jobs, number)

    def called(self, number: int) -> str:
        return f"kill-{int.from_bytes(os.urandom(3), 'big'):x}-{number}"

    def settings(self) -> Tree:
        options = {
            "enrol_url": f"http://127.0.0.1:{self.enrol_port}",
            "cloud": "lab",
            "clouds_file": str(lab_folder() / "clouds.yaml"),
            "trust_domain": "elastic.local",
            "pool_key": str(self._pool.folder.key_file),
        }
        listens = {"enrol_host": "127.0.0.1", "enrol_port": self.enrol_port}
        return {"cloud": {"kind": "openstack", "options": options}, "api": listens}

    def within(self) -> Within:
        return boundaries.within

    def listed(self) -> Sequence[str]:
        return [one["id"] for one in listed(self.services, self.name)]

    def end(self) -> None:
        super().end()
        remove_groups(self.services, self.name, [str(self.group["name"])])
        self.services.close()


def lane_of(backend: str) -> type[CloudLane]:
    return type(f"{backend.title()}Lane", (CloudLane,), {"backend": backend})


@contextmanager
def lanes(root: Path, prefix: Path, kinds: Sequence[type[CloudLane]]) -> Iterator[Sequence[CloudLane]]:
    """One pool with some ledgers side by side, each with one worker; checked against Nova's own records in the end."""
    with Pool(root, prefix, extra_config=POOL_CONFIG) as pool, ExitStack() as stack:
        stack.callback(teardown, root)
        made = []
        for number, kind in enumerate(kinds):
            client = stack.enter_context(Client(pool.folder))
            made.append(kind(pool, Jobs(client, pool.folder), number))
            stack.callback(made[-1].end)
        side_by_side(made, Lane.start)
        yield made
        assert [told for lane in made for told in astray(lane.name, lane.ledger)] == []


Moments = Mapping[str, tuple[Sequence[str], Sequence[str]]]
"""By backend, the moments of growth and of shrinkage at which a daemon is killed."""

FEW: Moments = {
    "nova": (["after nova post"], ["after nova delete"]),
    "heat": (["before heat resize", "after heat resize"], ["after heat mark", "after heat resize"]),
    "senlin": (["after senlin resize"], ["after senlin remove"]),
}
MORE: Moments = {
    "nova": (["before nova post"], ["before nova delete"]),
    "heat": (["before heat preview"], ["after heat read again", "before heat verify"]),
    "senlin": (["before senlin resize"], ["before senlin remove", "before senlin verify"]),
}


def pieces(moments: tuple[Sequence[str], Sequence[str]]) -> list[tuple[Kind, str]]:
    """Growing and shrinking by turns, so that there is always something to do for the next one."""
    return [
        (kind, name)
        for pair in zip_longest(*moments, fillvalue="")
        for kind, name in zip((GROW, SHRINK), pair, strict=True)
    ]


@pytest.mark.timeout(1500)
@pytest.mark.parametrize("moments", [FEW, pytest.param(MORE, marks=pytest.mark.full)], ids=["few", "more"])
def test_killed_within_an_adapter_the_next_daemon_loses_no_server_no_drain_and_no_job(
    tmp_path: Path, condor_prefix: Path, moments: Moments, say: Say
) -> None:
    """Before and after the requests that make and remove servers: each backend in a lane of its own."""
    died: dict[str, list[str]] = {backend: [] for backend in moments}

    def live(lane: CloudLane) -> None:
        for kind, moment in pieces(moments[lane.backend]):
            if lane.play(kind, moment).died and moment:
                died[lane.backend].append(moment)

    with lanes(tmp_path, condor_prefix, [lane_of(backend) for backend in moments]) as made:
        side_by_side(made, live)
    say(f"killed within the adapters: {died}")
    assert {name: sorted(names) for name, names in died.items()} == {
        name: sorted([*grows, *shrinks]) for name, (grows, shrinks) in moments.items()
    }


@pytest.mark.full
@pytest.mark.timeout(7200)
@pytest.mark.parametrize("backend", sorted(FEW))
def test_killed_at_every_named_moment_of_a_backend_the_next_daemon_loses_nothing(
    tmp_path: Path, condor_prefix: Path, backend: str, say: Say
) -> None:
    """Before and after each save, each call of a port, each request within the adapter; each name once."""
    course = Course()
    with lanes(tmp_path, condor_prefix, [lane_of(backend)] * 3) as made:
        side_by_side(made, course.live)
    names = "".join(f"\n  {moment} ({kind})" for moment, kind in sorted(course.done.items()))
    say(f"{backend}: {len(course.done)} named moments, missed {course.missed}:{names}")
    expected = {f"{when} {step}" for when in ("before", "after") for step in STEPS} | boundaries.moments(backend)
    assert expected - course.done.keys() - {f"before {backend} create", f"after {backend} create"} == set()
