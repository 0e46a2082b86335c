"""Where servers enrol: what a daemon says whose workers do not, and what it takes."""

import ssl
import subprocess
from pathlib import Path

import httpx
import pytest

from elastic.daemon.daemon import Daemon
from elastic.local.loopback import free_port
from elastic.ports import ElasticError
from elastic.settings import SettingsError, load
from tests.daemon_rig import write_settings

BODY = {
    "group": "small",
    "server_id": "0a9b4c52-3f1e-4d57-9d0e-6b1f4f0e7f11",
    "secret": "s" * 43,
    "proof": "p" * 64,
}


def test_a_pool_whose_workers_do_not_enrol_says_so(reader: httpx.Client) -> None:
    answer = reader.post("/v1/enrol", json=BODY)
    assert (answer.status_code, answer.json()["detail"]) == (404, "workers of this pool do not enrol")


def test_a_pool_whose_workers_do_not_enrol_renews_no_token_either(reader: httpx.Client) -> None:
    answer = reader.post("/v1/enrol/renew", json={"token": "t" * 100})
    assert (answer.status_code, answer.json()["detail"]) == (404, "workers of this pool do not enrol")
    wrong = reader.post("/v1/enrol/renew", json={"token": "short"})
    assert (wrong.status_code, "short" in wrong.text) == (422, False)


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


def test_workers_reach_enrolment_by_tls_and_nothing_else(tmp_path: Path) -> None:
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    made = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=elastic",
            "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", str(key), "-out", str(certificate)]  # fmt: skip
    subprocess.run(made, capture_output=True, timeout=60, check=True)
    port = free_port()
    said = f'[api]\nenrol_host = "127.0.0.1"\nenrol_port = {port}\nenrol_key = "{key}"\n'
    said += f'enrol_certificate = "{certificate}"'
    daemon = Daemon(load(write_settings(tmp_path, ("[api]", said)), {}))
    daemon.start()
    try:
        tls = ssl.create_default_context(cafile=str(certificate))
        with httpx.Client(base_url=f"https://127.0.0.1:{port}", verify=tls, trust_env=False) as worker:
            answer = worker.post("/v1/enrol", json=BODY)
            assert (answer.status_code, answer.json()["detail"]) == (404, "workers of this pool do not enrol")
            assert worker.post("/v1/enrol/renew", json={"token": "t" * 100}).json() == answer.json()
            paths = ("/v1/status", "/v1/workers", "/metrics", "/docs", "/openapi.json", "/healthz", "/")
            assert {path: worker.get(path).status_code for path in paths} == dict.fromkeys(paths, 404)
            assert worker.post("/v1/go", json={"author": "nobody"}).status_code == 404
    finally:
        assert daemon.stop(10)


def test_a_certificate_without_its_key_is_a_wrong_setting_and_one_that_is_not_there_is_named(tmp_path: Path) -> None:
    alone = '[api]\nenrol_host = "127.0.0.1"\nenrol_certificate = "/nowhere/certificate.pem"'
    with pytest.raises(SettingsError, match="belong together"):
        load(write_settings(tmp_path, ("[api]", alone)), {})
    both = f'{alone}\nenrol_key = "/nowhere/key.pem"\nenrol_port = {free_port()}'
    with pytest.raises(ElasticError, match=r"TLS with /nowhere/certificate\.pem cannot be had"):
        Daemon(load(write_settings(tmp_path, ("[api]", both)), {}))
