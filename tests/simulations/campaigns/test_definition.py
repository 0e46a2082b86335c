"""Campaigns as they are written down: what they mean, and every mistake at once."""

import tomllib
from pathlib import Path

import pytest

from elastic_simulations.campaigns.definition import Campaign, read, understood
from elastic_simulations.campaigns.fields import CampaignError
from elastic_simulations.campaigns.workloads import Recipe, TraceFile
from elastic_simulations.errors import SimulationError

EXAMPLES = Path(__file__).parents[3] / "simulations" / "campaigns"

WRONG = """
[campaign]
nam = "x"
search = "gird"
seeds = [1, 1]
cost = "paid_cor_h"
samples = -1

[run]
boot = "long"
warmup = [1, 2]
tick = 0.0

[run.set]
drain_fraction = [0.1, 0.2]

[[workload]]
trace = "a.swf"
generate = "poisson"

[[workload]]
generate = "poison"
rate = true
scale_runtime = { from = 1.0, to = 2.0 }

[[policy]]
name = "backlg"

[[policy]]
name = "elastiq"
idle_seconds = 3
max = []
[policy.set]
idle_secs = 3
threshold = { from = 5, to = 1, scale = "cubic" }

[[policy]]
slots = 2

[extra]
"""


def campaign(text: str) -> Campaign:
    return understood(tomllib.loads(text), Path("c.toml"))


def problems(text: str) -> list[str]:
    with pytest.raises(CampaignError) as caught:
        campaign(text)
    return [problem.partition("; known: ")[0].partition(", at most a year")[0] for problem in caught.value.problems]


def test_every_mistake_is_told_at_once_with_its_path() -> None:
    assert problems(WRONG) == [
        "campaign.seeds: must be a number of seeds, or a list of different ones",
        "campaign.search: no 'gird'",
        "campaign.samples: not below 0, not -1",
        "campaign.cost: no figure 'paid_cor_h'",
        "campaign.nam: unknown key",
        "workload[0]: needs either trace = FILE or generate = KIND",
        "workload[0].generate: unknown key",
        "workload[1].generate: no 'poison'",
        "workload[1].rate: must be a number, not True",
        "workload[1].scale_runtime: must be a value or a list: ranges are for policies",
        "run.boot: must be a number, not 'long'",
        "run.set.drain_fraction: one value, please: lists and ranges belong to a policy",
        "run.warmup: must be seconds or mser5",
        "run: --tick 0: above 0 s",
        "policy[0].name: no policy named 'backlg'",
        "policy[1].max: an empty list: nothing to choose from",
        "policy[1].set.threshold.scale: no 'cubic'",
        "policy[1].set.threshold: a range needs from and to, from below to",
        "policy[1].idle_seconds: unknown key",
        "policy[1].set.idle_secs: policy 'elastiq' has no parameter 'idle_secs'",
        'policy[1].set.threshold: a grid has no ranges; give a list, or search = "random"',
        "policy[2].name: missing: the policy's name, or static = cores",
        "extra: unknown key",
    ]


def test_what_is_wrong_together_is_told_too() -> None:
    head = '[[workload]]\ngenerate = "poisson"\n[[policy]]\nname = "backlog"\n'
    found = problems(f'{head}min = [1, 9]\nmax = 5\n[policy.set]\nheadroom = [1, "x"]')
    wrong, together = (problem.partition("; ")[0] for problem in found)
    assert wrong.startswith("policy[0]: policy 'backlog': headroom: Input should be a valid integer")
    assert together == "policy[0]: --min 9 is above --max 5"


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "workload: none given: write [[workload]]"),
        ("campaign = 3", "campaign: must be a table, not 3"),
        ("workload = 3", "workload: must be tables, [[workload]]"),
        ('[campaign]\nsearch = "random"', "campaign.samples: a random search needs how many configurations to draw"),
        ("[campaign]\nseeds = 0", "campaign.seeds: at least one, at most 1000000"),
        ('[[workload]]\ntrace = "a"\n[[workload]]\ntrace = "a"', "workload: two are called 'a'; give each a name"),
        ('[[policy]]\nname = "fixed"\nset = 3', "policy[0].set: must be a table, not 3"),
        ("[[policy]]\nstatic = 3\nmax = 5", "policy[0].max: unknown key"),
        ('[[policy]]\nname = "fixed"\n[policy.set]\nworkers = [[1]]', "policy[0].set.workers: must be a text"),
    ],
)  # fmt: skip
def test_a_mistake_alone_is_told(text: str, problem: str) -> None:
    assert [found for found in problems(text) if found.startswith(problem)]


def test_a_configuration_that_is_there_twice_is_told() -> None:
    text = '[[workload]]\ngenerate="poisson"\n[[policy]]\nname="fixed"\n[policy.set]\nworkers=[1, 2]\n' * 2
    text = text.replace("[[workload]]", '[[workload]]\nname="a"', 1)
    assert problems(text) == ["policy[1]: fixed:workers=1 is there twice", "policy[1]: fixed:workers=2 is there twice"]


def test_a_grid_is_every_combination_in_the_order_in_which_it_is_written() -> None:
    found = campaign(
        """
        [campaign]
        seeds = [3, 5]
        cost = "cost.600 s"
        [run]
        price = 0.04
        quanta = [600]
        boot = 100
        warmup = "mser5"
        set.learns = true
        [[workload]]
        trace = "a.swf"
        scale_arrivals = [1, 1.5]
        bootstrap_days = 4
        [[workload]]
        generate = "bursts"
        jobs = 10
        [[policy]]
        name = "backlog"
        slots = [1, 8]
        [policy.set]
        headroom = [0, 2]
        skips_quiet = true
        [[policy]]
        static = [20, 30]
        """
    )
    assert [one.label for one in found.configurations] == [
        "backlog:slots=1,headroom=0,skips_quiet=true",
        "backlog:slots=1,headroom=2,skips_quiet=true",
        "backlog:slots=8,headroom=0,skips_quiet=true",
        "backlog:slots=8,headroom=2,skips_quiet=true",
        "static:cores=20",
        "static:cores=30",
    ]
    first, last = found.configurations[0].settings, found.configurations[-1].settings
    assert (first.boot, first.warmup, first.slots) == (100.0, "mser5", 1)
    assert first.sets == {"learns": "true", "headroom": "0", "skips_quiet": "true"}
    assert (last.static, last.warmup, last.sets) == (30, "mser5", {})
    assert {(one.settings.price, one.settings.quanta) for one in found.configurations} == {(0.04, (600,))}
    assert [(one.name, one.scale_arrivals, one.bootstrap_days) for one in found.workloads] == [
        ("a.swf:scale_arrivals=1", 1.0, 4),
        ("a.swf:scale_arrivals=1.5", 1.5, 4),
        ("bursts", 1.0, None),
    ]
    assert [one.source for one in found.workloads[1:]] == [TraceFile(path="a.swf"), Recipe(kind="bursts", jobs=10)]
    assert (found.name, found.seeds, found.runs, found.parquet) == ("c", (3, 5), 36, False)
    assert found.cost == "cost.600 s"


def test_a_random_search_draws_the_same_configurations_from_the_same_seed() -> None:
    text = """
        [campaign]
        search = "random"
        samples = 40
        seed = {seed}
        [[workload]]
        generate = "poisson"
        [[policy]]
        name = "backlog"
        slots = [1, 8]
        [policy.set]
        idle_seconds = {{ from = 10, to = 10000, scale = "log" }}
        drain_fraction = {{ from = 0.1, to = 1.0 }}
        [[policy]]
        name = "fixed"
        [policy.set]
        workers = {{ from = 1, to = 3 }}
        """
    found = [[one.label for one in campaign(text.format(seed=seed)).configurations] for seed in (1, 1, 2)]
    assert found[0] == found[1] != found[2]
    drawn = campaign(text.format(seed=1)).configurations
    idle = [int(one.settings.sets["idle_seconds"]) for one in drawn if one.settings.policy == "backlog"]
    assert all(10 <= value <= 10_000 for value in idle)
    # On a log scale half of them are below the geometric mean.
    assert 0.2 < sum(value < 316 for value in idle) / len(idle) < 0.8
    assert {one.settings.slots for one in drawn if one.settings.policy == "backlog"} == {1, 8}
    # Three configurations, drawn about twenty times: each is there once.
    assert sorted(one.label for one in drawn if one.settings.policy == "fixed") == [
        "fixed:workers=1", "fixed:workers=2", "fixed:workers=3",
    ]  # fmt: skip


def test_a_file_that_is_none_or_no_toml_is_told(tmp_path: Path) -> None:
    with pytest.raises(SimulationError, match=r"none\.toml: cannot be read: No such file"):
        read(tmp_path / "none.toml")
    (tmp_path / "x.toml").write_text("[campaign\n")
    with pytest.raises(CampaignError, match=r"x\.toml: no TOML: .*line 1"):
        read(tmp_path / "x.toml")
    (tmp_path / "y.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(CampaignError, match="no TOML"):
        read(tmp_path / "y.toml")


@pytest.mark.parametrize("path", sorted(EXAMPLES.glob("*.toml")), ids=lambda path: path.name)
def test_the_examples_are_right(path: Path) -> None:
    assert read(path).runs > 0
