"""What a Senlin profile says of every server of a worker group."""

from collections.abc import Mapping
from typing import Any

from elastic.adapters.openstack.enrolment import Enrolling
from elastic.adapters.openstack.names import Names
from elastic.adapters.openstack.options import GroupOptions
from elastic.adapters.openstack.servers import Tag
from elastic.core.model import GroupSpec


def profile(group: GroupSpec, options: GroupOptions, names: Names, tag: Tag, enrolling: Enrolling) -> Mapping[str, Any]:
    """The profile's properties, with ids in the place of names; raise PortError where something is not there."""
    properties: dict[str, Any] = {
        "flavor": names.flavor(options.flavor).id,
        "image": names.image(options.image),
        "metadata": tag.metadata(group.name),
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
    if options.zones:
        properties["availability_zone"] = options.zones[0]
    if options.server_group:
        properties["scheduler_hints"] = {"group": options.server_group}
    return properties
