"""Alarms of the cloud's monitoring call the daemon; and an operator's word on a leftover process."""

import asyncio
import time
from collections.abc import Generator
from typing import cast

import httpx
import pytest

from elastic.adapters.ledger import SqlLedger
from elastic.api.app import create_app
from elastic.api.guard import BODY_LIMIT_BYTES
from elastic.api.service import Service
from elastic.core.memory import MemoryChange, WorkerRecord
from elastic.core.uses import Oddity, Use
from elastic.daemon.daemon import Daemon
from elastic.metrics import Metrics
from elastic.settings import load
from tests.daemon_rig import TOKEN, eventually, here, write_settings

SECRET = "only for alarms"
ALARM = {
    "alarm_id": "0b1c",
    "alarm_name": "small-cpu-high",
    "severity": "low",
    "previous": "ok",
    "current": "alarm",
    "reason": "Transition to alarm due to 2 samples outside threshold,\n most recent: 0.97\x1b[31m",
    "reason_data": {"count": 2, "most_recent": 0.97, "type": "threshold"},
}


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory) -> Generator[Daemon]:
    """One that takes alarms, ticks once an hour, and remembers a worker with a leftover process."""
    secret = ('token = "a token for tests"', f'token = "a token for tests"\nalarm_secret = "{SECRET} and long"')
    folder = tmp_path_factory.mktemp("alarms")
    settings = load(write_settings(folder, ("tick_seconds = 5", "tick_seconds = 3600"), secret), {})
    settings.folder.mkdir()
    ledger = SqlLedger.open(settings.ledger_path, pool=settings.pool)
    asked = time.time() - 5000
    odd = Oddity(use=Use.LEFTOVER, since=asked + 60)
    records = [
        WorkerRecord(name="small-1", group="small", requested_at=asked, joined_at=asked, odd=odd),
        WorkerRecord(name="small-2", group="small", requested_at=time.time()),
    ]
    ledger.save(MemoryChange(workers=tuple(records), sequence=2))
    ledger.close()
    running = Daemon(settings)
    running.start()
    with httpx.Client(base_url=running.url, trust_env=False) as client:
        eventually(lambda: client.get("/readyz").status_code == 200 or None, "no first tick")
    yield running
    assert running.stop(10)


@pytest.fixture
def aodh(daemon: Daemon) -> Generator[httpx.Client]:
    """Who knows the secret."""
    with httpx.Client(base_url=daemon.url, trust_env=False, auth=("elastic", f"{SECRET} and long")) as client:
        yield client


def status(client: httpx.Client) -> dict[str, float]:
    found: dict[str, float] = client.get("/v1/status").json()
    return found


def test_an_alarm_brings_the_next_tick_forward_and_is_an_event(aodh: httpx.Client) -> None:
    eventually(lambda: status(aodh)["next_wake"] > status(aodh)["now"] + 1000 or None, "no quiet daemon")
    before = status(aodh)
    answer = aodh.post("/v1/alarms/aodh/small", json=ALARM)
    assert answer.status_code == 202
    assert answer.json()["next_wake"] < before["now"] + 1000 < before["next_wake"]
    (event,) = [e for e in aodh.get("/v1/events").json()["events"] if e["kind"] == "alarm"]
    text = (
        "small-cpu-high: ok -> alarm: Transition to alarm due to 2 samples outside threshold,  most recent: 0.97 [31m"
    )
    assert (event["group"], event["text"]) == ("small", text)
    eventually(lambda: status(aodh)["tick"] > before["tick"] or None, "no tick")


def test_the_secret_may_be_in_the_query(daemon: Daemon) -> None:
    with httpx.Client(base_url=daemon.url, trust_env=False) as client:
        answer = client.post("/v1/alarms/aodh/small", params={"secret": f"{SECRET} and long"}, json=ALARM)
    assert answer.status_code == 202


@pytest.mark.parametrize(
    ("auth", "query", "code"),
    [
        (None, {}, 401),
        (None, {"secret": ""}, 401),
        (("elastic", ""), {}, 401),
        (("elastic", "another secret"), {}, 403),
        (("elastic", TOKEN), {}, 403),
        (None, {"secret": "another secret"}, 403),
        (("elastic", "another secret"), {"secret": f"{SECRET} and long"}, 403),
    ],
)
def test_without_the_secret_nothing_is_noted(
    daemon: Daemon, auth: tuple[str, str] | None, query: dict[str, str], code: int
) -> None:
    with httpx.Client(base_url=daemon.url, trust_env=False, auth=auth) as client:
        before = client.get("/v1/events").json()
        answer = client.post("/v1/alarms/aodh/small", params=query, json=ALARM)
        assert (answer.status_code, answer.headers["content-type"]) == (code, "application/problem+json")
        assert ("www-authenticate" in answer.headers) == (code == 401)
        assert client.get("/v1/events").json() == before


def test_the_secret_opens_nothing_else(aodh: httpx.Client) -> None:
    assert aodh.post("/v1/tick", json={"author": "aodh"}).status_code == 401


def test_an_alarm_of_no_group_is_refused_by_name(aodh: httpx.Client) -> None:
    answer = aodh.post("/v1/alarms/aodh/smal", json=ALARM)
    assert (answer.status_code, answer.json()["detail"]) == (404, "no worker group 'smal'; known: small")


@pytest.mark.parametrize("body", [{}, [], {**ALARM, "alarm_name": ""}, {**ALARM, "current": None}])
def test_what_is_no_alarm_is_refused(aodh: httpx.Client, body: object) -> None:
    assert aodh.post("/v1/alarms/aodh/small", json=body).status_code == 422


def test_a_body_that_is_too_large_is_refused(aodh: httpx.Client) -> None:
    answer = aodh.post("/v1/alarms/aodh/small", json={**ALARM, "reason_data": "x" * BODY_LIMIT_BYTES})
    assert answer.status_code == 413


def test_without_a_secret_in_the_settings_no_alarm_is_taken() -> None:
    app = httpx.ASGITransport(create_app(cast("Service", None), token=TOKEN, metrics=Metrics()))

    async def posted(auth: tuple[str, str] | None) -> int:
        async with httpx.AsyncClient(transport=app, base_url="http://localhost", auth=auth) as client:
            return (await client.post("/v1/alarms/aodh/small", json=ALARM)).status_code

    shown = (("elastic", "anything"), ("elastic", TOKEN), None)
    assert [asyncio.run(posted(auth)) for auth in shown] == [403, 403, 401]


@pytest.fixture
def operator(daemon: Daemon) -> Generator[httpx.Client]:
    headers = {"Authorization": f"Bearer {TOKEN}"}
    with httpx.Client(base_url=daemon.url, trust_env=False, headers=headers) as client:
        yield client


def ignored_by(client: httpx.Client) -> str:
    workers = client.get("/v1/workers").json()["workers"]
    return str(next(w for w in workers if w["name"] == "small-1")["leftover_ignored_by"])


def test_an_operator_ignores_a_leftover_and_heeds_it_again(operator: httpx.Client) -> None:
    path, body = "/v1/workers/small-1/leftover", {"author": "ann", "reason": "my own test"}
    assert ignored_by(operator) == ""
    assert operator.put(path, json=body).json() == {"text": "the leftover process of small-1 is ignored"}
    assert ignored_by(operator) == "ann"
    again = operator.put(path, json=body)
    assert (again.status_code, "nothing to ignore" in again.json()["detail"]) == (503, True)
    assert operator.delete(path, params={"author": "ann"}).status_code == 200
    assert ignored_by(operator) == ""
    kinds = [event["kind"] for event in operator.get("/v1/events", params={"worker": "small-1"}).json()["events"]]
    assert [kind for kind in kinds if kind.startswith("leftover_")][-2:] == ["leftover_ignored", "leftover_heeded"]


def test_only_a_leftover_can_be_ignored(operator: httpx.Client) -> None:
    body = {"author": "ann", "reason": "my own test"}
    assert operator.put("/v1/workers/small-2/leftover", json=body).status_code == 503
    assert operator.put("/v1/workers/nobody/leftover", json=body).status_code == 404


def test_so_it_is_by_command(daemon: Daemon, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ELASTIC_TOKEN", TOKEN)
    done = here("leftover", "ignore", "small-1", "--reason", "mine", "--url", daemon.url)
    assert (done.returncode, done.stdout.strip()) == (0, "the leftover process of small-1 is ignored")
    done = here("leftover", "ignore", "small-1", "--cancel", "--url", daemon.url)
    assert (done.returncode, done.stdout.strip()) == (0, "the leftover process of small-1 is heeded")
