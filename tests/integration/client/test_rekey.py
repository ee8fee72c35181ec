"""A topic that is keyed otherwise becomes touchpoints keyed by customer, exactly once, whatever is killed meanwhile."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.request import urlopen

import pytest
from click.testing import CliRunner
from kafka import KafkaProducer
from kafka.admin import KafkaAdminClient

from models.timeline.partitioning import partition_of
from streams.cli.main import main
from streams.kafka.admin import TopicAdmin
from streams.kafka.security import KafkaConnection
from streams.kafka.topic_reader import Read, TopicReader
from streams.kafka.topics import TopicSpec
from streams.local.processes import free_port, free_ports
from tests.support.servers import PROJECT, ApacheKafka

MAP = PROJECT / "docs" / "examples" / "maps" / "debezium" / "map.toml"
ORDERS, EACH_KILL, KILLS = 3_000, 700, 3
MOST_S = 40.0
"""Until another has what it had: the session timeout of workers is 10 s, that of Kafka's clients by themselves 45 s."""


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
        self.started: list[subprocess.Popen[str]] = []
        self.settings = {
            "RETENTION_BOOTSTRAP_SERVERS": kafka.bootstrap_servers,
            "RETENTION_APP": app,
            "RETENTION_TOPIC_PREFIX": app,
        }
        specs = [TopicSpec("touchpoints", f"{app}.touchpoints", 4, 1, {}), TopicSpec("any", self.source, 3, 1, {})]
        with TopicAdmin(self.connection) as admin:
            admin.create(specs)

    def members(self) -> int:
        """Of the group, as its coordinator counts them."""
        admin: Any = KafkaAdminClient(bootstrap_servers=self.connection.bootstrap_servers)
        try:
            [(_, group)] = admin.describe_groups([f"{self.app}-rekey-{self.source}"]).items()
        finally:
            admin.close()
        return len(group["members"])

    def write(self, values: list[bytes | None]) -> None:
        producer: Any = KafkaProducer(bootstrap_servers=self.connection.bootstrap_servers)
        for number, value in enumerate(values):
            producer.send(self.source, value, str(number).encode())
        producer.flush()
        producer.close()

    def start(self, *more: str) -> subprocess.Popen[str]:
        options = ["--map", str(MAP), "--instance", "a", *more]
        command = [sys.executable, "-m", "streams.cli", "rekey", self.source, *options]
        environment, pipe = {**os.environ, **self.settings, "PYTHONPATH": str(PROJECT)}, subprocess.PIPE
        started = subprocess.Popen(command, env=environment, cwd=self._folder, text=True, stdout=pipe, stderr=pipe)
        self.started.append(started)
        return started

    def read(self, topic: str, fewest: int = 0) -> list[Read]:
        """Waits for so many: the marker of a transaction comes after the answer to its commit."""
        deadline = time.monotonic() + 60
        with TopicReader(self.connection, f"{self.app}.{topic}") as reader:
            while len(found := reader.last(0)) < fewest and time.monotonic() < deadline:
                time.sleep(0.1)
        return found


@pytest.fixture
def place(kafka: ApacheKafka, redis_app: str, tmp_path: Path) -> Iterator[Place]:
    made = Place(kafka, redis_app, tmp_path)
    yield made
    for process in made.started:
        if process.poll() is None:
            process.kill()
            process.communicate()


def test_records_become_touchpoints_of_their_customers_and_what_can_not_be_mapped_is_kept(place: Place) -> None:
    broken = json.loads(order(3))
    broken["after"]["customer_id"] = None
    place.write([order(1), order(2), json.dumps(broken).encode(), b'{"source": {"table": "stock"}}', None])
    process = place.start("--idle", "3", "--json")
    out, told = process.communicate(timeout=180)
    assert process.returncode == 0, told
    sums = {name: value for name, value in json.loads(out).items() if name != "transactions"}
    assert sums == {"records": 5, "touchpoints": 2, "dead": 1, "passed_over": 2}
    found = place.read("touchpoints", 2)
    events = {read.key: json.loads(read.value) for read in found}
    assert {key: one["id"] for key, one in events.items()} == {b"1": "order-1", b"2": "order-2"}
    assert all(read.partition == partition_of(read.key or b"", 4) for read in found)
    [dead] = place.read("rekey-deadletters", 1)
    letter = json.loads(dead.value)
    assert (letter["topic"], letter["code"]) == (place.source, "mapping")
    assert "subject is missing" in letter["reason"]
    process = place.start("--idle", "3", "--json")
    out, told = process.communicate(timeout=180)
    assert json.loads(out)["records"] == 0, "it goes on from where it was"


def metrics(port: int) -> dict[str, float]:
    """By name; empty: nobody listens yet."""
    try:
        with urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as answer:
            lines = answer.read().decode().splitlines()
    except URLError:
        return {}
    told = (line.split() for line in lines if line.startswith("retention_rekey_") and "_created" not in line)
    return {name.removeprefix("retention_rekey_"): float(value) for name, value in told}


def ended(process: subprocess.Popen[str]) -> str:
    process.terminate()
    _, told = process.communicate(timeout=60)
    assert process.returncode == 0, told
    return str(told)


def waited(process: subprocess.Popen[str], until: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 180
    while not until():
        assert process.poll() is None, process.communicate()[1]
        assert time.monotonic() < deadline
        time.sleep(0.1)


def test_metrics_tell_what_became_of_the_records_and_tail_shows_what_could_not_be_mapped(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = json.loads(order(3))
    broken["after"]["customer_id"] = None
    place.write([order(1), order(2), json.dumps(broken).encode(), b'{"source": {"table": "stock"}}'])
    process = place.start("--metrics-port", str(port := free_port()))
    waited(process, lambda: metrics(port).get("records_total") == 4)
    done = {"records_total": 4, "touchpoints_total": 2, "dead_total": 1, "passed_over_total": 1}
    waited(process, lambda: metrics(port)["lag_records"] == 0)
    assert metrics(port) == {**done, "lag_records": 0}
    ended(process)
    for name, value in place.settings.items():
        monkeypatch.setenv(name, value)
    shown = CliRunner().invoke(main, ["tail", "rekey-deadletters"])
    assert shown.exit_code == 0, shown.output
    assert "subject is missing" in shown.output


@pytest.mark.slow
def test_of_two_processes_of_a_group_the_other_goes_on_with_what_the_killed_one_had(place: Place) -> None:
    ports = free_ports(2)
    one, two = (place.start("--metrics-port", str(ports[n]), "--instance", "ab"[n]) for n in range(2))
    written, until = 0, time.monotonic() + 180
    while not all(metrics(port).get("records_total") for port in ports):  # each has had some of the partitions
        assert (one.poll(), two.poll()) == (None, None)
        assert time.monotonic() < until
        place.write([order(number) for number in range(written, written + 100)])
        written += 100
    place.write([order(number) for number in range(written, written + ORDERS)])
    written += ORDERS
    one.kill()
    one.communicate()
    killed = time.monotonic()
    waited(two, lambda: place.members() == 1)
    assert time.monotonic() - killed < MOST_S
    waited(two, lambda: len(place.read("touchpoints")) >= written)
    ended(two)
    ids = [json.loads(read.value)["id"] for read in place.read("touchpoints")]
    assert len(ids) == len(set(ids)) == written


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
    ids = [json.loads(read.value)["id"] for read in place.read("touchpoints", ORDERS)]
    assert len(ids) == len(set(ids)) == ORDERS
