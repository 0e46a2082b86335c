"""States of the groups' alarms from Aodh: one list a tick; making alarms and being called by them are not here."""

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from urllib.parse import urlsplit

from elastic.adapters.openstack.connection import PAGE, Json, Services
from elastic.adapters.openstack.errors import port_error, translated
from elastic.adapters.openstack.lazily import client
from elastic.adapters.plain import plainly
from elastic.core.observation import Alarm, Alarms, AlarmState
from elastic.ports import Finding, PortError, Transient

TAG = "server_group"
"""What servers are metered by: an alarm that asks for POOL.GROUP there is that group's."""
HOOK = "/v1/alarms/aodh/"
"""An alarm that asks for no such tag, and calls this path of ours with a group's name behind it, is that group's."""


class AodhAlarms:
    """Implements `elastic.ports.Monitoring`. Alarms that are switched off do not count."""

    def __init__(self, services: Services, pool: str, groups: Collection[str]) -> None:
        """Ask nobody yet."""
        self._services, self._pool = services, pool
        self.groups = groups
        self._client = client(services, "aodhclient.v2.client")

    def alarms(self) -> Alarms:
        """The alarms of each group that has any, sorted by name."""
        found: dict[str, list[Alarm]] = {}
        for said in self._listed():
            if said.get("enabled", True):
                for group in belongs_to(said, self._pool, self.groups):
                    found.setdefault(group, []).append(alarm(said))
        return {group: tuple(sorted(mine, key=lambda a: a.name)) for group, mine in sorted(found.items())}

    def check(self) -> Finding:
        """Whether Aodh answers, and which alarm of which group cannot be told yet."""
        what = "alarms"
        try:
            found = self.alarms()
        except PortError as error:
            mend = "leave alarms out of [cloud.options], or see to Aodh; everything works without it"
            return Finding(what=what, ok=False, seen=plainly(error), mend=mend)
        if not found:
            seen = f"no alarm asks for a {TAG} of pool {self._pool}, or calls {HOOK}GROUP"
            return Finding(what=what, ok=True, seen=f"{seen}; hot/alarms.yaml makes some")
        seen = ", ".join(f"{group}: {one.name} {one.state}" for group, mine in found.items() for one in mine)
        unknown = [f"{g}: {one.name}" for g, mine in found.items() for one in mine if one.state is AlarmState.UNKNOWN]
        # Idle groups have no servers, and their alarms no measures: only a reader can tell that from a mistake.
        hint = "; insufficient data for ever: were its resources made by a user of project service?" if unknown else ""
        return Finding(what=what, ok=True, seen=f"{seen}{hint}")

    def _listed(self) -> Iterator[Json]:
        marker: str | None = None
        while True:
            page = self._page(marker)
            yield from page
            if len(page) < PAGE:
                return
            marker = str(page[-1]["alarm_id"])

    @translated
    def _page(self, marker: str | None) -> Sequence[Json]:
        from aodhclient.exceptions import ClientException  # noqa: PLC0415 - only where alarms are wanted

        self._services.calls += 1
        try:
            found: Sequence[Json] = self._client().alarm.list(limit=PAGE, marker=marker)
        except ClientException as error:
            raise port_error(error) from error
        except (AttributeError, TypeError, ValueError) as error:
            # The library falls over errors that are not in Aodh's own form, such as those of a proxy before it.
            raise Transient(f"Aodh's answer cannot be read: {error}") from error
        return found


def alarm(said: Json) -> Alarm:
    """An alarm in the core's words; a state that nobody knows is none."""
    known = {state.value: state for state in AlarmState}
    state = known.get(str(said.get("state")), AlarmState.UNKNOWN)
    return Alarm(name=str(said["name"]), state=state, severity=str(said.get("severity") or ""))


def belongs_to(said: Json, pool: str, groups: Collection[str]) -> Iterator[str]:
    """The groups that an alarm is about: whose servers it measures; where it names none, which it calls."""
    tags = set(_tags(said))
    called = {_called(str(url)) for name in ("alarm_actions", "ok_actions") for url in said.get(name) or ()}
    for group in sorted(groups):
        measured = any(_names(tag, f"{pool}.{group}") for tag in tags)
        if measured or (not tags and group in called):
            yield group


def _names(tag: str, wanted: str) -> bool:
    """Whether a rule that compares with `tag` is about this one; "%" at its end stands for anything."""
    return wanted.startswith(tag[:-1]) if tag.endswith("%") else wanted == tag


def _tags(said: Json) -> Iterator[str]:
    """Every value that the alarm's rule compares a server's tag with."""
    rule = said.get(f"{said.get('type')}_rule")
    query = rule.get("query") if isinstance(rule, Mapping) else None
    if isinstance(query, str) and query:
        try:
            yield from _compared(json.loads(query))
        except ValueError:
            return


def _compared(query: object) -> Iterator[str]:
    match query:
        case {**terms}:
            for term in terms.values():
                if isinstance(term, Mapping) and isinstance(tag := term.get(TAG), str):
                    yield tag
                yield from _compared(term)
        case [*parts]:
            for part in parts:
                yield from _compared(part)
        case _:
            return


def _called(url: str) -> str:
    path = urlsplit(url).path
    return path.rpartition(HOOK)[2] if HOOK in path else ""
