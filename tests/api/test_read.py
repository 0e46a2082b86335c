"""What can be read of a daemon over HTTP."""

import httpx
import pytest

from tests.api.conftest import WORKERS

READABLE = (
    "/v1/status",
    "/v1/groups",
    "/v1/groups/small",
    "/v1/workers",
    "/v1/ticks",
    "/v1/events",
    "/v1/plan",
    "/v1/overrides",
    "/healthz",
    "/readyz",
)


@pytest.mark.parametrize("path", READABLE)
def test_reading_needs_no_token(reader: httpx.Client, path: str) -> None:
    answer = reader.get(path)
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/json")


def test_the_status_names_pool_mode_sources_and_every_group(reader: httpx.Client) -> None:
    status = reader.get("/v1/status").json()
    assert (status["pool"], status["mode"], status["world"], status["state"]) == ("try", "act", "simulated", "ok")
    assert {source["source"] for source in status["sources"]} >= {"machines", "servers", "queue", "negotiation"}
    assert all(source["ok"] for source in status["sources"])
    assert [group["name"] for group in status["groups"]] == ["small"]
    assert status["queue"]["idle_jobs"] == 0


def test_a_group_says_its_target_and_why(reader: httpx.Client) -> None:
    group = reader.get("/v1/groups/small").json()
    assert group["phases"] == {"requested": 3}
    assert (group["upcoming"], group["ready"], group["maximum"]) == (3, 0, 5)
    assert group["target"]["proposed"] == 0
    assert group["target"]["reason"]
    assert group["note"]


def test_an_unknown_group_is_a_problem_that_names_the_known_ones(reader: httpx.Client) -> None:
    answer = reader.get("/v1/groups/smal")
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json() == {
        "type": "about:blank",
        "title": "Not Found",
        "status": 404,
        "detail": "no group 'smal' in the newest tick; known: small",
    }


def test_workers_are_filtered_by_group_and_phase(reader: httpx.Client) -> None:
    def names(query: str) -> list[str]:
        return [worker["name"] for worker in reader.get(f"/v1/workers{query}").json()["workers"]]

    assert names("") == list(WORKERS)
    assert names("?group=small&phase=requested&phase=ready") == list(WORKERS)
    assert names("?phase=ready") == []
    assert names("?group=other") == []


def test_an_unknown_phase_is_a_problem_that_says_where(reader: httpx.Client) -> None:
    answer = reader.get("/v1/workers?phase=sleeping")
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["where"] == "query.phase.0"


def test_ticks_are_whole_records(reader: httpx.Client) -> None:
    (tick,) = reader.get("/v1/ticks?limit=1").json()["ticks"]
    assert {"tick", "now", "snapshot", "proposal", "targets", "plan", "results", "events", "durations"} <= tick.keys()


def test_the_plan_is_dry(reader: httpx.Client) -> None:
    before = reader.get("/v1/status").json()["tick"]
    plan = reader.get("/v1/plan").json()
    assert (plan["mode"], plan["targets"].keys()) == ("preview", {"small"})
    assert reader.get("/v1/status").json()["tick"] == before


def test_metrics_are_in_the_form_that_prometheus_reads(reader: httpx.Client) -> None:
    answer = reader.get("/metrics")
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    assert 'elastic_workers{group="small",phase="requested"} 3.0' in answer.text
    assert 'elastic_api_requests_total{method="GET",route="/v1/status",status="200"}' in reader.get("/metrics").text


def test_the_openapi_document_describes_every_route_and_field(reader: httpx.Client) -> None:
    document = reader.get("/openapi.json").json()
    described = [operation for path in document["paths"].values() for operation in path.values()]
    assert len(described) >= 20
    assert all(operation.get("description") for operation in described)
    secured = {f"{m} {p}" for p, path in document["paths"].items() for m, o in path.items() if o.get("security")}
    assert secured == {
        "put /v1/groups/{group}/override",
        "put /v1/groups/{group}/overrides",
        "delete /v1/groups/{group}/override",
        "post /v1/groups/{group}/breaker/reset",
        "post /v1/groups/{group}/shrink",
        "post /v1/orphans/remove",
        "put /v1/workers/{worker}/protect",
        "delete /v1/workers/{worker}/protect",
        "post /v1/workers/{worker}/drain",
        "delete /v1/workers/{worker}/drain",
        "put /v1/workers/{worker}/leftover",
        "delete /v1/workers/{worker}/leftover",
        "post /v1/alarms/aodh/{group}",
        "post /v1/go",
        "post /v1/adopt",
        "post /v1/tick",
    }


def test_a_path_that_is_not_there_is_a_problem_too(reader: httpx.Client) -> None:
    answer = reader.get("/v2/status")
    assert (answer.status_code, answer.headers["content-type"]) == (404, "application/problem+json")
