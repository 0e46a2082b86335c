"""Servers made and deleted one by one, by Nova alone."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress

from elastic.adapters.openstack.connection import Json, Services
from elastic.adapters.openstack.enrolment import Enrolling
from elastic.adapters.openstack.errors import unsent
from elastic.adapters.openstack.names import Names
from elastic.adapters.openstack.options import GroupOptions
from elastic.adapters.openstack.pace import Pace
from elastic.adapters.openstack.servers import Tag, leaving, listed, server
from elastic.adapters.openstack.userdata import encoded
from elastic.adapters.openstack.zones import Zones, zoned
from elastic.core.memory import WorkerRecord
from elastic.core.model import GroupSpec
from elastic.ports import Created, Malformed, NoCapacity, NotFound, PortError, QuotaExceeded

FULL = "the quota is used up by what was asked for since it was read"


class NovaBackend:
    """Makes and deletes single servers. A worker's name is its server's name and in its metadata."""

    def __init__(
        self, services: Services, names: Names, tag: Tag, enrolling: Enrolling, pace: Pace, zones: Zones
    ) -> None:
        """Ask nobody yet."""
        self._services, self._names, self._tag = services, names, tag
        self._enrolling, self._pace, self._zones = enrolling, pace, zones

    def create(
        self, group: GroupSpec, options: GroupOptions, workers: Sequence[WorkerRecord], claim: Callable[[int], int]
    ) -> Sequence[Created]:
        """Ask for one server each; one that is there already, by the name in its metadata, is returned.

        `claim` says for how many there is room, all groups together: Nova itself counts servers only once they have a
        host, takes too many that are asked for at once, and lets them end in ERROR.

        Nova's POST cannot be repeated safely, so all servers are listed first; a POST without an answer leaves its
        intent open until a list shows what became of it.
        """
        with unsent():
            known = [server(one) for one in listed(self._services, self._tag.pool)]
            there = {one.worker: one.id for one in known if not leaving(one)}
            wanted = [worker.name for worker in workers if worker.name not in there]
            request = self._request(group, options) if wanted else {}
        fitting = wanted[: claim(len(wanted))]
        too_much = [QuotaExceeded(FULL)] * (len(wanted) - len(fitting))
        answers = [*self._pace.each(lambda name: self._post(group, options, request, name), fitting), *too_much]
        if any(isinstance(answer, Malformed) for answer in answers):
            # What a name stands for may have gone: looked up anew, the group is closed by that name at the next tick.
            self._names.forget()
        asked = dict(zip(wanted, answers, strict=True))
        return [_created(worker.name, there.get(worker.name) or asked[worker.name]) for worker in workers]

    def delete(self, workers: Sequence[WorkerRecord]) -> Mapping[str, PortError]:
        """Ask for the deletion of exactly these servers, by id; gone already is no error."""
        answers = self._pace.each(self._delete, workers)
        pairs = zip(workers, answers, strict=True)
        return {worker.name: answer for worker, answer in pairs if isinstance(answer, PortError)}

    def _request(self, group: GroupSpec, options: GroupOptions) -> Json:
        """What all new servers of the group have in common."""
        server: Json = {
            "flavorRef": self._names.flavor(options.flavor).id,
            "networks": self._networks(options.networks),
            "config_drive": options.config_drive,
        }
        image = self._names.image(options.image)
        if options.volume_gb:
            server["block_device_mapping_v2"] = [_volume(image, options.volume_gb)]
        else:
            server["imageRef"] = image
        if options.keypair:
            server["key_name"] = options.keypair
        if options.security_groups:
            server["security_groups"] = [{"name": name} for name in options.security_groups]
        if zone := self._zones.pick(options.zones):
            server["availability_zone"] = zone
        hints = {"os:scheduler_hints": {"group": options.server_group}} if options.server_group else {}
        return {"server": server, **hints}

    def _networks(self, names: Sequence[str]) -> str | list[Mapping[str, str]]:
        if tuple(names) == ("none",):
            return "none"
        return [{"uuid": self._names.network(name)} for name in names] or "auto"

    def _post(self, group: GroupSpec, options: GroupOptions, request: Json, name: str) -> str:
        """Ask for one server; its id."""
        try:
            user_data = encoded(self._enrolling.user_data(group, options, name))
        except ValueError as error:
            raise Malformed(f"group {group.name}: {error}") from error
        zone = request["server"].get("availability_zone")
        metadata = zoned(self._tag.metadata(group.name, name), zone or "")
        own = {"name": name, "metadata": metadata, "user_data": user_data}
        body = {**request, "server": {**request["server"], **own}}
        try:
            return str(self._services.call("compute", "POST", "/servers", body)["server"]["id"])
        except NoCapacity:
            if zone:
                self._zones.full(zone, name)
            raise

    def _delete(self, worker: WorkerRecord) -> None:
        if worker.server_id is None:
            raise Malformed(f"the server id of {worker.name} is not known; servers are never deleted by name")
        with suppress(NotFound):
            self._services.call("compute", "DELETE", f"/servers/{worker.server_id}", again=True)
        self._enrolling.forget(worker.name)


def _volume(image: str, gigabytes: int) -> Json:
    return {
        "boot_index": 0,
        "uuid": image,
        "source_type": "image",
        "destination_type": "volume",
        "volume_size": gigabytes,
        "delete_on_termination": True,
    }


def _created(name: str, answer: str | PortError) -> Created:
    if isinstance(answer, PortError):
        return Created(worker=name, error=answer)
    return Created(worker=name, server_id=answer)
