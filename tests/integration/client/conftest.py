"""Topics for the clients of other teams, and what the engine and upstream services would write into them."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import pytest
from kafka import KafkaProducer

from models.outputs import Position, Reason, Trigger, Withdrawal, encode
from models.touchpoints import event
from streams.client import TriggerConsumer
from streams.kafka.admin import TopicAdmin
from streams.kafka.security import KafkaConnection
from streams.kafka.topic_reader import Read, TopicReader
from streams.kafka.topics import FOREVER, LOG_APPEND_TIME, TIMESTAMP_TYPE, TopicSpec
from tests.support.servers import Broker
from tests.support.world_fixtures import make_world

__all__ = ["make_world"]

NOON = 1_700_000_000_000
NEVER = 1 << 53
PARTITIONS = 3
WAIT_S = 180.0


@dataclass(frozen=True)
class ClientTopics:
    """A broker with topics of the test's own."""

    servers: str
    app: str

    @property
    def touchpoints(self) -> str:
        return f"{self.app}.touchpoints"

    @property
    def triggers(self) -> str:
        return f"{self.app}.triggers"

    def create(self, timestamp_type: str = LOG_APPEND_TIME) -> ClientTopics:
        settings = {TIMESTAMP_TYPE: timestamp_type, "retention.ms": FOREVER}
        names = (self.touchpoints, self.triggers)
        with TopicAdmin(KafkaConnection(self.servers)) as admin:
            admin.create([TopicSpec("", name, PARTITIONS, 1, settings) for name in names])
        return self

    def read(self, topic: str) -> list[Read]:
        with TopicReader(KafkaConnection(self.servers), topic) as reader:
            return reader.last(0)

    def consumer(self, **given: Any) -> TriggerConsumer:
        """Ends when nothing came for two seconds."""
        # Joining takes half a session on the embedded broker.
        settings = {"group": f"{self.app}.messaging", "idle_s": 2.0, "session_timeout_ms": 2_000}
        settings |= {"heartbeat_interval_ms": 300}
        return TriggerConsumer(self.servers, self.triggers, **(settings | given))

    def write(self, values: Sequence[bytes], partition: int = 0) -> None:
        producer: Any = KafkaProducer(bootstrap_servers=self.servers, acks="all")
        for value in values:
            producer.send(self.triggers, value=value, partition=partition)
        producer.flush()
        producer.close()


@pytest.fixture(autouse=True)
def no_client_goes_on() -> Iterator[None]:
    """A client's thread that outlives its test draws from the random module amid all later ones."""
    before = set(threading.enumerate())
    yield
    left = [thread for thread in threading.enumerate() if thread not in before and "retention" in thread.name]
    assert not left, f"{left} still run"


@pytest.fixture
def place(broker: Broker, redis_app: str) -> ClientTopics:
    """Each test runs on both brokers."""
    return ClientTopics(broker.bootstrap_servers, redis_app).create()


def a_purchase(number: int, amount: float = 5.0) -> bytes:
    return event(
        "purchase",
        id=f"o-{number}",
        source="shop",
        subject=f"c{number}",
        time_ms=NOON + number,
        data={"amount": amount},
    )


def a_trigger(number: int, expires_at: int = NEVER) -> Trigger:
    return Trigger(
        id=f"{number:032x}",
        customer=f"c{number}",
        action="win_back",
        channel="email",
        probability=0.9,
        drivers=[Reason("recency", 1.5, "silent 26 days")],
        episode=NOON,
        step=1,
        time=NOON + number,
        expires_at=expires_at,
        model_version=NOON,
        at=Position(0, number, False),
    )


def a_withdrawal(number: int) -> Withdrawal:
    """Of `a_trigger(number)`."""
    return Withdrawal(f"w-{number}", f"c{number}", f"{number:032x}", "complaint", NOON + number, Position(0, 99, False))


def encoded(numbers: Sequence[int], expires_at: int = NEVER) -> list[bytes]:
    return [encode(a_trigger(number, expires_at)) for number in numbers]


def wait_until(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + WAIT_S
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)
