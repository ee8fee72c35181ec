"""`retention control` on Apache Kafka: rows of the decisions' own partition, once each, and gone with an erasure."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest
from kafka import KafkaProducer

from models.outputs import Decision, Position, encode
from models.outputs.control import ControlMember
from streams.kafka.admin import TopicAdmin
from streams.kafka.security import KafkaConnection
from streams.kafka.topic_reader import TopicReader
from tests.integration.cli.conftest import run
from tests.support.cli_docs import undocumented
from tests.support.servers import ApacheKafka


def said(what: str, customer: str, time: int, control: bool = False) -> Decision:
    return Decision(f"{what}-{customer}", what, time, Position(0, 0, False), customer, control=control, policy="1@ab")


def test_members_are_written_once_and_leave_at_an_erasure(
    kafka: ApacheKafka, redis_app: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = {"bootstrap_servers": kafka.bootstrap_servers, "topic_prefix": redis_app, "partitions": "3"}
    for setting, value in own.items():
        monkeypatch.setenv(f"RETENTION_{setting.upper()}", value)
    assert run("topics", "create").exit_code == 0

    def decides(partition: int, *decisions: Decision) -> None:
        producer: Any = KafkaProducer(bootstrap_servers=kafka.bootstrap_servers)
        for one in decisions:
            producer.send(f"{redis_app}.decisions", encode(one), partition=partition).get(60)
        producer.close()

    def told() -> dict[str, Any]:
        result = run("control", "--once", "--json")
        assert result.exit_code == 0, result.output
        answer: dict[str, Any] = json.loads(result.stdout)
        assert undocumented("control", answer) == []
        return answer

    def rows() -> list[tuple[int, bytes | None, bytes]]:
        with TopicReader(KafkaConnection(kafka.bootstrap_servers), f"{redis_app}.control") as topic:
            return sorted((read.partition, read.key, read.value) for read in topic.last(0))

    decides(1, said("decided", "anna", 5, control=True), said("decided", "anna", 9, control=True))
    decides(2, said("decided", "ben", 6, control=True), said("decided", "cleo", 7))
    name = f"{redis_app}.control"
    assert told() == {"topic": name, "members": 2, "written": 2, "removed": 0}
    [anna, ben] = rows()
    assert (anna[:2], ben[:2]) == ((1, b"anna"), (2, b"ben"))
    assert msgspec.json.decode(anna[2], type=ControlMember) == ControlMember("anna", 5, "1@ab")
    assert told() == {"topic": name, "members": 2, "written": 0, "removed": 0}, "it goes on where its rows end"
    with TopicAdmin(KafkaConnection(kafka.bootstrap_servers)) as admin:
        facts = admin.describe([name])[name]
    assert (facts.partitions, facts.settings["cleanup.policy"]) == (3, "compact")

    decides(1, said("erased", "anna", 11))
    assert told() == {"topic": name, "members": 1, "written": 0, "removed": 1}
    assert rows() == [(1, b"anna", b""), anna, ben]
