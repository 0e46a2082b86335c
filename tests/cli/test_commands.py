"""The command line against a running daemon, as processes: what it prints, and how it exits."""

import json
import signal
import subprocess
import sys
from collections.abc import Generator
from pathlib import Path

import pytest
from typer import BadParameter

from elastic.adapters.ledger.opening import connect, migrate
from elastic.cli.options import in_minutes
from tests.daemon_rig import COMMAND, DaemonProcess, change, environment, eventually, here, run, write_settings


@pytest.fixture(autouse=True)
def wide_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "200")


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory) -> Generator[tuple[DaemonProcess, Path]]:
    """A daemon that has launched two workers, and its settings with the port that it took."""
    folder = tmp_path_factory.mktemp("cli")
    settings = write_settings(folder, ("maximum = 5", "maximum = 5\nminimum = 2"))
    with DaemonProcess(settings) as process:
        process.logged("launch", seconds=30)
        # The tick after the launch is the first that sees the new workers.
        eventually(lambda: len(process.get("/v1/workers").json()["workers"]) == 2 or None, "no two workers")
        port = process.url.rpartition(":")[2]
        settings.write_text(settings.read_text().replace("port = 0", f"port = {port}"))
        yield process, settings


def ask(daemon: tuple[DaemonProcess, Path], *arguments: str) -> str:
    """What a command prints, when it succeeds."""
    ended = here(*arguments, "--config", daemon[1])
    assert (ended.returncode, ended.stderr) == (0, "")
    return ended.stdout


def test_status_shows_target_workers_and_the_reason(daemon: tuple[DaemonProcess, Path]) -> None:
    shown = ask(daemon, "status")
    assert "ok  pool try  mode act  world simulated" in shown
    assert "2..5" in shown
    assert "small: " in shown


def test_json_is_what_the_interface_says(daemon: tuple[DaemonProcess, Path]) -> None:
    said = daemon[0].get("/v1/workers").json()["workers"]
    printed = json.loads(ask(daemon, "workers", "-o", "json"))["workers"]
    assert [w["name"] for w in printed] == [w["name"] for w in said]
    assert len(printed) == 2


@pytest.mark.parametrize("command", ["status", "workers", "events", "plan", "override list", "settings", "version"])
def test_every_look_has_a_json_form(daemon: tuple[DaemonProcess, Path], command: str) -> None:
    more = [] if command == "version" else ["--config", str(daemon[1])]
    ended = here(*command.split(), "-o", "json", *more)
    assert (ended.returncode, ended.stderr) == (0, "")
    assert isinstance(json.loads(ended.stdout), dict | list)


def test_an_override_is_set_listed_and_cleared(daemon: tuple[DaemonProcess, Path]) -> None:
    ask(daemon, "override", "set", "small", "ceiling", "4", "--for", "10m", "-r", "course", "--author", "anna")
    listed = ask(daemon, "override", "list")
    assert listed.splitlines()[1].split()[:3] == ["small", "ceiling", "4"]
    assert "anna" in listed
    ask(daemon, "override", "clear", "small", "ceiling")
    assert "ceiling" not in ask(daemon, "override", "list")


def test_a_worker_is_protected_drained_and_kept(daemon: tuple[DaemonProcess, Path]) -> None:
    worker = json.loads(ask(daemon, "workers", "-o", "json"))["workers"][0]["name"]
    assert ask(daemon, "protect", worker, "--author", "anna") == f"{worker} is protected by anna\n"
    assert "protected by anna" in ask(daemon, "workers")
    assert ask(daemon, "unprotect", worker) == f"{worker} is no longer protected\n"
    assert ask(daemon, "drain", worker) == f"drain of {worker} noted\n"
    assert ask(daemon, "drain", worker, "--cancel") == f"{worker} may stay\n"


def test_a_force_asks_first_and_does_nothing_without_a_yes(daemon: tuple[DaemonProcess, Path]) -> None:
    worker = json.loads(ask(daemon, "workers", "-o", "json"))["workers"][0]["name"]
    ended = run("drain", worker, "--force", "--config", daemon[1])
    assert ended.returncode != 0
    assert "a force kills 0 jobs" in ended.stderr
    assert json.loads(ask(daemon, "workers", "-o", "json"))["workers"][0]["wish"] == ""


def test_a_forced_drain_as_json_is_one_document(daemon: tuple[DaemonProcess, Path]) -> None:
    worker = json.loads(ask(daemon, "workers", "-o", "json"))["workers"][0]["name"]
    ended = here("drain", worker, "--force", "--yes", "-o", "json", "--config", daemon[1])
    ask(daemon, "drain", worker, "--cancel")
    assert (ended.returncode, json.loads(ended.stdout)["accepted"]) == (0, True)
    assert "a force kills 0 jobs" in ended.stderr


def test_breaker_reset_go_and_plan_say_what_they_did(daemon: tuple[DaemonProcess, Path]) -> None:
    assert ask(daemon, "breaker", "reset", "small") == "the breaker of small is closed\n"
    assert ask(daemon, "go") == "mode is act\n"
    assert "next look in" in ask(daemon, "plan")


def test_check_finds_nothing_wrong_beside_a_running_daemon(daemon: tuple[DaemonProcess, Path]) -> None:
    shown = ask(daemon, "check")
    assert "all is well" in shown
    for what in ("settings", "token", "port", "ledger", "collector", "schedds", "negotiator", "servers", "startd"):
        assert what in shown


def test_watch_goes_on_until_it_is_interrupted(daemon: tuple[DaemonProcess, Path]) -> None:
    command = [*COMMAND, "status", "--watch", "--config", str(daemon[1])]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, env=environment(), stdout=pipe, stderr=pipe, text=True) as watch:
        assert watch.stdout is not None
        seen = ""
        while "pool try" not in seen:
            seen += (line := watch.stdout.readline())
            assert line, "it ended by itself"
        watch.send_signal(signal.SIGINT)
        _, err = watch.communicate(timeout=60)
    assert "Traceback" not in err


def test_watch_as_json_is_one_object_a_line(daemon: tuple[DaemonProcess, Path]) -> None:
    command = [*COMMAND, "status", "--watch", "-o", "json", "--config", str(daemon[1])]
    with subprocess.Popen(command, env=environment(), stdout=subprocess.PIPE, text=True) as watch:
        assert watch.stdout is not None
        lines = [json.loads(watch.stdout.readline()) for _ in range(2)]
        watch.kill()
    assert [line["pool"] for line in lines] == ["try", "try"]


def test_a_wrong_token_is_said_with_what_to_check(daemon: tuple[DaemonProcess, Path], tmp_path: Path) -> None:
    (tmp_path / "token").write_text("something else entirely")
    ended = here("go", "--url", daemon[0].url, "--token-file", tmp_path / "token")
    assert (ended.returncode, ended.stderr) == (
        1,
        "elastic: this is not the daemon's token; check --token-file (the daemon's settings name it)\n",
    )


def test_a_wrong_value_exits_with_two_and_says_what_is_wrong(daemon: tuple[DaemonProcess, Path]) -> None:
    ended = here("override", "set", "small", "pin", "--config", daemon[1])
    assert ended.returncode == 2
    assert "`workers` belongs to pin, floor and ceiling" in ended.stderr


def test_no_daemon_exits_with_three_and_says_how_to_start_one() -> None:
    ended = here("status", "--url", "http://127.0.0.1:9")
    assert ended.returncode == 3
    assert "start it with `elastic run`" in ended.stderr
    assert len(ended.stderr.splitlines()) == 1


def test_something_else_at_the_address_exits_with_three(tmp_path: Path) -> None:
    server = [sys.executable, "-u", "-m", "http.server", "0", "--bind", "127.0.0.1"]
    with subprocess.Popen(server, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as other:
        assert other.stdout is not None
        port = other.stdout.readline().split("port ")[1].split()[0]
        ended = here("status", "--url", f"http://127.0.0.1:{port}")
        other.kill()
    assert (ended.returncode, "is not elastic's interface" in ended.stderr) == (3, True)


def test_wrong_settings_are_all_named_and_exit_with_two(tmp_path: Path) -> None:
    settings = write_settings(tmp_path, ("maximum = 5", "maximum = -5"), ("port = 0", "port = -1"))
    ended = here("status", "--config", settings)
    assert ended.returncode == 2
    assert "groups[0].maximum" in ended.stderr
    assert "api.port" in ended.stderr


def test_check_exits_with_one_and_says_how_to_mend_it(tmp_path: Path) -> None:
    ended = here("check", "--config", write_settings(tmp_path))
    assert ended.returncode == 1
    assert "there is no folder" in ended.stdout
    assert "→ make it" in ended.stdout


def test_check_only_looks_at_an_older_ledger(tmp_path: Path) -> None:
    settings = write_settings(tmp_path)
    (tmp_path / "state").mkdir()
    ledger = tmp_path / "state" / "ledger.sqlite"
    engine = connect(ledger)
    with engine.begin() as connection:
        migrate(connection, "0001")
        for name, value in {"identity": '"uuid"', "pool": '"other"', "mode": '"act"'}.items():
            connection.exec_driver_sql("INSERT INTO meta VALUES (?, ?)", (name, value))
    engine.dispose()
    before = ledger.read_bytes()
    refused = here("check", "--config", settings)
    change(settings, ('pool = "try"', 'pool = "other"'))
    ended = here("check", "--config", settings)
    assert (refused.returncode, ended.returncode) == (1, 0)
    assert "it belongs to pool 'other', the settings say 'try'" in refused.stdout
    assert "schema 0001, which `elastic run` brings to" in ended.stdout
    assert (ledger.read_bytes(), [file.name for file in ledger.parent.glob("ledger*")]) == (before, ["ledger.sqlite"])


def test_a_plan_without_a_daemon_asks_the_world_itself(tmp_path: Path) -> None:
    ended = here("plan", "--standalone", "--config", write_settings(tmp_path))
    assert (ended.returncode, "mode preview" in ended.stdout) == (0, True)


def test_events_are_followed_line_by_line(daemon: tuple[DaemonProcess, Path]) -> None:
    command = [*COMMAND, "events", "--follow", "-o", "json", "--config", str(daemon[1])]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, env=environment(), stdout=pipe, stderr=pipe, text=True) as follower:
        assert follower.stdout is not None
        seen = json.loads(follower.stdout.readline())
        assert {"at", "kind", "text", "group", "worker"} == seen.keys()
        ask(daemon, "override", "set", "small", "floor", "1", "-r", "to be followed")
        while "to be followed" not in seen["text"]:
            seen = json.loads(follower.stdout.readline())
        follower.send_signal(signal.SIGINT)
        _, err = follower.communicate(timeout=10)
    assert "Traceback" not in err
    ask(daemon, "override", "clear", "small")


def test_adopting_from_another_ledger_is_remembered(daemon: tuple[DaemonProcess, Path]) -> None:
    said = ask(daemon, "adopt", "--from", "4f1c2a4e-0000-4000-8000-000000000000")
    assert said == "the servers of ledger 4f1c2a4e-0000-4000-8000-000000000000 are ours from the next tick on\n"
    assert "adopt" in ask(daemon, "events")


def test_the_reference_of_the_settings_has_a_json_form() -> None:
    ended = here("settings", "--reference", "-o", "json")
    rows = {row["setting"]: row for row in json.loads(ended.stdout)}
    assert rows["tick_seconds"]["default"] == 30.0
    assert (rows["groups[].maximum"]["required"], rows["groups[].maximum"]["default"]) == (True, None)
    assert all(row["why"] for row in rows.values())


@pytest.mark.parametrize(
    ("text", "minutes"), [("30", 30), ("30m", 30), ("90s", 1.5), ("1h", 60), ("2d", 2880), ("0.5h", 30)]
)
def test_a_time_is_written_as_an_operator_would(text: str, minutes: float) -> None:
    assert in_minutes(text) == minutes


@pytest.mark.parametrize("text", ["", "h", "-1", "0", "inf", "nan", "1w", "soon"])
def test_what_is_no_time_is_refused(text: str) -> None:
    with pytest.raises(BadParameter, match="is no time; write for instance 30"):
        in_minutes(text)


def test_a_grid_that_is_not_there_is_removed_in_json_too(tmp_path: Path) -> None:
    ended = here("grid", "down", "none", "--home", tmp_path, "-o", "json")
    assert json.loads(ended.stdout) == {
        "name": "none", "existed": False, "ended_processes": 0, "folder": str(tmp_path / "none")
    }  # fmt: skip
