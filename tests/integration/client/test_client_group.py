"""Members of a group as the consumer uses them, on both brokers."""

from __future__ import annotations

import time
from typing import Any

import pytest
from kafka import KafkaConsumer, TopicPartition
from kafka.errors import NodeNotReadyError

from streams.client.group_member import GroupMember
from streams.kafka.security import KafkaConnection
from tests.integration.client.conftest import WAIT_S, ClientTopics, encoded


def away(*_: object, **__: object) -> None:
    raise NodeNotReadyError("no coordinator")


def a_member(place: ClientTopics) -> GroupMember:
    settings = {"session_timeout_ms": 2_000, "heartbeat_interval_ms": 300}
    return GroupMember(
        KafkaConnection(place.servers), place.triggers, f"{place.app}.members", 0, lambda: False, settings
    )


def settle(member: GroupMember, wanted: dict[int, int]) -> None:
    """Settle what comes, until each of the partitions is settled up to its offset."""
    deadline, settled = time.monotonic() + WAIT_S, dict[int, int]()
    while any(settled.get(partition, 0) < offset for partition, offset in wanted.items()):
        assert time.monotonic() < deadline
        for record in member.poll():
            member.settled(record)
            settled[record.partition] = record.offset + 1


def committed(place: ClientTopics, partition: int) -> int | None:
    consumer: Any = KafkaConsumer(bootstrap_servers=place.servers, group_id=f"{place.app}.members")
    try:
        offset: int | None = consumer.committed(TopicPartition(place.triggers, partition))
    finally:
        consumer.close()
    return offset


def test_what_could_not_be_committed_before_a_rebalance_does_not_set_back_what_the_next_owner_commits(
    place: ClientTopics, monkeypatch: pytest.MonkeyPatch
) -> None:
    for partition in range(3):
        place.write(encoded(range(2)), partition=partition)
    first, second = a_member(place), a_member(place)
    try:
        settle(first, dict.fromkeys(range(3), 2))
        with monkeypatch.context() as broken:
            broken.setattr(KafkaConsumer, "commit", away)
            assert first.commit([]), "a reason that passes"
        deadline = time.monotonic() + WAIT_S
        # What comes meanwhile is not settled, as while a handler is at it.
        while not (second.joined and first.joined and second.partitions()):
            second.poll()
            first.poll()
            assert time.monotonic() < deadline
        moved = second.partitions()[0]
        place.write(encoded(range(2, 5)), partition=moved)
        settle(second, {moved: 5})
        assert second.commit([])
        assert first.commit([])
        assert committed(place, moved) == 5
    finally:
        first.close()
        second.close()
