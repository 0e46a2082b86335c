"""The program that fetches a new server's credentials, against a real HTTP server."""

import base64
import json
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from elastic.local import boot, tokens

CREDENTIALS = {
    "signing_key_id": "0a9b4c52",
    "signing_key": base64.b64encode(b"a key").decode(),
    "token": "the.pools.token",
    "own_token": "its.own.token",
}


class Daemon:
    """Answers with these statuses in turn, the last one for ever; 200 comes with credentials."""

    def __init__(self, *statuses: int) -> None:
        self.statuses = list(statuses)
        self.asked: list[dict[str, str]] = []

    def answer(self, body: dict[str, str]) -> tuple[int, dict[str, str]]:
        self.asked.append(body)
        status = self.statuses.pop(0) if len(self.statuses) > 1 else self.statuses[0]
        return status, CREDENTIALS if status == 200 else {"detail": f"said with {status}"}


@contextmanager
def serving(daemon: Daemon, tls: ssl.SSLContext | None = None) -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            status, said = daemon.answer({**body, "path": self.path})
            self.send_response(status)
            self.end_headers()
            self.wfile.write(json.dumps(said).encode())

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    if tls is not None:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"{'https' if tls else 'http'}://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def wish(url: str) -> dict[str, str]:
    return {"url": url, "group": "small", "secret": "s" * 40, "server_id": "0a9b4c52", "ca": ""}


def test_credentials_become_files_that_only_root_reads_and_the_secret_is_removed(tmp_path: Path) -> None:
    daemon = Daemon(200)
    file = tmp_path / "enrol.json"
    with serving(daemon) as url:
        file.write_text(json.dumps(wish(url)), encoding="utf-8")
        # As a stock image would run it: by itself, with the standard library alone.
        for _ in range(2):
            command = [sys.executable, "-I", boot.__file__, str(file), str(tmp_path / "condor")]
            done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
            assert (done.returncode, done.stderr) == (0, "")
    written = {path.relative_to(tmp_path).as_posix(): path for path in tmp_path.rglob("*") if path.is_file()}
    assert {name: path.read_text() for name, path in written.items()} == {
        "condor/passwords.d/0a9b4c52": "a key",
        "condor/tokens.d/pool": "the.pools.token",
        "condor/tokens.d/own": "its.own.token",
    }
    assert {path.stat().st_mode & 0o777 for path in written.values()} == {0o600}
    # A second boot of the same server asks nobody.
    assert [(one["path"], one["group"], one["server_id"]) for one in daemon.asked] == [
        ("/v1/enrol", "small", "0a9b4c52")
    ]


def test_what_passes_is_asked_again_with_the_same_proof(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(boot, "FIRST_PAUSE_SECONDS", 0.01)
    daemon = Daemon(503, 502, 429, 200)
    with serving(daemon) as url:
        assert boot.enrolled(wish(url)) == CREDENTIALS
    assert len(daemon.asked) == 4
    assert len({one["proof"] for one in daemon.asked}) == 1
    assert len(daemon.asked[0]["proof"]) == 64


@pytest.mark.parametrize("status", [401, 403, 409])
def test_who_is_refused_does_not_ask_again_and_says_why(status: int) -> None:
    daemon = Daemon(status)
    with serving(daemon) as url, pytest.raises(boot.Refused, match=f"said with {status}"):
        boot.enrolled(wish(url))
    assert len(daemon.asked) == 1


def test_a_daemon_that_is_not_there_is_waited_for_and_in_the_end_named() -> None:
    with serving(Daemon(200)) as url:
        pass
    with pytest.raises(boot.Refused, match="no credentials in 0 s"):
        boot.enrolled(wish(url), try_seconds=0)


def test_the_certificate_of_the_daemon_is_checked_against_the_authority_that_was_named(tmp_path: Path) -> None:
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    made = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=elastic",
            "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", str(key), "-out", str(certificate)]  # fmt: skip
    subprocess.run(made, capture_output=True, timeout=60, check=True)
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(certificate, key)
    with serving(Daemon(200), tls) as url:
        assert boot.enrolled({**wish(url), "ca": certificate.read_text()}) == CREDENTIALS
        with pytest.raises(boot.Refused, match="CERTIFICATE_VERIFY_FAILED"):
            boot.enrolled(wish(url), try_seconds=0)


def renewing(folder: Path, url: str, *, began: float, ends: float | None) -> tuple[int, str, str]:
    """Exit status, errors and the token that is there afterwards, for one that began and ends at these distances."""
    now, file = time.time(), folder / "condor" / "tokens.d" / "pool"
    file.parent.mkdir(parents=True)
    end = None if ends is None else now + ends
    token = tokens.mint(b"k", key_id="POOL", domain="pool", subject="w@pool", issued_at=now + began, expires_at=end)
    file.write_text(token, encoding="utf-8")
    (folder / "renew.json").write_text(json.dumps({"url": url, "ca": ""}), encoding="utf-8")
    command = [sys.executable, "-I", boot.__file__, "--renew", str(folder / "renew.json"), str(folder / "condor")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    found = file.read_text(encoding="utf-8")
    return done.returncode, done.stderr, "the same" if found == token else found


def test_a_token_that_has_passed_half_its_life_is_exchanged_for_a_fresh_one(tmp_path: Path) -> None:
    daemon = Daemon(200)
    with serving(daemon) as url:
        assert renewing(tmp_path, url, began=-600, ends=500) == (0, "elastic-enrol: a fresh token\n", "the.pools.token")
    (asked,) = daemon.asked
    assert (asked["path"], asked["token"].count(".")) == ("/v1/enrol/renew", 2)
    assert (tmp_path / "condor" / "tokens.d" / "pool").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("ends", [700.0, None])
def test_a_young_token_and_one_without_end_stay_and_nobody_is_asked(tmp_path: Path, ends: float | None) -> None:
    daemon = Daemon(200)
    with serving(daemon) as url:
        assert renewing(tmp_path, url, began=-600, ends=ends) == (0, "", "the same")
    assert daemon.asked == []


def test_a_refusal_and_a_daemon_that_is_not_there_leave_the_token_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    with serving(Daemon(403)) as url:
        said = renewing(tmp_path / "a", url, began=-600, ends=500)
    assert said == (1, "elastic-enrol: no fresh token: said with 403\n", "the same")
    assert renewing(tmp_path / "b", url, began=-600, ends=500)[::2] == (1, "the same")
