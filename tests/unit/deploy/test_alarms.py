"""The alarms: valid, told in the documentation, about series that workers have, and each seen firing."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.conftest import started
from tests.support.monitoring import PROMETHEUS, ROOT, RULES, alarms, families, name_of, promtool, selectors

CASES = Path(__file__).with_name("alarms.yml")
OPERATIONS = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
NAMES = [alarm["alert"] for alarm in alarms()]


def run(*arguments: object) -> str:
    tool = started("checks of the alarms", promtool)
    done = subprocess.run([tool, *map(str, arguments)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_promtool_finds_the_rules_valid() -> None:
    assert f"{len(alarms())} rules found" in run("check", "rules", RULES)


def test_promtool_finds_the_configuration_for_compose_valid_and_its_rules_with_it() -> None:
    assert f"{len(alarms())} rules found" in run("check", "config", PROMETHEUS / "prometheus.yml")


@pytest.mark.slow
def test_each_alarm_fires_when_it_should_and_not_before() -> None:
    assert "SUCCESS" in run("test", "rules", CASES)


def test_no_alarm_was_left_untried() -> None:
    tried = {
        case["alertname"]
        for test in yaml.safe_load(CASES.read_text(encoding="utf-8"))["tests"]
        for case in test["alert_rule_test"]
        if case["exp_alerts"]
    }
    assert tried == set(NAMES)


@pytest.mark.parametrize("alarm", alarms(), ids=NAMES)
def test_an_alarm_says_what_is_wrong_how_urgent_it_is_and_where_its_remedy_stands(alarm: dict[str, Any]) -> None:
    assert alarm["labels"]["severity"] in ("page", "ticket")
    told = alarm["annotations"]
    assert set(told) == {"summary", "remedy"}
    assert told["remedy"].endswith(f"docs/operations.md#{alarm['alert'].lower()}")


def test_every_alarm_has_its_section_and_its_row_with_the_same_urgency_and_nothing_else_has() -> None:
    assert re.findall(r"^### (Retention\w+)$", OPERATIONS, flags=re.MULTILINE) == NAMES
    rows = re.findall(r"^\| \[(Retention\w+)\]\(#(\w+)\) \| (\w+) \|", OPERATIONS, flags=re.MULTILINE)
    assert rows == [(a["alert"], a["alert"].lower(), a["labels"]["severity"]) for a in alarms()]


@pytest.mark.parametrize("alarm", alarms(), ids=NAMES)
def test_an_alarm_asks_for_series_that_workers_have(alarm: dict[str, Any]) -> None:
    asked = {name_of(selector) for selector in selectors(alarm["expr"])}
    assert asked
    assert asked <= families()


def test_compose_workers_are_scraped() -> None:
    config = yaml.safe_load((PROMETHEUS / "prometheus.yml").read_text(encoding="utf-8"))
    (job,) = config["scrape_configs"]
    assert job["job_name"] == "retention"
    assert job["static_configs"] == [{"targets": ["worker-1:9100", "worker-2:9100"]}]
