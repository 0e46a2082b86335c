"""How often OpenStack is asked when nothing happens: once for each thing to know, however many workers there are."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from elastic.core.observation import ServerStatus
from tests.lab.conftest import Say
from tests.lab.support import wait
from tests.openstack.bench import Bench, bench, said
from tests.openstack.project import Project, project

POOL = "calls"
MOST = {"nova": 2, "heat": 3, "senlin": 4}
"""Nova: its list and its limits. Heat: also the stack, whose size somebody may have changed. Senlin: also the cluster
and its nodes; its newest action only while something of ours goes on."""


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    """A project of this module's own."""
    with project(tmp_path_factory.mktemp("calls")) as made:
        yield made


def at_rest(made: Bench) -> int:
    """The requests of one tick's questions, everything being known already that is asked for now and then."""
    look(made)
    before = made.cloud.services.calls
    look(made)
    return made.cloud.services.calls - before


def look(made: Bench) -> None:
    """What the observer asks the cloud at each tick."""
    made.cloud.servers()
    made.cloud.quotas()
    made.cloud.sizes()


def grown(made: Bench, group: str, more: int) -> None:
    """So many more servers, all of them active."""
    there = len(made.cloud.servers().servers)
    made.cloud.sizes()
    made.ask(group, *(f"{group}-{there + number}" for number in range(more)))

    def settled() -> bool:
        seen = Counter(server.status for server in made.cloud.servers().servers)
        sizes = made.cloud.sizes()
        return seen == {ServerStatus.ACTIVE: there + more} and not any(size.changing for size in sizes.values())

    wait(settled, 60, f"{there + more} servers of {group} are active")


@pytest.mark.parametrize("backend", MOST)
def test_a_tick_at_rest_asks_as_often_with_four_workers_as_with_one(
    own: Project, tmp_path: Path, backend: str, say: Say
) -> None:
    with bench(own, tmp_path, f"{POOL}-{backend}", small=said(backend=backend)) as made:
        grown(made, "small", 1)
        one = at_rest(made)
        grown(made, "small", 3)
        four = at_rest(made)
        say(f"{backend}: {one} requests a tick with one worker, {four} with four")
        assert (four, one <= MOST[backend]) == (one, True)
