"""Jobs of a real schedd as a trace: `elastic trace export`, read by `elastic trace info`."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from elastic.local.pool import Pool
from tests.lab.jobs import Jobs
from tests.lab.support import Lab, wait

Elastic = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def elastic(pool: Pool, tmp_path: Path) -> Elastic:
    """The command line, as a user of the pool's central manager calls it."""
    environment = {**os.environ, **pool.folder.environment(), "XDG_CACHE_HOME": str(tmp_path / "cache")}

    def run(*words: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "elastic", *words]
        return subprocess.run(command, capture_output=True, text=True, env=environment, check=False, cwd=tmp_path)

    return run


def test_queue_and_history_of_a_schedd_are_a_trace(lab: Lab, jobs: Jobs, elastic: Elastic, tmp_path: Path) -> None:
    lab.start_worker("w1", cpus=2)
    ended = jobs.sleep("ended", 3, 1, request_memory="ifthenelse(true, 64, 128)")
    jobs.sleep("waits", 1, 1, request_cpus="64")
    ended.wait(60)

    def exported() -> list[dict[str, object]] | None:
        done = elastic("trace", "export", "--to", "jobs.jsonl")
        assert done.returncode == 0, done.stderr
        ads = [json.loads(line) for line in (tmp_path / "jobs.jsonl").read_text().splitlines()]
        return ads if sorted(ad["JobStatus"] for ad in ads) == [1, 4, 4, 4] else None

    # A job stays in the queue for a moment after its last event.
    ads = wait(exported, 60)
    assert {ad["RequestMemory"] for ad in ads if ad["JobStatus"] == 4} == {64}
    told = json.loads(elastic("trace", "info", "jobs.jsonl", "-o", "json").stdout)
    assert (told["jobs"], told["dropped"][0]["what"], told["users"]) == (3, "still in the queue", 1)
    assert 1 <= told["run"]["mean"] < 30

    schedd = str(ads[0]["GlobalJobId"]).partition("#")[0]
    words = ("--schedd", schedd, "--since", "1h", "--anonymise", "--no-queue", "--constraint", "ProcId > 0")
    done = elastic("trace", "export", *words, "--to", "some.parquet")
    assert (done.returncode, done.stderr) == (0, "2 jobs\n")
    told = json.loads(elastic("trace", "info", "some.parquet", "-o", "json").stdout)
    assert (told["jobs"], told["users"]) == (2, 1)
    lines = elastic("trace", "export", *words).stdout
    assert len(lines.splitlines()) == 2
    assert schedd not in lines
    assert str(ads[0]["Owner"]) not in lines

    assert elastic("trace", "export", "--all", "--since", "2100-01-01", "--no-queue").stderr == "0 jobs\n"
    unknown = elastic("trace", "export", "--schedd", "nobody")
    assert (unknown.returncode, unknown.stdout) == (1, "")
    assert f"no schedd 'nobody' in the pool; known: {schedd}" in unknown.stderr
    wrong = elastic("trace", "export", "--constraint", "(((")
    assert wrong.returncode == 1
    assert wrong.stderr.startswith("elastic: ")
