"""Real workflows: DAGMan jobs that run and have nothing to do, as the PRE script of their only node waits."""

import os
from pathlib import Path

from elastic.local import config
from elastic.local.pool import Pool
from elastic.local.sandbox import JOB_USER, USERS
from tests.lab.support import Client

NODE = "executable = /bin/true\nqueue\n"
DAG = "JOB later node.sub\nSCRIPT PRE later /bin/sleep 3600\n"
WAITS = "Running PRE script of Node later"


def submit_waiting(pool: Pool, client: Client, name: str) -> int:
    """Submit one DAG as `condor_submit_dag` would have it; return the cluster of its DAGMan."""
    folder = pool.folder.work / name
    folder.mkdir()
    (folder / "node.sub").write_text(NODE, encoding="utf-8")
    (folder / "work.dag").write_text(DAG, encoding="utf-8")
    pool.tool("condor_submit_dag", "-no_submit", "-usedagdir", str(folder / "work.dag"))
    # It submits its nodes and takes them out of the queue in the user's name.
    tokens = folder / "tokens"
    tokens.mkdir(mode=0o700)
    config.write_secret(tokens / "user", pool.folder.token(config.CLIENT_USER).encode())
    _give_away(folder)
    description = _description(folder / "work.dag.condor.sub")
    # Ours would come with it otherwise: that of a process outside of the pool's files.
    del description["getenv"]
    known = description["environment"].strip('"')
    more = {
        "PATH": "/usr/bin:/bin",
        "CONDOR_CONFIG": pool.folder.central / "condor_config",
        "_CONDOR_SEC_TOKEN_DIRECTORY": tokens,
        # It takes a log below /tmp, where folders of tests lie, for a fatal error.
        "_CONDOR_DAGMAN_USE_STRICT": 0,
    }
    words = " ".join(f"{variable}={value}" for variable, value in more.items())
    return client.submit({**description, "environment": f'"{known} {words}"', "initialdir": str(folder)})


def waits(pool: Pool, name: str) -> bool:
    """Whether its DAGMan has come to where it waits."""
    log = pool.folder.work / name / "work.dag.dagman.out"
    return log.exists() and WAITS in log.read_text(encoding="utf-8", errors="replace")


def _description(file: Path) -> dict[str, str]:
    """The lines of a submit file, by their names."""
    lines = (line.partition("=") for line in file.read_text(encoding="utf-8").splitlines())
    return {name.strip(): value.strip() for name, equals, value in lines if equals and not name.startswith("#")}


def _give_away(folder: Path) -> None:
    if os.geteuid() == 0:
        for path in (folder, *folder.rglob("*")):
            os.chown(path, USERS[JOB_USER], USERS[JOB_USER])
