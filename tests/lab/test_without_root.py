"""The same pool for a user who is not root, in bubblewrap: everything runs as that one user."""

import json
import os
import pwd
import shutil
import subprocess
import tempfile
import time
from collections.abc import Generator
from pathlib import Path

import pytest

import elastic
from elastic.local import config
from elastic.local.poolfolder import PoolFolder
from elastic.local.processes import marked, teardown
from tests.lab.jobs import Batch
from tests.lab.outcomes import histories, unhurt
from tests.lab.support import Client, wait

PROGRAM = """
import json, sys
from pathlib import Path
from elastic.local.pool import Pool
from elastic.local.sandbox import availability
from elastic.local.servers import ServerFolder
from elastic.local.userdata import UserData

root, prefix = Path(sys.argv[1]), Path(sys.argv[2])
with Pool(root, prefix) as pool:
    servers = ServerFolder(root=pool.folder.servers, prefix=prefix)
    own = pool.folder.enrolment(3600).enrol("w0")
    server = servers.create(UserData(name="w0", collector=pool.address, token=own.token, signing_key=own.signing_key,
        signing_key_id=own.signing_key_id), {})
    print(json.dumps({"how": availability().how, "id": server.id}), flush=True)
    sys.stdin.readline()
    servers.delete(server.id)
print("left", flush=True)
"""


@pytest.fixture
def open_folder(condor_prefix: Path) -> Generator[Path]:
    """A folder that any user may enter, with a copy of the package and of the daemons."""
    folder = Path(tempfile.mkdtemp(prefix="elastic-"))
    folder.chmod(0o755)
    shutil.copytree(Path(elastic.__file__).parent, folder / "elastic")
    # Hard links: the copy costs nothing, and the original's folders may be closed to others.
    subprocess.run(["cp", "--archive", "--link", str(condor_prefix), str(folder / "prefix")], check=True)
    (folder / "home").mkdir()
    yield folder
    teardown(folder)
    shutil.rmtree(folder)


def submit(client: Client, work: Path) -> Batch:
    """Two jobs whose files lie in the work folder itself, which belongs to that user."""
    description = {
        "executable": "/usr/bin/id",
        "arguments": "-u",
        "transfer_executable": "False",
        "should_transfer_files": "YES",
        "initialdir": str(work),
        "output": "$(Process).out",
        "log": str(work / "events.log"),
        "request_memory": "32",
        "request_disk": "1MB",
    }
    return Batch(cluster=client.submit(description, 2), count=2, folder=work, submitted_at=time.time())


@pytest.mark.skipif(os.geteuid() != 0, reason="becomes another user, which only root may; others run all tests so")
def test_a_user_who_is_not_root_has_a_pool_too(open_folder: Path, tmp_path: Path) -> None:
    user = pwd.getpwnam("nobody")
    home = open_folder / "home"
    os.chown(home, user.pw_uid, user.pw_gid)
    command = ["/usr/bin/python3", "-c", PROGRAM, str(home / "pool"), str(open_folder / "prefix")]
    with subprocess.Popen(
        command,
        user=user.pw_uid,
        group=user.pw_gid,
        extra_groups=(),
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(open_folder), "HOME": str(home)},
        cwd=home,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        started = json.loads(process.stdout.readline())
        folder = PoolFolder(home / "pool")
        # Condor does not read the tokens of one user for another.
        config.write_secret(tmp_path / "token", folder.token(config.CLIENT_USER).encode())
        with Client(folder, tmp_path) as client:
            wait(lambda: client.machines(projection=["ElasticServerId"]) == [{"ElasticServerId": started["id"]}])
            batch = submit(client, folder.work)
            batch.wait(60)
        process.stdin.write("\n")
        process.stdin.flush()
        assert process.stdout.read() == "left\n"
    assert started["how"] == "bubblewrap"
    assert histories(batch) == unhurt(batch)
    assert {batch.output(proc) for proc in range(2)} == {f"{user.pw_uid}\n"}
    assert marked(open_folder) == []
