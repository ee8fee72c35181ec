"""Topics that stay open between pages: to connect takes longer than to read one customer by an index."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from streams.config import Config
from streams.operations.why.indices import Indices

LONGEST_S: Final = 60.0
"""One that was opened longer ago is closed: a topic of this name may be another one by now."""


class OpenTopics:
    """Indices of some roles, each used by one thread at a time.

    Args:
        config: of the application.
        roles: of topics.
    """

    def __init__(self, config: Config, *roles: str) -> None:
        self._config, self._roles = config, roles
        self._free: list[tuple[float, Indices]] = []
        self._lock, self._closed = threading.Lock(), False

    @contextmanager
    def indices(self) -> Iterator[Indices]:
        """For the block; after an error, or `close`, they are closed. Raises as
        `streams.kafka.topic_reader.TopicReader`."""
        opened, found = self._taken()
        try:
            yield found
        except BaseException:
            found.close()
            raise
        with self._lock:
            closed = self._closed
            if not closed:
                self._free.append((opened, found))
        if closed:
            found.close()

    def _taken(self) -> tuple[float, Indices]:
        with self._lock:
            waiting, self._free = self._free, []
            fresh = [one for one in waiting if time.monotonic() - one[0] < LONGEST_S]
            taken, self._free = (fresh[-1], fresh[:-1]) if fresh else (None, [])
        former = None
        for one in waiting:
            if one not in fresh:
                one[1].close()
                former = one[1]
        return taken or (time.monotonic(), Indices(self._config, *self._roles, former=former, verified=False))

    def close(self) -> None:
        """Those that nobody uses now, the others when they are given back."""
        with self._lock:
            waiting, self._free, self._closed = self._free, [], True
        for _, one in waiting:
            one.close()
