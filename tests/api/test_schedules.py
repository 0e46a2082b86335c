"""What the interface, the status and the check say of limits at certain hours."""

from dataclasses import replace

from elastic.api import views
from elastic.cli.status_view import _why
from elastic.core.record import Plan, TickRecord
from elastic.core.schedules import InForce
from elastic.daemon.checks import _schedules
from elastic.settings import GroupSettings, Settings
from tests.core.builders import NOW, group, memory, snapshot, targets

FLOOR = InForce(minimum=2, floor="schedule 'office' asks for at least 2 until fri 18:00", until=NOW + 17)


def record(asked: InForce) -> TickRecord:
    seen = snapshot(replace(group(), schedule=asked))
    wanted = targets(g=3)
    return TickRecord(tick=7, now=NOW, snapshot=seen, proposal=wanted, targets=wanted, plan=Plan(targets=wanted))


def test_a_group_tells_what_is_in_force_and_when_that_changes() -> None:
    (told,) = views.groups(record(FLOOR), memory(), NOW)
    assert (told.schedule, told.schedule_changes_at) == (FLOOR.floor, NOW + 17)
    assert _why(told) == f"wanted; {FLOOR.floor}"
    (quiet,) = views.groups(record(InForce()), memory(), NOW)
    assert (quiet.schedule, quiet.schedule_changes_at, _why(quiet)) == ("", None, "wanted")


def test_the_check_says_what_each_groups_schedules_ask_for_now() -> None:
    always = {"name": "always", "maximum": 1}
    hours = GroupSettings.model_validate({"name": "b", "maximum": 9, "schedules": [always]})
    settings = Settings(pool="p", groups=(GroupSettings(name="a", maximum=9), hours))
    (found,) = _schedules(settings)
    assert (found.what, found.ok) == ("schedules of b", True)
    assert found.seen.startswith("schedule 'always' asks for at most 1 until ")
