"""What an operator may ask of a daemon over HTTP, and what nobody may."""

import httpx
import pytest

FLOOR = {"kind": "floor", "workers": 2, "author": "anna", "reason": "course", "expires_in_seconds": 600}
WRITES = (
    ("PUT", "/v1/groups/small/override"),
    ("PUT", "/v1/groups/small/overrides"),
    ("DELETE", "/v1/groups/small/override"),
    ("POST", "/v1/groups/small/breaker/reset"),
    ("POST", "/v1/groups/small/shrink"),
    ("PUT", "/v1/workers/small-1/protect"),
    ("DELETE", "/v1/workers/small-1/protect?author=anna"),
    ("POST", "/v1/workers/small-1/drain"),
    ("DELETE", "/v1/workers/small-1/drain?author=anna"),
    ("PUT", "/v1/workers/small-1/leftover"),
    ("DELETE", "/v1/workers/small-1/leftover?author=anna"),
    ("POST", "/v1/go"),
    ("POST", "/v1/adopt"),
    ("POST", "/v1/tick"),
)


@pytest.mark.parametrize(("method", "path"), WRITES)
def test_no_write_without_the_token(reader: httpx.Client, method: str, path: str) -> None:
    for headers in ({}, {"Authorization": "Bearer wrong"}, {"Authorization": "Basic YTpi"}):
        answer = reader.request(method, path, headers=headers)
        assert answer.status_code == 401
        assert answer.headers["www-authenticate"] == "Bearer"
        assert answer.json()["status"] == 401


def test_an_override_holds_until_it_is_taken_back(operator: httpx.Client) -> None:
    put = operator.put("/v1/groups/small/override", json=FLOOR).json()
    assert {name: put[name] for name in ("group", "kind", "workers", "author", "reason")} == {
        "group": "small",
        "kind": "floor",
        "workers": 2,
        "author": "anna",
        "reason": "course",
    }
    assert put["expires_at"] - put["created_at"] == pytest.approx(600, abs=5)
    assert operator.get("/v1/overrides").json() == [put]
    assert operator.get("/v1/groups/small").json()["overrides"] == [put]
    assert operator.delete("/v1/groups/small/override?kind=pin").json() == []
    assert operator.delete("/v1/groups/small/override").json() == [put]
    assert operator.get("/v1/overrides").json() == []


def test_a_new_override_replaces_the_one_of_its_kind(operator: httpx.Client) -> None:
    operator.put("/v1/groups/*/override", json=FLOOR)
    operator.put("/v1/groups/*/override", json=FLOOR | {"workers": 3})
    operator.put("/v1/groups/*/override", json=FLOOR | {"kind": "pause", "workers": None})
    found = [(o["group"], o["kind"], o["workers"]) for o in operator.get("/v1/overrides").json()]
    assert sorted(found) == [("*", "floor", 3), ("*", "pause", None)]
    operator.delete("/v1/groups/*/override")


def test_one_call_sets_a_floor_and_a_pin(operator: httpx.Client) -> None:
    pin = FLOOR | {"kind": "pin", "workers": 4, "expires_in_seconds": 60}
    put = operator.put("/v1/groups/small/overrides", json={"overrides": [FLOOR, pin]}).json()
    assert [(o["kind"], o["workers"]) for o in put] == [("floor", 2), ("pin", 4)]
    assert sorted(operator.get("/v1/overrides").json(), key=str) == sorted(put, key=str)
    operator.delete("/v1/groups/small/override")


def test_several_overrides_of_one_kind_are_refused_whole(operator: httpx.Client) -> None:
    answer = operator.put("/v1/groups/small/overrides", json={"overrides": [FLOOR, FLOOR]})
    assert (answer.status_code, "each kind at most once" in answer.text) == (422, True)
    assert operator.get("/v1/overrides").json() == []


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"workers": None}, "`workers` belongs to pin, floor and ceiling"),
        ({"kind": "pause"}, "a pause has none"),
        ({"kind": "cap"}, "body.kind"),
        ({"workers": -1}, "body.workers"),
        ({"workers": 10**9}, "body.workers"),
        ({"author": " "}, "body.author"),
        ({"reason": ""}, "body.reason"),
        ({"expires_in_seconds": None}, "every override ends"),
        ({"expires_in_seconds": 10**9}, "body.expires_in_seconds"),
        ({"expires_at": 2e9}, "give exactly one"),
        ({"colour": "red"}, "body.colour"),
    ],
)
def test_a_wrong_override_is_refused_with_what_is_wrong(
    operator: httpx.Client, change: dict[str, object], why: str
) -> None:
    answer = operator.put("/v1/groups/small/override", json=FLOOR | change)
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
    assert why in answer.json()["detail"]
    assert operator.get("/v1/overrides").json() == []


@pytest.mark.parametrize("expires_at", [1.0, 9e9])
def test_an_override_ends_in_the_future_and_within_thirty_days(operator: httpx.Client, expires_at: float) -> None:
    wish = FLOOR | {"expires_in_seconds": None, "expires_at": expires_at}
    answer = operator.put("/v1/groups/small/override", json=wish)
    assert (answer.status_code, "30 days" in answer.json()["detail"]) == (422, True)


def test_an_unknown_group_is_not_overridden(operator: httpx.Client) -> None:
    answer = operator.put("/v1/groups/smal/override", json=FLOOR)
    assert (answer.status_code, answer.json()["detail"]) == (404, "no worker group 'smal'; known: small")


def test_protection_is_seen_with_its_author_and_taken_back(operator: httpx.Client) -> None:
    def protector() -> str:
        workers = operator.get("/v1/workers").json()["workers"]
        return str(next(w for w in workers if w["name"] == "small-2")["protected_by"])

    assert operator.put("/v1/workers/small-2/protect", json={"author": "anna"}).status_code == 200
    assert protector() == "anna"
    assert operator.delete("/v1/workers/small-2/protect?author=ben").status_code == 200
    assert protector() == ""
    events = operator.get("/v1/events?worker=small-2").json()["events"]
    assert [event["kind"] for event in events][-2:] == ["protected", "unprotected"]


def test_a_drain_is_a_wish_that_can_be_taken_back(operator: httpx.Client) -> None:
    asked = {"kind": "drain", "author": "anna", "reason": "disk is loud"}
    answer = operator.post("/v1/workers/small-3/drain", json=asked).json()
    assert (answer["accepted"], answer["kind"], answer["jobs"]) == (True, "drain", [])
    wishes = {w["name"]: w["wish"] for w in operator.get("/v1/workers").json()["workers"]}
    assert wishes["small-3"] == "drain by anna (disk is loud)"
    assert operator.delete("/v1/workers/small-3/drain?author=anna").status_code == 200
    assert not any(w["wish"] for w in operator.get("/v1/workers").json()["workers"])


def test_a_force_names_its_jobs_first_and_needs_confirmation(operator: httpx.Client) -> None:
    asked = {"kind": "force", "author": "anna", "reason": "on fire"}
    answer = operator.post("/v1/workers/small-3/drain", json=asked).json()
    assert (answer["accepted"], answer["jobs"]) == (False, [])
    assert "ask again with confirm" in answer["text"]
    assert not any(w["wish"] for w in operator.get("/v1/workers").json()["workers"])


def test_an_unknown_worker_is_a_problem(operator: httpx.Client) -> None:
    answer = operator.put("/v1/workers/small-99/protect", json={"author": "anna"})
    assert (answer.status_code, "no worker 'small-99'" in answer.json()["detail"]) == (404, True)


def test_a_breaker_is_reset_even_where_nothing_ever_failed(operator: httpx.Client) -> None:
    answer = operator.post("/v1/groups/small/breaker/reset", json={"author": "anna", "reason": "image mended"})
    assert (answer.status_code, answer.json()) == (200, {"text": "the breaker of small is closed"})


def test_a_body_that_is_too_large_is_refused_before_it_is_read(operator: httpx.Client) -> None:
    answer = operator.put("/v1/groups/small/override", content=b"x" * 20_000)
    assert (answer.status_code, answer.json()["detail"]) == (413, "the body may have at most 16384 bytes")

    def in_pieces() -> object:
        yield from (b"x" * 1000 for _ in range(20))

    assert operator.put("/v1/groups/small/override", content=in_pieces()).status_code == 413  # type: ignore[arg-type]


def test_a_body_that_is_no_json_is_a_problem(operator: httpx.Client) -> None:
    answer = operator.post("/v1/go", content=b"{", headers={"Content-Type": "application/json"})
    assert (answer.status_code, answer.json()["errors"][0]["where"]) == (422, "body.1")


def test_a_nudge_brings_the_next_tick_forward(operator: httpx.Client) -> None:
    now = operator.get("/v1/status").json()["now"]
    answer = operator.post("/v1/tick", json={"author": "anna"}).json()
    assert answer["next_wake"] - now < 6
