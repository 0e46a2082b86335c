"""What is said of unpacked daemons that are not the tested ones; fetching them is tested in tests/lab."""

import pytest

from elastic.local.runtime import STABLE, TESTING, compare, known_good

TESTED = {"condor": {"version": "23.9.6-1", "architecture": "amd64", "sha256": "aa"}}


def packages(**changes: str) -> dict[str, dict[str, str]]:
    bash = {"version": "5.2", "architecture": "amd64", "sha256": "dd"}
    return {"bash": bash, "condor": {**TESTED["condor"], **changes}}


@pytest.mark.parametrize(
    ("changes", "warnings"),
    [
        ({}, ()),
        ({"version": "23.9.7-1"}, ("condor 23.9.7-1 is not the tested 23.9.6-1 of suite trixie",)),
        ({"sha256": "bb"}, ("condor 23.9.6-1 of suite trixie has another checksum than the tested file",)),
        ({"architecture": "arm64"}, ("condor was not tested on this architecture in suite trixie",)),
    ],
)
def test_a_package_that_is_not_the_tested_one_is_named(changes: dict[str, str], warnings: tuple[str, ...]) -> None:
    assert compare(packages(**changes), TESTED, "trixie") == warnings


def test_a_suite_without_record_is_named() -> None:
    assert compare(packages(), {}, "sid") == ("no tested HTCondor version on record for suite sid",)


def test_both_suites_are_on_record() -> None:
    assert sorted(known_good()) == sorted([STABLE, TESTING])
