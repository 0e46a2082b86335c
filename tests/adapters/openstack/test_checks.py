"""What `elastic check` says of an OpenStack that cannot be used."""

import json
from pathlib import Path

import pytest

from elastic.adapters.openstack.checks import findings
from elastic.adapters.openstack.connection import Services
from elastic.adapters.openstack.names import Names
from elastic.adapters.openstack.quotas import Quotas
from elastic.local.loopback import free_port


@pytest.mark.parametrize(
    ("named", "seen", "mend"),
    [
        ("silent", "no usable answer: ", "auth_url in clouds.yaml"),
        ("unknown", "Cloud unknown was not found.", "mend what the text names"),
    ],
)
def test_the_way_in_is_told_in_plain_words_with_its_cure(tmp_path: Path, named: str, seen: str, mend: str) -> None:
    auth = {"auth_url": f"http://127.0.0.1:{free_port()}/v3", "username": "u", "password": "p", "project_name": "p"}
    file = tmp_path / "clouds.yaml"
    file.write_text(json.dumps({"clouds": {"silent": {"auth": auth, "region_name": "R"}}}), encoding="utf-8")
    services = Services(named, seconds=5.0, clouds_file=file)
    (found,) = findings(services, Names(services), Quotas(services), {}, {})
    assert (found.what, found.ok) == ("OpenStack", False)
    assert found.seen.startswith(seen)
    assert mend in found.mend
