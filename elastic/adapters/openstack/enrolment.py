"""Tokens and keys of new workers: written into their user data, or given to members that enrol."""

import base64
import hashlib
import hmac
import time
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

from elastic.adapters.openstack.options import GroupOptions, SiteOptions
from elastic.adapters.openstack.servers import Tag
from elastic.adapters.openstack.userdata import INSTANCE_ID, cloud_config
from elastic.core.model import GroupSpec
from elastic.local import tokens
from elastic.local.enrolment import Enrolment
from elastic.local.userdata import SERVER_ID, UserData
from elastic.ports import Denial, Granted, Malformed, NotEnrolled

SHARED = "group-"
"""How the key that all members of a group share is called, before the group's name."""
NEW_SECONDS = 3600.0
"""Nobody living may have a key for so long: a member that has just enrolled is no worker of the ledger yet."""


@dataclass(frozen=True, slots=True)
class Enrolling:
    """Makes the credentials of workers; `enrolment` mints and keeps our side."""

    site: SiteOptions
    tag: Tag
    collector: str
    enrolment: Enrolment

    def user_data(self, group: GroupSpec, options: GroupOptions, name: str) -> str:
        """The text for one new worker; an earlier key of that worker is worth nothing from now on."""
        return self._text(self._given(self._worker(group, options, name), name), options)

    def shared_user_data(self, group: GroupSpec, options: GroupOptions) -> str:
        """The text for all members of a group that the cloud makes alike; a member is called by its server's id.

        It tells them where to enrol; or, if the group is said to share, holds one key and one token for all of them.
        """
        own_id = SERVER_ID if options.user_data == "launcher" else INSTANCE_ID
        if options.enrolment == "own":
            return self._text(self._asking(self._worker(group, options, own_id), options), options)
        return self._text(self._given(self._worker(group, options, own_id), f"{SHARED}{group.name}"), options)

    def secret(self, group: str, options: GroupOptions) -> str:
        """What the members of a group show when they enrol: the same as long as the pool's key and the stack are."""
        named = f"elastic enrolment\0{self.tag.pool}\0{group}\0{options.stack}"
        digest = hmac.digest(self.enrolment.pool_key.read_bytes(), named.encode(), hashlib.sha256)
        return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()

    def grant(self, server_id: str) -> Granted:
        """Credentials for the member with this server id."""
        made = self.enrolment.enrol(server_id)
        own = self._own_token(made.signing_key, made.signing_key_id)
        key_id, key = made.signing_key_id, made.signing_key
        return Granted(signing_key_id=key_id, signing_key=key, token=made.token, own_token=own)

    def renew(self, token: str, living: Collection[str], now: float) -> tuple[str, str]:
        """Whose token this is, and a fresh one for it; NotEnrolled unless it is good and its worker is living."""
        try:
            worker = self.enrolment.bearer(token, now)
        except ValueError as error:
            raise NotEnrolled(Denial.SECRET, f"a token was shown, but {error}") from error
        if worker not in living:
            raise NotEnrolled(Denial.SERVER, f"{worker} is no worker any more")
        return worker, self.enrolment.renew(worker, now)

    def forget(self, name: str) -> None:
        """Revoke what the worker could do, and our right over it."""
        self.enrolment.forget(name)

    def sweep(self, living: Collection[str], now: float) -> Sequence[str]:
        """Revoke keys that belong to nobody living, neither by name nor by server id, and are not new."""
        old = {name for name, since in self.enrolment.known().items() if now - since > NEW_SECONDS}
        gone = sorted(name for name in old - set(living) if not name.startswith(SHARED))
        for name in gone:
            self.forget(name)
        return gone

    def _worker(self, group: GroupSpec, options: GroupOptions, worker: str) -> UserData:
        return UserData(
            name=worker,
            collector=self.collector,
            cpus=group.shape.cpus,
            memory_mb=group.shape.memory_mb,
            disk_mb=group.shape.disk_mb,
            gpus=group.shape.gpus,
            attributes={"ElasticWorker": worker, "ElasticGroup": group.name, "ElasticPool": self.tag.pool},
            config=options.config,
            enrol_ca=self._ca(),
            renew_url="" if self.enrolment.signing_keys else self.site.enrol_url,
        )

    def _asking(self, wanted: UserData, options: GroupOptions) -> UserData:
        """The same, told where and with what to ask."""
        group = wanted.attributes["ElasticGroup"]
        try:
            secret = self.secret(group, options)
        except OSError as error:
            raise Malformed(f"members of {group} could not enrol: {error}") from error
        return replace(wanted, enrol_url=self.site.enrol_url, enrol_group=group, enrol_secret=secret)

    def _ca(self) -> str:
        try:
            return "" if self.site.enrol_ca is None else self.site.enrol_ca.read_text(encoding="utf-8")
        except OSError as error:
            raise Malformed(f"no worker can be told enrol_ca: {error}") from error

    def _given(self, wanted: UserData, key_name: str) -> UserData:
        try:
            made = self.enrolment.enrol(key_name)
        except OSError as error:
            raise Malformed(f"no token can be made for {key_name}: {error}") from error
        return replace(wanted, token=made.token, signing_key=made.signing_key, signing_key_id=made.signing_key_id)

    def _text(self, wanted: UserData, options: GroupOptions) -> str:
        if options.user_data == "launcher":
            return wanted.to_toml()
        own = "" if wanted.enrol_url else self._own_token(wanted.signing_key, wanted.signing_key_id)
        return cloud_config(wanted, trust_domain=self.enrolment.domain, own_token=own, packages=options.packages)

    def _own_token(self, key: bytes, key_id: str) -> str:
        """By what a worker's daemons know each other; nobody else believes it."""
        domain = self.enrolment.domain
        return tokens.mint(key, key_id=key_id, domain=domain, subject=f"condor@{domain}", issued_at=time.time())
