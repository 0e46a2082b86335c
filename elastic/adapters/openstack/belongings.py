"""Everything in the project that is this pool's: its servers, and the volumes and ports that were made for them."""

from collections.abc import Iterator
from datetime import UTC, datetime

from elastic.adapters.openstack.connection import Json, Services
from elastic.adapters.openstack.errors import translated
from elastic.adapters.openstack.servers import GROUP, LEDGER, POOL, WORKER, listed
from elastic.core.orphans import Belonging, Kind
from elastic.ports import Listing, Malformed, NotFound, PortError

OF_COMPUTE = "compute:"
"""How the owner of a port begins that Nova made or took for a server."""


class Belongings:
    """Lists and removes them. Volumes and ports carry a server's id; what is tagged itself carries the pool's name.

    Neutron's tags are words: there a tag is `elastic_pool=NAME`, in Cinder it is metadata, as in Nova.
    """

    def __init__(self, services: Services, pool: str) -> None:
        """Ask nobody yet."""
        self._services, self._pool = services, pool

    def listed(self) -> Listing:
        """Every server of the pool, every volume and port of the project that hangs on a server or carries the tag.

        Raise PortError where Nova does not answer: without its servers everything else would seem to belong to nobody.
        """
        servers = [_server(found) for found in listed(self._services, self._pool)]
        things, untold = list(servers), list[str]()
        for what, ask in (("volumes", self._volumes), ("ports", self._ports)):
            try:
                things += list(ask())
            except (NotFound, Malformed):
                continue  # There is no such service in this cloud.
            except PortError as error:
                untold.append(f"{what} could not be listed: {error}")
        return Listing(things=tuple(things), untold=tuple(untold))

    def remove(self, thing: Belonging) -> None:
        """Ask for its deletion, by its id; gone already is no error. PortError says why it stays."""
        service, path = {
            Kind.SERVER: ("compute", "/servers"),
            Kind.VOLUME: ("block_storage", "/volumes"),
            Kind.PORT: ("network", "/ports"),
        }[thing.kind]
        try:
            self._services.call(service, "DELETE", f"{path}/{thing.id}")
        except NotFound:
            return

    def _volumes(self) -> Iterator[Belonging]:
        for found in self._services.pages("block_storage", "/volumes/detail", "volumes"):
            tag = found.get("metadata") or {}
            on = next((one["server_id"] for one in found.get("attachments", ()) if one.get("server_id")), None)
            if on is not None or tag.get(POOL) == self._pool:
                yield _belonging(Kind.VOLUME, found, tag, on, f"{found['status']}, {found['size']} GB")

    def _ports(self) -> Iterator[Belonging]:
        for found in self._services.pages("network", "/ports", "ports", project_id=self._project()):
            tag = dict(one.split("=", 1) for one in found.get("tags") or () if "=" in one)
            on = found["device_id"] if str(found.get("device_owner", "")).startswith(OF_COMPUTE) else None
            if on or tag.get(POOL) == self._pool:
                yield _belonging(Kind.PORT, found, tag, on or None, str(found.get("status", "")))

    @translated
    def _project(self) -> str:
        return str(self._services.connection().current_project_id)


def _server(found: Json) -> Belonging:
    return _belonging(Kind.SERVER, {**found, "created_at": found["created"]}, found["metadata"], None, found["status"])


def _belonging(kind: Kind, found: Json, tag: Json, of_server: str | None, state: str) -> Belonging:
    return Belonging(
        kind=kind,
        id=found["id"],
        name=found.get("name") or "",
        group=tag.get(GROUP, ""),
        worker=tag.get(WORKER),
        ledger=tag.get(LEDGER),
        of_server=of_server,
        made_at=moment(found.get("created_at") or ""),
        state=state,
    )


def moment(text: str) -> float | None:
    """A time as OpenStack writes it, with or without its zone (UTC), in seconds since the epoch; None for nonsense."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    return (found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp()
