"""`elastic orphans`: what it prints, what it asks before removing, and how it exits."""

import io
import json
import threading
from collections.abc import Generator
from http.server import ThreadingHTTPServer
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any, ClassVar

import pytest

from elastic.lab.stub import Stub
from tests.daemon_rig import DaemonProcess, eventually, here, write_settings

OLD = {
    "kind": "server", "id": "s-1", "name": "small-1", "group": "small", "ledger": "ours", "of_server": "",
    "state": "SHUTOFF", "age_seconds": 90000.0, "keep": "",
}  # fmt: skip
YOUNG = {**OLD, "id": "s-2", "name": "small-2", "age_seconds": 60.0, "keep": "it is too young"}


class Telling(Stub):
    """A daemon that knows these orphans, and notes what it is asked to remove."""

    orphans: ClassVar[list[dict[str, object]]] = []
    untold: ClassVar[list[str]] = []
    asked: ClassVar[list[Any]] = []

    def on_get(self) -> None:
        self.answer(200, {"orphans": self.orphans, "untold": self.untold})

    def on_post(self) -> None:
        body = self.read()
        self.asked.append(body)
        assert isinstance(body, dict)
        rows = [
            {"id": one, "kind": "server", "name": "small-1", "done": True, "text": "asked for"} for one in body["ids"]
        ]
        self.answer(200, {"removals": rows})


@pytest.fixture
def telling() -> Generator[type[Telling]]:
    """The stub, and its address in the class."""
    stub = type("Fresh", (Telling,), {"orphans": [OLD, YOUNG], "untold": [], "asked": []})
    with ThreadingHTTPServer(("127.0.0.1", 0), stub) as server:
        stub.url = f"http://127.0.0.1:{server.server_port}"  # type: ignore[attr-defined]
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield stub
        server.shutdown()
        thread.join()


@pytest.fixture
def token(tmp_path: Path) -> Path:
    """A file with a token that the stub does not look at."""
    file = tmp_path / "token"
    file.write_text("a token for tests", encoding="utf-8")
    return file


def ask(stub: type[Telling], token: Path, *words: str) -> CompletedProcess[str]:
    return here("orphans", *words, "--url", stub.url, "--token-file", token)  # type: ignore[attr-defined]


def test_each_is_listed_with_what_may_be_done_and_the_exit_code_says_that_there_are_some(
    telling: type[Telling], token: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    ended = ask(telling, token)
    first, second = ended.stdout.splitlines()[1:]
    assert ("small-1" in first, "1d01h" in first, first.rstrip().endswith("may be removed")) == (True, True, True)
    assert second.rstrip().endswith("it is too young")
    assert (ended.returncode, telling.asked) == (1, [])


def test_nothing_left_over_is_well_and_what_could_not_be_seen_is_not(telling: type[Telling], token: Path) -> None:
    telling.orphans.clear()
    ended = ask(telling, token)
    assert (ended.stdout, ended.returncode) == ("nothing is left over\n", 0)
    telling.untold.append("ports could not be listed: 503")
    ended = ask(telling, token)
    assert "not everything was seen: ports could not be listed: 503" in ended.stdout
    assert ended.returncode == 1


def test_only_those_that_nothing_speaks_for_are_asked_to_be_removed(telling: type[Telling], token: Path) -> None:
    ended = ask(telling, token, "--remove", "--yes", "--author", "ann", "--older-than", "2h", "-o", "json")
    assert telling.asked == [{"ids": ["s-1"], "author": "ann", "older_than_seconds": 7200.0}]
    said = json.loads(ended.stdout)
    assert [one["id"] for one in said["orphans"]] == ["s-1", "s-2"]
    assert [one["id"] for one in said["removals"]] == ["s-1"]
    assert ended.returncode == 1  # The young one is left.


def test_when_all_are_removed_it_is_well(telling: type[Telling], token: Path) -> None:
    assert ask(telling, token, "--remove", "--yes", "--id", "s-1").returncode == 0


def test_without_a_yes_nothing_is_removed(telling: type[Telling], token: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("n\n"))
    ended = ask(telling, token, "--remove")
    assert "remove 1 for good (server small-1)?" in ended.stderr
    assert (ended.returncode, telling.asked) == (1, [])


def test_an_unsafe_age_and_an_unknown_id_are_refused(telling: type[Telling], token: Path) -> None:
    assert ask(telling, token, "--older-than", "5m").returncode == 2
    ended = ask(telling, token, "--id", "s-9", "--remove", "--yes")
    assert "not there, or it belongs to something: s-9" in ended.stderr
    assert (ended.returncode, telling.asked) == (1, [])


def test_a_real_daemon_knows_all_its_servers_and_holds_the_ledger(tmp_path: Path) -> None:
    settings = write_settings(tmp_path, ("maximum = 5", "maximum = 5\nminimum = 2"))
    with DaemonProcess(settings) as process:
        process.logged("launch")
        eventually(lambda: len(process.get("/v1/workers").json()["workers"]) == 2 or None, "no two workers")
        ended = here("orphans", "--url", process.url, "--config", settings)
        assert (ended.stdout, ended.returncode) == ("nothing is left over\n", 0)
        answer = process.write("POST", "/v1/orphans/remove", {"ids": ["s-9"], "author": "ann"}).json()
        assert [(one["id"], one["done"]) for one in answer["removals"]] == [("s-9", False)]
        assert process.write("POST", "/v1/orphans/remove", {"ids": ["x"], "author": "a"}, token="no").status_code == 401
        assert process.get("/v1/orphans?older_than_seconds=5").status_code == 422
        ended = here("orphans", "--standalone", "--config", settings)
        assert "a running daemon is asked by `elastic orphans` alone" in ended.stderr
        assert ended.returncode == 1
    ended = here("orphans", "--standalone", "--config", settings)
    assert (ended.stdout, ended.returncode) == ("nothing is left over\n", 0)
