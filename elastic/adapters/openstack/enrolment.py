"""Tokens and keys of new workers, written into their user data."""

import time
from dataclasses import dataclass

from elastic.adapters.openstack.options import GroupOptions, SiteOptions
from elastic.adapters.openstack.servers import Tag
from elastic.adapters.openstack.userdata import cloud_config
from elastic.core.model import GroupSpec
from elastic.local import tokens
from elastic.local.enrolment import Enrolment
from elastic.local.userdata import UserData
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
        try:
            credentials = self.enrolment.enrol(name)
        except OSError as error:
            raise Malformed(f"no token can be made for {name}: {error}") from error
        wanted = UserData(
            name=name,
            collector=self.collector,
            token=credentials.token,
            signing_key=credentials.signing_key,
            signing_key_id=credentials.signing_key_id,
            cpus=group.shape.cpus,
            memory_mb=group.shape.memory_mb,
            disk_mb=group.shape.disk_mb,
            gpus=group.shape.gpus,
            attributes={"ElasticWorker": name, "ElasticGroup": group.name, "ElasticPool": self.tag.pool},
            config=options.config,
        )
        if options.user_data == "launcher":
            return wanted.to_toml()
        domain = self.enrolment.domain
        own = tokens.mint(
            wanted.signing_key, key_id=name, domain=domain, subject=f"condor@{domain}", issued_at=time.time()
        )
        return cloud_config(wanted, trust_domain=domain, own_token=own, packages=options.packages)

    def forget(self, name: str) -> None:
        """Revoke what the worker could do: our token for it goes."""
        self.enrolment.forget(name)
