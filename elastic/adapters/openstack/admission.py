"""Whether a server that asks for credentials is a member that has just been made; nothing is given here."""

import hmac
import secrets
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime

from elastic.adapters.openstack.connection import Json, Services
from elastic.adapters.openstack.enrolment import Enrolling
from elastic.adapters.openstack.options import GroupOptions
from elastic.adapters.openstack.servers import POOL, server
from elastic.core.observation import ServerStatus
from elastic.ports import Asking, Denial, NotEnrolled, NotFound, Transient

NEW = frozenset({ServerStatus.BUILDING, ServerStatus.ACTIVE})


@dataclass(frozen=True, slots=True)
class Admission:
    """Asks Nova about one server; only for who knows the group's secret, so that strangers cost the cloud nothing."""

    services: Services
    enrolling: Enrolling

    def admit(self, asking: Asking, groups: Mapping[str, GroupOptions], ledgers: Collection[str], now: float) -> None:
        """Return for a member; raise NotEnrolled for anybody else, PortError when Nova does not say."""
        self._known(asking, groups.get(asking.group))
        try:
            found = self.services.call("compute", "GET", f"/servers/{asking.server_id}")["server"]
        except NotFound:
            raise NotEnrolled(Denial.SERVER, f"there is no server {asking.server_id}") from None
        if why := self._stranger(found, asking, ledgers) or self._late(found, asking, now):
            raise NotEnrolled(Denial.SERVER, f"server {asking.server_id} {why}")

    def _known(self, asking: Asking, options: GroupOptions | None) -> None:
        enrols = options is not None and options.backend != "nova" and options.enrolment == "own"
        try:
            # Unknown groups take as long as a wrong secret does.
            right = self.enrolling.secret(asking.group, options) if options and enrols else secrets.token_urlsafe(32)
        except OSError as error:
            raise Transient(f"the pool's key cannot be read: {error}") from error
        if not hmac.compare_digest(right.encode(), asking.secret.encode()):
            raise NotEnrolled(Denial.SECRET, "no such group, or not its secret")

    def _stranger(self, found: Json, asking: Asking, ledgers: Collection[str]) -> str:
        """Why it is no member of that group; empty when it is."""
        one = server(found)
        if found.get("metadata", {}).get(POOL) != self.enrolling.tag.pool or one.group != asking.group:
            return f"is not in group {asking.group}"
        if one.ledger not in ledgers:
            return "was made for another ledger"
        return "" if one.worker is None else "was given its credentials when it was made"

    def _late(self, found: Json, asking: Asking, now: float) -> str:
        """Why a member gets nothing; empty when it does."""
        one, site = server(found), self.enrolling.site
        if one.status not in NEW:
            return f"is {one.raw_status}"
        age = now - datetime.fromisoformat(found["created"]).timestamp()
        if age > site.enrol_seconds:
            return f"was made {age:.0f} s ago; enrolling ends after enrol_seconds = {site.enrol_seconds:g}"
        its = {address["addr"] for network in found.get("addresses", {}).values() for address in network}
        if site.enrol_from == "server" and its and asking.address not in its:
            return f"has other addresses than {asking.address}, from where it was asked; is NAT between? See enrol_from"
        return ""
