"""What operators read is what the code does."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest

from models.customer.bands import Band
from models.learning.monitor import GROUPS, VALUES, Watch
from models.loyalty.loop import STAGES
from streams.config import Config, ConfigError, load
from streams.errors import ExitCode
from streams.monitoring.decision_metrics import ALARMS, LEVELS, NO_GATE, WHATS
from streams.monitoring.label_values import DOUBTED, OTHER, PAUSES, REDELIVERIES, REJECTIONS
from streams.monitoring.metrics import Metrics
from tests.support.monitoring import of_rekey

ROOT = Path(__file__).resolve().parents[3]
EXAMPLE = ROOT / "retention.example.toml"
CONFIGURATION = (ROOT / "docs" / "configuration.md").read_text(encoding="utf-8")
OPERATIONS = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")


def test_the_example_file_has_every_setting_with_its_default(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in Config.model_fields:
        monkeypatch.delenv(f"RETENTION_{name.upper()}", raising=False)
    monkeypatch.setenv("RETENTION_CONFIG", str(EXAMPLE))
    config = load()
    assert config.model_fields_set == set(Config.model_fields)
    assert config.model_dump() == {name: field.default for name, field in Config.model_fields.items()}


def test_every_setting_is_documented_and_nothing_else() -> None:
    told = re.findall(r"^\| `([a-z_]+)` \|", CONFIGURATION, flags=re.MULTILINE)
    assert sorted(told) == sorted(Config.model_fields)


def test_every_exit_code_is_documented_under_its_name() -> None:
    told = dict(re.findall(r"^\| (\d+) \| `([a-z_]+)` \|", OPERATIONS, flags=re.MULTILINE))
    assert told == {str(int(code)): code.name.lower() for code in ExitCode}


def test_every_metric_is_documented_and_nothing_else() -> None:
    told = set(re.findall(r"^\| `((?:retention|process)_[a-z_]+)` \|", OPERATIONS, flags=re.MULTILINE))
    found = [*Metrics().registry.collect(), *of_rekey()]
    families = {family.name + ("_total" if family.type == "counter" else "") for family in found}
    if sys.platform != "linux":  # no /proc, no process series
        told = {name for name in told if not name.startswith("process_")}
    assert told == families


def test_every_value_of_a_label_is_documented() -> None:
    for series, values in (
        ("retention_paused", (*PAUSES, OTHER)),
        ("retention_fencing_rejections_total", (*REJECTIONS, OTHER)),
        ("retention_redeliveries_total", REDELIVERIES),
        ("retention_touchpoints_unsure_total", DOUBTED),
        ("retention_decisions_total", (*WHATS, NO_GATE, OTHER)),
        ("retention_budget_units", LEVELS),
        ("retention_alarm", ALARMS),
        ("retention_customers", [band.name.lower() for band in Band]),
        ("retention_customers_at_stage", STAGES),
        ("retention_contest_group_bias", [*GROUPS, *VALUES]),
        ("retention_contest_group_labels", [*GROUPS, *VALUES]),
        ("retention_contest_drifts", Watch().drifts),
    ):
        row = next(line for line in OPERATIONS.splitlines() if line.startswith(f"| `{series}` |"))
        assert all(f"`{value}`" in row for value in values)


def test_a_name_in_the_file_that_is_no_setting_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "retention.toml"
    file.write_text('redis_ulr = "redis://127.0.0.1/0"\n')
    monkeypatch.setenv("RETENTION_CONFIG", str(file))
    with pytest.raises(ConfigError, match="redis_ulr"):
        load()
