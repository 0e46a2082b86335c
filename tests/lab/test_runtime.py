"""Fetching and unpacking real HTCondor daemons: whole or not at all, signatures checked, whatever is killed."""

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from elastic.local.debian import download, host_mirror
from elastic.local.runtime import STABLE, prepare

PREPARE = """
import sys
from pathlib import Path
from elastic.local.runtime import prepare
print(prepare(home=Path(sys.argv[1]), progress=lambda *step: print(*step, file=sys.stderr, flush=True)).prefix)
"""


def preparing(home: Path) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", PREPARE, str(home)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True)


def test_the_daemons_are_there_with_a_manifest(condor_prefix: Path) -> None:
    manifest = json.loads((condor_prefix / "manifest.json").read_text())
    assert {"condor", "bash", "coreutils", "libc6"} <= manifest["packages"].keys()
    assert all(len(record["sha256"]) == 64 and record["version"] for record in manifest["packages"].values())
    for name in ("condor_master", "condor_startd", "condor_schedd", "condor_collector", "condor_negotiator"):
        assert os.access(condor_prefix / "usr" / "sbin" / name, os.X_OK)
    assert not (condor_prefix / "etc" / "condor").exists()
    raised = [file for file in (condor_prefix / "usr").rglob("*") if file.is_file() and file.stat().st_mode & 0o6000]
    assert raised == [], "nothing in there raises anybody's rights"


def test_preparing_again_changes_nothing(condor_prefix: Path) -> None:
    before = sorted((file, file.stat().st_mtime_ns) for file in condor_prefix.iterdir())
    steps: list[str] = []
    runtime = prepare(condor_prefix.name, home=condor_prefix.parent, progress=lambda step, *_: steps.append(step))
    assert (runtime.prefix, steps) == (condor_prefix, [])
    assert sorted((file, file.stat().st_mtime_ns) for file in condor_prefix.iterdir()) == before


def test_a_killed_run_is_done_again_and_two_at_once_make_one(tmp_path: Path) -> None:
    with preparing(tmp_path) as killed:
        assert killed.stderr is not None
        while "unpacking 20 " not in killed.stderr.readline():
            assert killed.poll() is None
        killed.kill()
    assert not (tmp_path / STABLE).exists()
    (tmp_path / f".{STABLE}.partial" / "left-over").touch()

    with preparing(tmp_path) as first, preparing(tmp_path) as second:
        outcomes = [process.communicate(timeout=300) for process in (first, second)]
    assert [out for out, _ in outcomes] == [f"{tmp_path / STABLE}\n"] * 2, outcomes
    unpacked = ["unpacking" in said.replace("that unpacks", "") for _, said in outcomes]
    assert sorted(unpacked) == [False, True], "only one of them did the work"
    assert not (tmp_path / STABLE / "left-over").exists()
    leftovers = sorted(path.name for path in tmp_path.iterdir())
    assert leftovers == [f".{STABLE}.lock", STABLE], "downloads are not kept"


def test_a_keyring_that_is_too_old_is_replaced_by_the_one_of_the_machines_own_sources(tmp_path: Path) -> None:
    (tmp_path / "old.gpg").touch()
    mirror = replace(host_mirror(), keyring=str(tmp_path / "old.gpg"))
    files = download(["hello"], suite=STABLE, mirror=mirror, folder=tmp_path / "apt")
    names = {file.name.partition("_")[0] for file in files}
    assert {"hello", "libc6"} <= names
    sources = (tmp_path / "apt" / "suite.sources").read_text()
    assert f"Signed-By: {tmp_path}/apt/keyring/usr/share/keyrings/" in sources


@pytest.mark.parametrize("suite", ["trixie", "forky"])
def test_both_suites_run(suite: str, tmp_path: Path, condor_prefix: Path) -> None:
    from elastic.local.pool import Pool  # noqa: PLC0415
    from tests.lab.support import Client, Lab  # noqa: PLC0415

    prefix = prepare(suite, home=condor_prefix.parent).prefix
    with Pool(tmp_path / "pool", prefix) as pool, Client(pool.folder) as client:
        lab = Lab(pool, client)
        lab.start_workers(1)
        (ad,) = client.machines(projection=["CondorVersion"])
        lab.servers.delete(lab.servers.servers()[0].id)
    assert {"trixie": " 23.9.", "forky": " 25.14."}[suite] in ad["CondorVersion"]
