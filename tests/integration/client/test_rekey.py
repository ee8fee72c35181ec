"""A topic that is keyed otherwise becomes touchpoints keyed by customer, exactly once, whatever is killed meanwhile."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from kafka import KafkaProducer

from models.timeline.partitioning import partition_of
from streams.kafka.admin import TopicAdmin
from streams.kafka.security import KafkaConnection
from streams.kafka.topic_reader import Read, TopicReader
from streams.kafka.topics import TopicSpec
from tests.support.servers import PROJECT, ApacheKafka

MAP = PROJECT / "docs" / "examples" / "maps" / "debezium" / "map.toml"
ORDERS, EACH_KILL, KILLS = 3_000, 700, 3


def order(number: int) -> bytes:
    """A change record of Debezium, keyed by the order."""
    after = {"id": number, "customer_id": number % 50, "total_cents": 1000, "currency": "EUR"}
    after["created_at"] = 1_714_564_800_123_000
    return json.dumps({"before": None, "after": after, "source": {"table": "orders"}, "op": "c"}).encode()


class Place:
    """Topics of one test, and the command on them."""

    def __init__(self, kafka: ApacheKafka, app: str, folder: Path) -> None:
        self.connection, self.app = KafkaConnection(kafka.bootstrap_servers), app
        self.source, self._folder = f"{app}.orders", folder
        specs = [TopicSpec("touchpoints", f"{app}.touchpoints", 4, 1, {}), TopicSpec("any", self.source, 3, 1, {})]
        with TopicAdmin(self.connection) as admin:
            admin.create(specs)

    def write(self, values: list[bytes | None]) -> None:
        producer: Any = KafkaProducer(bootstrap_servers=self.connection.bootstrap_servers)
        for number, value in enumerate(values):
            producer.send(self.source, value, str(number).encode())
        producer.flush()
        producer.close()

    def start(self, *more: str) -> subprocess.Popen[str]:
        options = ["--map", str(MAP), "--instance", "a", *more]
        command = [sys.executable, "-m", "streams.cli", "rekey", self.source, *options]
        own = {
            "RETENTION_BOOTSTRAP_SERVERS": self.connection.bootstrap_servers,
            "RETENTION_APP": self.app,
            "RETENTION_TOPIC_PREFIX": self.app,
            "PYTHONPATH": str(PROJECT),
        }
        environment, pipe = {**os.environ, **own}, subprocess.PIPE
        return subprocess.Popen(command, env=environment, cwd=self._folder, text=True, stdout=pipe, stderr=pipe)

    def read(self, topic: str) -> list[Read]:
        with TopicReader(self.connection, f"{self.app}.{topic}") as reader:
            return reader.last(0)


@pytest.fixture
def place(kafka: ApacheKafka, redis_app: str, tmp_path: Path) -> Place:
    return Place(kafka, redis_app, tmp_path)


def test_records_become_touchpoints_of_their_customers_and_what_can_not_be_mapped_is_kept(place: Place) -> None:
    broken = json.loads(order(3))
    broken["after"]["customer_id"] = None
    place.write([order(1), order(2), json.dumps(broken).encode(), b'{"source": {"table": "stock"}}', None])
    process = place.start("--idle", "3", "--json")
    out, told = process.communicate(timeout=180)
    assert process.returncode == 0, told
    sums = {name: value for name, value in json.loads(out).items() if name != "transactions"}
    assert sums == {"records": 5, "touchpoints": 2, "dead": 1, "passed_over": 2}
    found = place.read("touchpoints")
    events = {read.key: json.loads(read.value) for read in found}
    assert {key: one["id"] for key, one in events.items()} == {b"1": "order-1", b"2": "order-2"}
    assert all(read.partition == partition_of(read.key or b"", 4) for read in found)
    [dead] = place.read("rekey-deadletters")
    letter = json.loads(dead.value)
    assert (letter["topic"], letter["code"]) == (place.source, "mapping")
    assert "subject is missing" in letter["reason"]
    process = place.start("--idle", "3", "--json")
    out, told = process.communicate(timeout=180)
    assert json.loads(out)["records"] == 0, "it goes on from where it was"


@pytest.mark.slow
def test_each_order_is_there_once_though_it_is_killed_again_and_again(place: Place) -> None:
    place.write([order(number) for number in range(ORDERS)])
    for kill in range(1, KILLS + 1):
        process = place.start()
        until = time.monotonic() + 180
        while len(place.read("touchpoints")) < kill * EACH_KILL:
            assert process.poll() is None, process.communicate()[1]
            assert time.monotonic() < until
        process.kill()
        process.communicate()
    process = place.start("--idle", "5")
    assert process.wait(180) == 0
    ids = [json.loads(read.value)["id"] for read in place.read("touchpoints")]
    assert len(ids) == len(set(ids)) == ORDERS
