"""Every alert has an entry in the runbook and asks only for metrics that exist."""

import re
from pathlib import Path

from elastic.metrics import Metrics

ROOT = Path(__file__).resolve().parent.parent
CAUSES = ("demand", "limits")
RULES = (ROOT / "deploy" / "prometheus" / "elastic.rules.yaml").read_text(encoding="utf-8")
RUNBOOK = (ROOT / "docs" / "runbook.md").read_text(encoding="utf-8")


def test_every_alert_has_its_entry_in_the_runbook_and_no_entry_is_left_over() -> None:
    alerts = re.findall(r"- alert: (\w+)", RULES)
    entries = re.findall(r"^## (\w+)$", RUNBOOK, flags=re.MULTILINE)
    assert len(alerts) > 10
    assert sorted(alerts) == sorted(entries)


def test_alerts_ask_only_for_causes_that_the_core_names() -> None:
    asked = set(re.findall(r'cause="([^"]+)"', RULES))
    named = "".join((ROOT / "elastic" / "core" / f"{module}.py").read_text(encoding="utf-8") for module in CAUSES)
    assert {"fits nowhere", "no room"} == asked
    assert [cause for cause in asked if f'"{cause}"' not in named] == []


def test_alerts_ask_only_for_metrics_that_exist() -> None:
    asked = set(re.findall(r"\belastic_\w+", "\n".join(re.findall(r"expr: (.*)", RULES))))
    known = set(re.findall(r"^# TYPE (elastic_\w+)", Metrics().text().decode(), flags=re.MULTILINE))
    assert asked - known == set()
