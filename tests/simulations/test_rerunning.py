import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from elastic_simulations.cli import app
from elastic_simulations.errors import SimulationError
from elastic_simulations.rerunning import rerun
from elastic_simulations.traces.exporting import write_swf
from elastic_simulations.traces.recipes import recipe


def test_a_validation_is_made_again_from_its_manifest(tmp_path: Path) -> None:
    to = tmp_path / "validation.json"
    done = CliRunner().invoke(
        app, ["validate", "--only", "LCG", "--data", str(tmp_path), "--manifest", str(to), "-o", "json"]
    )
    stored = json.loads(to.read_text())
    assert stored["verdicts"] == json.loads(done.stdout)
    assert {"command", "version", "file_sha256", "only", "full"} <= stored["manifest"].keys()
    assert [again.differ for again in rerun(to, [], 1)] == [[]]
    stored["verdicts"][0]["got"] = "something else"
    to.write_text(json.dumps(stored))
    assert CliRunner().invoke(app, ["rerun", str(to)]).stderr == "differs: verdicts\n"


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "no JSON"),
        ("[]", "no manifest in it"),
        ("{}", "no manifest in it"),
        ('{"manifest": {}}\n{"manifest": 3}', "of another version of elastic"),
        ('{"manifest": {"command": "compare", "version": "9"}}', r"of another version of elastic \(9\)"),
        ('{"manifest": {"command": "compare", "options": {"trace": ""}, "file_sha256": ""}}', "of another version"),
        ('{"manifest": {"command": "campaign run", "workload": {"source": 3}, "settings": {}}}', "of another version"),
        ('{"manifest": {"command": "campaign", "definition": 3, "files": {}}}', "of another version"),
    ],
)  # fmt: skip
def test_what_is_no_result_is_told(tmp_path: Path, text: str, problem: str) -> None:
    (tmp_path / "x.json").write_text(text)
    with pytest.raises(SimulationError, match=problem):
        rerun(tmp_path / "x.json", [], 1)


def test_a_result_of_another_version_is_said_to_be_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    words = [
        "compare",
        "--generate",
        "poisson:jobs=20",
        "--policy",
        "backlog",
        "--policy",
        "static:cores=9",
        "--seeds",
        "2",
    ]
    stored = json.loads(CliRunner().invoke(app, [*words, "--cores", "1", "-o", "json"]).stdout)
    stored["manifest"]["version"] = "0.0.1"
    (tmp_path / "x.json").write_text(json.dumps(stored))
    done = CliRunner().invoke(app, ["rerun", str(tmp_path / "x.json"), "--cores", "1"])
    assert (done.exit_code, done.stderr.partition(",")[0]) == (0, "made by elastic 0.0.1")


COMPARED = (
    "sim",
    "compare",
    "--generate",
    "cycles:jobs=60",
    "--policy",
    "backlog",
    "--policy",
    "elastiq",
    "--seeds",
    "2",
)
COMMANDS = {
    "a run": ("sim", "run", "--trace", "t.swf", "--bootstrap-days", "2", "--set", "headroom=1", "--warmup", "mser5"),
    "a comparison": (*COMPARED, "--cores", "2"),
}


@pytest.mark.parametrize("words", COMMANDS.values(), ids=COMMANDS)
def test_the_same_seed_gives_the_same_bytes_whatever_the_hash_seed(tmp_path: Path, words: tuple[str, ...]) -> None:
    trace = recipe("poisson", jobs=50, rate=0.01, run=500.0, tail=1.5, bag=1, chain=1, seed=3)
    with (tmp_path / "t.swf").open("w") as file:
        write_swf(trace, file)

    def printed(hash_seed: str) -> str:
        environment = {**os.environ, "XDG_CACHE_HOME": str(tmp_path), "PYTHONHASHSEED": hash_seed}
        command = [sys.executable, "-m", "elastic", *words, "-o", "json"]
        done = subprocess.run(command, env=environment, cwd=tmp_path, capture_output=True, text=True, check=True)
        assert json.loads(done.stdout)["manifest"]["version"]
        return re.sub(r'"wall_s": .*', "", done.stdout)

    assert printed("1") == printed("2")
