"""A churn rate above the threshold is told with its figures, and with what helps."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from models.churn import Version
from models.learning.base_rate import LEAST_LABELS, above_threshold, warnings
from models.settings import DAY, EngineSettings
from models.timeline.shard_state import PolicyName, ShardState
from streams.cli.main import main
from streams.operations.champion import Standing
from streams.operations.doctor.churn_rate import finding
from streams.operations.doctor.finding import Status
from streams.shard.meta import SCHEMA, Creation, ShardBody

SETTINGS = EngineSettings(horizon=28 * DAY, enter=0.8)
HIGH = {"labels": 400, "churn_rate": 0.92, "mean_predicted": 0.9}


def test_a_rate_above_the_threshold_is_told_with_horizon_threshold_and_what_was_predicted() -> None:
    told = above_threshold(HIGH, SETTINGS)
    assert told is not None
    for figure in ("churn rate is 0.92", "400 outcomes", "28 days, 0.90 was predicted", "above enter (0.8)"):
        assert figure in told
    assert warnings(HIGH, SETTINGS) == [f"warning: {told}", warnings(HIGH, SETTINGS)[1]]
    assert "RETENTION_HORIZON_DAYS" in warnings(HIGH, SETTINGS)[1]
    assert "RETENTION_ENTER" in warnings(HIGH, SETTINGS)[1]


@pytest.mark.parametrize(
    "quality",
    [
        {},
        {"labels": 0, "churn_rate": None},
        HIGH | {"churn_rate": 0.79},
        HIGH | {"labels": LEAST_LABELS - 1},
    ],
)
def test_a_rate_below_it_or_of_few_outcomes_is_no_reason_to_warn(quality: Mapping[str, Any]) -> None:
    assert warnings(quality, SETTINGS) == []


def standing(quality: dict[str, Any] | None) -> Standing:
    creation = Creation("id", 1, "live", SETTINGS.deciding())
    version = None if quality is None else Version(0, 400, {}, quality)
    return Standing(ShardBody(SCHEMA, creation, ShardState(0, 1, 0)), version, ["mixture"])


def test_the_doctor_warns_by_the_settings_that_the_shards_were_created_with() -> None:
    found = finding(standing(HIGH))
    assert found.status is Status.WARNING
    assert "0.92" in found.text
    assert "`retention settings apply --set enter=P`" in found.remedy


def test_where_a_policy_is_in_force_its_levels_count() -> None:
    stands = standing(HIGH)
    state = ShardState(0, 1, 0, policy=PolicyName(7, "0" * 64))
    found = finding(stands._replace(body=ShardBody(SCHEMA, stands.body.creation, state)))
    assert (found.status, found.text) == (Status.OK, "0.92 over 400 outcomes, the policy's levels count")


@pytest.mark.parametrize(
    ("quality", "told"),
    [
        (None, "no outcome is known yet"),
        ({"labels": 0, "churn_rate": None}, "no outcome is known yet"),
        (HIGH | {"churn_rate": 0.35}, "0.35 over 400 outcomes, enter is 0.8"),
    ],
)
def test_the_doctor_tells_a_rate_that_is_as_it_should_be(quality: dict[str, Any] | None, told: str) -> None:
    found = finding(standing(quality))
    assert (found.status, found.text) == (Status.OK, told)


def test_a_rehearsal_of_customers_who_come_once_warns_on_standard_error(tmp_path: Path) -> None:
    rows = [f"c{n},2024-01-{1 + n % 28:02d},purchase,5,1\n" for n in range(60)]
    log = tmp_path / "log.csv"
    log.write_text(
        "customer_id,ts,type,amount,qty\n" + "".join(rows) + "c0,2024-03-25,purchase,5,1\n", encoding="utf-8"
    )
    result = CliRunner().invoke(main, ["rehearse", str(log), "--partitions", "1", "--horizon-days", "14", "--json"])
    assert result.exit_code == 0, result.stderr
    assert "warning: " in result.stderr
    assert "above enter (0.8)" in result.stderr
    assert "warning" not in result.stdout
