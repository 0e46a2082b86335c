"""Policies and worlds by name: a stranger's distribution works like a built-in one, and every fault is said."""

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from elastic import plugins
from elastic.plugins import PluginError
from elastic_policies.fixed import Fixed

EXAMPLE = Path(__file__).parent / "third_party_policy"

# What the daemon does with it: settings, the policy, a decision.
DECIDES = """
import json
import sys
from pathlib import Path
from elastic import settings
from elastic.core.model import GroupSpec, Snapshot, WorkerGroup

chosen = settings.load(Path(sys.argv[1]), {})
group = WorkerGroup(spec=chosen.group_specs()["small"])
policy = chosen.policies()["small"]
said = {}
for hour in (19, 21):
    target = policy.decide(Snapshot(now=hour * 3600.0, tick=1, groups={"small": group}))["small"]
    said[hour] = [target.workers, target.reason, target.next_wake]
print(json.dumps(said))
"""

Install = Callable[[str, str, str], None]


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Install:
    """Makes a distribution of one module with entry points, as pip would leave it, found by this process."""

    def make(distribution: str, module: str, entries: str) -> None:
        name = distribution.replace("-", "_")
        described = tmp_path / f"{name}-1.0.dist-info"
        described.mkdir()
        (described / "METADATA").write_text(
            f"Metadata-Version: 2.1\nName: {distribution}\nVersion: 1.0\n", encoding="utf-8"
        )
        (described / "entry_points.txt").write_text(entries, encoding="utf-8")
        (tmp_path / f"{name}.py").write_text(module, encoding="utf-8")
        sys.modules.pop(name, None)

    monkeypatch.syspath_prepend(str(tmp_path))
    return make


def refusal(name: str, parameters: dict[str, object] | None = None) -> tuple[str, ...]:
    with pytest.raises(PluginError) as raised:
        plugins.policy(name, parameters)
    return raised.value.problems


def test_finds_a_built_in_policy_and_gives_it_its_parameters() -> None:
    assert plugins.policy("fixed", {"workers": 3}) == Fixed(workers=3)
    assert plugins.policy("fixed") == Fixed()


@pytest.mark.parametrize("name", plugins.names(plugins.POLICIES))
def test_every_built_in_policy_can_be_had_without_parameters(name: str) -> None:
    assert callable(plugins.policy(name).decide)


def test_an_unknown_policy_names_the_known_ones_and_the_nearest() -> None:
    assert refusal("backlg") == (
        "no policy named 'backlg'; known: backlog, elastiq, fixed, hybrid, thesis; did you mean backlog?",
    )
    assert refusal("zzz") == ("no policy named 'zzz'; known: backlog, elastiq, fixed, hybrid, thesis",)


def test_an_unknown_world_names_the_known_ones() -> None:
    known = "known: local, openstack, simulated; did you mean simulated"
    with pytest.raises(PluginError, match=f"no world named 'simulate'; {known}"):
        plugins.world("simulate")


def test_finds_a_world() -> None:
    assert callable(plugins.world("simulated"))


def test_every_wrong_parameter_is_said(install: Install) -> None:
    install(
        "careful",
        "from collections.abc import Mapping\n"
        "from dataclasses import dataclass, field\n"
        "@dataclass(frozen=True, kw_only=True)\n"
        "class Careful:\n"
        "    least: int\n"
        "    most: int = 3\n"
        "    share: float = 0.5\n"
        "    weights: Mapping[str, float] = field(default_factory=dict)\n"
        "    derived: int = field(default=0, init=False)\n"
        "    def decide(self, snapshot): return {}\n",
        "[elastic.policies]\ncareful = careful:Careful\n",
    )
    wrong = {"mots": 4, "most": "many", "share": 1, "weights": {"a": "x"}, "derived": 1}
    assert sorted(refusal("careful", wrong)) == [
        "policy 'careful': most: Input should be a valid integer, unable to parse string as an integer, not 'many'",
        "policy 'careful': no parameter 'derived'; known: least, most, share, weights",
        "policy 'careful': no parameter 'mots'; known: least, most, share, weights; did you mean most?",
        "policy 'careful': parameter 'least' must be given",
        "policy 'careful': weights.a: Input should be a valid number, unable to parse string as a number, not 'x'",
    ]


def test_a_policy_may_refuse_its_parameters_itself(install: Install) -> None:
    install(
        "strict-one",
        "from dataclasses import dataclass\n"
        "@dataclass\n"
        "class Strict:\n"
        "    share: float = 0.5\n"
        "    def __post_init__(self):\n"
        "        if self.share > 1: raise ValueError('share must not be above 1')\n"
        "    def decide(self, snapshot): return {}\n",
        "[elastic.policies]\nstrict = strict_one:Strict\n",
    )
    assert refusal("strict", {"share": 2}) == ("policy 'strict': share must not be above 1",)


def test_a_policy_without_parameters_takes_none(install: Install) -> None:
    install("plain", "class Plain:\n    def decide(self, s): return {}\n", "[elastic.policies]\nplain = plain:Plain\n")
    assert callable(plugins.policy("plain").decide)
    assert refusal("plain", {"workers": 1}) == ("policy 'plain': no parameter 'workers'; it has no parameters",)


def test_two_distributions_with_one_name_are_refused(install: Install) -> None:
    install("mine", "class Mine:\n    pass\n", "[elastic.policies]\nfixed = mine:Mine\n")
    (said,) = refusal("fixed")
    assert said.startswith("policy 'fixed' comes from elastic ")
    assert said.endswith(" and mine 1.0; uninstall all of them but one")


def test_a_policy_that_cannot_be_imported_names_its_distribution(install: Install) -> None:
    install("broken", "import no_such_module\n", "[elastic.policies]\nbroken = broken:Broken\n")
    assert refusal("broken") == (
        (
            "policy 'broken' of broken 1.0 cannot be loaded from broken:Broken "
            "(ModuleNotFoundError: No module named 'no_such_module'); mend or uninstall that distribution"
        ),
    )


def test_a_policy_that_is_none_is_refused(install: Install) -> None:
    install("noise", "class Noise:\n    pass\n", "[elastic.policies]\nnoise = noise:Noise\n")
    assert refusal("noise") == ("policy 'noise' has no method decide; its entry point must name a policy class",)


def test_a_strangers_policy_is_installed_and_decides(tmp_path: Path) -> None:
    source, site = tmp_path / "source", tmp_path / "site"
    # A copy: building leaves its marks beside the source.
    shutil.copytree(EXAMPLE, source)
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-index", "--no-deps", "--no-build-isolation"]
    subprocess.run([*pip, "--target", str(site), str(source)], check=True, timeout=50)
    file = tmp_path / "elastic.toml"
    file.write_text(
        'pool = "p"\n[policy]\nname = "night_shift"\n[policy.parameters.night_shift]\nnight = 5\n'
        '[[groups]]\nname = "small"\nmaximum = 9\n',
        encoding="utf-8",
    )
    said = subprocess.run(
        [sys.executable, "-c", DECIDES, str(file)],
        check=True,
        stdout=subprocess.PIPE,
        env={"PYTHONPATH": str(site)},
        timeout=30,
    ).stdout
    assert json.loads(said) == {
        "19": [1, "1 by day", 72000.0],
        "21": [5, "5 by night", 86400.0],
    }
