"""Which availability zone is tried next."""

import pytest

from elastic.adapters.openstack.profile import elsewhere
from elastic.adapters.openstack.zones import ZONE_REST_SECONDS, Zones, zoned


def no_host(server_id: str, zone: str) -> dict[str, object]:
    return {"id": server_id, "fault": {"message": "No valid host was found."}, "metadata": {"elastic_zone": zone}}


def test_a_zone_without_hosts_is_passed_over_until_it_has_rested() -> None:
    now = 0.0
    zones = Zones(lambda: now)
    assert zones.pick(("a", "b")) == "a"
    zones.saw(no_host("s1", "a"))
    assert zones.pick(("a", "b")) == "b"
    now = 10.0
    zones.saw(no_host("s1", "a"))  # The same server, still listed, is no news.
    zones.saw(no_host("s2", "b"))
    assert zones.pick(("a", "b")) == "a"
    now = ZONE_REST_SECONDS + 5.0
    assert zones.pick(("b", "a")) == "a"
    assert zones.pick(()) == ""


@pytest.mark.parametrize(
    ("fault", "heard"),
    [
        ("No valid host was found. There are not enough hosts available.", True),
        ("BadRequest: resources.w: The requested availability zone is not available (HTTP 400)", True),
        ("The specified availability_zone 'a' could not be found", True),
        ("Quota exceeded for instances", False),
        ("", False),
    ],
)
def test_every_way_in_which_nova_and_senlin_say_that_a_zone_has_no_host_is_understood(fault: str, heard: bool) -> None:  # noqa: FBT001
    zones = Zones()
    assert zones.heard(fault, "a", "a member") is heard
    assert zones.pick(("a", "b")) == ("b" if heard else "a")


def test_a_profile_elsewhere_differs_in_its_zone_alone() -> None:
    before = {"flavor": "f", "user_data": "u", "metadata": {"elastic_pool": "p"}}
    there = elsewhere(before, "b")
    assert there == {**before, "availability_zone": "b", "metadata": {"elastic_pool": "p", "elastic_zone": "b"}}
    assert elsewhere(there, "c")["metadata"] == {"elastic_pool": "p", "elastic_zone": "c"}
    assert zoned(there["metadata"], "") == before["metadata"]
