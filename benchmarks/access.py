"""What a question about one customer costs with the index, at first and later: ``python -m benchmarks.access``."""

from __future__ import annotations

import json
import time
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Any

from kafka import KafkaProducer

from streams.kafka.admin import TopicAdmin
from streams.kafka.security import KafkaConnection
from streams.kafka.topic_reader import TopicReader
from streams.kafka.topics import TopicSpec
from streams.operations.why.index import TopicIndex
from tests.support.servers import ApacheKafka, kafka_jars

DECISIONS, CUSTOMERS = 200_000, 10_000
TOPIC = "access.decisions"
VALUE = json.dumps({"type": "decision", "x": "y" * 420}).encode()


def main() -> None:
    """Prints a line for each of three questions: records found, records read, seconds, seconds of CPU time."""
    with TemporaryDirectory() as place:
        kafka = ApacheKafka(Path(place) / "kafka", kafka_jars()).start()
        try:
            _ask(kafka.bootstrap_servers, Path(place) / "index")
        finally:
            kafka.stop()


def _ask(servers: str, folder: Path) -> None:
    connection = KafkaConnection(servers)
    with TopicAdmin(connection) as admin:
        admin.create([TopicSpec("decisions", TOPIC, 1, 1, {"retention.ms": "-1"})])
        topic_id = admin.topic(TOPIC).topic_id
    producer: Any = KafkaProducer(bootstrap_servers=servers, linger_ms=50, batch_size=262_144)
    random = Random(1)
    for _ in range(DECISIONS):
        producer.send(TOPIC, VALUE, b"c-%06d" % random.randrange(CUSTOMERS), partition=0)
    producer.flush()
    producer.close()
    for which in ("first", "second", "third"):
        with TopicReader(connection, TOPIC) as topic:
            index = TopicIndex(topic, folder, topic_id)
            began, busy = time.monotonic(), time.process_time()
            found = len(list(index.of_customer(0, "c-000007")))
            took, cpu = time.monotonic() - began, time.process_time() - busy
            print(f"{which}: {found} found, {index.read:,} read, {took:.1f} s, {cpu:.1f} s of CPU time", flush=True)
    print(f"{sum(path.stat().st_size for path in folder.rglob('*') if path.is_file()):,} bytes of index")


if __name__ == "__main__":
    main()
