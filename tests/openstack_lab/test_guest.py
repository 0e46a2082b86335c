"""What the lab's hypervisor makes of user data."""

import pytest

from elastic.lab.guest import worker

SERVER = {"id": "5a1f", "hostname": "small-3"}


def test_the_launchers_file_is_taken_as_it_is() -> None:
    assert worker('name = "w1"\n', SERVER) == 'name = "w1"\n'


def test_a_server_fills_in_its_own_id_and_host_name() -> None:
    text = 'name = "{{ v1.local_hostname }}"\nkey = "{{ds.meta_data.instance_id}}"\n'
    assert worker(text, SERVER) == 'name = "small-3"\nkey = "5a1f"\n'


@pytest.mark.parametrize("header", ["#cloud-config", "## template: jinja\n#cloud-config"])
def test_cloud_config_brings_the_file_along(header: str) -> None:
    text = (
        header + '\nwrite_files:\n- path: /etc/elastic/worker.toml\n  content: |\n    name = "{{ v1.instance_id }}"\n'
    )
    assert worker(text, SERVER) == 'name = "5a1f"\n'


@pytest.mark.parametrize(
    ("user_data", "complaint"),
    [
        ("echo hello\n", "no worker: "),
        ("#cloud-config\npackages: [condor]\n", "cloud-config without a file /etc/elastic/worker.toml"),
        ("#cloud-config\n  - [\n", "cloud-config: "),
        ('name = "{{ v1.region }}"', "unknown field region; known: "),
    ],
)
def test_what_is_no_worker_says_why(user_data: str, complaint: str) -> None:
    with pytest.raises(ValueError, match="^" + complaint):
        worker(user_data, SERVER)
