"""Estimates of run times: what each kind says, and that a policy which is told needs fewer workers for short jobs."""

import math
from array import array
from dataclasses import replace

import pytest

from elastic.core.model import Snapshot
from elastic.core.policy import Target
from elastic.core.record import TickRecord
from elastic_policies.backlog import Backlog
from elastic_simulations.draws import Draws
from elastic_simulations.estimates import KINDS, Asked, History, guess
from elastic_simulations.fast.elastic import run_elastic
from elastic_simulations.fast.spec import ElasticSpec, reference_group
from elastic_simulations.runs.elastic_settings import elastic_spec
from elastic_simulations.runs.running import run
from elastic_simulations.runs.settings import RunSettings, SettingsError
from elastic_simulations.traces.errors import TraceError
from elastic_simulations.traces.made import made
from elastic_simulations.traces.trace import MICROSECONDS, UNKNOWN, Trace

MINUTE = 60 * MICROSECONDS


def asked(run_us: int = 100, requested_us: int | None = 300, name: str = "schedd/1.0") -> Asked:
    return Asked(run_us, requested_us, name)


def bag(runs: list[int], requested: list[int] | None = None, users: list[int] | None = None) -> Trace:
    """All submitted at 0."""
    optional = {"estimate_us": requested} if requested is not None else {}
    optional |= {"user": users} if users is not None else {}
    return made([0] * len(runs), runs, source="bag", optional=optional, users=("anna", "bert") if users else ())


def told(trace: Trace, kind: str) -> list[float | None]:
    """What the policy hears at the first five ticks of a run on one worker that is ready at once."""
    records: list[TickRecord] = []
    group = reference_group(minimum=1, maximum=1)
    spec = elastic_spec(RunSettings(boot=0.0, sets={"estimates": kind} if kind else {}))
    run_elastic(trace, replace(spec, group=group), records.append)
    return [record.snapshot.demand.expected_core_seconds for record in records][:5]


def test_exact_and_requested_estimates_are_what_the_trace_says() -> None:
    assert guess("exact", 0.5, Draws(0))(asked()) == 100
    assert guess("requested", 0.5, Draws(0))(asked()) == 300
    assert guess("requested", 0.5, Draws(0))(asked(requested_us=None)) is None


def test_noisy_estimates_are_right_in_the_median_and_the_same_for_the_same_job() -> None:
    noisy = guess("noisy", 0.5, Draws(4))
    ratios = sorted((noisy(asked(1_000_000, name=str(job))) or 0) / 1e6 for job in range(2001))
    assert ratios[1000] == pytest.approx(1.0, rel=0.05)
    logs = [math.log(ratio) for ratio in ratios]
    assert math.sqrt(sum(log * log for log in logs) / len(logs)) == pytest.approx(0.5, rel=0.05)
    assert noisy(asked(name="a")) == guess("noisy", 0.5, Draws(4))(asked(name="a"))
    assert guess("noisy", 0.0, Draws(4))(asked()) == 100


def test_learned_estimates_are_the_mean_of_a_users_last_two_jobs_or_of_everybodys() -> None:
    history = History()
    assert history.of("anna") is None
    history.learn("bert", 100)
    assert (history.of("anna"), history.of("bert")) == (100, 100)
    for ran_us in (10, 20, 31):
        history.learn("anna", ran_us)
    assert (history.of("anna"), history.of("bert"), history.of("eve")) == (25, 100, 161 // 4)


def test_policies_hear_of_the_work_that_is_left_as_it_is_done() -> None:
    # One worker, booted at 0: the first job runs from the first moment on, a minute each.
    trace = bag([MINUTE, 2 * MINUTE])
    assert told(trace, "exact") == [180.0, 120.0, 60.0, 0.0, 0.0]
    assert told(trace, "") == [None] * 5


def test_requested_times_that_are_exceeded_leave_nothing() -> None:
    assert told(bag([2 * MINUTE, MINUTE], [MINUTE, 3 * MINUTE]), "requested") == [240.0, 180.0, 180.0, 0.0, 0.0]


def test_learned_ones_are_unknown_until_a_job_has_ended() -> None:
    # Anna's first minute tells of bert's jobs too; his own two minutes tell of him from then on.
    trace = bag([MINUTE, 2 * MINUTE, MINUTE], users=[0, 1, 1])
    assert told(trace, "learned") == [None, 120.0, 60.0, 120.0, 0.0]


def test_a_job_that_asks_for_no_time_is_an_error_with_its_line() -> None:
    trace = bag([MINUTE, MINUTE], [MINUTE, UNKNOWN])
    with pytest.raises(TraceError, match=r"^bag:2: estimates=requested: no run time is asked for here$"):
        run(trace, RunSettings(sets={"estimates": "requested"}))
    with pytest.raises(TraceError, match=r"^bag:1: "):
        run(bag([MINUTE]), RunSettings(sets={"estimates": "requested"}))


@pytest.mark.parametrize(
    ("sets", "problem"),
    [
        ({"estimates": "guessed"}, "--set estimates=guessed: one of exact, requested, noisy, learned"),
        ({"estimates": "noisy", "estimate_noise": "-1"}, "--set estimate_noise=-1: not below 0, and finite"),
        ({"estimates": "noisy", "estimate_noise": "much"}, "--set estimate_noise=much: not a number"),
        ({"estimates": "exact", "estimate_noise": "1"}, "--set estimate_noise: for estimates=noisy"),
    ],
)
def test_estimates_that_make_no_sense_are_one_clear_line(sets: dict[str, str], problem: str) -> None:
    with pytest.raises(SettingsError) as caught:
        elastic_spec(RunSettings(sets=sets))
    assert str(caught.value) == problem


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("engine", ["python", "numba", "full"])
def test_every_engine_comes_to_the_same_figures_by_every_kind_of_estimate(kind: str, engine: str) -> None:
    trace = made(
        [second * 7 * MICROSECONDS for second in range(60)],
        [(1 + second % 11) * 13 * MICROSECONDS for second in range(60)],
        source="waves",
        optional={"estimate_us": [MINUTE] * 60, "user": [second % 2 for second in range(60)]},
        users=("anna", "bert"),
    )
    sets = {"estimates": kind, "drain_seconds": "90", "idle_seconds": "60", "at_once": "false", "learns": "true"}
    settings = RunSettings(sets=sets, boot=30.0, engine="python", maximum=12)
    expected, got = run(trace, settings), run(trace, replace(settings, engine=engine))
    assert (got.outcome.start_us, got.outcome.end_us) == (expected.outcome.start_us, expected.outcome.end_us)
    assert got.outcome.workers.requested == expected.outcome.workers.requested


def test_short_jobs_share_workers_where_their_time_is_known() -> None:
    trace = bag([10 * MICROSECONDS] * 120)
    spec = ElasticSpec(group=reference_group(idle_seconds=0.0), policy=Backlog(drain_seconds=120.0), estimates="exact")
    assert run_elastic(trace, spec).launches == 10
    assert run_elastic(trace, replace(spec, estimates="")).launches == 120


def test_a_policy_of_ones_own_reads_them_from_the_snapshot() -> None:
    class ByWork:
        def decide(self, snapshot: Snapshot) -> dict[str, Target]:
            work = snapshot.demand.expected_core_seconds or 0.0
            return {name: Target(math.ceil(work / 60.0), f"{work:g} core-seconds") for name in snapshot.groups}

    trace = replace(bag([30 * MICROSECONDS] * 8), optional={"user": array("q", [UNKNOWN] * 8)})
    spec = ElasticSpec(group=reference_group(), policy=ByWork(), estimates="exact")
    assert run_elastic(trace, spec).launches == 4
