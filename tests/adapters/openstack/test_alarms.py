"""Alarms as Aodh lists them: whose they are, and what they say; the rest is tried against a real one."""

import json
from collections.abc import Sequence

import pytest

from elastic.adapters.openstack.alarms import AodhAlarms, alarm, belongs_to
from elastic.adapters.openstack.connection import PAGE, Json, Services
from elastic.core.observation import Alarm, AlarmState
from elastic.ports import Transient

KIND = "gnocchi_aggregation_by_resources_threshold"
GROUPS = ("small", "big")


def listed(name: str = "small-cpu-high", group: str = "small", **changes: object) -> Json:
    query = json.dumps({"=": {"server_group": f"physics.{group}"}})
    plain = {
        "alarm_id": f"id-{name}",
        "name": name,
        "type": KIND,
        f"{KIND}_rule": {"query": query, "threshold": 3e10},
        "state": "alarm",
        "severity": "low",
        "enabled": True,
        "alarm_actions": [],
        "ok_actions": [],
    }
    return {**plain, **changes}


def ruled(rule: Json) -> Json:
    return {**listed(), f"{KIND}_rule": rule}


HOOK = "http://elastic:secret@10.0.0.5:9680/v1/alarms/aodh"


@pytest.mark.parametrize(
    ("said", "groups"),
    [
        (listed(), ["small"]),
        (listed(group="huge"), []),
        (listed(group="small-2"), []),
        (ruled({"query": '{"and": [{"=": {"server_group": "physics.big"}}]}'}), ["big"]),
        (ruled({"query": '{"=": {"server_group": "chemistry.small"}}'}), []),
        (ruled({"query": "not JSON"}), []),
        (listed(type="event", event_rule={"query": [{"field": "f"}]}), []),
        (listed(type="composite", composite_rule={}, alarm_actions=[f"{HOOK}/big"]), ["big"]),
        (ruled({"query": '{"like": {"server_group": "physics.%"}}'}), ["big", "small"]),
        (ruled({"query": '{"like": {"server_group": "physics.b%"}}'}), ["big"]),
        (listed(group="huge", ok_actions=[f"{HOOK}/small"]), []),
        (listed(type="event", ok_actions=[f"{HOOK}/small?aodh-alarm-ssl-verify=0"]), ["small"]),
        (listed(type="event", alarm_actions=["http://elsewhere/small", "log://"]), []),
        (listed(alarm_actions=[f"{HOOK}/big"]), ["small"]),
    ],
)
def test_an_alarm_belongs_to_whom_it_measures_or_calls(said: Json, groups: list[str]) -> None:
    assert list(belongs_to(said, "physics", GROUPS)) == groups


@pytest.mark.parametrize(
    ("state", "expected"),
    [
        ("ok", AlarmState.OK),
        ("alarm", AlarmState.ALARM),
        ("insufficient data", AlarmState.UNKNOWN),
        ("new in a later release", AlarmState.UNKNOWN),
    ],
)
def test_an_alarm_in_the_cores_words(state: str, expected: AlarmState) -> None:
    assert alarm(listed(state=state)) == Alarm(name="small-cpu-high", state=expected, severity="low")


class Aodh(AodhAlarms):
    """One that has what a test says, page by page."""

    def __init__(self, *alarms: Json, error: Exception | None = None) -> None:
        super().__init__(Services(), "physics", GROUPS)
        self.alarms_, self.error, self.asked = alarms, error, 0

    def _page(self, marker: str | None) -> Sequence[Json]:
        self.asked += 1
        if self.error is not None:
            raise self.error
        ids = [one["alarm_id"] for one in self.alarms_]
        first = ids.index(marker) + 1 if marker else 0
        return self.alarms_[first : first + PAGE]


def test_each_group_has_its_alarms_sorted_and_those_switched_off_are_none() -> None:
    aodh = Aodh(listed("b"), listed("a"), listed("c", "big", state="ok"), listed("d", enabled=False))
    assert aodh.alarms() == {
        "big": (Alarm(name="c", state=AlarmState.OK, severity="low"),),
        "small": tuple(Alarm(name=name, state=AlarmState.ALARM, severity="low") for name in "ab"),
    }
    assert aodh.asked == 1


def test_a_project_with_many_alarms_is_read_to_the_end() -> None:
    many = [listed(f"other-{place:04}", "huge") for place in range(PAGE)]
    aodh = Aodh(*many, listed())
    assert [group for group, mine in aodh.alarms().items() for _ in mine] == ["small"]
    assert aodh.asked == 2


def test_check_says_what_each_alarm_says_and_what_may_be_wrong_with_one_that_says_nothing() -> None:
    found = Aodh(listed(), listed("c", "big", state="insufficient data")).check()
    assert (found.ok, found.seen.partition(";")[0]) == (
        True,
        "big: c insufficient data, small: small-cpu-high alarm",
    )
    assert "made by a user of project service?" in found.seen
    assert Aodh().check().ok
    broken = Aodh(error=Transient("no answer")).check()
    assert (broken.ok, broken.seen) == (False, "no usable answer: no answer")
