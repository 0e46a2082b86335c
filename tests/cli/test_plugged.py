"""Commands of other distributions: found by entry point, and never able to break ours."""

from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from elastic.cli import plugged, quick

TOY = """
import typer

app = typer.Typer()
no_app = 3

@app.command("greet")
def greet() -> None:
    print("hello")

@app.command("leave")
def leave() -> None:
    print("bye")

def wave(times: int = 1) -> None:
    print("wave " * times)
"""


@pytest.fixture
def stranger(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An installed distribution with commands of which some work."""
    (tmp_path / "toy_of_a_stranger.py").write_text(TOY)
    info = tmp_path / "toy-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: toy\nVersion: 1.0\n")
    commands = (
        "toy = toy_of_a_stranger:app",
        "toy.wave = toy_of_a_stranger:wave",
        "wave = toy_of_a_stranger:wave",
        "nothing.wave = toy_of_a_stranger:wave",
        "broken = nowhere_to_be_found:app",
        "wrong = toy_of_a_stranger:no_app",
    )
    (info / "entry_points.txt").write_text("\n".join(("[elastic.commands]", *commands)))
    monkeypatch.syspath_prepend(str(tmp_path))


def own() -> typer.Typer:
    app = typer.Typer()

    @app.command("status")
    def status() -> None:
        typer.echo("fine")

    @app.callback()
    def root() -> None: ...

    return app


@pytest.mark.usefixtures("stranger")
def test_a_strangers_command_runs_and_its_broken_ones_are_named(capsys: pytest.CaptureFixture[str]) -> None:
    app = own()
    plugged.add_to(app, ["toy", "greet"])
    told = capsys.readouterr().err
    assert "command 'broken' cannot be loaded from nowhere_to_be_found:app" in told
    assert "command 'wrong' (toy_of_a_stranger:no_app) is no Typer application and no function" in told
    assert "command 'nothing.wave' (toy_of_a_stranger:wave) has no place: no 'nothing'" in told
    assert CliRunner().invoke(app, ["toy", "greet"]).stdout == "hello\n"
    assert CliRunner().invoke(app, ["status"]).stdout == "fine\n"


@pytest.mark.usefixtures("stranger")
def test_a_function_is_one_command_and_may_be_added_to_an_application_of_others() -> None:
    app = own()
    plugged.add_to(app, ["wave"])
    assert CliRunner().invoke(app, ["wave", "--times", "2"]).stdout == "wave wave \n"
    assert CliRunner().invoke(app, ["toy", "wave"]).stdout == "wave \n"
    assert CliRunner().invoke(app, ["toy", "greet"]).stdout == "hello\n"


@pytest.mark.usefixtures("stranger")
def test_nothing_is_looked_for_when_the_command_is_ours(capsys: pytest.CaptureFixture[str]) -> None:
    app = own()
    plugged.add_to(app, ["status"])
    assert capsys.readouterr().err == ""
    assert CliRunner().invoke(app, ["toy", "greet"]).exit_code == 2


@pytest.mark.parametrize("words", [[], ["--help"], ["status"], ["sim"], ["sim", "run"], ["sim", "run", "--help"]])
def test_what_the_quick_way_does_not_understand_goes_the_long_way(words: list[str]) -> None:
    assert not quick.done(words)


def test_a_table_goes_the_long_way(tmp_path: Path) -> None:
    assert not quick.done(["sim", "run", "--trace", str(tmp_path / "none.swf")])


def test_an_error_of_the_quick_way_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "none.swf"
    with pytest.raises(SystemExit, match="1"):
        quick.done(["sim", "run", "--trace", str(path), "-o", "json"])
    assert capsys.readouterr().err == f"elastic: {path}: cannot be read: No such file or directory\n"
