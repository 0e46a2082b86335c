"""The whole comparison, on small workloads."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from elastic_simulations.campaigns.figures import figures
from elastic_simulations.cli import app
from elastic_simulations.comparing.options import Options, recipe_of, understood
from elastic_simulations.errors import SimulationError
from elastic_simulations.rerunning import rerun
from elastic_simulations.traces.exporting import write_swf
from elastic_simulations.traces.recipes import recipe
from elastic_simulations.traces.reference import reference_case

SMALL = ("--generate", "poisson:jobs=120,rate=0.05", "--seeds", "4", "--cores", "1", "--metric", "wait.mean")


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def compared(*words: str) -> Any:  # noqa: ANN401 - JSON
    done = CliRunner().invoke(app, ["compare", *words, "-o", "json"], catch_exceptions=False)
    assert done.exit_code == 0
    return json.loads(done.stdout)


def of(answer: Mapping[str, Any], policy: str) -> Any:  # noqa: ANN401 - JSON
    return next(one for one in answer["differences"] if one["policy"] == policy)


def test_every_policy_sees_the_same_jobs_and_its_values_are_those_of_single_runs(tmp_path: Path) -> None:
    answer = compared(*SMALL, "--policy", "backlog", "--policy", "backlog:headroom=2,boot=60", "--warmup", "100")
    with (tmp_path / "seed2.swf").open("w") as file:
        write_swf(recipe("poisson", jobs=120, rate=0.05, run=500.0, tail=0.0, bag=1, chain=1, seed=2), file)
    words = ["run", "--trace", str(tmp_path / "seed2.swf"), "--set", "headroom=2", "--boot", "60", "--warmup", "100"]
    alone = json.loads(CliRunner().invoke(app, [*words, "--seed", "2", "-o", "json"]).stdout)
    assert answer["values"]["backlog:headroom=2,boot=60"]["wait.mean"][2] == figures(alone)["wait.mean"]
    assert answer["seeds"] == [0, 1, 2, 3]
    assert len(set(answer["traces"].values())) == 4
    assert answer["warmup"] == {"rule": "given", "seconds": 100.0, "seeds": 0, "by_policy": {}}


def test_differences_are_policy_less_baseline_seed_by_seed() -> None:
    answer = compared(*SMALL, "--policy", "backlog", "--policy", "static:cores=9", "--policy", "backlog:headroom=0")
    mine, its = (answer["values"][name]["wait.mean"] for name in ("static:cores=9", "backlog"))
    found = of(answer, "static:cores=9")
    assert found["difference"] == pytest.approx(sum(a - b for a, b in zip(mine, its, strict=True)) / 4)
    assert found["relative"] == pytest.approx(found["difference"] / (sum(its) / 4))
    # The same policy by another name: no difference at all, and that is no finding.
    same = of(answer, "backlog:headroom=0")
    assert (same["difference"], same["low"], same["high"], same["p_holm"], same["differs"]) == (0, 0, 0, 1, False)
    assert answer["correction"] == "Holm over a family of 2"


def test_the_baseline_may_be_named() -> None:
    words = (*SMALL, "--policy", "backlog", "--policy", "elastiq", "--warmup", "0")
    there, back = compared(*words), compared(*words, "--baseline", "elastiq")
    assert (there["baseline"], back["baseline"]) == ("backlog", "elastiq")
    assert of(back, "backlog")["difference"] == pytest.approx(-of(there, "elastiq")["difference"])


def test_the_warm_up_is_one_time_for_all_and_the_latest_that_the_rule_finds() -> None:
    words = ("--generate", "poisson:jobs=400,rate=0.05", "--seeds", "6", "--cores", "1")
    answer = compared(*words, "--policy", "backlog", "--policy", "static:cores=60")
    warmup = answer["warmup"]
    assert (warmup["rule"], warmup["seeds"]) == ("mser5", 5)
    assert warmup["by_policy"]["static:cores=60"] == 0.0
    found = [seconds for seconds in warmup["by_policy"].values() if seconds is not None]
    assert answer["warmup_s"] == warmup["seconds"] == max(found)


def test_a_trace_is_drawn_anew_for_each_seed_by_as_many_days_as_it_has(tmp_path: Path) -> None:
    with (tmp_path / "days.swf").open("w") as file:
        write_swf(recipe("cycles", jobs=60, rate=60 / (3 * 86_400), run=500.0, tail=0, bag=1, chain=1, seed=1), file)
    words = ("--trace", str(tmp_path / "days.swf"), "--seeds", "3", "--cores", "1", "--warmup", "0")
    policies = ("--policy", "backlog", "--policy", "elastiq")
    drawn = compared(*words, *policies)
    assert drawn["workload"]["bootstrap_days"] >= 3
    assert len(set(drawn["traces"].values())) == 3
    as_it_is = compared(*words, *policies, "--bootstrap-days", "0")
    assert len(set(as_it_is["traces"].values())) == 1
    assert as_it_is["nothing_random"]
    assert {(one["low"], one["differs"]) for one in as_it_is["differences"]} == {(None, False)}


def test_it_is_the_same_on_one_core_and_on_two_and_from_its_manifest(tmp_path: Path) -> None:
    with (tmp_path / "trace.swf").open("w") as file:
        write_swf(reference_case(200), file)
    words = ["--trace", str(tmp_path / "trace.swf"), "--scale-arrivals", "0.5", "--policy", "backlog"]
    words += ["--policy", "elastiq:idle_seconds=60", "--seeds", "2", "--bootstrap-days", "2"]
    one, two = compared(*words, "--cores", "1"), compared(*words, "--cores", "2")
    assert one == two
    result = tmp_path / "compared.json"
    result.write_text(json.dumps(one))
    assert [again.differ for again in rerun(result, [], 1)] == [[]]
    moved = (tmp_path / "trace.swf").rename(tmp_path / "moved.swf")
    with pytest.raises(SimulationError, match=r"trace\.swf: not found; say where it lies now with --trace"):
        rerun(result, [], 1)
    assert [again.differ for again in rerun(result, [moved], 1)] == [["workload"]]


def test_the_table_says_what_was_left_out_and_corrected_for() -> None:
    done = CliRunner().invoke(app, ["compare", *SMALL, "--policy", "backlog", "--policy", "fixed:workers=0"])
    assert done.exit_code == 0
    for text in ("warm-up: jobs of the first", "fixed:workers=0 left 480 jobs unserved", "Holm over a family of 1"):
        assert text in " ".join(done.stdout.split())


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        (("--policy", "backlog"), "nothing to compare: give --policy twice or more"),
        (("--policy", "backlog", "--policy", "backlog"), "--policy backlog is given twice"),
        (("--policy", "backlog", "--policy", "static"), "static: must be static:cores=N"),
        (("--policy", "backlog", "--policy", "static:cores=many"), "cores must be a whole number"),
        (("--policy", "backlog", "--policy", "fixed:workers"), "must be NAME or NAME:key=value,key=value"),
        (("--policy", "backlog", "--policy", "backlog:slots=x"), "slots=x: must be a number without a fraction"),
        (("--policy", "backlog", "--policy", "backlg"), "no policy named 'backlg'"),
        (("--baseline", "x"), "--baseline x: no such --policy; given: backlog, elastiq"),
        (("--metric", "wait.meen"), "--metric: no figure 'wait.meen'"),
        (("--metric", "wait.mean", "--metric", "wait.mean"), "a --metric is given twice"),
        (("--seeds", "0"), "--seeds 0: at least 1"),
        (("--confidence", "1"), "--confidence 1: from 0.5 to below 1"),
        (("--warmup", "soon"), "--warmup soon: seconds, not below 0, or mser5"),
        (("--generate", "", "--trace", ""), "give either --trace FILE or --generate KIND"),
        (("--generate", "poison"), "--generate: no 'poison'"),
        (("--generate", "poisson:jbs=3"), "no 'jbs'; known: jobs, rate"),
        (("--generate", "poisson:jobs=few"), "jobs must be a number"),
        (("--engine", "cobol"), "no engine 'cobol'"),
        (("--policy", "backlog", "--policy", "static:cores=1", "--generate", "poisson:jobs=3,bag=0"), "bag 0: above 0"),
    ],
)
def test_what_makes_no_sense_is_told(words: tuple[str, ...], problem: str) -> None:
    policies = () if "--policy" in words else ("--policy", "backlog", "--policy", "elastiq")
    generate = () if "--generate" in words else ("--generate", "poisson:jobs=20")
    done = CliRunner().invoke(app, ["compare", *generate, *policies, "--cores", "1", *words])
    assert isinstance(done.exception, SimulationError) or "PluginError" in str(type(done.exception))
    assert problem in str(done.exception)


def test_recipes_are_read_with_their_types() -> None:
    made = recipe_of("bursts:jobs=50,rate=1,tail=1.5")
    assert (made.kind, made.jobs, made.rate, made.tail, made.bag) == ("bursts", 50, 1.0, 1.5, 1)
    options = Options(policies=["backlog:max=5", "elastiq"], generate="reference:jobs=10")
    assert understood(options, Path()).candidates[0].settings.maximum == 5
