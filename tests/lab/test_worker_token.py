"""What a worker's token is good for at a real collector, and that nobody makes more of it."""

import time
from pathlib import Path

from elastic.local import config, tokens
from elastic.local.enrolment import Enrolment
from elastic.local.pool import Pool
from tests.lab.advertising import may_advertise
from tests.lab.support import Client


def test_a_further_token_that_a_worker_has_the_collector_make_outlives_no_revocation_as_nobody_believes_it(
    pool: Pool, client: Client, tmp_path: Path
) -> None:
    """Who holds a token may ask any daemon that has the pool's key for another one, which that key signs."""
    folder = pool.folder
    keys = folder.key_file.parent
    given = Enrolment(pool_key=folder.key_file, token_folder=tmp_path, signing_keys=keys).enrol("small-1").token
    further = fetched(pool, given)
    said = tokens.claims(further)
    assert (said["kid"], said["sub"], "exp" in said) == ("POOL", config.WORKER_USER, False)
    assert [may_advertise(folder, client, token, tmp_path) for token in (given, further)] == [True, False]
    own = folder.enrolment(60.0).enrol("small-2").token
    assert (tokens.claims(own)["kid"], may_advertise(folder, client, own, tmp_path)) == ("POOL", True)


def fetched(pool: Pool, token: str) -> str:
    """The token that the collector makes for who has nothing but this one."""
    own = pool.folder.central / f"stranger-{time.time_ns()}"
    own.mkdir(mode=0o700)
    config.write_secret(own / "token", token.encode())
    alone = [f"_CONDOR_SEC_TOKEN_DIRECTORY={own}", f"_CONDOR_SEC_PASSWORD_DIRECTORY={own}"]
    return pool.tool("env", *alone, "condor_token_fetch", "-type", "COLLECTOR").strip().splitlines()[-1]
