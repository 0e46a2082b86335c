"""The daemon as a process: starting, ending, reloading, and every mistake at its start."""

import signal
import socket
import time
from pathlib import Path

import httpx

from tests.daemon_rig import TOKEN, DaemonProcess, change, run, write_settings


def test_it_ticks_answers_and_ends_with_zero_at_sigterm(tmp_path: Path) -> None:
    with DaemonProcess(write_settings(tmp_path)) as daemon:
        daemon.logged("tick")
        assert daemon.get("/healthz").json() == {"status": "ok", "detail": ""}
        assert daemon.get("/readyz").status_code == 200
        daemon.tell(signal.SIGTERM)
        assert daemon.ended(10) == 0
        assert [line["event"] for line in daemon.lines[-2:]] == ["stopping", "stopped"]


def test_sighup_takes_changed_settings_at_once(tmp_path: Path) -> None:
    settings = write_settings(tmp_path)
    with DaemonProcess(settings) as daemon:
        daemon.logged("tick")
        change(settings, ("maximum = 5", "maximum = 7"))
        seen = len(daemon.lines)
        daemon.tell(signal.SIGHUP)
        assert daemon.logged("settings reloaded", after=seen)["changed"] == ["groups.small.maximum"]
        daemon.logged("tick", after=daemon.lines.index(dict(daemon.logged("settings reloaded", after=seen))))
        assert daemon.get("/v1/groups/small").json()["maximum"] == 7


def test_sighup_with_wrong_settings_says_why_and_keeps_the_old_ones(tmp_path: Path) -> None:
    settings = write_settings(tmp_path)
    right = settings.read_text()
    with DaemonProcess(settings) as daemon:
        daemon.logged("tick")
        for old, new, why in (
            ("maximum = 5", "maximum = -1", "groups[0].maximum"),
            ('pool = "try"', 'pool = "other"', "pool: cannot change while the daemon runs"),
            ("maximum = 5", 'maximum = 5\npolicy = "backlg"', "no policy named 'backlg'; known: backlog"),
        ):
            settings.write_text(right)
            change(settings, (old, new))
            seen = len(daemon.lines)
            daemon.tell(signal.SIGHUP)
            line = daemon.logged("settings not reloaded, the old ones stay", after=seen)
            assert why in str(line["problem"])
        assert daemon.get("/v1/groups/small").json()["maximum"] == 5
        assert daemon.get("/healthz").status_code == 200


def test_five_mistakes_in_the_settings_are_five_problems(tmp_path: Path) -> None:
    settings = write_settings(
        tmp_path,
        ("maximum = 5", 'maximum = "many"\ncolour = "red"'),
        ("tick_seconds = 5", "tick_seconds = 0.5"),
        ('kind = "simulated"', 'knd = "simulated"'),
        ("port = 0", "port = 99999"),
    )
    ended = run("run", "--config", settings)
    assert ended.returncode == 2
    assert "5 problems in" in ended.stderr
    for path in ("groups[0].maximum", "groups[0].colour", "tick_seconds", "cloud.knd", "api.port"):
        assert path in ended.stderr


def test_an_unknown_world_names_the_known_ones(tmp_path: Path) -> None:
    settings = write_settings(tmp_path, ("simulated", "simulatd"))
    ended = run("run", "--config", settings)
    assert (ended.returncode, "did you mean simulated?" in ended.stderr) == (2, True)


def test_a_port_in_use_is_one_clear_message(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        settings = write_settings(tmp_path)
        change(settings, ("port = 0", f"port = {port}"))
        ended = run("run", "--config", settings)
    assert ended.returncode == 1
    why = f"cannot listen on 127.0.0.1 port {port}: Address already in use; is another elastic running? Set api.port"
    assert ended.stderr == f"elastic: {why}\n"


def test_a_second_daemon_on_the_same_ledger_ends_and_the_first_goes_on(tmp_path: Path) -> None:
    settings = write_settings(tmp_path)
    with DaemonProcess(settings) as first:
        first.logged("tick")
        second = run("run", "--config", settings)
        assert second.returncode == 1
        assert "is in use by pid" in second.stderr
        assert len(second.stderr.splitlines()) == 1
        assert first.get("/healthz").status_code == 200


def test_a_folder_that_cannot_be_made_is_one_clear_message(tmp_path: Path) -> None:
    (tmp_path / "state").write_text("a file where the folder should be")
    ended = run("run", "--config", write_settings(tmp_path))
    assert ended.returncode == 1
    assert len(ended.stderr.splitlines()) == 1
    assert "folder" in ended.stderr


def test_a_kill_loses_neither_override_nor_mode(tmp_path: Path) -> None:
    settings = write_settings(tmp_path, ('mode = "act"\n', ""))
    with DaemonProcess(settings) as daemon:
        daemon.logged("tick")
        assert daemon.get("/v1/status").json()["mode"] == "observe"
        wish = {"kind": "floor", "workers": 2, "author": "anna", "reason": "course", "expires_in_seconds": 3600}
        assert daemon.write("PUT", "/v1/groups/small/override", wish).status_code == 200
        assert daemon.write("POST", "/v1/go", {"author": "anna"}).status_code == 200
        daemon.kill()
    with DaemonProcess(settings) as again:
        again.logged("tick")
        status = again.get("/v1/status").json()
        assert status["mode"] == "act"
        assert [(o["kind"], o["workers"], o["author"]) for o in status["overrides"]] == [("floor", 2, "anna")]


def test_an_operators_write_is_acted_on_at_once_not_at_the_next_regular_tick(tmp_path: Path) -> None:
    settings = write_settings(tmp_path, ("tick_seconds = 5", "tick_seconds = 3600"))
    with DaemonProcess(settings) as daemon:
        daemon.logged("tick")
        time.sleep(1.5)  # the simulated collector is then old enough to be believed
        wish = {"kind": "floor", "workers": 2, "author": "anna", "reason": "course", "expires_in_seconds": 3600}
        daemon.write("PUT", "/v1/groups/small/override", wish)
        launched = daemon.logged("launch")
        assert launched["outcome"] == "done"
        assert "floor 2 by anna (course)" in str(launched["reason"])


def test_a_wrong_token_changes_nothing(tmp_path: Path) -> None:
    with DaemonProcess(write_settings(tmp_path)) as daemon:
        daemon.logged("tick")
        answer = daemon.write("POST", "/v1/go", {"author": "eve"}, token=TOKEN + "x")
        assert answer.status_code == 401
        assert answer.headers["content-type"] == "application/problem+json"
        assert "not the daemon's token" in answer.json()["detail"]


def test_systemd_hears_ready_and_stopping(tmp_path: Path) -> None:
    place = tmp_path / "notify"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        systemd.bind(str(place))
        systemd.settimeout(20)
        with DaemonProcess(write_settings(tmp_path), NOTIFY_SOCKET=str(place), WATCHDOG_USEC="1000000") as daemon:
            assert systemd.recv(1000).startswith(b"READY=1")
            assert systemd.recv(1000) == b"WATCHDOG=1"
            daemon.tell(signal.SIGHUP)
            heard = b""
            while b"RELOADING=1" not in heard:
                heard = systemd.recv(1000)
            assert b"MONOTONIC_USEC=" in heard
            daemon.tell(signal.SIGTERM)
            while not heard.startswith(b"STOPPING=1"):
                heard = systemd.recv(1000)
            assert daemon.ended(10) == 0


def test_only_loopback_is_served(tmp_path: Path) -> None:
    settings = write_settings(tmp_path, ("port = 0", 'port = 0\nhost = "0.0.0.0"'))
    ended = run("run", "--config", settings)
    assert (ended.returncode, "must be a loopback address" in ended.stderr) == (2, True)


def test_a_page_that_points_its_name_at_loopback_reads_nothing(tmp_path: Path) -> None:
    with DaemonProcess(write_settings(tmp_path)) as daemon:
        answer = httpx.get(daemon.url + "/v1/status", headers={"Host": "evil.example"}, trust_env=False)
        assert answer.status_code == 400


HANGING = """
import time
import elastic.daemon.daemon
from elastic.cli import main
from elastic.controller import Controller
elastic.daemon.daemon.HANGS_SECONDS = 1.0
Controller.tick = lambda controller, now: time.sleep(600)
main()
"""
"""The command line, with ticks that hang."""


def test_a_tick_that_hangs_is_unhealthy_says_where_and_still_lets_the_daemon_end(tmp_path: Path) -> None:
    with DaemonProcess(write_settings(tmp_path), code=HANGING) as daemon:
        hanging = daemon.logged("a tick hangs")
        assert "in <lambda>" in str(hanging["stacks"])
        answer = daemon.get("/healthz")
        assert (answer.status_code, answer.json()["status"]) == (503, "unhealthy")
        daemon.tell(signal.SIGHUP)
        daemon.tell(signal.SIGTERM)
        assert daemon.ended(10) == 0
        daemon.logged("a call has not answered; its intent is in the ledger, the next start finds out")


def test_a_source_that_is_not_there_is_waited_for_and_named(tmp_path: Path) -> None:
    scenario = tmp_path / "scenario.toml"
    scenario.write_text('[[fault]]\ncall = "queue"\nmessage = "no schedd yet"\nend = 24\n')
    options = f'kind = "simulated"\noptions = {{ scenario = "{scenario}", step = true, speed = 5 }}'
    settings = write_settings(tmp_path, ('kind = "simulated"', options))
    with DaemonProcess(settings) as daemon:
        waiting = daemon.logged("waiting for a source")
        assert (waiting["source"], "no schedd yet" in str(waiting["error"])) == ("queue", True)
        answer = daemon.get("/readyz")
        assert (answer.status_code, answer.json()["status"]) == (503, "waiting")
        assert "queue" in answer.json()["detail"]
        assert daemon.get("/healthz").status_code == 200
        daemon.logged("a source is back")
        assert daemon.get("/readyz").status_code == 200
