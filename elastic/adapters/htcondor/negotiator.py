"""What is asked of the negotiator itself: when its last cycles began, concurrency limits, static group quotas."""

import time
from collections.abc import Mapping, Sequence
from typing import Any

import htcondor2

from elastic.adapters.htcondor.bindings import COLLECTOR, ask, translated
from elastic.adapters.htcondor.values import whole
from elastic.core.observation import Negotiation
from elastic.ports import NotFound

CYCLES = 10
"""NEGOTIATION_CYCLE_STATS_LENGTH allows up to a hundred; three are looked at."""
LIMIT = "_LIMIT"
DEFAULT_LIMIT = "CONCURRENCY_LIMIT_DEFAULT"
UNLIMITED = 2308032
"""What the negotiator takes for a limit that nobody configured."""
REFRESH_SECONDS = 60.0
"""Limits change only by a reconfiguration, and each costs a question of its own."""

_configured: dict[str, tuple[float, Mapping[str, float], Mapping[str, str]]] = {}


def negotiation(named: Sequence[str]) -> Negotiation:
    """The negotiator's own words; `named` are concurrency limits that jobs in the queue ask for (lower case)."""
    collector = htcondor2.Collector()
    with translated(COLLECTOR):
        found = collector.locateAll(htcondor2.DaemonType.Negotiator)
    if not found:
        raise NotFound("no negotiator is in the collector")
    place = min(found, key=lambda ad: str(ad["Name"]))
    address = place["MyAddress"]
    with translated("negotiator"):
        (ad,) = ask(address, "Negotiator", htcondor2.AdType.Negotiator)
        limits, groups = _configuration(address, place)
    default = limits.get(DEFAULT_LIMIT.lower(), UNLIMITED)
    asked = {name: _limit(name, limits, default) for name in named}
    known = {name.removesuffix(LIMIT.lower()): value for name, value in limits.items() if name.endswith(LIMIT.lower())}
    return Negotiation(
        cycles=_cycles(ad),
        limits={**known, **{name: value for name, value in asked.items() if value < UNLIMITED}},
        group_quotas=_quotas(collector, groups),
    )


def _cycles(ad: Mapping[str, object]) -> tuple[int, ...]:
    starts = (whole(ad, f"LastNegotiationCycleTime{number}") for number in range(CYCLES))
    return tuple(sorted(start for start in starts if start))


def _configuration(address: str, place: Any) -> tuple[Mapping[str, float], Mapping[str, str]]:
    """Everything of the negotiator's configuration that ends in _LIMIT, and what concerns group quotas."""
    known = _configured.get(address)
    if known is not None and time.monotonic() - known[0] < REFRESH_SECONDS:
        return known[1], known[2]
    remote = htcondor2.RemoteParam(place)
    limits: dict[str, float] = {}
    groups: dict[str, str] = {}
    for name in remote:
        if name.upper().endswith(LIMIT) or name.upper().startswith(DEFAULT_LIMIT):
            value = _float(remote[name])
            if value is not None:
                limits[name.lower()] = value
        elif name.upper().startswith("GROUP_"):
            groups[name.upper()] = str(remote[name])
    _configured.clear()
    _configured[address] = (time.monotonic(), limits, groups)
    return limits, groups


def _limit(name: str, limits: Mapping[str, float], default: float) -> float:
    """A limit by its own name; "large.matlab" falls back to what is configured for all of "large"."""
    if (own := limits.get(f"{name}{LIMIT.lower()}")) is not None:
        return own
    family = name.partition(".")[0]
    return limits.get(f"{DEFAULT_LIMIT.lower()}_{family}", default) if "." in name else default


def _quotas(collector: Any, groups: Mapping[str, str]) -> Mapping[str, tuple[float, float]]:
    """Static quota and use of each accounting group that may not take what others leave."""
    if _text(groups.get("GROUP_NAMES")) == "":
        return {}
    with translated(COLLECTOR):
        ads = collector.query(htcondor2.AdType.Accounting, "IsAccountingGroup =?= true && ConfigQuota > 0")
    # The negotiator tells of a group some time after its first jobs; until then the configuration has to do.
    quotas = {name: (quota, 0.0) for name, quota in _configured_quotas(groups) if not _takes_surplus(name, groups)}
    for ad in ads:
        group = str(ad["AccountingGroup"])
        if group.lower() in quotas:
            quotas[group.lower()] = (float(ad["ConfigQuota"]), _float(ad.get("WeightedResourcesUsed")) or 0.0)
    return quotas


def _configured_quotas(groups: Mapping[str, str]) -> Sequence[tuple[str, float]]:
    """Groups (lower case) with a static quota."""
    names = _text(groups.get("GROUP_NAMES")).replace(",", " ").split()
    found = [(name.lower(), _float(_text(groups.get(f"GROUP_QUOTA_{name}".upper())))) for name in names]
    return [(name, quota) for name, quota in found if quota]


def _takes_surplus(group: str, groups: Mapping[str, str]) -> bool:
    """GROUP_ACCEPT_SURPLUS_<group>, else GROUP_ACCEPT_SURPLUS; autoregroup lets a group run over as well."""
    for setting in ("GROUP_ACCEPT_SURPLUS", "GROUP_AUTOREGROUP"):
        own = _text(groups.get(f"{setting}_{group}".upper()))
        if (own or _text(groups.get(setting))).lower() in {"true", "yes", "t", "y", "1"}:
            return True
    return False


def _text(value: str | None) -> str:
    return "" if value is None or value.startswith("Not defined") else value.strip()


def _float(value: object) -> float | None:
    try:
        return float(str(value))
    except ValueError:
        return None
