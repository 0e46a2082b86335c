"""What `elastic check` finds out about OpenStack: the way in, the quotas, and everything that a group names."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from math import inf

from elastic.adapters.openstack.connection import Services
from elastic.adapters.openstack.names import Names
from elastic.adapters.openstack.options import GroupOptions
from elastic.adapters.openstack.quotas import Quotas
from elastic.adapters.plain import plainly
from elastic.core.model import GroupSpec
from elastic.core.resources import Resources
from elastic.ports import Finding, Malformed, PortError, Throttled, Unauthorized

WAY_IN = "OpenStack"
"""The first finding; where it is bad, nothing else can be asked."""
WHO = "clouds.yaml or the OS_* variables"
CURES: Mapping[type[PortError], str] = {
    Unauthorized: f"see that in {WHO} user and password, or the application credential (it may have expired or be "
    "deleted: make another), and the project are right, and the role",
    Malformed: f"mend what the text names: in {WHO}, or in [cloud.options]",
    Throttled: "make tick_seconds longer, or ask the cloud's operator for a higher rate",
    PortError: f"see that auth_url in {WHO} is right, that this machine reaches it, and that OpenStack runs there",
}


def cure(error: PortError) -> str:
    """What to do about an answer of OpenStack, or about there being none."""
    return next(text for kind, text in CURES.items() if isinstance(error, kind))


def findings(
    services: Services,
    names: Names,
    quotas: Quotas,
    groups: Mapping[str, GroupSpec],
    options: Mapping[str, GroupOptions],
) -> Sequence[Finding]:
    """The way in first: where there is none, the rest says nothing new."""
    try:
        left = quotas.left(_beside(options.values()))
    except PortError as error:
        who = f" ({services.login()})" if isinstance(error, Unauthorized) else ""
        return (Finding(what=WAY_IN, ok=False, seen=f"{plainly(error)}{who}", mend=cure(error)),)
    told = ", ".join(f"{'any' if amount == inf else f'{amount:g}'} {name}" for name, amount in left.items())
    untold = (_untold(what, why) for what, why in quotas.untold().items())
    trusts = (_trusts(services),) if any(one.backend != "nova" for one in options.values()) else ()
    each = (_group(services, names, groups[name], options[name]) for name in groups)
    return (Finding(what=WAY_IN, ok=True, seen=f"the project's quotas leave {told}"), *untold, *trusts, *each)


def _beside(options: Iterable[GroupOptions]) -> set[str]:
    wanted: set[str] = set()
    for one in options:
        wanted |= {"ports"} if one.networks != ("none",) else set()
        wanted |= {"volumes", "gigabytes"} if one.volume_gb else set()
    return wanted


def _untold(what: str, why: str) -> Finding:
    seen = f"not known: {why}; workers may be asked for that the cloud then refuses, which only delays the next ones"
    return Finding(what=what, ok=True, seen=seen)


def _trusts(services: Services) -> Finding:
    """Whether this login may make trusts. Who may not see its own may make none."""
    what, use = "trusts", "by which Heat and Senlin act for us"
    try:
        services.call("identity", "GET", "/OS-TRUST/trusts", query={"trustor_user_id": services.user_id()})
    except Unauthorized as error:
        seen = f"this login may make none, {use} ({services.login()}): {error}"
        mend = (
            f"name in {WHO} a user with a password: application credentials may make no trusts, whatever their rights"
        )
        return Finding(what=what, ok=False, seen=seen, mend=mend)
    except PortError as error:
        return Finding(what=what, ok=True, seen=f"not known, {use}: {plainly(error)}")
    return Finding(what=what, ok=True, seen=f"this login may make them, {use}")


def _group(services: Services, names: Names, group: GroupSpec, options: GroupOptions) -> Finding:
    """Whether everything exists that the group names, and the flavor has what its shape promises."""
    what = f"group {group.name}"
    try:
        flavor, image = names.flavor(options.flavor), names.image(options.image)
        if too_small := _too_small(flavor.resources, group.shape):
            return Finding(
                what=what,
                ok=False,
                seen=f"flavor {options.flavor} has {too_small}",
                mend="give the group's shape what the flavor has, at most",
            )
        wrong = list(_wrong(services, names, options))
    except PortError as error:
        mend = "correct the group's options, or make what is missing" if isinstance(error, Malformed) else cure(error)
        return Finding(what=what, ok=False, seen=plainly(error), mend=mend)
    if wrong:
        return Finding(what=what, ok=False, seen="; ".join(wrong), mend="correct the group's options, or make them")
    return Finding(what=what, ok=True, seen=f"flavor {flavor.id}, image {image}")


def _too_small(has: Resources, shape: Resources) -> str:
    if has.cpus >= shape.cpus and has.memory_mb >= shape.memory_mb:
        return ""
    return f"{has.cpus} cpus and {has.memory_mb} MB, the shape {shape.cpus} and {shape.memory_mb}"


def _wrong(services: Services, names: Names, options: GroupOptions) -> Iterator[str]:
    """What is named and is not there; raise PortError where that cannot be asked."""
    for network in options.networks if options.networks != ("none",) else ():
        names.network(network)
    if options.server_group:
        names.server_group(options.server_group)
    if options.zones:
        found = services.call("compute", "GET", "/os-availability-zone")["availabilityZoneInfo"]
        there = {one["zoneName"] for one in found if one["zoneState"]["available"]}
        for zone in sorted(set(options.zones) - there):
            yield f"there is no availability zone {zone}; available: {', '.join(sorted(there)) or 'none'}"
    if options.keypair:
        keys = services.call("compute", "GET", "/os-keypairs")["keypairs"]
        mine = {one["keypair"]["name"] for one in keys}
        if options.keypair not in mine:
            yield f"this user has no keypair {options.keypair}; known: {', '.join(sorted(mine)) or 'none'}"
    if options.security_groups:
        listed = services.call("network", "GET", "/security-groups")["security_groups"]
        known = {one["name"] for one in listed} | {one["id"] for one in listed}
        for group in sorted(set(options.security_groups) - known):
            yield f"there is no security group {group}"
