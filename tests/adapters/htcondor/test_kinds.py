"""Which machines look alike to a job, and the ad that stands for a kind."""

from collections.abc import Mapping

import classad2
import pytest

from elastic.adapters.htcondor.kinds import Kinds, coarse, template_text

AD: Mapping[str, object] = {
    "Name": "slot1@a",
    "SlotType": "Partitionable",
    "Start": True,
    "Arch": "X86_64",
    "OpSysAndVer": "Debian13",
    "TotalSlotCpus": 4,
    "TotalSlotMemory": 4096,
    "TotalSlotDisk": 1000000,
}


def kind(changes: Mapping[str, object] | None = None, *attributes: str) -> str:
    return Kinds().of(classad2.ClassAd({**AD, **(changes or {})}), attributes)


def test_machines_that_differ_in_name_only_are_one_kind() -> None:
    assert kind({"Name": "slot1@b", "MyCurrentTime": 5}) == kind()


@pytest.mark.parametrize(
    "changes",
    [
        {"Start": False},
        {"Start": classad2.ExprTree("TARGET.Owner == 1")},
        {"Arch": "aarch64"},
        {"OpSysAndVer": "Debian12"},
        {"TotalSlotCpus": 8},
        {"TotalSlotMemory": 8192},
        {"TotalSlotGPUs": 1},
        {"SlotType": "Static"},
    ],
)
def test_what_decides_a_match_makes_another_kind(changes: Mapping[str, object]) -> None:
    assert kind(changes) != kind()


def test_what_only_some_jobs_look_at_counts_while_they_are_in_the_queue() -> None:
    special = {"HasMatlab": True}
    assert kind(special) == kind()
    assert kind(special, "hasmatlab") != kind({}, "hasmatlab")


def test_numbers_that_jobs_look_at_count_roughly() -> None:
    assert kind({"Speed": 100000}, "speed") == kind({"Speed": 100900}, "speed")
    assert kind({"Speed": 100000}, "speed") != kind({"Speed": 200000}, "speed")
    assert kind({"Level": 7}, "level") != kind({"Level": 8}, "level")


def test_twins_whose_sizes_were_detected_a_little_differently_are_one_kind() -> None:
    assert kind({"TotalSlotMemory": 4099, "TotalSlotDisk": 1000512}) == kind({"TotalSlotMemory": 4097})


def test_sizes_are_rounded_down_by_at_most_a_sixteenth() -> None:
    assert all(size - size // 8 <= coarse(size) <= size for size in (*range(2000), 2**20 + 12345, 10**9))


def test_the_template_is_the_machine_with_nothing_on_it() -> None:
    used = {
        **AD, "State": "Drained", "Activity": "Retiring", "Cpus": 1, "Memory": 64, "Disk": 5, "NumDynamicSlots": 2,
        "Draining": True, "DrainReason": "x", "HasMatlab": True, "Requirements": classad2.ExprTree("START"),
    }  # fmt: skip
    ad = classad2.ClassAd(template_text(classad2.ClassAd(used)))
    shown = {name: ad.get(name) for name in ("State", "Activity", "Cpus", "Memory", "Disk", "HasMatlab")}
    assert shown == {
        "State": "Unclaimed",
        "Activity": "Idle",
        "Cpus": 4,
        "Memory": 4096,
        "Disk": 1000000,
        "HasMatlab": True,
    }
    assert not {"Draining", "DrainReason", "NumDynamicSlots"} & set(ad)
    assert str(ad.lookup("Requirements")) == "START"


def test_texts_of_kinds_that_are_no_more_are_forgotten() -> None:
    kinds = Kinds()
    kinds.learn("one", classad2.ClassAd(dict(AD)))
    kinds.learn("two", classad2.ClassAd(dict(AD)))
    kinds.keep(frozenset({"two"}))
    assert set(kinds.texts) == {"two"}
