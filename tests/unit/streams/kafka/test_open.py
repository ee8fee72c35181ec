"""A client of Kafka that can't be made leaves no thread behind, nor the sockets by which that was woken."""

from __future__ import annotations

import gc
import socket
import threading
import time
from collections.abc import Callable

import pytest

from streams.client.group_member import GroupMember
from streams.client.topic_check import find_topic
from streams.errors import EngineError
from streams.kafka.admin import TopicAdmin
from streams.kafka.offsets_at_time import first_offsets
from streams.kafka.security import KafkaConnection
from streams.kafka.topic_reader import TopicReader
from streams.local.processes import LOOPBACK, free_port
from streams.operations.doctor.broker import BrokerChecks


def io_threads() -> set[threading.Thread]:
    return {thread for thread in threading.enumerate() if thread.name.startswith("kafka-io")}


def wakers() -> list[socket.socket]:
    """Sockets between threads of this process that are open."""
    found = (one for one in gc.get_objects() if isinstance(one, socket.socket) and one.fileno() >= 0)
    return [one for one in found if one.family == socket.AF_UNIX]


@pytest.mark.parametrize(
    "ask",
    [
        lambda where: TopicAdmin(where, timeout_ms=300),
        lambda where: BrokerChecks(where, timeout_s=0.3),
        lambda where: TopicReader(where, "topic"),
        lambda where: find_topic(where, "topic", {"bootstrap_timeout_ms": 300}),
        lambda where: first_offsets(where, "topic", 1, 0),
        lambda where: GroupMember(where, "topic", "group", 1, lambda: False, {"bootstrap_timeout_ms": 300}),
    ],
    ids=["the admin", "the doctor", "a reader", "a client's look", "a cut", "a member of a group"],
)
def test_a_broker_that_is_away_leaves_no_thread_behind(
    ask: Callable[[KafkaConnection], object], monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in ("streams.kafka.topic_reader", "streams.kafka.offsets_at_time"):
        monkeypatch.setattr(f"{module}.CONNECT_TIMEOUT_MS", 300)
    before, open_before = io_threads(), wakers()
    with pytest.raises(EngineError):
        ask(KafkaConnection(f"{LOOPBACK}:{free_port()}"))
    deadline = time.monotonic() + 60
    while io_threads() - before and time.monotonic() < deadline:
        time.sleep(0.01)
    assert io_threads() <= before
    assert not [one for one in wakers() if not any(one is other for other in open_before)]
