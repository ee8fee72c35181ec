"""Writing to a closed transport under uvloop is a broken connection, not the end of aiokafka's tasks."""

from __future__ import annotations

from typing import Any

import pytest
from aiokafka.conn import AIOKafkaConnection
from aiokafka.errors import KafkaConnectionError
from aiokafka.protocol.metadata import MetadataRequest

from streams.kafka import clients  # noqa: F401 - mends


class Closed:
    """As uvloop's transport is, once it is closed."""

    closed = False

    def write(self, data: bytes) -> None:
        raise RuntimeError("unable to perform operation on <TCPTransport closed=True>; the handler is closed")

    def close(self) -> None:
        self.closed = True


class Read:
    def done(self) -> bool:
        return True


@pytest.mark.asyncio
async def test_a_request_to_a_closed_transport_says_so_and_closes_the_connection() -> None:
    broken: Any = AIOKafkaConnection("127.0.0.1", 9)
    closed: list[Any] = []
    writer = broken._writer = Closed()
    broken._reader, broken._read_task = object(), Read()
    broken._on_close_cb = lambda conn, reason: closed.append(reason)
    broken._versions = {MetadataRequest([]).API_KEY: (0, 1)}
    with pytest.raises(KafkaConnectionError, match="the handler is closed"):
        broken.send(MetadataRequest([]))
    assert writer.closed
    assert not broken.connected()
    assert len(closed) == 1
