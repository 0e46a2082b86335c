"""Tokens and keys of new workers, written into their user data."""

import time
from dataclasses import dataclass

from elastic.adapters.openstack.options import GroupOptions, SiteOptions
from elastic.adapters.openstack.servers import Tag
from elastic.adapters.openstack.userdata import INSTANCE_ID, cloud_config
from elastic.core.model import GroupSpec
from elastic.local import tokens
from elastic.local.enrolment import Enrolment
from elastic.local.userdata import SERVER_ID, UserData
from elastic.ports import Malformed


@dataclass(frozen=True, slots=True)
class Enrolling:
    """Makes the user data of workers that get credentials of their own; `enrolment` mints and keeps our side."""

    site: SiteOptions
    tag: Tag
    collector: str
    enrolment: Enrolment

    def user_data(self, group: GroupSpec, options: GroupOptions, name: str) -> str:
        """The text for one new worker; an earlier key of that worker is worth nothing from now on."""
        return self._user_data(group, options, key_name=name, worker=name)

    def shared_user_data(self, group: GroupSpec, options: GroupOptions) -> str:
        """The text for all members of a group that the cloud makes alike; a member is called by its server's id.

        They share one key and one token: what one of them knows, all do.
        """
        own_id = SERVER_ID if options.user_data == "launcher" else INSTANCE_ID
        return self._user_data(group, options, key_name=f"group-{group.name}", worker=own_id)

    def _user_data(self, group: GroupSpec, options: GroupOptions, *, key_name: str, worker: str) -> str:
        try:
            credentials = self.enrolment.enrol(key_name)
        except OSError as error:
            raise Malformed(f"no token can be made for {key_name}: {error}") from error
        wanted = UserData(
            name=worker,
            collector=self.collector,
            token=credentials.token,
            signing_key=credentials.signing_key,
            signing_key_id=credentials.signing_key_id,
            cpus=group.shape.cpus,
            memory_mb=group.shape.memory_mb,
            disk_mb=group.shape.disk_mb,
            gpus=group.shape.gpus,
            attributes={"ElasticWorker": worker, "ElasticGroup": group.name, "ElasticPool": self.tag.pool},
            config=options.config,
        )
        if options.user_data == "launcher":
            return wanted.to_toml()
        domain = self.enrolment.domain
        own = tokens.mint(
            wanted.signing_key, key_id=key_name, domain=domain, subject=f"condor@{domain}", issued_at=time.time()
        )
        return cloud_config(wanted, trust_domain=domain, own_token=own, packages=options.packages)

    def forget(self, name: str) -> None:
        """Revoke what the worker could do: our token for it goes."""
        self.enrolment.forget(name)
