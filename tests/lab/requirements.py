"""The five requirements of the thesis as tests, for every kind of cloud that has a worker group's servers.

A module of tests takes them over by their names and says in a fixture `ground` where they are to be shown. Requirements
3 and 5 take minutes in which nothing happens but sleep, so they begin beside the others and are looked at in the end;
one that fails is measured again. The many jobs come late: beside them what a job costs would be measured too high.
"""

import time
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path

import pytest

from tests.lab.again import Beside
from tests.lab.conftest import Say
from tests.lab.events import Kind
from tests.lab.ground import Counts, Ground
from tests.lab.night import MINIMUM, Night, through_the_night
from tests.lab.outcomes import histories, unhurt
from tests.lab.rounds import summary
from tests.lab.site import Site
from tests.lab.speed import Speed, measure

FULL = [pytest.mark.full, pytest.mark.timeout(3600)]
SIZES = ["usual", pytest.param("full", marks=FULL)]


@pytest.fixture(scope="module")
def beside(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, condor_prefix: Path, ground: Ground
) -> Iterator[Beside]:
    """What takes minutes, begun with the first test of this module; only what a selected test waits for."""
    work: Mapping[str, tuple[str, Callable[[Path], object]]] = {
        "test_3_": ("speed", lambda root: measure(ground, ground.counts, root, condor_prefix)),
        "test_5_": ("night", lambda root: through_the_night(ground, ground.counts, root, condor_prefix)),
        **({"test_the_control_of_5_": ("control", partial(_control, ground, condor_prefix))} if ground.control else {}),
    }
    # Threads that asked for it at once would each make one.
    tmp_path_factory.getbasetemp()
    selected = [item.name for item in request.session.items if item.path == request.path and _usual(item)]
    with Beside(len(work)) as begun:
        for test, (name, begin) in work.items():
            if any(item.startswith(test) for item in selected):
                begun.begin(name, partial(_below, tmp_path_factory, name, begin))
        yield begun


@pytest.mark.usefixtures("beside")
def test_4_one_call_makes_many_of_one_and_the_idle_pool_settles_at_a_few(
    tmp_path: Path, condor_prefix: Path, ground: Ground, say: Say
) -> None:
    """Requirement 4: limits 1..7, one worker; one call pins seven for 15 s (half an hour) and puts a floor of three."""
    counts = ground.counts
    groups = [ground.group(minimum=1, maximum=counts.most)]
    with ground.site(tmp_path, condor_prefix, groups=groups, boot_seconds=(1.0, 3.0)) as site:
        site.until_ready(1)
        site.until(site.seen.ever, 30, "its server is seen")
        first = site.seen.ever()
        asker = {"author": "operator", "reason": "the workshop begins"}
        asked_at = time.time()
        wishes = [
            {"kind": "floor", "workers": counts.least, "expires_in_seconds": 3600, **asker},
            {"kind": "pin", "workers": counts.most, "expires_in_seconds": counts.pin_seconds, **asker},
        ]
        site.write("PUT", "/v1/groups/small/overrides", {"overrides": wishes})
        site.until_ready(counts.most)
        came = time.time() - asked_at
        starts = [at for name, at in site.seen.created_at.items() if name not in first]
        at_once = max(launches(site))
        site.until_ready(counts.least, 60 + counts.pin_seconds)
        say(
            f"requirement 4, {ground.name}: {len(starts)} servers asked for within {max(starts) - min(starts):.1f} s, "
            f"ready after {came:.0f} s; settled at {counts.least} after {time.time() - asked_at:.0f} s"
        )
        assert (len(starts), at_once) == (counts.most - 1, counts.most - 1)
        time.sleep(10)
        assert (len(site.listed()), site.group()["target"]["workers"]) == (counts.least, counts.least)


@pytest.mark.usefixtures("beside")
@pytest.mark.parametrize("size", SIZES)
def test_2_a_grid_is_made_and_torn_down_again_and_again(
    tmp_path: Path, condor_prefix: Path, ground: Ground, size: str, say: Say
) -> None:
    """Requirement 2: a grid is made, runs ten jobs and is removed, three times in a row (20 in full)."""
    count = sized(ground, size).rounds
    done = [ground.attempt(tmp_path, condor_prefix, number) for number in range(count)]
    say(f"{ground.name}: {summary(done)}")
    assert [each.failure for each in done] == [""] * count


@pytest.mark.usefixtures("beside")
def test_1_many_small_jobs_all_end_with_the_right_output(
    tmp_path: Path, condor_prefix: Path, ground: Ground, say: Say
) -> None:
    """Requirement 1: each of a thousand jobs prints the square of its number, on 0..4 workers of eight cores."""
    counts = ground.counts
    shape = {"cpus": counts.square_cpus, "memory_mb": 2048, "disk_mb": 4096}
    groups = [ground.group(maximum=counts.square_workers, shape=shape)]
    with ground.site(tmp_path, condor_prefix, groups=groups) as site:
        batch = site.jobs.shell("squares", counts.squares, "echo $(($(Process) * $(Process)))")
        batch.wait(400)
        elapsed = time.time() - batch.submitted_at
        say(
            f"requirement 1, {ground.name}: {counts.squares} jobs in {elapsed:.0f} s on "
            f"{len(site.seen.ever())} workers of {counts.square_cpus} cores, from none"
        )
        assert [batch.output(n) for n in range(counts.squares)] == [f"{n * n}\n" for n in range(counts.squares)]
        assert histories(batch) == unhurt(batch)
        site.until_ready(0)


def test_3_jobs_on_a_growing_pool_are_as_fast_as_can_be(beside: Beside, ground: Ground, say: Say) -> None:
    """Requirement 3: 72 jobs of 30 s, boots of 6 to 10 s (minutes) on 1..7 workers."""
    judge_speed(beside.result("speed"), ground, ground.counts, say)


@pytest.mark.full
@pytest.mark.timeout(3600)
def test_3_in_full_jobs_on_a_growing_pool_are_as_fast_as_can_be(
    tmp_path: Path, condor_prefix: Path, ground: Ground, say: Say
) -> None:
    """Requirement 3 in the count of the thesis, where the count for every day is a smaller one."""
    judge_speed(measure(ground, ground.full, tmp_path, condor_prefix), ground, ground.full, say)


def test_5_no_night_harms_a_long_job(beside: Beside, ground: Ground, say: Say) -> None:
    """Requirement 5: a ten-hour job, six jobs of twenty minutes each hour, with a scaled hour."""
    judge_night(beside.result("night"), ground, ground.counts, say)


@pytest.mark.full
@pytest.mark.timeout(3600)
def test_5_in_full_no_night_harms_a_ten_hour_job(tmp_path: Path, condor_prefix: Path, ground: Ground, say: Say) -> None:
    """Requirement 5 with an hour of two minutes."""
    judge_night(through_the_night(ground, ground.full, tmp_path, condor_prefix), ground, ground.full, say)


def sized(ground: Ground, size: str) -> Counts:
    """The counts for every day, or the large ones."""
    return ground.full if size == "full" else ground.counts


def judge_speed(speed: object, ground: Ground, counts: Counts, say: Say) -> None:
    """The jobs were nearly as fast as could be, and the pool went back to one worker."""
    assert isinstance(speed, Speed)
    say(f"{ground.name}: {speed}")
    # Much faster than the bound would mean that what a job costs was measured wrongly.
    assert abs(speed.short_of_bound) <= counts.short_of_bound
    assert speed.workers_at_last == 1


def judge_night(night: object, ground: Ground, counts: Counts, say: Say) -> None:
    """The long job was started once and ended by itself, the others came and went, and the pool never fell too low."""
    assert isinstance(night, Night)
    say(f"{ground.name}: {night}")
    kinds = [event.kind for event in night.long_job]
    assert (kinds.count(Kind.EXECUTE), kinds.count(Kind.EVICTED), night.long_job[-1].status) == (1, 0, 0)
    assert all([e.kind for e in events].count(Kind.EXECUTE) == 1 for events in night.short_jobs)
    assert len(night.short_jobs) == counts.hours * counts.short_jobs
    assert night.survivors == frozenset()
    assert len(night.ever - {night.home}) > counts.short_jobs
    assert night.lowest >= MINIMUM


def launches(site: Site) -> list[int]:
    """How many servers were asked for in each tick that the daemon remembers."""
    records = site.get("/v1/ticks", limit=1000)["ticks"]
    return [sum(action["kind"] == "Launch" for action in record["plan"]["actions"]) for record in records]


def _usual(item: pytest.Item) -> bool:
    return item.get_closest_marker("full") is None


def _control(ground: Ground, prefix: Path, root: Path) -> object:
    assert ground.control is not None
    return ground.control(root, prefix)


def _below(folders: pytest.TempPathFactory, name: str, begin: Callable[[Path], object]) -> object:
    return begin(folders.mktemp(name))
