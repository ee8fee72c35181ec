"""A client of kafka-python that is closed while it reads ends without a word: its own thread closes its connections."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from contextlib import closing
from typing import Any
from uuid import uuid4

import pytest
from kafka import TopicPartition
from kafka.net.transport import KafkaTCPTransport

from streams.kafka.admin import TopicAdmin
from streams.kafka.clients import admin, member, producer, reader
from streams.kafka.security import KafkaConnection
from streams.kafka.topics import TopicSpec
from tests.support.servers import Broker

WAIT_S = 60.0
Client = Callable[[KafkaConnection, str], Any]


def reading(connection: KafkaConnection, topic: str) -> Any:
    made = reader(connection, isolation_level="read_committed")
    made.assign([TopicPartition(topic, 0)])
    return fetched(made)


def joining(connection: KafkaConnection, topic: str) -> Any:
    made = member(connection, f"{topic}-group", auto_offset_reset="earliest")
    made.subscribe([topic])
    return fetched(made)


def writing(connection: KafkaConnection, topic: str) -> Any:
    made = producer(connection)
    made.send(topic, b"one").get(60)
    return made


def asking(connection: KafkaConnection, topic: str) -> Any:
    made = admin(connection, "closing")
    made.describe_topics([topic])
    return made


def fetched(made: Any) -> Any:
    """With a record in hand; the next fetch is under way."""
    until = time.monotonic() + WAIT_S
    while not made.poll(200):
        assert time.monotonic() < until
    return made


@pytest.mark.parametrize("client", [reading, joining, writing, asking])
def test_a_client_that_is_closed_while_it_reads_says_nothing(
    broker: Broker, client: Client, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    connection, topic = KafkaConnection(broker.bootstrap_servers), f"closing-{uuid4().hex}"
    with TopicAdmin(connection) as topics:
        topics.create([TopicSpec("", topic, 1, 1, {})])
    writing(connection, topic).close()
    threads: list[threading.Thread] = []
    close = KafkaTCPTransport._close

    def noted(self: KafkaTCPTransport, error: BaseException | None = None) -> None:
        threads.append(threading.current_thread())
        close(self, error)

    with closing(client(connection, topic)), caplog.at_level(logging.ERROR, "kafka.net.transport"):
        monkeypatch.setattr(KafkaTCPTransport, "_close", noted)
    assert threads
    assert threading.current_thread() not in threads
    assert not [record for record in caplog.records if record.exc_info]
