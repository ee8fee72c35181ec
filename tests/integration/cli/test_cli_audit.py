"""`retention audit` on topics."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from kafka import KafkaProducer

from tests.support.audited import Log
from tests.support.servers import Broker

Retention = Callable[..., Result]


@pytest.fixture
def said(retention: Retention, broker: Broker, redis_app: str, monkeypatch: pytest.MonkeyPatch) -> Log:
    """A stream with one breach, on the topics of a replay."""
    monkeypatch.setenv("RETENTION_MODE", "replay")
    assert retention("topics", "create").exit_code == 0
    log = Log.begun()
    log.send("reminder", "cart")
    log.touch("payment_failed")
    log.send("update", "payment")
    line = log.line
    producer: Any = KafkaProducer(bootstrap_servers=broker.bootstrap_servers)
    for one in line.touchpoints:
        producer.send(f"{redis_app}.touchpoints", one.value, one.key, partition=0, timestamp_ms=one.timestamp).get(60)
    for role, values in (("triggers", line.triggers), ("decisions", line.decisions)):
        for value in values:
            producer.send(f"{redis_app}.{role}", value, partition=0).get(60)
    producer.close()
    return log


def test_what_is_on_the_topics_is_read_to_its_end_and_kept(said: Log, retention: Retention, tmp_path: Path) -> None:
    result = retention("audit", "--json", "--keep", str(tmp_path))
    assert result.exit_code == 1
    told = json.loads(result.stdout)
    assert [(breach["rule"], breach["place"]["offset"]) for breach in told["breaches"]] == [("no_cause", 2)]
    assert (told["triggers"], told["touchpoints"], told["notes"]) == ({"contract": 1, "marketing": 1}, 3, [])
    again = json.loads(retention("audit", "--json", "--files", str(tmp_path)).stdout)
    assert again["breaches"] == told["breaches"]
