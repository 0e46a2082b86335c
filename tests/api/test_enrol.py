"""Where servers enrol: what a daemon says whose workers do not, and what it takes."""

import httpx
import pytest

BODY = {
    "group": "small",
    "server_id": "0a9b4c52-3f1e-4d57-9d0e-6b1f4f0e7f11",
    "secret": "s" * 43,
    "proof": "p" * 64,
}


def test_a_pool_whose_workers_do_not_enrol_says_so(reader: httpx.Client) -> None:
    answer = reader.post("/v1/enrol", json=BODY)
    assert (answer.status_code, answer.json()["detail"]) == (404, "workers of this pool do not enrol")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("server_id", "../../v2/images"),
        ("server_id", "0A9B4C52-3F1E-4D57-9D0E-6B1F4F0E7F11"),
        ("secret", "short"),
        ("proof", "short"),
        ("group", ""),
        ("more", "x"),
    ],
)
def test_what_is_no_question_is_refused_without_repeating_it(reader: httpx.Client, name: str, value: str) -> None:
    answer = reader.post("/v1/enrol", json={**BODY, name: value})
    assert answer.status_code == 422
    assert [error["where"] for error in answer.json()["errors"]] == [f"body.{name}"]
    assert BODY["secret"] not in answer.text
