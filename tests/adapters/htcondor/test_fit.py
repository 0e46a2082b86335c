"""Whether a job would start on a machine, what it takes, and the reason if it would not."""

from collections.abc import Mapping

import classad2
import pytest

from elastic.adapters.htcondor import fit
from elastic.adapters.htcondor.templates import made
from elastic.core.resources import Resources

ROOM = Resources(4, 4000, 10000, 0)
JOB: Mapping[str, object] = {
    "RequestCpus": 1,
    "RequestMemory": 200,
    "RequestDisk": 2000,
    "JobUniverse": 5,
    "FileSystemDomain": "here",
    "Requirements": classad2.ExprTree(
        '(TARGET.Arch == "X86_64") && (TARGET.Memory >= RequestMemory) && (TARGET.HasFileTransfer'
        " || TARGET.FileSystemDomain == MY.FileSystemDomain)"
    ),
}


def judged(
    changes: Mapping[str, object] | None = None, room: Resources = ROOM, attributes: Mapping[str, str] | None = None
) -> Resources | str:
    return fit.judge(classad2.ClassAd({**JOB, **(changes or {})}), made(room, attributes or {}))


def test_a_job_takes_what_it_asks_for_its_memory_rounded_up_as_the_startd_does() -> None:
    assert judged() == Resources(1, 256, 2, 0)


def test_memory_is_not_rounded_beyond_what_the_machine_has() -> None:
    assert judged({"RequestMemory": 3999}) == Resources(1, 3999, 2, 0)


def test_a_request_that_is_an_expression_is_evaluated_against_the_machine() -> None:
    assert judged({"RequestMemory": classad2.ExprTree("TARGET.Memory / 4")}) == Resources(1, 1024, 2, 0)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"RequestMemory": 8192}, "RequestMemory 8192 > Memory 4000"),
        ({"RequestCpus": 5}, "RequestCpus 5 > Cpus 4"),
        ({"RequestDisk": 20000000}, "RequestDisk 20000000 > Disk 10240000"),
        ({"RequestGPUs": 1}, "RequestGPUs 1 > GPUs 0"),
        (
            {"Requirements": classad2.ExprTree('(TARGET.Arch == "X86_64") && (TARGET.HasMatlab)')},
            "Requirements: (TARGET.HasMatlab)",
        ),
        ({"Requirements": classad2.ExprTree("false")}, "Requirements: false"),
    ],
)
def test_a_misfit_has_a_reason(changes: Mapping[str, object], reason: str) -> None:
    assert judged(changes) == reason


def test_a_machine_that_does_not_want_the_job_says_start() -> None:
    assert judged(attributes={"Start": 'TARGET.Owner == "alice"'}) == "START: START"


def test_what_the_settings_promise_of_workers_is_believed() -> None:
    wants = {"Requirements": classad2.ExprTree("TARGET.HasMatlab =?= true")}
    assert isinstance(judged(wants), str)
    assert judged(wants, attributes={"HasMatlab": "true"}) == Resources(1, 256, 2, 0)


def test_before_anybody_joined_files_count_as_shared() -> None:
    wants = {"Requirements": classad2.ExprTree("TARGET.FileSystemDomain == MY.FileSystemDomain")}
    assert judged(wants) == Resources(1, 256, 2, 0)


def test_a_static_slot_is_taken_whole() -> None:
    assert judged(attributes={"SlotType": '"Static"'}) == Resources(4, 4000, 10000, 0)


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("a && b", ["a", "b"]),
        ("(a && b) && c", ["(a && b)", "c"]),
        ("a", ["a"]),
        ("a || b && c", ["a || b && c"]),
        ('x == "&&" && y[1 && 2]', ['x == "&&"', "y[1 && 2]"]),
        (r'x == "\"&&" && z', [r'x == "\"&&"', "z"]),
    ],
)
def test_a_requirement_falls_apart_at_its_outermost_conjunctions(text: str, parts: list[str]) -> None:
    assert list(fit.conjuncts(text)) == parts
