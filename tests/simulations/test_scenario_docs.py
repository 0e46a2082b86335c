from dataclasses import fields
from pathlib import Path

import pytest

from elastic_simulations.faults import ERRORS, Call, CallFault
from elastic_simulations.mishaps import Kind, Mishap
from elastic_simulations.negotiator import PACKING
from elastic_simulations.reading import CHOICES, DISTRIBUTIONS
from elastic_simulations.scenario import LISTS, TABLES, Burst, Imposed, Run, Wished
from elastic_simulations.specs import CloudSpec, GroupModel, JobSpec, MachineSpec, PoolSpec
from elastic_simulations.telemetry import TelemetrySpec
from elastic_simulations.workload import Workload

PAGE = (Path(__file__).parents[2] / "docs" / "scenarios.md").read_text(encoding="utf-8")
KINDS = (
    Run, PoolSpec, CloudSpec, TelemetrySpec, GroupModel, MachineSpec, Burst, JobSpec, Workload, Mishap, CallFault,
    Imposed, Wished,
)  # fmt: skip
NOT_KEYS = {"job", "total"}
"""A burst's job stands beside it; the machine's total is the amount of the example."""


@pytest.mark.parametrize("kind", KINDS)
def test_every_key_of_a_scenario_is_on_the_page(kind: type) -> None:
    names = [field.name for field in fields(kind) if field.name not in NOT_KEYS]
    assert [name for name in names if f"`{name}`" not in PAGE] == []


def test_every_name_that_a_key_may_have_is_on_the_page() -> None:
    names = [*Call, *Kind, *ERRORS, *PACKING, "fifo", "fair_share"]
    assert [name for name in names if f"`{name}`" not in PAGE and f"| {name} |" not in PAGE] == []
    assert [name for name in DISTRIBUTIONS if name not in PAGE] == ["constant"]
    assert [name for name in [*TABLES, *LISTS] if f"[{name}]" not in PAGE and f"`{name}`" not in PAGE] == []


def test_the_orders_of_packing_that_may_be_named_are_those_that_there_are() -> None:
    assert sorted(PACKING) == list(CHOICES["packing"])
