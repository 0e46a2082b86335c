"""Every setting but those of a group, each with its unit in its name and the reason for its default under it."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, SecretStr, field_validator, model_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from elastic import plugins
from elastic.core.model import GroupSpec, SiteSpec
from elastic.core.policy import Policy
from elastic.ports import WorldSpec
from elastic.settings.groups import GroupSettings
from elastic.settings.section import Count, Fraction, Name, Seconds, Section

LOOPBACK = ("127.0.0.1", "::1", "localhost")


class SiteSettings(Section):
    """When what is seen of the whole pool is believed."""

    min_wake_seconds: Annotated[float, Field(ge=1)] = 5.0
    """Ticks are never closer: a validation or an operator wakes the daemon early, a storm of them must not. Less than 5
    only where a test runs days in minutes."""
    blind_missed_ticks: Annotated[int, Field(ge=1)] = 3
    """Machines not seen for so many ticks: a single lost answer is common, three in a row are an outage."""
    vanish_fraction: Fraction = 0.30
    """Machine ads lost at once, of all, that mean a fault of the pool and not of the workers."""
    vanish_minimum: Annotated[int, Field(ge=1)] = 3
    """And so many at least: of three workers, one lost is a third."""
    list_loss_fraction: Fraction = 0.30
    """Servers missing from the cloud's list, of all: more is a failed list, not so many deletions."""
    futile_cycles: Annotated[int, Field(ge=1)] = 3
    """Negotiation cycles that a job waits beside free room until it is no demand: the first may have begun before."""
    futile_seconds: Seconds = 1800.0
    """How long it is then no demand: limits and quotas change by hand, so half an hour wastes little."""
    growth_held_alert_seconds: Seconds = 1800.0
    """Growth held by blindness for so long raises an alert: a short outage needs nobody, this one does."""
    leftover_percent: Annotated[float, Field(gt=0)] = 20.0
    """CPU use of an idle worker, in per cent of a core, that is a leftover process: a startd and its system use 1 to 5,
    a forgotten computation 100. It ends below half of this."""
    leftover_seconds: Seconds = 1800.0
    """A leftover for so long raises an alert: what a job leaves behind ends by itself in minutes, or not at all."""
    stalled_percent: Annotated[float, Field(ge=0)] = 5.0
    """CPU use of a busy worker, in per cent of a core, below which its jobs wait: a running startd alone uses less."""
    stalled_seconds: Seconds = 3600.0
    """Waiting for so long is reported: transfers and licences take minutes; an hour without any CPU is a hang."""
    settling_seconds: Annotated[float, Field(ge=0)] = 300.0
    """CPU use so soon after a worker joined is its boot's, and says nothing of its jobs."""
    load_stale_seconds: Seconds = 600.0
    """Load whose newest sample is older is not believed: twice the slowest usual polling (300 s)."""
    outside_override_seconds: Seconds = 3600.0
    """How long a size that was given to a stack or cluster from outside holds: as an override from the command line."""


class HtcondorSettings(Section):
    """The HTCondor pool."""

    collector: str = "127.0.0.1"
    """host[:port]; the daemon runs beside the central manager."""
    schedds: tuple[str, ...] = ()
    """Names of the schedds to serve; empty: every schedd of the pool, so that none is forgotten."""
    token_folder: Path = Path("/etc/condor/tokens.d")
    """Where HTCondor itself keeps IDTOKENS."""
    query_seconds: Seconds = 20.0
    """Deadline of a query: the slowest measured (20,000 slots, 100,000 jobs) takes 1.2 s; beyond 20 s it hangs."""
    inspect_seconds: Seconds = 5.0
    """Deadline of a question to one startd, which answers in milliseconds; a silent one must not hold the tick."""
    rest_factor: Annotated[float, Field(ge=1)] = 20.0
    """A daemon rests so many times as long as its last answer took: at most 5 % of its time goes to us."""
    machine_update_seconds: Seconds = 300.0
    """UPDATE_INTERVAL of the startds (HTCondor's default): a collector younger than this has not heard all of them."""
    ad_lifetime_seconds: Seconds = 900.0
    """CLASSAD_LIFETIME of the collector (HTCondor's default): a dead startd's ad stays for so long."""
    schedd_stale_seconds: Seconds = 1800.0
    """How long the last queue of a silent schedd counts: longer than a restart, shorter than a lost machine."""
    same_network: bool = True
    """The daemon connects to workers at once (beside a central manager in their network it may). False: workers that
    nobody can connect to are asked through the collector to call back, at any port of the daemon's host."""
    drain_program: str = ""
    """condor_drain, for sites whose workers hold no key that signed our token; empty: no program."""


class CloudSettings(Section):
    """Where servers come from."""

    kind: str = "local"
    """Name of the world (entry point group elastic.worlds); local needs no cloud, so that a first run works."""
    options: Mapping[str, object] = {}
    """What that world needs to know; each names its own."""


class PolicySettings(Section):
    """Who decides how many workers there should be."""

    name: str = "backlog"
    """One slot for every job that runs or waits: right unless jobs differ much in length."""
    parameters: Mapping[str, Mapping[str, object]] = {}
    """Parameters by policy name, such as [policy.parameters.backlog]; each policy has its own defaults."""


class ApiSettings(Section):
    """The HTTP interface."""

    host: str = "127.0.0.1"
    """Loopback only, as writes need no more than one token; put a proxy with TLS before it to reach further."""
    port: Annotated[int, Field(ge=0, le=65535)] = 9680
    """Free of HTCondor's 9618 and of what the usual services take; 0: any free port."""
    token: SecretStr | None = None
    """For writes. None: the daemon makes one and keeps it in `token_file`; better there than in this file."""
    token_file: Path = Path("api.token")
    """Where the command line finds the token; relative to `folder`."""

    alarm_secret: SecretStr | None = None
    """What alarms of the cloud's monitoring show to `/v1/alarms/...`. None: see the next. It only brings a tick
    forward, and stands in the alarms' actions, which others in the project may read."""
    alarm_secret_file: Path | None = None
    """The same in a file that only the daemon's user can read. Neither: no alarm is taken, as most pools have none."""

    enrol_host: str = ""
    """Address at which new workers reach `POST /v1/enrol`, and nothing else of this interface. Empty: nowhere but on
    `host`, since most pools need no second listener: workers that Nova makes one by one enrol without asking."""
    enrol_port: Annotated[int, Field(ge=0, le=65535)] = 9681
    """Beside `port`, and as free."""
    enrol_certificate: Path | None = None
    """PEM certificate (with its chain) for TLS on `enrol_host`. None: in the clear, for networks that nobody else can
    listen to."""
    enrol_key: Path | None = None
    """PEM key of that certificate."""

    @model_validator(mode="after")
    def _both_or_none(self) -> Self:
        if (self.enrol_certificate is None) != (self.enrol_key is None):
            raise ValueError("enrol_certificate and enrol_key belong together")
        return self

    @field_validator("host")
    @classmethod
    def _loopback(cls, host: str) -> str:
        # No other one, such as 127.0.0.2: requests are answered only if they name one of these (elastic.api.guard).
        if host in LOOPBACK:
            return host
        raise ValueError("must be a loopback address: 127.0.0.1, ::1 or localhost")

    @field_validator("token", "alarm_secret")
    @classmethod
    def _long_enough(cls, token: SecretStr | None) -> SecretStr | None:
        if token is not None and len(token.get_secret_value()) < 16:  # noqa: PLR2004 # said in the message
            raise ValueError("must have 16 characters or more, or be left out")
        return token


class LoggingSettings(Section):
    """The daemon's own log, on standard error."""

    format: Literal["console", "json"] = "console"
    """For people first; a log collector wants json."""
    level: Literal["debug", "info", "warning", "error"] = "info"
    """One line a tick and one an action: what is needed to understand a pool's last day."""


class RecorderSettings(Section):
    """The record of every tick, for replays and for finding out why."""

    folder: Path = Path("records")
    """Relative to the `folder` above."""
    file_mb: Annotated[float, Field(gt=0)] = 16.0
    """A file of so much compressed text is closed and a new one begun: small enough to be mailed."""
    total_mb: Annotated[float, Field(gt=0)] = 1024.0
    """All files together; the oldest go first. A gigabyte is nothing to a disk, and months of a usual pool."""
    keep_days: Annotated[float, Field(gt=0)] = 90.0
    """A quarter: people ask about last month."""


class RetentionSettings(Section):
    """How long the ledger keeps what is over."""

    keep_days: Annotated[float, Field(gt=0)] = 90.0
    """Events and workers that are gone; a quarter, as the records."""
    housekeeping_seconds: Seconds = 3600.0
    """Between two rounds of deleting: an hour's worth is deleted in milliseconds."""


class Settings(BaseSettings):
    """All settings, frozen; made by `elastic.settings.load`, which merges file, secrets and environment by itself.

    (It says of every wrong value where it came from, and finds unknown variables: the library's sources do neither.)
    """

    # As in every section.
    model_config = SettingsConfigDict(extra="forbid", frozen=True, allow_inf_nan=False, use_attribute_docstrings=True)

    pool: Name
    """Tags every server; two pools in one project need two names. No default: it must be unique."""
    groups: tuple[GroupSettings, ...]
    """One [[groups]] for each kind of worker. No default: nothing can be launched without one."""
    mode: Literal["observe", "act"] | None = None
    """None: what the ledger says. A new ledger observes until `elastic go`, so that no first start surprises."""
    folder: Path = Path("/var/lib/elastic")
    """What the daemon keeps; made by the systemd unit."""
    ledger: Path = Path("ledger.sqlite")
    """Relative to `folder`; on a local disk, as SQLite needs working locks."""
    secrets_folder: Path | None = None
    """Files named as variables, such as elastic_api__token. None: systemd's credentials, where there are any."""
    tick_seconds: Annotated[float, Field(ge=1)] = 30.0
    """Between two decisions: short beside a boot (minutes), long beside a query (a second); not below
    `site.min_wake_seconds`."""
    tick_jitter_seconds: Count = 3
    """Ticks are spread by up to so much, lest several daemons ask one cloud in step."""
    site: SiteSettings = SiteSettings()
    """See the section."""
    htcondor: HtcondorSettings = HtcondorSettings()
    """See the section."""
    cloud: CloudSettings = CloudSettings()
    """See the section."""
    policy: PolicySettings = PolicySettings()
    """See the section."""
    api: ApiSettings = ApiSettings()
    """See the section."""
    logging: LoggingSettings = LoggingSettings()
    """See the section."""
    recorder: RecorderSettings = RecorderSettings()
    """See the section."""
    retention: RetentionSettings = RetentionSettings()
    """See the section."""

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],  # noqa: ARG003 # the library passes them by name
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Take what `load` has merged and nothing else."""
        return (init_settings,)

    def site_spec(self) -> SiteSpec:
        """What the core knows of the site."""
        return SiteSpec(
            tick_seconds=self.tick_seconds,
            machine_update_seconds=self.htcondor.machine_update_seconds,
            ad_lifetime_seconds=self.htcondor.ad_lifetime_seconds,
            schedd_stale_seconds=self.htcondor.schedd_stale_seconds,
            **{name: getattr(self.site, name) for name in SiteSettings.model_fields},
        )

    def group_specs(self) -> Mapping[str, GroupSpec]:
        """The groups as the core knows them, sorted by name."""
        lifetime = self.htcondor.ad_lifetime_seconds
        ordered = sorted(self.groups, key=lambda group: group.name)
        return {g.name: g.spec(policy=self.policy.name, ad_lifetime_seconds=lifetime) for g in ordered}

    def policies(self) -> Mapping[str, Policy]:
        """Each group's policy, by group; groups that say the same share one. PluginError when one cannot be had."""
        made: dict[str, Policy] = {}
        for group in self.groups:
            name = group.policy or self.policy.name
            parameters = {**self.policy.parameters.get(name, {}), **group.policy_parameters}
            policy = plugins.policy(name, parameters)
            made[group.name] = next((known for known in made.values() if known == policy), policy)
        return made

    def world_spec(self, ledger: str) -> WorldSpec:
        """What the world is built from; a [htcondor] section that was given is its option "htcondor"."""
        options = dict(self.cloud.options)
        if "htcondor" in self.model_fields_set:
            options["htcondor"] = self.htcondor.model_dump()
        return WorldSpec(pool=self.pool, ledger=ledger, folder=self.folder, groups=self.group_specs(), options=options)

    @property
    def ledger_path(self) -> Path:
        """Where the ledger is."""
        return self.folder / self.ledger

    @property
    def token_path(self) -> Path:
        """Where the token for writes is kept when it is not a setting."""
        return self.folder / self.api.token_file

    @property
    def record_folder(self) -> Path:
        """Where tick records go."""
        return self.folder / self.recorder.folder
