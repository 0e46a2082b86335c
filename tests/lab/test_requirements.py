"""The five requirements of the thesis, shown on real HTCondor daemons through the real daemon process.

Times are scaled down: the daemon ticks each second (30 s in production), an idle worker goes after 2 s or twice the
time that joins take (900 s), a drained one after 1 s (15 s). Requirements 3 and 5 take minutes in which nothing happens
but sleep, so they begin beside the others and are looked at in the end; one that fails is measured again. The thousand
jobs come late: beside them what a job costs would be measured too high.
"""

import time
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path

import pytest

from tests.lab.again import Beside
from tests.lab.conftest import Say
from tests.lab.events import Kind
from tests.lab.night import MINIMUM, SHORT_JOBS, Night, oldest_first, through_the_night
from tests.lab.outcomes import histories, unhurt
from tests.lab.rounds import attempt, summary
from tests.lab.site import Site, group
from tests.lab.speed import Speed, measure

HOUR_SECONDS = 40.0
FULL_HOUR_SECONDS = 120.0


@pytest.fixture(scope="module")
def beside(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, condor_prefix: Path
) -> Iterator[Beside]:
    """What takes minutes, begun with the first test of this module; only what a selected test waits for."""
    work: Mapping[str, tuple[str, Callable[[Path], object]]] = {
        "test_3_": ("speed", lambda root: measure(root, condor_prefix, jobs=72, job_seconds=30.0)),
        "test_5_": ("night", lambda root: through_the_night(root, condor_prefix, HOUR_SECONDS)),
        "test_the_control_of_5_": ("heat", lambda root: oldest_first(root, condor_prefix)),
    }
    selected = [item.name for item in request.session.items]
    with Beside(len(work)) as begun:
        for test, (name, begin) in work.items():
            if any(item.startswith(test) for item in selected):
                begun.begin(name, partial(_below, tmp_path_factory, name, begin))
        yield begun


@pytest.mark.usefixtures("beside")
def test_4_one_call_makes_seven_of_one_and_the_idle_pool_settles_at_three(
    tmp_path: Path, condor_prefix: Path, say: Say
) -> None:
    """Requirement 4: limits 1..7, one worker; one call pins seven for 15 s (half an hour) and puts a floor of three."""
    with Site(tmp_path, condor_prefix, groups=[group(minimum=1, maximum=7)], boot_seconds=(1.0, 3.0)) as site:
        site.until_ready(1)
        first = site.seen.ever()
        asker = {"author": "operator", "reason": "the workshop begins"}
        asked_at = time.time()
        wishes = [
            {"kind": "floor", "workers": 3, "expires_in_seconds": 3600, **asker},
            {"kind": "pin", "workers": 7, "expires_in_seconds": 15, **asker},
        ]
        site.write("PUT", "/v1/groups/small/overrides", {"overrides": wishes})
        site.until_ready(7)
        came = time.time() - asked_at
        starts = [at for name, at in site.seen.created_at.items() if name not in first]
        at_once = max(launches(site))
        site.until_ready(3)
        say(
            f"requirement 4: six servers asked for within {max(starts) - min(starts):.1f} s, ready after {came:.0f} s; "
            f"settled at three after {time.time() - asked_at:.0f} s"
        )
        assert (len(starts), at_once) == (6, 6)
        time.sleep(10)
        assert (len(site.listed()), site.group()["target"]["workers"]) == (3, 3)


@pytest.mark.usefixtures("beside")
@pytest.mark.parametrize("rounds", [3, pytest.param(20, marks=[pytest.mark.full, pytest.mark.timeout(3600)])])
def test_2_a_grid_is_made_and_torn_down_again_and_again(tmp_path: Path, rounds: int, say: Say) -> None:
    """Requirement 2: `elastic grid up`, ten jobs, `elastic grid down`, three times in a row (20 in full)."""
    done = [attempt(tmp_path, number) for number in range(rounds)]
    say(summary(done))
    assert [each.failure for each in done] == [""] * rounds


@pytest.mark.usefixtures("beside")
def test_1_a_thousand_small_jobs_all_end_with_the_right_output(tmp_path: Path, condor_prefix: Path, say: Say) -> None:
    """Requirement 1, at its full count: each job prints the square of its number, on 0..4 workers of eight cores."""
    workers = group(maximum=4, shape={"cpus": 8, "memory_mb": 2048, "disk_mb": 4096})
    with Site(tmp_path, condor_prefix, groups=[workers]) as site:
        batch = site.jobs.shell("squares", 1000, "echo $(($(Process) * $(Process)))")
        batch.wait(400)
        elapsed = time.time() - batch.submitted_at
        say(f"requirement 1: 1000 jobs in {elapsed:.0f} s on {len(site.seen.ever())} workers of eight cores, from none")
        assert [batch.output(n) for n in range(1000)] == [f"{n * n}\n" for n in range(1000)]
        assert histories(batch) == unhurt(batch)
        site.until_ready(0)


def test_the_control_of_5_removing_the_oldest_first_restarts_the_long_job(beside: Beside, say: Say) -> None:
    """What Heat did, and the thesis could not prevent: seven workers are shrunk to one, the oldest first."""
    events = beside.result("heat")
    assert isinstance(events, list)
    kinds = [event.kind for event in events]
    say(f"control of requirement 5: the long job had {kinds.count(Kind.EXECUTE)} execute events: {kinds}")
    assert kinds.count(Kind.EXECUTE) > 1


def test_3_jobs_on_a_growing_pool_are_as_fast_as_can_be(beside: Beside, say: Say) -> None:
    """Requirement 3, at its full count: 72 jobs of 30 s, boots of 6 to 10 s (minutes) on 1..7 workers."""
    speed = beside.result("speed")
    assert isinstance(speed, Speed)
    say(speed)
    # Much faster than the bound would mean that what a job costs was measured wrongly.
    assert abs(speed.short_of_bound) <= 0.03
    assert speed.workers_at_last == 1


def test_5_no_night_harms_a_ten_hour_job(beside: Beside, say: Say) -> None:
    """Requirement 5 with an hour of 40 s; the full test has one of two minutes."""
    night = beside.result("night")
    assert isinstance(night, Night)
    say(night)
    judge(night)


@pytest.mark.full
@pytest.mark.timeout(3600)
def test_5_in_full_no_night_harms_a_ten_hour_job(tmp_path: Path, condor_prefix: Path, say: Say) -> None:
    """Requirement 5 with an hour of two minutes."""
    night = through_the_night(tmp_path, condor_prefix, FULL_HOUR_SECONDS)
    say(night)
    judge(night)


def _below(folders: pytest.TempPathFactory, name: str, begin: Callable[[Path], object]) -> object:
    return begin(folders.mktemp(name))


def judge(night: Night) -> None:
    """The long job was started once and ended by itself, the others came and went, and the pool never fell too low."""
    kinds = [event.kind for event in night.long_job]
    assert (kinds.count(Kind.EXECUTE), kinds.count(Kind.EVICTED), night.long_job[-1].status) == (1, 0, 0)
    assert all([e.kind for e in events].count(Kind.EXECUTE) == 1 for events in night.short_jobs)
    assert len(night.short_jobs) == 10 * SHORT_JOBS
    assert night.survivors == frozenset()
    assert len(night.ever - {night.home}) > SHORT_JOBS
    assert night.lowest >= MINIMUM


def launches(site: Site) -> list[int]:
    """How many servers were asked for in each tick that the daemon remembers."""
    records = site.get("/v1/ticks", limit=1000)["ticks"]
    return [sum(action["kind"] == "Launch" for action in record["plan"]["actions"]) for record in records]
