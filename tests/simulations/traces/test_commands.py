import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from elastic_simulations.errors import SimulationError
from elastic_simulations.traces.cli import app
from tests.simulations.traces.files import swf, written


def test_info_as_json_and_as_a_picture(tmp_path: Path) -> None:
    path = str(written(tmp_path, swf((0, 5, 1), (9, 0, 1), (10, 2, 1))))
    answer = json.loads(CliRunner().invoke(app, ["info", path, "-o", "json"]).stdout)
    assert (answer["jobs"], answer["rows_dropped"], answer["span_s"]) == (2, 1, 10)
    shown = CliRunner().invoke(app, ["info", path]).stdout
    assert "1 rows, run time not positive, first in line 2" in shown
    assert "█" in shown


def test_anonymise_says_what_remains(tmp_path: Path) -> None:
    path = str(written(tmp_path, "; Anna\n" + swf((0, 5, 1))))
    answer = CliRunner().invoke(app, ["anonymise", path, "--to", str(tmp_path / "out.swf")])
    assert "remains:\n  submit and run times" in answer.stderr
    assert "Anna" not in (tmp_path / "out.swf").read_text()


def test_who_knows_no_seed_cannot_trace_the_numbers_of_users_back(tmp_path: Path) -> None:
    rows = (f"{job} {job} -1 5 1 -1 -1 1 -1 -1 1 {job} 1 -1 -1 -1 -1 -1\n" for job in range(1, 41))
    path = str(written(tmp_path, "".join(rows)))

    def drawn(*words: str) -> str:
        return CliRunner().invoke(app, ["anonymise", path, *words]).stdout

    assert drawn("--seed", "3") == drawn("--seed", "3") != drawn("--seed", "4")
    assert drawn() != drawn()


def test_generate_and_convert_write_swf(tmp_path: Path) -> None:
    out = str(tmp_path / "made.swf")
    assert CliRunner().invoke(app, ["generate", "reference", "--jobs", "2", "--to", out]).exit_code == 0
    assert CliRunner().invoke(app, ["convert", out]).stdout.splitlines()[-1].startswith("2 15 -1 901 1 ")


def test_a_file_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    answer = CliRunner().invoke(
        app, ["generate", "reference", "--jobs", "2", "--to", str(tmp_path / "no" / "made.swf")]
    )
    assert isinstance(answer.exception, SimulationError)
    with pytest.raises(SimulationError, match="cannot be written: No such file"):
        raise answer.exception
