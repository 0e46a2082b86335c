"""What a worker group may say about OpenStack."""

import pytest

from elastic.adapters.openstack.options import GroupOptions, group_options, site_options
from elastic.core.model import GroupSpec


def test_a_groups_options_are_text_and_mean_what_they_say() -> None:
    said = {
        "flavor": "m1.small", "image": "debian-12", "networks": "grid, storage", "zones": "a,b", "volume_gb": "20",
        "config_drive": "true", "config.NUM_CPUS": "4",
    }  # fmt: skip
    found = group_options(GroupSpec(name="small", maximum=2, options=said))
    assert found == GroupOptions(
        flavor="m1.small", image="debian-12", networks=("grid", "storage"), zones=("a", "b"), volume_gb=20,
        config_drive=True, config={"NUM_CPUS": "4"},
    )  # fmt: skip


def test_every_mistake_is_named_at_once() -> None:
    said = {"flavour": "m1.small", "backend": "ironic", "volume_gb": "-1", "image": "i"}
    with pytest.raises(ValueError, match="flavor") as raised:
        group_options(GroupSpec(name="small", maximum=2, options=said))
    text = str(raised.value)
    for named in ("group small: options.flavour: unknown", "options.backend:", "options.volume_gb:", "options.flavor:"):
        assert named in text


def test_the_sites_options_leave_htcondor_to_others() -> None:
    assert site_options({"cloud": "lab", "htcondor": {"collector": "x"}}).cloud == "lab"
    with pytest.raises(ValueError, match=r"clout: unknown; known: cloud, "):
        site_options({"clout": "lab"})
