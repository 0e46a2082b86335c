"""What a Senlin profile says of every server of a worker group."""

from collections.abc import Mapping
from typing import Any

from elastic.adapters.openstack.enrolment import Enrolling
from elastic.adapters.openstack.names import Names
from elastic.adapters.openstack.options import GroupOptions
from elastic.adapters.openstack.servers import Tag
from elastic.adapters.openstack.zones import zoned
from elastic.core.model import GroupSpec


def profile(
    group: GroupSpec, options: GroupOptions, names: Names, tag: Tag, enrolling: Enrolling, zone: str
) -> Mapping[str, Any]:
    """The profile's properties, with ids in the place of names; raise PortError where something is not there."""
    properties: dict[str, Any] = {
        "flavor": names.flavor(options.flavor).id,
        "image": names.image(options.image),
        "metadata": zoned(tag.metadata(group.name), zone),
        "user_data": enrolling.shared_user_data(group, options),
        "config_drive": options.config_drive,
    }
    if options.networks == ("none",):
        properties["networks"] = []
    elif options.networks:
        # Without a word of networks the choice is Nova's.
        properties["networks"] = [{"network": names.network(name)} for name in options.networks]
    if options.keypair:
        properties["key_name"] = options.keypair
    if options.security_groups:
        properties["security_groups"] = list(options.security_groups)
    if zone:
        properties["availability_zone"] = zone
    if options.server_group:
        properties["scheduler_hints"] = {"group": options.server_group}
    return properties


def elsewhere(properties: Mapping[str, Any], zone: str) -> Mapping[str, Any]:
    """The same profile in another zone, and nothing else is different."""
    return {**properties, "availability_zone": zone, "metadata": zoned(properties.get("metadata") or {}, zone)}
