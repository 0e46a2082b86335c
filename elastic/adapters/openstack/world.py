"""OpenStack as the daemon finds it by the name `openstack`: an HTCondor pool whose workers are its servers."""

from collections.abc import Collection, Mapping, Sequence
from math import inf
from pathlib import Path

from elastic.adapters.openstack.alarms import AodhAlarms
from elastic.adapters.openstack.cloud import OpenStackCloud
from elastic.adapters.openstack.enrolment import SHARED, Enrolling
from elastic.adapters.openstack.metering import check as check_metering
from elastic.adapters.openstack.options import SiteOptions, site_options
from elastic.adapters.openstack.servers import Tag
from elastic.adapters.openstack.telemetry import GnocchiTelemetry
from elastic.adapters.real import RealWorld
from elastic.core.model import GroupSpec
from elastic.core.orphans import Belonging
from elastic.local.enrolment import Enrolment
from elastic.ports import Asking, Finding, Granted, Listing, Transient, WorldSpec


class OpenStackWorld(RealWorld):
    """A pool on OpenStack."""

    def __init__(self, spec: WorldSpec) -> None:
        """Read the options; ValueError names those that are wrong."""
        said = spec.options.get("htcondor")
        htcondor: Mapping[str, object] = said if isinstance(said, Mapping) else {}
        if not htcondor:
            raise ValueError("a pool on OpenStack needs the section [htcondor]: its collector and token_folder")
        site = site_options(spec.options)
        self._enrolling = enrolling(spec, site, htcondor)
        self._openstack = OpenStackCloud(spec, site, self._enrolling)
        super().__init__(spec, self._openstack, htcondor)
        self._gnocchi: GnocchiTelemetry | None = None
        if site.telemetry:
            services, vcpus = self._openstack.services, self._openstack.vcpus
            self._gnocchi = GnocchiTelemetry(services, spec.pool, site.granularity_seconds, vcpus)
        self.telemetry = self._gnocchi
        self._idle_seconds = min((group.idle_seconds for group in spec.groups.values()), default=inf)
        self.monitoring: AodhAlarms | None = None
        if site.alarms:
            self.monitoring = AodhAlarms(self._openstack.services, spec.pool, spec.groups)

    def check(self) -> Sequence[Finding]:
        """What OpenStack says, and whether a worker would let us drain it."""
        found = list(self._openstack.check())
        if found[0].ok and self._gnocchi is not None:
            found.append(check_metering(self._gnocchi, self._idle_seconds))
        if found[0].ok and self.monitoring is not None:
            found.append(self.monitoring.check())
        return (*found, *super().check())

    def admit(self, asking: Asking, ledgers: Collection[str], now: float) -> None:
        """Return for a server that may have credentials."""
        self._openstack.admission.admit(asking, self._openstack.options, ledgers, now)

    def grant(self, asking: Asking) -> Granted:
        """Its credentials; Transient when they cannot be written."""
        try:
            return self._enrolling.grant(asking.server_id)
        except OSError as error:
            raise Transient(f"no credentials can be made: {error}") from error

    def renew(self, token: str, living: Collection[str], now: float) -> tuple[str, str]:
        """A worker's fresh token; Transient when the key cannot be read."""
        shared = {f"{SHARED}{name}" for name in self._openstack.options}
        try:
            return self._enrolling.renew(token, {*living, *shared}, now)
        except OSError as error:
            raise Transient(f"no token can be made: {error}") from error

    def revoke(self, gone: Collection[str]) -> None:
        """End what these workers could do."""
        for name in gone:
            self._enrolling.forget(name)

    def sweep(self, living: Collection[str], now: float) -> Sequence[str]:
        """Revoke what belongs to nobody."""
        return self._enrolling.sweep(living, now)

    def belongings(self) -> Listing:
        """Everything in the project that is this pool's."""
        return self._openstack.belongings.listed()

    def remove(self, thing: Belonging) -> None:
        """Remove exactly this."""
        self._openstack.remove(thing)

    def reconfigure(self, groups: Mapping[str, GroupSpec]) -> None:
        """Take changed worker groups, their alarms too."""
        super().reconfigure(groups)
        self._idle_seconds = min((group.idle_seconds for group in groups.values()), default=inf)
        if self.monitoring is not None:
            self.monitoring.groups = groups

    def close(self) -> None:
        """End the connections; servers stay as they are."""
        super().close()
        self._openstack.services.close()


def enrolling(spec: WorldSpec, site: SiteOptions, htcondor: Mapping[str, object]) -> Enrolling:
    """Who makes the workers' credentials, from the site's options and the section [htcondor]."""
    enrolment = Enrolment(
        pool_key=site.pool_key,
        token_folder=Path(str(htcondor["token_folder"])),
        domain=site.trust_domain,
        token_seconds=site.token_seconds,
        signing_keys=site.signing_keys,
        prefix=f"elastic-{spec.ledger[:8]}-",
    )
    collector = site.collector or str(htcondor["collector"])
    return Enrolling(site, Tag(spec.pool, spec.ledger), collector, enrolment)
