"""A request on a connection that has just been closed is an error of Kafka's, whatever event loop runs.

uvloop raises RuntimeError when something is written to a closed transport; asyncio's own loop does not. aiokafka 0.14
catches OSError alone: its task that keeps the cluster's metadata ends then without a word, and who asks for metadata
waits for ever, the group's coordinator first: no heartbeat, no commit, until the process is started anew.
"""

from __future__ import annotations

from typing import Any

from aiokafka.conn import AIOKafkaConnection, CloseReason
from aiokafka.errors import KafkaConnectionError

_send = AIOKafkaConnection.send


def _send_or_close(self: AIOKafkaConnection, request: Any, expect_response: bool = True) -> Any:
    try:
        return _send(self, request, expect_response)
    except RuntimeError as error:
        self.close(reason=CloseReason.CONNECTION_BROKEN, exc=error)
        raise KafkaConnectionError(f"Connection at {self.host}:{self.port} broken: {error}") from error


def mend() -> None:
    """For every connection of this process; once or more often."""
    AIOKafkaConnection.send = _send_or_close
