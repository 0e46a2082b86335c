"""Kinds of machines: which of them look alike to a job, and one ad that stands for each kind."""

import hashlib
from collections.abc import Sequence
from typing import Any

import classad2

from elastic.adapters.htcondor.values import is_number

# What changes while the machine runs, or names a single one: it must not tell kinds apart, nor stay in a template.
VOLATILE = frozenset(
    name.lower()
    for name in (
        "Draining",
        "DrainReason",
        "DrainingRequestId",
        "AcceptedWhileDraining",
        "RemoteOwner",
        "RemoteUser",
        "ClientMachine",
        "JobId",
        "GlobalJobId",
        "ChildState",
        "ChildActivity",
        "ChildName",
        "NumDynamicSlots",
        "NumDynamicSlotsTime",
        "AssignedGPUs",
        "LastHeardFrom",
        "LastUpdate",
        "AuthenticatedIdentity",
        "AuthenticationMethod",
        "UpdateSequenceNumber",
        "MyCurrentTime",
    )
)
TOTALS = {
    "Cpus": "TotalSlotCpus",
    "Memory": "TotalSlotMemory",
    "Disk": "TotalSlotDisk",
    "GPUs": "TotalSlotGPUs",
}
ATTRIBUTES = ("Arch", "OpSysAndVer", "ElasticGroup")
"""The group too, or the template of one would be a worker of another that looks like it until a job asks."""
STEP = 16
"""Memory and disk within a sixteenth are one kind: detected sizes differ a little from one server to its twin."""


class Kinds:
    """Short ids for kinds, the same in every process; and the text of one whole ad of each kind that was fetched."""

    def __init__(self) -> None:
        """Know no kind yet."""
        self.texts: dict[str, str] = {}
        self._ids: dict[tuple[object, ...], str] = {}

    def of(self, ad: Any, attributes: Sequence[str] = ()) -> str:
        """The kind of a slot ad, from everything that is known to decide matches; `attributes` are further ones."""
        get = ad.__getitem__
        key = (
            _text(ad, "Start"),
            get("SlotType") if "SlotType" in ad else "Static",
            *(_text(ad, name) for name in ATTRIBUTES),
            _number(ad, "TotalSlotCpus"),
            _number(ad, "TotalSlotGPUs"),
            coarse(_number(ad, "TotalSlotMemory")),
            coarse(_number(ad, "TotalSlotDisk")),
            *(_rough(ad, name) for name in attributes),
        )
        known = self._ids.get(key)
        if known is None:
            digest = hashlib.blake2s(repr(key).encode(), digest_size=6).hexdigest()
            known = self._ids[key] = f"machine:{digest}"
        return known

    def learn(self, kind: str, ad: Any) -> None:
        """Keep a whole ad of this kind as it looks when nothing runs there."""
        self.texts[kind] = template_text(ad)

    def keep(self, kinds: frozenset[str]) -> None:
        """Forget the texts of kinds that are no more."""
        self.texts = {kind: text for kind, text in self.texts.items() if kind in kinds}


def template_text(ad: Any) -> str:
    """The ad of a machine as it looks when nothing runs there: resources at their totals, unclaimed, no drain."""
    plain = classad2.ClassAd()
    for name in ad:
        if name.lower() not in VOLATILE:
            plain[name] = ad.lookup(name)
    for name, total in TOTALS.items():
        if is_number(ad.get(total)):
            plain[name] = int(ad[total])
    plain["State"] = "Unclaimed"
    plain["Activity"] = "Idle"
    return repr(plain)


def coarse(size: int) -> int:
    """A size rounded down so that steps are a sixteenth of it."""
    if size < STEP:
        return size
    step = 1 << max(0, size.bit_length() - STEP.bit_length())
    return size // step * step


def _text(ad: Any, name: str) -> str:
    return str(ad.lookup(name)) if name in ad else ""


def _rough(ad: Any, name: str) -> str:
    value = ad.get(name)
    return str(coarse(int(value))) if is_number(value) and value >= STEP else _text(ad, name)


def _number(ad: Any, name: str) -> int:
    value = ad.get(name, 0)
    return int(value) if is_number(value) else 0
