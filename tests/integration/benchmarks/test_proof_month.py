"""The proof in the whole system, small: a shop answers what the engine sends for four weeks, a worker is killed, and
the lift is what the shop's own book says."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks import proof_month
from benchmarks.proof_shop import SETTINGS
from models.settings import DAY
from tests.support.servers import Broker
from tests.support.world import world


@pytest.mark.kafka
@pytest.mark.slow
@pytest.mark.parametrize("broker", ["kafka"], indirect=True)
def test_the_lift_found_over_kafka_is_the_truth_of_the_shop_though_a_worker_is_killed(
    broker: Broker, redis_url: str, redis_app: str, tmp_path: Path
) -> None:
    with world(broker.bootstrap_servers, redis_url, redis_app, tmp_path, **SETTINGS) as engine:
        found = proof_month.run(engine, 500, 2 * DAY, print)
    assert found.left > 0, f"the slice was too short to be interrupted: {found.killed}"
    assert found.counted == found.truth
    assert min(min(arm) for arm in found.truth.values()) > 0
    assert found.interval[0] > 0.0, found.programme
    assert found.audited["breaches"] == []
    # That outputs, records and versions equal the replay is asserted in `run`.
    assert found.triggers > 100
    assert found.versions > 60
    assert f"{found.truth['control']}" in found.table()
