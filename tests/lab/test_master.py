"""The master of a grid on OpenStack: its user data makes a central manager of real daemons, which runs a job."""

import base64
import json
from pathlib import Path

import pytest

from elastic.adapters.openstack.master import FRAGMENT, IDENTITY, GridPlan, master_user_data
from elastic.core.resources import Resources
from elastic.local import config
from elastic.local.pool import Pool
from elastic.local.processes import teardown
from tests.lab.jobs import Jobs
from tests.lab.outcomes import histories, unhurt
from tests.lab.support import Client, Lab, wait

PLAN = GridPlan(
    name="night",
    # The user of the tests has tokens of this domain.
    domain=config.DOMAIN,
    maximum=4,
    image="image",
    flavor="flavor",
    shape=Resources(1, 1024, 1024, gpus=0),
)
# Where daemons live on one machine, how they stay on loopback, and how often they look.
HERE = {
    *("RELEASE_DIR", "LOCAL_DIR", "BIN", "SBIN", "LIB", "LIBEXEC", "SHARE", "LOG", "RUN", "LOCK", "SPOOL", "EXECUTE"),
    *("ETC", "CONDOR_IDS", "COLLECTOR_HOST", "NETWORK_INTERFACE", "BIND_ALL_INTERFACES", "ENABLE_IPV6", "NO_DNS"),
    *("DEFAULT_DOMAIN_NAME", "FILESYSTEM_DOMAIN", "USE_SHARED_PORT", "SEC_USE_FAMILY_SESSION"),
    *("SEC_PASSWORD_DIRECTORY", "SEC_TOKEN_SYSTEM_DIRECTORY", "SEC_TOKEN_DIRECTORY", "SEC_TOKEN_POOL_SIGNING_KEY_FILE"),
    *("NEGOTIATOR_INTERVAL", "NEGOTIATOR_MIN_INTERVAL", "NEGOTIATOR_CYCLE_DELAY", "SCHEDD_INTERVAL"),
    "SCHEDD_MIN_INTERVAL",
}


class Master(Pool):
    """A central manager that is told what a grid's master is told, and else only where it is."""

    def __init__(self, root: Path, prefix: Path) -> None:
        super().__init__(root, prefix)
        text = master_user_data(PLAN).removeprefix("#cloud-config\n")
        self.files = {
            Path(file["path"]): base64.b64decode(file["content"])
            for file in json.loads(text)["write_files"]
            if file.get("encoding") == "b64"
        }
        key = self.files[Path("/etc/condor/passwords.d/POOL")]
        self.folder.key_file.parent.mkdir(parents=True)
        config.write_secret(self.folder.key_file, key)

    def _write_config(self) -> None:
        here = config.central_settings(self.folder.central, port=self.port)
        told = (self.files[Path("/etc/condor/config.d") / name].decode() for name in (IDENTITY, FRAGMENT))
        last = {name: here[name] for name in HERE}
        (self.folder.central / "condor_config").write_text(
            "\n".join([*told, config.render(last, {})]), encoding="utf-8"
        )


def test_the_masters_user_data_makes_a_central_manager_that_runs_a_job(tmp_path: Path, condor_prefix: Path) -> None:
    try:
        with Master(tmp_path, condor_prefix) as pool, Client(pool.folder) as user:
            lab = Lab(pool, user)
            lab.start_worker("w1")
            wait(user.machines, 60, "the worker is in the collector")
            batch = Jobs(user, pool.folder).sleep("short", 2, 1)
            batch.wait(60)
            assert histories(batch) == unhurt(batch)
    finally:
        teardown(tmp_path)


@pytest.mark.parametrize("name", [IDENTITY, FRAGMENT])
def test_nobody_may_do_anything_unnamed(name: str, tmp_path: Path, condor_prefix: Path) -> None:
    lines = Master(tmp_path, condor_prefix).files[Path("/etc/condor/config.d") / name].decode().splitlines()
    assert [line for line in lines if line.startswith("ALLOW_") and "*" in line.partition("=")[2].split()] == []
