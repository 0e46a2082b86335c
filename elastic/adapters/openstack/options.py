"""What a site and its worker groups say about OpenStack, checked as a whole."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from elastic.core.model import GroupSpec

CONFIG = "config."
"""A group's option `config.NAME` sets NAME in the condor configuration of its workers."""


def _listed(value: object) -> object:
    return tuple(part.strip() for part in value.split(",") if part.strip()) if isinstance(value, str) else value


Names = Annotated[tuple[str, ...], BeforeValidator(_listed)]
"""Names separated by commas: options of a group are text."""


class _Options(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)


OptionsT = TypeVar("OptionsT", bound=_Options)


class SiteOptions(_Options):
    """The section [cloud.options] of a site on OpenStack."""

    cloud: str | None = None
    """Name of a cloud in clouds.yaml; none: the OS_* variables."""
    clouds_file: Path | None = None
    """clouds.yaml; none: where OpenStack's clients look for it."""
    region: str | None = None
    """Region; none: the cloud's own."""
    call_seconds: Annotated[float, Field(gt=0)] = 60.0
    """Deadline of one call: Heat's slowest honest answers take tens of seconds."""
    collector: str = ""
    """host[:port] of the collector as workers reach it; empty: as the daemon does."""
    trust_domain: str = ""
    """TRUST_DOMAIN of the pool, which its tokens name; required where workers get tokens."""
    pool_key: Path = Path("/etc/condor/passwords.d/POOL")
    """The pool's signing key, by which workers' tokens are made, and the secrets of groups whose members enrol."""
    signing_keys: Path | None = None
    """The collector's SEC_PASSWORD_DIRECTORY, where the daemon may write there as root: each worker's token is then
    signed by a key of its own, has no end, and is revoked the moment the worker is gone. None: by the pool's key."""
    token_seconds: Annotated[float, Field(gt=0)] = 30 * 86400.0
    """Life of a token that the pool's key signed; by `enrol_url` renewed at half, else longer than workers live."""
    enrol_url: str = ""
    """Where members of stacks and clusters reach the daemon, such as https://10.0.0.5:9681; see `api.enrol_host`."""
    enrol_ca: Path | None = None
    """PEM certificates that `enrol_url` is checked against; none: those of the image."""
    enrol_seconds: Annotated[float, Field(gt=0)] = 3600.0
    """A member may enrol for so long after it was made: longer than a slow boot and an outage."""
    enrol_from: Literal["server", "anywhere"] = "server"
    """server: only from one of its addresses, where Nova knows any; anywhere: behind NAT."""
    telemetry: bool = False
    """Read the workers' CPU load from Gnocchi; without it everything works."""
    granularity_seconds: Annotated[int, Field(ge=1)] = 60
    """Of the archive policy that keeps `cpu`, with its mean; as often as Ceilometer should poll."""
    alarms: bool = False
    """Read the groups' alarms from Aodh; a policy may look at them. Their webhooks need no such reading."""
    calls_at_once: Annotated[int, Field(ge=1)] = 16
    """Calls side by side at most; fewer while they fail."""


class GroupOptions(_Options):
    """The table `options` of a worker group on OpenStack; every value is text."""

    backend: Literal["nova", "heat", "senlin"] = "nova"
    """Who keeps the servers: Nova alone, a Heat stack or a Senlin cluster."""
    heat_kind: Literal["autoscaling_group", "resource_group"] = "autoscaling_group"
    """Heat: the resource that holds the servers; each has a template of its own."""
    stack: str = ""
    """Heat, Senlin: name of the stack or cluster; empty: `elastic-POOL-GROUP`."""
    senlin_client: Literal["openstacksdk", "python-senlinclient"] = "openstacksdk"
    """Senlin: the library between us and its API; openstacksdk needs less, and is what OpenStack keeps up."""
    flavor: str
    """Name or id; must offer the group's shape."""
    image: str
    """Name or id; also what a boot volume is made from."""
    networks: Names = ()
    """Names or ids; none: Nova's own choice (`auto`); the word `none` alone: no network."""
    security_groups: Names = ()
    """Names; none: the project's default."""
    keypair: str = ""
    """For people who must look inside."""
    zones: Names = ()
    """Availability zones, tried in turn after "no valid host"; none: Nova's own choice."""
    server_group: str = ""
    """Id of a server group: spread workers over hosts, or keep them together."""
    config_drive: bool = False
    """User data on a drive instead of the metadata service."""
    volume_gb: Annotated[int, Field(ge=0)] = 0
    """Boot from a new volume of so much, deleted with its server; 0: from the image."""
    user_data: Literal["cloud-init", "launcher"] = "cloud-init"
    """cloud-init turns a stock image into a worker; `launcher` is the file that the one-machine lab reads."""
    enrolment: Literal["own", "shared"] = "own"
    """Heat, Senlin: each member fetches a key and token of its own from `enrol_url`; shared: all have the same."""
    packages: bool = True
    """cloud-init installs HTCondor from the image's own package sources; false: the image has it."""
    config: Mapping[str, str] = {}
    """Lines of condor configuration, given as `config.NAME`."""


def site_options(options: Mapping[str, object]) -> SiteOptions:
    """The site's options; ValueError names every one that is wrong. The section "htcondor" is another's."""
    return _checked(SiteOptions, {name: value for name, value in options.items() if name != "htcondor"}, "")


def group_options(group: GroupSpec) -> GroupOptions:
    """A group's options; ValueError names every one that is wrong."""
    flat: dict[str, Any] = {name: value for name, value in group.options.items() if not name.startswith(CONFIG)}
    flat["config"] = {name.removeprefix(CONFIG): v for name, v in group.options.items() if name.startswith(CONFIG)}
    return _checked(GroupOptions, flat, f"group {group.name}: options.")


def _checked(kind: type[OptionsT], values: Mapping[str, Any], place: str) -> OptionsT:
    try:
        return kind.model_validate(values)
    except ValidationError as error:
        known = ", ".join(kind.model_fields)
        texts = (
            f"{place}{'.'.join(map(str, problem['loc']))}: "
            + (f"unknown; known: {known}" if problem["type"] == "extra_forbidden" else problem["msg"])
            for problem in error.errors()
        )
        raise ValueError("; ".join(texts)) from error
