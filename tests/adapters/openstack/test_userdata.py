"""What a new server is told at its first boot."""

import base64
import json
from dataclasses import replace
from pathlib import Path

import pytest

from elastic.adapters.openstack.userdata import HEADER, LONGEST_BYTES, cloud_config, encoded, fragment
from elastic.local import boot
from tests.adapters.openstack.examples import WANTED


def written(text: str) -> dict[str, str]:
    """Path to content, as cloud-init would write them on the server with this id."""
    assert text.startswith(HEADER)
    config = json.loads(text.removeprefix(HEADER).replace("{{ v1.instance_id }}", "0a9b4c52"))
    return {
        file["path"]: base64.b64decode(file["content"]).decode("latin-1") if file.get("encoding") else file["content"]
        for file in config["write_files"]
    }


def text(*, packages: bool = True) -> str:
    return cloud_config(WANTED, trust_domain="example.org", own_token="own.token.here", packages=packages)


def test_a_stock_image_gets_the_fragment_its_identity_and_its_secrets() -> None:
    files = written(text())
    assert files == {
        "/etc/condor/config.d/60-elastic-worker.conf": fragment(),
        "/etc/condor/config.d/70-elastic-identity.conf": (
            "CONDOR_HOST = cm.example.org\nCOLLECTOR_HOST = cm.example.org:9618\n"
            "TRUST_DOMAIN = example.org\nUID_DOMAIN = example.org\n"
            "ELASTIC_WORKER = small-1\nELASTIC_GROUP = small\nELASTIC_POOL = physics\n"
            "ELASTIC_SERVER_ID = 0a9b4c52\nNUM_CPUS = 4\n"
        ),
        "/etc/condor/passwords.d/small-1": bytes(range(1, 33)).decode("latin-1"),
        "/etc/condor/tokens.d/pool": "their.token.here",
        "/etc/condor/tokens.d/own": "own.token.here",
    }


def test_only_root_reads_the_secrets() -> None:
    config = json.loads(text().removeprefix(HEADER))
    modes = {file["path"].split("/")[3]: file["permissions"] for file in config["write_files"]}
    assert modes == {"config.d": "0644", "passwords.d": "0600", "tokens.d": "0600"}


def test_the_fragment_is_the_one_that_is_shipped_for_people() -> None:
    assert "STARTD_NAME = $(ELASTIC_WORKER)" in fragment()


def test_a_member_that_enrols_gets_no_credentials_but_what_it_asks_with_and_htcondor_waits_for_the_answer() -> None:
    asking = replace(
        WANTED, token="", signing_key=b"", signing_key_id="", enrol_url="https://10.0.0.5:9681", enrol_group="small",
        enrol_secret="the secret", enrol_ca="-----BEGIN CERTIFICATE-----\nMIIB\n",
    )  # fmt: skip
    user_data = cloud_config(asking, trust_domain="example.org", own_token="", packages=False)
    files = written(user_data)
    assert sorted(path for path in files if not path.startswith("/etc/condor/config.d/")) == [
        "/etc/elastic/enrol.json",
        "/etc/systemd/system/condor.service.d/60-elastic.conf",
        "/usr/local/sbin/elastic-enrol",
    ]
    assert json.loads(files["/etc/elastic/enrol.json"]) == {
        "url": "https://10.0.0.5:9681",
        "group": "small",
        "secret": "the secret",
        "server_id": "0a9b4c52",
        "ca": "-----BEGIN CERTIFICATE-----\nMIIB\n",
    }
    assert files["/usr/local/sbin/elastic-enrol"] == Path(boot.__file__).read_text(encoding="utf-8")
    assert (
        "ConditionPathExists=/etc/condor/tokens.d/pool" in files["/etc/systemd/system/condor.service.d/60-elastic.conf"]
    )
    config = json.loads(user_data.removeprefix(HEADER))
    modes = {file["path"]: file["permissions"] for file in config["write_files"]}
    assert modes["/etc/elastic/enrol.json"] == "0600"
    assert config["runcmd"] == [
        ["systemctl", "daemon-reload"],
        ["python3", "/usr/local/sbin/elastic-enrol", "/etc/elastic/enrol.json"],
        ["systemctl", "enable", "condor"],
        ["systemctl", "restart", "condor"],
    ]


def test_a_worker_whose_token_ends_looks_each_hour_whether_a_fresh_one_is_due() -> None:
    renewing = replace(WANTED, renew_url="https://10.0.0.5:9681", enrol_ca="PEM")
    user_data = cloud_config(renewing, trust_domain="example.org", own_token="own.token.here", packages=False)
    files = written(user_data)
    assert sorted(set(files) - set(written(text()))) == [
        "/etc/elastic/renew.json",
        "/etc/systemd/system/elastic-renew.service",
        "/etc/systemd/system/elastic-renew.timer",
        "/usr/local/sbin/elastic-enrol",
    ]
    assert json.loads(files["/etc/elastic/renew.json"]) == {"url": "https://10.0.0.5:9681", "ca": "PEM"}
    runs = "ExecStart=/usr/bin/python3 /usr/local/sbin/elastic-enrol --renew /etc/elastic/renew.json\n"
    assert runs in files["/etc/systemd/system/elastic-renew.service"]
    assert "OnUnitInactiveSec=1h\n" in files["/etc/systemd/system/elastic-renew.timer"]
    config = json.loads(user_data.removeprefix(HEADER))
    assert config["runcmd"] == [
        ["systemctl", "enable", "condor"],
        ["systemctl", "restart", "condor"],
        ["systemctl", "daemon-reload"],
        ["systemctl", "enable", "--now", "elastic-renew.timer"],
    ]


@pytest.mark.parametrize(("packages", "found"), [(True, ["condor"]), (False, None)])
def test_an_image_that_has_htcondor_installs_nothing(packages: bool, found: list[str] | None) -> None:  # noqa: FBT001
    assert json.loads(text(packages=packages).removeprefix(HEADER)).get("packages") == found


def test_it_fits_into_what_nova_takes() -> None:
    assert base64.b64decode(encoded(text())).decode() == text()
    assert len(encoded(text())) < LONGEST_BYTES / 3
    with pytest.raises(ValueError, match="Nova takes 65535"):
        encoded("x" * LONGEST_BYTES)
