"""Outputs to look at."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

from kafka import KafkaProducer

from models.outputs import Position, Reason, Trigger, encode

NOON = 1_700_000_000_000

TRIGGERS = [
    encode(
        Trigger(
            id=f"{number:032x}",
            customer=f"c{number}",
            action="win_back",
            channel="email",
            probability=0.75 + number / 100,
            drivers=[Reason("recency", 1.5, "silent 26 days"), Reason("frequency", 0.5, "bought once so far")],
            episode=NOON,
            step=1,
            time=NOON + number,
            expires_at=NOON + 1_000_000,
            model_version=NOON,
            at=Position(0, number, False),
        )
    )
    for number in range(10)
]


def write(bootstrap_servers: str, topic: str, values: Sequence[bytes]) -> None:
    """One by one and not within a millisecond, so that their times differ on a broker that sets them."""
    producer: Any = KafkaProducer(bootstrap_servers=bootstrap_servers)
    for number, value in enumerate(values):
        producer.send(topic, value=value, partition=number % 3, timestamp_ms=NOON + number).get(60)
        time.sleep(0.003)
    producer.close()
