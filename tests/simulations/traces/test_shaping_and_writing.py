import io
from pathlib import Path

import pytest

from elastic_simulations.errors import UsageError
from elastic_simulations.fast.static import run_static
from elastic_simulations.traces.anonymising import anonymised
from elastic_simulations.traces.exporting import write_evalys, write_swf
from elastic_simulations.traces.reading import read
from elastic_simulations.traces.shaping import bootstrapped, scaled_arrivals, scaled_run, shaped
from elastic_simulations.traces.summary import bars, picture, summary
from elastic_simulations.traces.trace import Trace
from tests.simulations.traces.files import seconds, swf, written

DAY = 86_400
ROW = "9 {} 2 {} 2 25 -1 2 60 1024 1 41 5 1 1 1 -1 -1\n"


def trace(tmp_path: Path, *jobs: tuple[object, object, object]) -> Trace:
    return read(written(tmp_path, swf(*jobs)))


def test_arrivals_twice_as_dense_come_in_half_the_time(tmp_path: Path) -> None:
    before = trace(tmp_path, (3, 10, 1), (8, 20, 2))
    after = scaled_arrivals(before, 2.0)
    assert (seconds(after.submit_us), after.run_us, after.cores) == ([1.5, 4], before.run_us, before.cores)
    assert after.sha256 != before.sha256
    assert after.source == "trace.swf (arrivals x 2)"


def test_factors_that_no_float_hits_still_give_round_times(tmp_path: Path) -> None:
    before = trace(tmp_path, (0, 10, 1), (1, 70, 1), (7, 1, 1))
    assert seconds(scaled_run(before, 0.7).run_us) == [7, 49, 0.7]
    assert seconds(scaled_arrivals(before, 0.1).submit_us) == [0, 10, 70]


def test_scaled_run_times_scale_cpu_times_and_estimates_too(tmp_path: Path) -> None:
    after = scaled_run(read(written(tmp_path, ROW.format(0, 30))), 1.5)
    assert seconds(after.run_us) == [45]
    assert (seconds(after.optional["cpu_us"]), seconds(after.optional["estimate_us"])) == ([37.5], [90])


def test_days_drawn_anew_keep_times_of_day_and_whole_days(tmp_path: Path) -> None:
    before = trace(tmp_path, (10, 1, 1), (20, 2, 1), (DAY + 30, 3, 1))
    after = bootstrapped(before, 40, seed=2)
    by_day: dict[int, list[tuple[int, int]]] = {}
    for at, run in zip(after.submit_us, after.run_us, strict=True):
        day, second = divmod(at // 10**6, DAY)
        by_day.setdefault(day, []).append((second, run // 10**6))
    assert set(by_day) == set(range(40))
    assert {tuple(jobs) for jobs in by_day.values()} == {((10, 1), (20, 2)), ((30, 3),)}
    assert after == bootstrapped(before, 40, seed=2)


def test_factors_of_1_and_no_days_leave_a_trace_as_it_is(tmp_path: Path) -> None:
    before = trace(tmp_path, (3, 10, 1))
    assert shaped(before, arrivals=1.0, runtime=1.0, days=None, seed=0) is before


@pytest.mark.parametrize("factor", [0.0, -1.0, float("inf"), float("nan")])
def test_a_factor_that_is_none_is_told(tmp_path: Path, factor: float) -> None:
    with pytest.raises(UsageError, match="above 0, and finite"):
        scaled_arrivals(trace(tmp_path, (3, 10, 1)), factor)
    with pytest.raises(UsageError, match="--bootstrap-days 0: at least 1"):
        bootstrapped(trace(tmp_path, (3, 10, 1)), 0)


def test_swf_that_is_written_is_read_as_the_same_jobs(tmp_path: Path) -> None:
    before = read(written(tmp_path, "; Acknowledge: Anna\n" + ROW.format("0.25", 30) + ROW.format(7, "1.5")))
    text = io.StringIO()
    write_swf(before, text)
    after = read(written(tmp_path, text.getvalue(), "again.swf"))
    assert (after.submit_us, after.run_us, after.cores) == (before.submit_us, before.run_us, before.cores)
    assert after.optional.keys() == before.optional.keys()
    assert {n: c for n, c in after.optional.items() if n != "user"} == {
        n: c for n, c in before.optional.items() if n != "user"
    }
    assert "Acknowledge: Anna" in after.header


def test_a_result_as_evalys_csv_reads_as_the_same_trace(tmp_path: Path) -> None:
    before = trace(tmp_path, (0, 10, 2), (1, 5, 1))
    outcome = run_static(before, 2)
    text = io.StringIO()
    write_evalys(before, text, outcome)
    lines = text.getvalue().splitlines()
    assert lines[2] == "2,elastic,1,1,-1,1,10,5,15,9,14,2.8,0,1,1"
    after = read(written(tmp_path, text.getvalue(), "jobs.csv"))
    assert (after.submit_us, after.run_us, after.cores) == (before.submit_us, before.run_us, before.cores)


def test_an_anonymised_trace_has_the_same_jobs_and_no_name(tmp_path: Path) -> None:
    text = "; Computer: Anna's\n" + ROW.format(0, 5) + ROW.format(1, 6).replace(" 41 ", " 42 ")
    before = read(written(tmp_path, text))
    after = anonymised(before, seed=3)
    assert (after.submit_us, after.run_us, after.header, after.source) == (
        before.submit_us,
        before.run_us,
        (),
        "anonymised",
    )
    assert (after.users, after.groups) == (("user1", "user2"), ("group1",))
    assert sorted(after.optional["user"]) == [0, 1]
    assert "job" not in after.optional


def test_a_summary_has_the_span_the_work_and_the_peak(tmp_path: Path) -> None:
    answer = summary(trace(tmp_path, (0, 3600, 2), (1800, 1800, 1), (3600, 10, 4)))
    assert (answer.span_s, answer.peak_cores, answer.widest_job) == (3600, 4, 4)
    assert answer.work_core_h == pytest.approx(2.5 + 40 / 3600)


def test_the_picture_shows_every_slice_of_time_and_never_hides_a_job(tmp_path: Path) -> None:
    assert bars([0, 1, 1000, 500]) == " ▁█▄"
    jobs, work = picture(trace(tmp_path, (0, 1, 1), (99, 1000, 1)), width=10)
    assert (jobs, work) == ("█        █", "▁        █")
