"""`--engine full`: the whole controller on a trace, with the figures of the fast engine."""

from dataclasses import replace

import pytest

from elastic_simulations.runs.report import report
from elastic_simulations.runs.running import Result, run
from elastic_simulations.runs.settings import RunSettings, SettingsError
from elastic_simulations.traces.errors import TraceError
from elastic_simulations.traces.made import made
from elastic_simulations.traces.recipes import recipe

AS_THE_DAEMON = {"cancels": "true", "at_once": "false", "learns": "true", "idle_seconds": "300"}
"""The fast engine's switches that do what the daemon always does."""

DIFFER = {"wall_s", "settings", "events"}
"""Not compared: what is no figure of the run."""

SETTINGS = RunSettings(boot=130, sets=AS_THE_DAEMON)


def figures(result: Result) -> dict[str, object]:
    return {name: value for name, value in report(result).items() if name not in DIFFER}


@pytest.mark.parametrize(
    ("slots", "order", "sets"),
    [
        (1, "fullest", {}),
        (1, "fullest", {"scale_down_window_seconds": "600", "drain_fraction": "0.1"}),
        (4, "fullest", {"headroom": "1"}),
        (4, "emptiest", {}),
        (3, "fullest-longest-idle", {}),
        (3, "fullest-launch", {}),
    ],
)
def test_a_trace_gives_the_figures_of_the_fast_engine(slots: int, order: str, sets: dict[str, str]) -> None:
    trace = recipe("poisson", jobs=150, rate=0.02, run=400, tail=0, bag=3, chain=1, seed=slots)
    settings = replace(SETTINGS, slots=slots, order=order, sets={**AS_THE_DAEMON, **sets})
    fast = run(trace, settings)
    full = run(trace, replace(settings, engine="full"))
    assert figures(full) == figures(fast)
    assert full.churn.starts > 5
    assert full.paid.paid == full.paid.busy + full.paid.idle + full.paid.boot + full.paid.teardown + full.paid.wasted


def test_a_run_that_can_never_finish_ends_with_its_jobs_unserved() -> None:
    result = run(made([0, 5_000_000], [9, 9], source="test"), replace(SETTINGS, engine="full", maximum=0))
    assert (result.waiting.unserved, result.littles_law_residual, result.churn.starts) == (2, 0.0, 0)


def test_a_job_wider_than_a_worker_is_told_with_its_line() -> None:
    with pytest.raises(TraceError, match=r"^test:1: the job asks for 2 cores, a worker has 1: it fits on none$"):
        run(made([0], [9], [2], source="test"), replace(SETTINGS, engine="full"))


@pytest.mark.parametrize(
    ("engine", "tick", "advice"),
    [
        ("full", 1e-3, "--engine python, which is a thousand times as fast"),
        ("python", 1e-5, "leave out the quiet ones"),
    ],
)
def test_a_run_of_more_ticks_than_anybody_waits_for_is_told_before_it_begins(
    engine: str, tick: float, advice: str
) -> None:
    trace = made([0], [1_800_000_000], source="test")
    with pytest.raises(TraceError, match=rf"^test:1: the last job ends after [\d,]+ ticks or more: .*, or {advice}"):
        run(trace, RunSettings(engine=engine, tick=tick))


def test_a_static_run_has_no_controller_and_says_that_columns_did_it() -> None:
    result = run(made([0], [9], source="test"), RunSettings(static=3, engine="full"))
    assert (result.engine, report(result)["ignored"]) == ("python", ["--engine full"])


@pytest.mark.parametrize("switch", [{"at_once": "true"}, {"on_events": "true"}])
def test_a_switch_that_the_daemon_has_not_is_refused(switch: dict[str, str]) -> None:
    with pytest.raises(SettingsError, match="not with --engine full, where the daemon's own controller runs"):
        run(made([0], [9], source="test"), replace(SETTINGS, engine="full", sets=switch))
