"""Generated DAGs: their shape, their way through files, and that what cannot be is told."""

from array import array
from collections import defaultdict
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from elastic_simulations.draws import Constant
from elastic_simulations.runs.report import report
from elastic_simulations.runs.running import run
from elastic_simulations.runs.settings import RunSettings
from elastic_simulations.traces.anonymising import anonymised
from elastic_simulations.traces.arrivals import Poisson
from elastic_simulations.traces.cli import app
from elastic_simulations.traces.dags import Dag
from elastic_simulations.traces.errors import TraceError
from elastic_simulations.traces.following import check_ends, links
from elastic_simulations.traces.generators import Workload, generate
from elastic_simulations.traces.made import made
from elastic_simulations.traces.reading import read
from elastic_simulations.traces.recipes import recipe
from elastic_simulations.traces.shaping import shaped
from elastic_simulations.traces.summary import summary
from elastic_simulations.traces.trace import Trace
from elastic_simulations.traces.writing import lost, write_trace
from tests.simulations.traces.files import written


def dags(jobs: int = 28, seed: int = 0, *, levels: int = 3, width: int = 4, fan_in: int = 3) -> Trace:
    return recipe(
        "poisson", jobs=jobs, rate=1.0, run=5.0, tail=0, bag=1, chain=1, seed=seed,
        levels=levels, width=width, fan_in=fan_in,
    )  # fmt: skip


def before(trace: Trace) -> dict[int, list[int]]:
    """By job those that must end before it."""
    found: dict[int, list[int]] = defaultdict(list)
    for job, other in links(trace):
        found[job].append(other)
    return dict(found)


@settings(max_examples=50, deadline=None)
@given(
    levels=st.integers(1, 5),
    width=st.integers(1, 6),
    fan_in=st.integers(1, 8),
    seed=st.integers(0, 1000),
    count=st.integers(1, 3),
)
def test_each_dag_forks_from_one_job_goes_down_by_levels_and_joins_in_one(
    levels: int, width: int, fan_in: int, seed: int, count: int
) -> None:
    size = levels * width + 2
    trace = dags(size * count, seed, levels=levels, width=width, fan_in=fan_in)
    found = before(trace)
    check_ends(trace)
    assert len(trace) == size * count
    for first in range(0, len(trace), size):
        above, waited_for = {first}, set[int]()
        assert first not in found, "the job that forks waits for nothing"
        for start in range(first + 1, first + size - 1, width):
            for job in range(start, start + width):
                assert set(found[job]) <= above
                assert 1 <= len(set(found[job])) == len(found[job]) <= fan_in
                waited_for |= set(found[job])
            above = set(range(start, start + width))
        join = first + size - 1
        assert set(found[join]) == set(range(first, join)) - waited_for
        assert len(set(trace.submit_us[first : join + 1])) == 1, "a DAG comes at once"


def test_the_same_seed_gives_the_same_dags_and_another_others_at_the_same_rate() -> None:
    assert dags(seed=3) == dags(seed=3)
    assert before(dags(seed=3)) != before(dags(seed=4))
    assert dags(seed=3).sha256 != dags(seed=3, fan_in=4).sha256
    many = dags(14_000, seed=1)
    assert len(many) / (many.submit_us[-1] / 1e6) == pytest.approx(1.0, rel=0.15)


def test_another_fan_in_leaves_arrivals_and_run_times_as_they_were() -> None:
    one, other = dags(fan_in=1), dags(fan_in=4)
    assert (one.submit_us, one.run_us) == (other.submit_us, other.run_us)
    assert before(one) != before(other)


def test_a_dag_that_is_cut_misses_nothing_that_goes_before() -> None:
    whole = before(dags(28))
    assert before(dags(20)) == {job: others for job, others in whole.items() if job < 20}


def test_a_bag_may_be_of_dags() -> None:
    workload = Workload(
        arrivals=Poisson(rate=1.0), run_seconds=Constant(1.0), jobs=8, bag=Constant(2.0),
        dag=Dag(levels=1, width=2, fan_in=1),
    )  # fmt: skip
    trace = generate(workload)
    assert len(set(trace.submit_us)) == 1
    assert before(trace) == {1: [0], 2: [0], 3: [1, 2], 5: [4], 6: [4], 7: [5, 6]}


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_all_that_goes_before_a_job_is_kept_in_a_table_in_the_cache_and_without_names(
    tmp_path: Path, suffix: str
) -> None:
    trace, path = dags(), tmp_path / f"t.{suffix}"
    write_trace(trace, path)
    parsed, cached = read(path), read(path)
    assert before(parsed) == before(cached) == before(anonymised(cached, 1)) == before(trace)
    assert (parsed.also_after, lost(trace, f".{suffix}")) == (trace.also_after, [])


def test_jobs_keep_their_numbers_in_a_table_and_are_named_by_them(tmp_path: Path) -> None:
    text = "job,submit,run,after,think\n7,5,1,9 8,2\n8,0,1,,\n9,0,1,-1,\n"
    trace = read(written(tmp_path, text, "t.csv"))
    assert (list(trace.optional["job"]), before(trace)) == ([8, 9, 7], {2: [1, 0]})
    for suffix in ("csv", "parquet"):
        write_trace(trace, tmp_path / f"again.{suffix}")
        again = read(tmp_path / f"again.{suffix}")
        assert (again.optional, again.also_after) == (trace.optional, trace.also_after)


def test_jobs_made_out_of_order_are_still_after_the_same_ones() -> None:
    trace = made([9, 0, 5], [1, 2, 3], source="made", optional={"after": [1, -1, -1]}, also_after=[0, 2])
    assert (list(trace.run_us), before(trace)) == ([2, 3, 1], {2: [0, 1]})


def test_swf_has_place_for_one_job_before_and_says_so(tmp_path: Path) -> None:
    source, out = tmp_path / "t.parquet", tmp_path / "t.swf"
    write_trace(dags(), source)
    told = CliRunner().invoke(app, ["convert", str(source), "--to", str(out)])
    assert told.stderr == "lost: also_after have no place in swf\n"
    assert before(read(out)) == {job: others[:1] for job, others in before(dags()).items()}


def test_days_drawn_anew_and_other_scales_keep_what_waits_for_what() -> None:
    drawn = shaped(dags(), arrivals=1.0, runtime=1.0, days=2, seed=0)
    again = {job + 28: [other + 28 for other in others] for job, others in before(dags()).items()}
    assert before(drawn) == {**before(dags()), **again}
    assert before(shaped(dags(), arrivals=2.0, runtime=3.0, days=None, seed=0)) == before(dags())


def test_info_counts_dependencies_and_a_run_says_how_many_it_honours() -> None:
    trace = dags()
    told = summary(trace)
    assert told.dependencies == sum(map(len, before(trace).values()))
    assert told.most_before_one == max(map(len, before(trace).values()))
    told_by_run = report(run(trace, RunSettings(static=4)))
    assert told_by_run["dependencies"] == {"links": told.dependencies, "honoured": told.dependencies}


def test_a_job_that_is_named_and_not_there_is_counted(tmp_path: Path) -> None:
    trace = read(written(tmp_path, "job,submit,run,cores,after\na,0,1,1,\nb,0,0,1,\nc,0,1,1,a b x c\n", "t.csv"))
    assert before(trace) == {1: [0]}
    assert [(note.what, note.rows, note.first_line) for note in trace.repaired] == [
        ("a job before it is not in the trace, ignored", 1, 4),
    ]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("submit,run,after\n0,1,\n", "1: column after names jobs, and no column does"),
        ("job,submit,run,after\na,0,1,\na,0,1,\n", "3: two jobs are called 'a'"),
    ],
)
def test_names_that_say_nothing_are_told(tmp_path: Path, text: str, problem: str) -> None:
    with pytest.raises(TraceError, match=problem):
        read(written(tmp_path, text, "t.csv"))


def test_jobs_that_wait_for_each_other_are_told_with_their_line() -> None:
    ring = made([0, 0, 0, 0], [1] * 4, source="ring", optional={"after": [-1, 0, 1, -1]}, also_after=[1, 2])
    with pytest.raises(TraceError, match="ring:2: 2 jobs never begin: jobs wait for each other in a ring"):
        check_ends(ring)
    check_ends(replace(ring, also_after=array("q")))


@pytest.mark.parametrize("change", [{"levels": -1}, {"width": 0}, {"fan_in": 0}])
def test_a_dag_that_cannot_be_is_told(change: dict[str, int]) -> None:
    with pytest.raises(TraceError, match="levels, width and fan-in must each be at least 1"):
        dags(**change)
