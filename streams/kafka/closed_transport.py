"""What the Kafka clients leave undone where a connection closes while it is used; mended for every one of this process.

aiokafka: a request on a connection that has just been closed is an error of Kafka's, whatever event loop runs. uvloop
raises RuntimeError when something is written to a closed transport; asyncio's own loop does not. aiokafka 0.14 catches
OSError alone: its task that keeps the cluster's metadata ends then without a word, and who asks for metadata waits for
ever, the group's coordinator first: no heartbeat, no commit, until the process is started anew.

kafka-python: a client's connections are closed by the thread that uses them. kafka-python 3.0 closes them in the thread
that closes the client; its own may be reading then, and logs the AttributeError of a socket that is gone, as an error
with its traceback, about a client that ended as it should.
"""

from __future__ import annotations

import threading
from typing import Any

from aiokafka.conn import AIOKafkaConnection, CloseReason
from aiokafka.errors import KafkaConnectionError
from kafka.net import KafkaNetClient

_send = AIOKafkaConnection.send
_close = KafkaNetClient.close

CLOSE_S = 2.0
"""How long closing waits for the thread of the connections; then it goes on as kafka-python does."""


def _send_or_close(self: AIOKafkaConnection, request: Any, expect_response: bool = True) -> Any:
    try:
        return _send(self, request, expect_response)
    except RuntimeError as error:
        self.close(reason=CloseReason.CONNECTION_BROKEN, exc=error)
        raise KafkaConnectionError(f"Connection at {self.host}:{self.port} broken: {error}") from error


def _close_by_its_thread(self: Any, node_id: Any = None) -> None:
    thread = self._net._io_thread
    if node_id is None and thread is not None and thread.is_alive() and thread is not threading.current_thread():
        closed = threading.Event()

        def close() -> None:
            try:
                self._manager.close()
            finally:
                closed.set()

        try:
            self._net.call_soon_threadsafe(close)
        except Exception:  # noqa: BLE001 - the loop has ended, by whatever it raises here: nobody reads any more
            closed.set()
        closed.wait(CLOSE_S)
    _close(self, node_id)


def mend() -> None:
    """For every connection of this process; once or more often."""
    AIOKafkaConnection.send = _send_or_close
    KafkaNetClient.close = _close_by_its_thread
