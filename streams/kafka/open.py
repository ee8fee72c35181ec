"""Opens a kafka-python client; a constructor that fails leaves no thread and no socket behind."""

from __future__ import annotations

from typing import Any, TypeVar

T = TypeVar("T")


def opened(kind: type[T], **settings: Any) -> T:
    """`kind(**settings)`, a client of kafka-python. Raises what it raises.

    Its constructor starts a thread and then asks the broker. Where that fails nobody gets the client, so nobody could
    close it: the thread would go on connecting for as long as the process lives, one more for each attempt.
    """
    client = kind.__new__(kind)
    try:
        client.__init__(**settings)  # type: ignore[misc] # so that what was begun can be reached
    except BaseException:
        loop = getattr(client, "_net", None)
        if loop is not None:
            thread = loop._io_thread
            loop.stop(STOP_MS)
            if thread is None or not thread.is_alive():
                loop.close()  # its own sockets, by which it is woken
        raise
    return client


STOP_MS = 2_000
"""How long an ending thread is waited for; it ends by itself after that, too."""
