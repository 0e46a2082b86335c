"""Servers that become ACTIVE and never join: deleted on proof, their last words kept, whichever backend made them."""

import json
import sqlite3
from contextlib import closing
from pathlib import Path

from tests.lab.conftest import Say
from tests.lab.shown import told
from tests.openstack.records import astray
from tests.openstack.site import OpenStackSite
from tests.openstack.stories import BACKENDS, floors, ledger, three, until_empty

JOIN_SECONDS = 8.0
ELSEWHERE = {"config.COLLECTOR_HOST": "127.0.0.1:1"}


def test_a_server_that_becomes_active_and_never_joins_is_deleted_on_proof_and_its_last_words_kept(
    tmp_path: Path, condor_prefix: Path, say: Say
) -> None:
    groups = three(join_seconds=JOIN_SECONDS, options=ELSEWHERE, launch_seconds=60.0)
    with OpenStackSite(tmp_path, condor_prefix, groups=groups) as site:
        floors(site, 1)
        site.until(lambda: all(told(site, "deleting", group=name) for name in BACKENDS), 120, "each gives one up")
        floors(site, 0)
        until_empty(site, 120)
        for name in BACKENDS:
            deleting = told(site, "deleting", group=name)[0]
            say(f"{name}: {deleting}")
            assert f"its startd did not join within {JOIN_SECONDS:.0f} s" in deleting
            assert "; last on its console: " in deleting
        assert len([text for text in consoles(site) if "condor_master" in text]) >= len(BACKENDS)
        assert told(site, "joined") == []
        assert astray(site.pool_name, ledger(site)) == []


def consoles(site: OpenStackSite) -> list[str]:
    """The last words of every worker that was ever deleted."""
    with closing(sqlite3.connect(f"file:{ledger(site)}?mode=ro", uri=True)) as database:
        rows = [json.loads(text) for (text,) in database.execute("SELECT record FROM workers").fetchall()]
    return [str(row.get("console", "")) for row in rows]
