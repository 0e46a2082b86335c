"""Settings: what a file, secrets and variables make together, and that every mistake in them is said at once."""

import os
from dataclasses import fields
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from elastic.core.model import GroupSpec, SiteSpec
from elastic.core.resources import Resources
from elastic.core.schedules import Schedule
from elastic.ports import WorldSpec
from elastic.settings import Differences, GroupSettings, Settings, SettingsError, differences, load, render_reference
from elastic.settings.schedules import weekdays
from elastic_policies.fixed import Fixed

WORLDS = "known: local, openstack, simulated"
POLICIES = "known: backlog, elastiq, fixed, hybrid, thesis"

LEAST = """
pool = "physics"

[[groups]]
name = "small"
maximum = 10
"""


def written(folder: Path, text: str) -> Path:
    path = folder / "elastic.toml"
    path.write_text(text, encoding="utf-8")
    return path


def loaded(folder: Path, text: str, **variables: str) -> Settings:
    return load(written(folder, text), variables)


def problems(folder: Path, text: str, **variables: str) -> tuple[str, ...]:
    with pytest.raises(SettingsError) as raised:
        load(written(folder, text), variables)
    return raised.value.problems


def test_a_pool_and_one_group_with_a_maximum_are_enough(tmp_path: Path) -> None:
    settings = loaded(tmp_path, LEAST)
    assert settings.site_spec() == SiteSpec()
    assert settings.group_specs() == {"small": GroupSpec(name="small", maximum=10, policy="backlog")}
    assert settings.mode is None


def test_the_defaults_of_a_group_are_those_of_the_core() -> None:
    group = GroupSettings(name="small", maximum=10)
    assert group.spec(policy="", ad_lifetime_seconds=900.0) == GroupSpec(name="small", maximum=10)


def test_every_field_of_the_core_can_be_set() -> None:
    elsewhere = {"ad_lifetime_seconds"}
    assert {field.name for field in fields(GroupSpec)} - elsewhere <= set(GroupSettings.model_fields)


def test_everything_can_be_set_in_the_file(tmp_path: Path) -> None:
    settings = loaded(
        tmp_path,
        """
        pool = "physics"
        mode = "act"
        tick_seconds = 10
        site = {vanish_minimum = 5}
        htcondor = {collector = "10.0.0.1:9618", machine_update_seconds = 60, ad_lifetime_seconds = 200}
        cloud = {kind = "simulated", options = {boot_seconds = 3, quota = {cores = 8}}}
        policy = {name = "fixed", parameters = {fixed = {workers = 3}}}
        [[groups]]
        name = "big"
        maximum = 4
        minimum = 1
        shape = {cpus = 8, memory_mb = 16000}
        reserve = {memory_mb = 500}
        policy = "backlog"
        options = {flavor = "m1.big"}
        [[groups]]
        name = "a"
        maximum = 1
        """,
    )
    assert settings.mode == "act"
    assert settings.site_spec() == SiteSpec(
        tick_seconds=10, vanish_minimum=5, machine_update_seconds=60, ad_lifetime_seconds=200
    )
    groups = {
        "a": GroupSpec(name="a", maximum=1, policy="fixed", ad_lifetime_seconds=200),
        "big": GroupSpec(
            name="big",
            maximum=4,
            minimum=1,
            shape=Resources(8, 16000, 10240, 0),
            reserve=Resources(0, 500, 1024, 0),
            policy="backlog",
            ad_lifetime_seconds=200,
            options={"flavor": "m1.big"},
        ),
    }
    assert list(settings.group_specs().items()) == list(groups.items())
    assert settings.world_spec("uuid") == WorldSpec(
        pool="physics",
        ledger="uuid",
        folder=Path("/var/lib/elastic"),
        groups=groups,
        options={"boot_seconds": 3, "quota": {"cores": 8}, "htcondor": settings.htcondor.model_dump()},
    )


def test_paths_are_taken_from_where_the_file_is(tmp_path: Path) -> None:
    settings = loaded(tmp_path, f'folder = "state"\n{LEAST}')
    assert settings.ledger_path == tmp_path / "state" / "ledger.sqlite"
    assert settings.record_folder == tmp_path / "state" / "records"
    assert settings.token_path == tmp_path / "state" / "api.token"


def test_five_mistakes_are_five_problems_each_with_its_path_and_what_would_be_right(tmp_path: Path) -> None:
    text = """
    pool = "physics"
    tick_second = 30
    [api]
    host = "0.0.0.0"
    [policy]
    name = "backlg"
    [[groups]]
    name = "small"
    [[groups]]
    name = "big"
    maximum = 10
    idle_seconds = "long"
    """
    assert sorted(problems(tmp_path, text)) == [
        "api.host: must be a loopback address: 127.0.0.1, ::1 or localhost, not '0.0.0.0'",
        "groups[0].maximum (group 'small'): must be given (workers at most)",
        "groups[1].idle_seconds (group 'big'): must be a number, not 'long'",
        f"policy.name: no policy named 'backlg'; {POLICIES}; did you mean backlog?",
        "tick_second: no such setting; did you mean tick_seconds?",
    ]


@pytest.mark.parametrize("host", ["127.0.0.1", "::1", "localhost"])
def test_the_interface_is_on_loopback(tmp_path: Path, host: str) -> None:
    assert load(written(tmp_path, f'{LEAST}\n[api]\nhost = "{host}"'), {}).api.host == host


@pytest.mark.parametrize("host", ["127.0.0.2", "192.0.2.1", "here"])
def test_an_address_under_which_no_request_would_be_answered_is_refused(tmp_path: Path, host: str) -> None:
    wrong = f"api.host: must be a loopback address: 127.0.0.1, ::1 or localhost, not '{host}'"
    assert problems(tmp_path, f'{LEAST}\n[api]\nhost = "{host}"') == (wrong,)


def test_the_error_names_the_file_and_counts(tmp_path: Path) -> None:
    path = written(tmp_path, f"tick_second = 3\ntick_secnds = 3\n{LEAST}")
    with pytest.raises(SettingsError) as raised:
        load(path, {})
    assert str(raised.value) == (
        f"2 problems in {path}:\n"
        "  tick_second: no such setting; did you mean tick_seconds?\n"
        "  tick_secnds: no such setting; did you mean tick_seconds?"
    )


@pytest.mark.parametrize(
    ("more", "problem"),
    [
        ("minimum = 11", "groups[0] (group 'small'): maximum 10 is below minimum 11"),
        ("boots_cap = 5", "groups[0] (group 'small'): boots_cap 5 is below boots_start 10"),
        ("maximm = 5", "groups[0].maximm (group 'small'): no such setting; did you mean maximum?"),
        ("shape = {cpu = 1}", "groups[0].shape.cpu (group 'small'): no such setting; did you mean cpus?"),
        ("drain_fraction = 0.0", "groups[0].drain_fraction (group 'small'): should be greater than 0, not 0.0"),
        ("idle_seconds = inf", "groups[0].idle_seconds (group 'small'): should be a finite number, not inf"),
        (
            'policy = "fixed"\npolicy_parameters = {worker = 3}',
            (
                "groups[0].policy_parameters (group 'small'): "
                "policy 'fixed': no parameter 'worker'; known: workers; did you mean workers?"
            ),
        ),
        (
            'policy = "fxed"',
            f"groups[0].policy (group 'small'): no policy named 'fxed'; {POLICIES}; did you mean fixed?",
        ),
        (
            '[[groups]]\nname = "small"\nmaximum = 1',
            "groups[1].name: 'small' is groups[0] already; give it another name",
        ),
        (
            '[[groups]]\nname = "Big"\nmaximum = 1',
            "groups[1].name: must be 1 to 40 lower case letters, digits and inner hyphens, a letter first, not 'Big'",
        ),
        ('[cloud]\nkind = "locl"', f"cloud.kind: no world named 'locl'; {WORLDS}; did you mean local?"),
        ('[cloud]\nflavor = "m1"', "cloud.flavor: no such setting; known: kind, options"),
        (
            "[policy.parameters.fixd]\nworkers = 3",
            f"policy.parameters.fixd: no policy named 'fixd'; {POLICIES}; did you mean fixed?",
        ),
        (
            "[policy.parameters.backlog]\nheadrom = 3",
            (
                "policy.parameters.backlog: "
                "policy 'backlog': no parameter 'headrom'; known: cap, drain_seconds, headroom; did you mean headroom?"
            ),
        ),
        ("[api]\nport = 99999", "api.port: should be less than or equal to 65535, not 99999"),
        (
            '[[groups.schedules]]\nname = "x"\nminimum = 11',
            ("groups[0].schedules[0] (group 'small'): minimum 11 is above the group's maximum 10, which always holds"),
        ),
        (
            'minimum = 2\n[[groups.schedules]]\nname = "x"\nmaximum = 1',
            ("groups[0].schedules[0] (group 'small'): maximum 1 is below the group's minimum 2, which always holds"),
        ),
        (
            '[[groups.schedules]]\nname = "x"\nminimum = 1\n[[groups.schedules]]\nname = "x"\nmaximum = 1',
            ("groups[0].schedules[1] (group 'small').name: two schedules are called 'x'; give one another name"),
        ),
    ],
)
def test_a_mistake_is_said_with_its_place(tmp_path: Path, more: str, problem: str) -> None:
    assert problems(tmp_path, LEAST + more) == (problem,)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("pool = physics", "not TOML"),
        ('pool = "physics"\ngroups = []', "groups: must not be empty; give one [[groups]] for each kind of worker"),
        ('pool = "physics"', "groups: must be given"),
        (
            'pool = "physics"\n[groups]\nname = "small"\nmaximum = 1',
            "groups: must be a list; a list of tables is written with double brackets, as [[groups]]",
        ),
        (f"api = 3\n{LEAST}", "api: must be a table, not 3"),
    ],
)
def test_a_file_without_sense_is_one_problem(tmp_path: Path, text: str, problem: str) -> None:
    (said,) = problems(tmp_path, text)
    assert problem in said


def test_a_file_that_is_not_there_is_one_problem(tmp_path: Path) -> None:
    with pytest.raises(SettingsError) as raised:
        load(tmp_path / "none.toml", {})
    assert raised.value.problems == (f"{tmp_path}/none.toml: cannot be read: No such file or directory",)


def test_variables_win_over_the_file_and_reach_into_groups_by_name(tmp_path: Path) -> None:
    settings = loaded(
        tmp_path,
        LEAST.replace("small", "very-small"),
        ELASTIC_TICK_SECONDS="12.5",
        ELASTIC_API__PORT="8000",
        ELASTIC_HTCONDOR__SCHEDDS='["a", "b"]',
        ELASTIC_GROUPS__VERY_SMALL__MAXIMUM="3",
        ELASTIC_GROUPS__VERY_SMALL__SHAPE__CPUS="2",
        ELASTIC_CLOUD__OPTIONS__BOOT_SECONDS="4",
        ELASTIC_SETTINGS="/etc/elastic.toml",
        HOME="/root",
    )
    (group,) = settings.groups
    assert (settings.tick_seconds, settings.api.port, settings.htcondor.schedds) == (12.5, 8000, ("a", "b"))
    assert (group.maximum, group.shape.cpus) == (3, 2)
    assert settings.cloud.options == {"boot_seconds": 4}


def test_variables_alone_are_enough() -> None:
    settings = load(None, {"ELASTIC_POOL": "physics", "ELASTIC_GROUPS": '[{name = "small", maximum = 2}]'})
    assert settings.group_specs()["small"].maximum == 2


def test_wrong_variables_are_said_with_all_other_problems(tmp_path: Path) -> None:
    said = problems(
        tmp_path,
        f"tick_second = 1\n{LEAST}",
        ELASTIC_API__PRT="8000",
        ELASTIC_API__PORT="http",
        ELASTIC_GROUPS__SMAL__MAXIMUM="3",
        ELASTIC_POOL__NAME="x",
    )
    assert sorted(said) == [
        "ELASTIC_API__PRT: no such setting; did you mean port?",
        "ELASTIC_GROUPS__SMAL__MAXIMUM: no group named 'SMAL'; known: small; did you mean small?",
        "ELASTIC_POOL__NAME: pool is no table",
        "api.port: must be a whole number, not 'http' (from ELASTIC_API__PORT)",
        "tick_second: no such setting; did you mean tick_seconds?",
    ]


def test_secrets_come_from_a_folder_and_are_never_shown(tmp_path: Path) -> None:
    secrets = tmp_path / "secrets"
    secrets.mkdir()
    (secrets / "elastic_api__token").write_text("0123456789abcdef\n", encoding="utf-8")
    (secrets / "somebody_elses").write_text("x", encoding="utf-8")
    settings = loaded(tmp_path, f'secrets_folder = "secrets"\n{LEAST}')
    assert settings.api.token is not None
    assert settings.api.token.get_secret_value() == "0123456789abcdef"
    assert "0123456789abcdef" not in repr(settings)


def test_systemd_credentials_are_secrets(tmp_path: Path) -> None:
    (tmp_path / "elastic_api__token").write_text("0123456789abcdef", encoding="utf-8")
    settings = loaded(tmp_path, LEAST, CREDENTIALS_DIRECTORY=str(tmp_path))
    assert settings.api.token is not None


def test_a_wrong_secret_is_said_without_its_text(tmp_path: Path) -> None:
    secrets = tmp_path / "secrets"
    secrets.mkdir()
    (secrets / "elastic_api__token").write_text("hunter2", encoding="utf-8")
    (secrets / "elastic_api__tokn").write_text("hunter2", encoding="utf-8")
    said = problems(tmp_path, LEAST, ELASTIC_SECRETS_FOLDER=str(secrets))
    assert said == (
        "secret elastic_api__tokn: no such setting; did you mean token?",
        "api.token: must have 16 characters or more, or be left out (from secret elastic_api__token)",
    )


def test_a_secrets_folder_that_is_not_there_is_a_problem(tmp_path: Path) -> None:
    (said,) = problems(tmp_path, f'secrets_folder = "none"\n{LEAST}')
    assert said == f"secrets_folder: {tmp_path}/none cannot be read: No such file or directory"


def test_groups_with_equal_policies_share_one_and_their_own_parameters_come_first(tmp_path: Path) -> None:
    settings = loaded(
        tmp_path,
        """
        pool = "physics"
        [policy]
        name = "fixed"
        [policy.parameters.fixed]
        workers = 3
        [[groups]]
        name = "a"
        maximum = 9
        [[groups]]
        name = "b"
        maximum = 9
        [[groups]]
        name = "c"
        maximum = 9
        policy_parameters = {workers = 5}
        """,
    )
    policies = settings.policies()
    assert policies == {"a": Fixed(workers=3), "b": Fixed(workers=3), "c": Fixed(workers=5)}
    assert policies["a"] is policies["b"]


def test_a_reload_says_what_it_can_take_and_what_needs_a_restart(tmp_path: Path) -> None:
    old = loaded(tmp_path, LEAST)
    new = loaded(
        tmp_path,
        """
        pool = "chemistry"
        mode = "act"
        tick_seconds = 10
        ledger = "other.sqlite"
        [api]
        port = 8000
        [htcondor]
        collector = "10.0.0.1"
        machine_update_seconds = 60
        [[groups]]
        name = "big"
        maximum = 1
        [[groups]]
        name = "small"
        maximum = 11
        """,
    )
    found = differences(old, new)
    assert [path for path in found.at_once if not path.startswith("groups.big.")] == [
        "groups.small.maximum",
        "htcondor.machine_update_seconds",
        "mode",
        "tick_seconds",
    ]
    assert any(path.startswith("groups.big.") for path in found.at_once)
    assert found.restart == ("api.port", "htcondor.collector", "ledger", "pool")


def test_the_order_of_groups_in_the_file_is_no_difference(tmp_path: Path) -> None:
    pool, small = LEAST.split("\n\n")
    big = '[[groups]]\nname = "big"\nmaximum = 1'
    one, two = loaded(tmp_path, f"{pool}\n{small}\n{big}"), loaded(tmp_path, f"{pool}\n{big}\n{small}")
    assert one.groups != two.groups
    assert differences(one, two) == Differences()


def test_every_setting_says_why_its_default_is_what_it_is() -> None:
    silent = [line for line in render_reference().splitlines() if line.startswith("| `") and line.endswith("|  |")]
    assert silent == []


def test_the_reference_in_the_docs_is_the_settings_own() -> None:
    page = Path(__file__).parent.parent / "docs" / "settings.md"
    assert render_reference() in page.read_text(encoding="utf-8")


def test_the_environment_of_this_machine_is_not_read_by_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(os.environ, "ELASTIC_TICK_SECONDS", "99")
    assert loaded(tmp_path, LEAST).tick_seconds == 30


OFFICE = (
    LEAST
    + """
[[groups.schedules]]
name = "office hours"
weekdays = ["mon-thu", "fri"]
start = "08:00"
end = "18:00"
time_zone = "Europe/Berlin"
minimum = 5
"""
)


def test_a_schedule_is_read_with_its_days_its_hours_and_its_clock(tmp_path: Path) -> None:
    (group,) = loaded(tmp_path, OFFICE).group_specs().values()
    assert group.schedules == (
        Schedule(
            name="office hours",
            weekdays=frozenset(range(5)),
            start_minute=480,
            end_minute=1080,
            zone=ZoneInfo("Europe/Berlin"),
            minimum=5,
        ),
    )
    assert loaded(tmp_path, OFFICE).group_specs() == loaded(tmp_path, OFFICE).group_specs()


def test_days_may_go_round_the_end_of_the_week() -> None:
    assert weekdays(["sat-mon", "wed"]) == {5, 6, 0, 2}


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ("mon-thu", "mon-thx", "no day 'mon-thx'; known: mon, tue, wed, thu, fri, sat, sun, and ranges: mon-fri"),
        ("Europe/Berlin", "Europe/Bern", "no time zone 'Europe/Bern' on this machine"),
        ("minimum = 5", "", "asks for nothing; give minimum, maximum or both"),
        ("minimum = 5", "minimum = 5\nmaximum = 4", "maximum 4 is below minimum 5"),
        ("08:00", "8:00", "groups[0].schedules[0].start (group 'small')"),
        ("18:00", "24:30", "groups[0].schedules[0].end (group 'small')"),
        ("08:00", "24:00", "start 24:00 is 00:00 of the next day"),
    ],
)
def test_a_schedule_that_cannot_be_is_said_with_its_place(tmp_path: Path, old: str, new: str, problem: str) -> None:
    (said,) = problems(tmp_path, OFFICE.replace(old, new))
    assert "groups[0].schedules[0]" in said
    assert problem in said
