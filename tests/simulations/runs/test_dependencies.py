"""A run by a trace honours what the trace says of jobs that wait for others: in every engine, on fixed cores, too."""

import json
from array import array
from dataclasses import replace
from pathlib import Path
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from elastic_simulations.campaigns.configurations import configuration
from elastic_simulations.cli import app
from elastic_simulations.fast.arriving import as_they_came
from elastic_simulations.fast.static import run_static
from elastic_simulations.fast.static_following import run_static as run_static_following
from elastic_simulations.runs.report import report
from elastic_simulations.runs.running import Result, run
from elastic_simulations.runs.settings import RunSettings, SettingsError
from elastic_simulations.traces.errors import TraceError
from elastic_simulations.traces.following import counted, depends, independent, links
from elastic_simulations.traces.made import made
from elastic_simulations.traces.reading import read
from elastic_simulations.traces.recipes import recipe
from elastic_simulations.traces.shaping import DAY_US, bootstrapped
from elastic_simulations.traces.trace import UNKNOWN, Trace
from tests.simulations.fast.test_equality import difference
from tests.simulations.fast.worlds import Example, fast, full, generated
from tests.simulations.traces.files import written

SECOND = 1_000_000

SWF = """\
; five jobs of one core: 2 after 1, 3 after 2 and 30 s of thinking, 4 after a job that is not there, 5 for itself
1 0 -1 100 1 -1 -1 1 -1 -1 1 1 1 -1 -1 -1 -1 -1
2 0 -1 50 1 -1 -1 1 -1 -1 1 1 1 -1 -1 -1 1 -1
3 10 -1 20 1 -1 -1 1 -1 -1 1 1 1 -1 -1 -1 2 30
4 20 -1 10 1 -1 -1 1 -1 -1 1 1 1 -1 -1 -1 99 -1
5 500 -1 10 1 -1 -1 1 -1 -1 1 1 1 -1 -1 -1 4 60
"""


def swf(tmp_path: Path) -> Path:
    return written(tmp_path, SWF, "t.swf")


def linked(trace: Trace, seed: int) -> Trace:
    """Half of the jobs after one or two others that stand before them in the file, some after thinking."""
    random = Random(seed)  # noqa: S311 - no secrets
    after, others, thinks = [], [], []
    for job in range(len(trace)):
        before = random.sample(range(job), min(job, random.choice((0, 0, 1, 2))))
        after.append(before[0] if before else UNKNOWN)
        others += [place for other in before[1:] for place in (job, other)]
        thinks.append(random.choice((UNKNOWN, 0, 17_500_000)))
    known = {"after": array("q", after), "think_us": array("q", thinks)}
    return replace(trace, optional={**trace.optional, **known}, also_after=array("q", others))


def followed(seed: int) -> Example:
    example = generated(seed)
    return Example(linked(example.trace, seed), example.spec)


def by_name(result: Result) -> dict[int, tuple[int, int, int]]:
    """(came, start, end) in seconds by the job's number."""
    rows = zip(result.trace.submit_us, result.outcome.start_us, result.outcome.end_us, strict=True)
    return {
        job: (came // SECOND, start // SECOND, end // SECOND)
        for job, (came, start, end) in zip(result.trace.optional["job"], rows, strict=True)
    }


@pytest.mark.parametrize("engine", ["auto", "python"])
def test_on_fixed_cores_a_job_comes_when_the_one_before_it_has_ended_and_it_has_thought(
    tmp_path: Path, engine: str
) -> None:
    result = run(read(swf(tmp_path)), RunSettings(static=4, engine=engine))
    assert by_name(result) == {
        1: (0, 0, 100),
        4: (20, 20, 30),
        2: (100, 100, 150),
        3: (180, 180, 200),
        5: (500, 500, 510),
    }
    told = report(result)
    assert (told["ignored"], told["dependencies"]) == ([], {"links": 3, "honoured": 3})
    assert (result.waiting.wait.mean, told["littles_law_residual"]) == (0.0, 0.0)
    assert [note["what"] for note in told["repaired"]] == ["preceding job is not in the trace, ignored"]  # type: ignore[attr-defined]


@pytest.mark.parametrize("engine", ["auto", "python", "full"])
def test_on_an_elastic_pool_too_whoever_simulates_it(tmp_path: Path, engine: str) -> None:
    result = run(read(swf(tmp_path)), RunSettings(boot=30.0, tick=10.0, engine=engine))
    found = by_name(result)
    assert found[1] == (0, 30, 130)
    assert (found[2][0], found[3][0]) == (130, found[2][2] + 30)
    assert report(result)["dependencies"] == {"links": 3, "honoured": 3}


def test_the_compiled_engine_says_that_it_does_not_wait(tmp_path: Path) -> None:
    trace = read(swf(tmp_path))
    with pytest.raises(SettingsError, match="--engine numba: jobs that wait for others are not compiled; use --engine"):
        run(trace, RunSettings(static=4, engine="numba"))
    assert run(trace, RunSettings(static=4, engine="auto")).engine == "python"


def test_ignored_they_are_counted_and_every_job_comes_at_its_time(tmp_path: Path) -> None:
    trace = read(swf(tmp_path))
    result = run(trace, RunSettings(static=4, dependencies="ignore"))
    assert result.trace is trace
    assert result.outcome.start_us == run_static(independent(trace), 4).start_us
    told = report(result)
    assert (told["ignored"], told["dependencies"]) == (["after"], {"links": 3, "honoured": 0})


def test_the_command_honours_them_unless_it_is_told_not_to(tmp_path: Path) -> None:
    def answer(*options: str) -> dict[str, object]:
        made = CliRunner().invoke(app, ["run", "--trace", str(swf(tmp_path)), "--static", "1", "-o", "json", *options])
        assert made.exit_code == 0, made.stderr
        found: dict[str, object] = json.loads(made.stdout)
        return found

    honoured, ignored = answer(), answer("--dependencies", "ignore")
    assert (honoured["dependencies"], ignored["ignored"]) == ({"links": 3, "honoured": 3}, ["after"])
    # One core: 1, 4 and 2, who came meanwhile; then 3 and 5 in their times.
    assert honoured["last_end_s"] == 510.0
    assert honoured["wait"]["mean"] == (0 + 80 + 10 + 0 + 0) / 5  # type: ignore[index]


def test_another_word_is_refused() -> None:
    with pytest.raises(SettingsError, match="--dependencies no: one of honour, ignore"):
        run(made([0], [1], source="one"), RunSettings(dependencies="no"))
    assert configuration("backlog:dependencies=ignore", RunSettings()).settings.dependencies == "ignore"
    assert configuration("static:cores=3", RunSettings(dependencies="ignore")).settings.dependencies == "ignore"


def test_jobs_that_wait_for_each_other_end_the_run_with_file_and_line() -> None:
    ring = made([0, 0, 0], [1] * 3, source="ring", optional={"after": [UNKNOWN, 2, 1]})
    for one in (RunSettings(static=1), RunSettings(), RunSettings(engine="full")):
        with pytest.raises(TraceError, match="ring:2: 2 jobs never begin: jobs wait for each other in a ring"):
            run(ring, one)


@pytest.mark.parametrize("engine", ["python", "full"])
def test_a_job_whose_predecessor_never_starts_is_unserved_and_the_run_ends(engine: str) -> None:
    trace = made([0, 0], [SECOND, SECOND], source="stuck", optional={"after": [UNKNOWN, 0]})
    told = report(run(trace, RunSettings(maximum=0, engine=engine)))
    assert (told["jobs"], told["unserved"], told["littles_law_residual"]) == (2, 2, 0.0)


def test_fast_and_full_give_the_same_where_jobs_wait_for_others() -> None:
    found = {}
    for seed in range(30):
        example = followed(seed)
        quick = fast(example)
        found[seed] = difference(quick, full(example, len(quick.records)))
    assert found == dict.fromkeys(found, "")


@settings(max_examples=40)
@given(st.integers(0, 10_000), st.integers(1, 4))
def test_no_job_begins_before_those_that_go_before_it_and_little_holds(seed: int, cores: int) -> None:
    example = generated(seed)
    trace = linked(example.trace, seed)
    result = run(trace, RunSettings(static=max(cores, *trace.cores)))
    _proved(result, trace)
    one = replace(trace, cores=array("q", [1] * len(trace)))
    _proved(run(one, RunSettings(maximum=cores, boot=20.0, tick=15.0)), one)


def _proved(result: Result, trace: Trace) -> None:
    came, start, end = result.trace.submit_us, result.outcome.start_us, result.outcome.end_us
    assert counted(result.trace) == counted(trace)
    assert list(came) == sorted(came)
    assert sorted(result.trace.line) == sorted(trace.line)
    thinks = result.trace.optional["think_us"]
    first = dict(zip(trace.line, trace.submit_us, strict=True))
    for job, before in links(result.trace):
        assert came[job] >= end[before] + max(0, thinks[job])
    for job, line in enumerate(result.trace.line):
        mine = [end[before] + max(0, thinks[job]) for later, before in links(result.trace) if later == job]
        assert came[job] == max([first[line], *mine])
        assert start[job] >= came[job]
    assert result.littles_law_residual == 0.0


@given(st.integers(0, 10_000))
def test_the_loop_for_jobs_that_wait_is_the_other_one_where_none_does(seed: int) -> None:
    trace, cores = generated(seed).trace, 3
    mine, others = run_static_following(trace, cores), run_static(trace, cores)
    assert mine.arrivals is not None
    assert list(mine.arrivals.order) == list(range(len(trace)))
    assert replace(mine, arrivals=None) == others


def test_a_dag_takes_as_long_as_its_longest_way_on_enough_cores() -> None:
    trace = recipe(
        "poisson", jobs=140, rate=0.001, run=60.0, tail=0, bag=1, chain=1, levels=3, width=4, fan_in=2, seed=1
    )
    ends: dict[int, int] = {}
    for job in range(len(trace)):
        before = [ends[other] for later, other in links(trace) if later == job]
        ends[job] = max([trace.submit_us[job], *before]) + trace.run_us[job]
    result = run(trace, RunSettings(static=1000))
    numbers = result.trace.optional["job"]
    assert {number - 1: end for number, end in zip(numbers, result.outcome.end_us, strict=True)} == ends


def test_the_table_of_jobs_has_them_as_they_came_and_what_went_before(tmp_path: Path) -> None:
    out = tmp_path / "jobs.swf"
    made = CliRunner().invoke(app, ["run", "--trace", str(swf(tmp_path)), "--static", "1", "--jobs", str(out)])
    assert made.exit_code == 0, made.stderr
    rows = [line.split() for line in out.read_text().splitlines() if not line.startswith(";")]
    assert [(*row[:4], row[16]) for row in rows] == [
        ("1", "0", "0", "100", "-1"),
        ("2", "20", "80", "10", "-1"),
        ("3", "100", "10", "50", "1"),
        ("4", "190", "0", "20", "3"),
        ("5", "500", "0", "10", "2"),
    ]


def test_days_drawn_keep_what_waits_within_a_day_and_count_what_is_lost() -> None:
    submit = [0, SECOND, DAY_US, DAY_US + SECOND]
    trace = made(submit, [SECOND] * 4, source="two days", optional={"after": [UNKNOWN, 0, 1, 2]}, also_after=[3, 0])
    found = bootstrapped(trace, 4, seed=1)
    days = [found.submit_us[place] // DAY_US for place in range(len(found))]
    assert all(days[job] == days[before] for job, before in links(found))
    assert counted(found) == 4
    (note,) = found.repaired
    second = sum(1 for line in found.line if line == 4)
    assert (note.what, note.rows) == ("a job before it came on another day, ignored", 2 * second)
    assert depends(found)


def test_a_trace_in_the_order_in_which_jobs_came_is_the_same_jobs() -> None:
    trace = linked(generated(7).trace, 7)
    outcome = run_static_following(trace, 3)
    assert outcome.arrivals is not None
    again = as_they_came(trace, outcome.arrivals)
    named = dict(zip(again.optional["job"], again.line, strict=True))
    assert named == {place + 1: line for place, line in enumerate(trace.line)}
