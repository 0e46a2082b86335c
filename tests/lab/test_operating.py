"""What an operator does with a real pool: checks it, starts things in the wrong order, reads and steers it."""

import json
from pathlib import Path

import httpx

from elastic.local.daemon import answers
from tests.daemon_rig import change, run
from tests.lab.site import Site, group
from tests.lab.support import wait


def test_check_asks_a_worker_and_for_the_right_to_drain_it(tmp_path: Path, condor_prefix: Path) -> None:
    with Site(tmp_path, condor_prefix, groups=[group(minimum=1, maximum=2)]) as site:
        site.until_ready(1)
        ended = run("check", "--config", site.daemon.settings_file, "-o", "json")
        findings = {finding["what"]: finding for finding in json.loads(ended.stdout)}
        worker = next(iter(site.workers()))
        assert ended.returncode == 0, findings
        assert findings["a worker's startd"]["seen"].startswith(worker)
        assert findings["a worker's startd"]["seen"].endswith(" answers")
        assert findings["the right to drain"]["seen"].endswith(" grants it")
        assert findings["collector"]["seen"] == "1 machines in the collector"
        # It only asked: the worker still serves.
        assert site.workers()[worker]["phase"] == "ready"


def test_check_without_a_right_token_names_what_to_mend_and_fails(tmp_path: Path, condor_prefix: Path) -> None:
    with Site(tmp_path, condor_prefix, groups=[group()]) as site:
        (tmp_path / "no-tokens").mkdir(mode=0o700)
        settings = tmp_path / "wrong.toml"
        settings.write_text(site.daemon.settings_file.read_text(encoding="utf-8"), encoding="utf-8")
        change(settings, (str(site.pool.folder.token_folder), str(tmp_path / "no-tokens")))
        ended = run("check", "--config", settings, "-o", "json")
        findings = {finding["what"]: finding for finding in json.loads(ended.stdout)}
        assert ended.returncode == 1
        assert not findings["collector"]["ok"]
        assert findings["collector"]["mend"]
        assert findings["servers"]["ok"]


def test_a_daemon_that_is_started_before_its_pool_waits_for_it_and_then_works(
    tmp_path: Path, condor_prefix: Path
) -> None:
    with Site(tmp_path, condor_prefix, groups=[group(maximum=2)], daemon=False) as site:
        site.pool.stop()
        site.daemon.start()
        wait(lambda: answers(f"{site.daemon.url}/healthz"), 30, "the daemon serves")
        wait(lambda: httpx.get(f"{site.daemon.url}/v1/status", trust_env=False).json()["tick"], 60, "a first tick")
        waiting = httpx.get(f"{site.daemon.url}/readyz", trust_env=False)
        assert waiting.status_code == 503
        assert "machines" in waiting.json()["detail"]
        assert run("status", "--config", site.daemon.settings_file).returncode == 0
        site.pool.start()
        site.daemon.wait_ready()
        batch = site.jobs.sleep("late", 2, 1.0)
        batch.wait(90)
        site.until(lambda: not site.listed(), 60, "the pool is empty again")


def test_a_protected_worker_outlives_its_override_until_it_is_unprotected(tmp_path: Path, condor_prefix: Path) -> None:
    with Site(tmp_path, condor_prefix, groups=[group(maximum=2)]) as site:

        def elastic(*command: str) -> None:
            ended = run(*command, "--config", site.daemon.settings_file)
            assert ended.returncode == 0, ended.stderr

        elastic("override", "set", "small", "floor", "2")
        site.until_ready(2)
        kept, other = sorted(site.workers())
        elastic("protect", kept)
        elastic("override", "clear", "small")
        site.until(lambda: other not in site.workers(), 60, "the other one is removed")
        assert site.workers()[kept]["phase"] == "ready"
        assert "protected" in site.workers()[kept]["keep"]
        elastic("unprotect", kept)
        site.until(lambda: not site.listed(), 60, "it is removed, too")
