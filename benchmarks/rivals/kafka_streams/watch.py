"""How far a consumer group is, by the offsets it has committed: what anybody sees of it from outside."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Sequence
from typing import NamedTuple

from kafka.errors import KafkaError

from benchmarks.watch import Behind
from streams.kafka.clients import admin
from streams.kafka.security import KafkaConnection

EVERY_S = 0.1


class Look(NamedTuple):
    """Next offsets by partition at one moment (time.time()); 0 where none is committed."""

    at: float
    offsets: tuple[int, ...]


class GroupWatch(threading.Thread):
    """Looks ten times a second until `stop`; a context manager. Keeps the looks at which something had changed."""

    def __init__(self, bootstrap_servers: str, group: str, topic: str, partitions: int) -> None:
        super().__init__(name="group-watch", daemon=True)
        self._connection = KafkaConnection(bootstrap_servers)
        self._group, self._topic, self._partitions = group, topic, partitions
        self._over = threading.Event()
        self.looks: list[Look] = []

    def run(self) -> None:
        client = admin(self._connection, "rival-watch")
        try:
            while not self._over.wait(EVERY_S):
                with contextlib.suppress(KafkaError):  # the group may not be there yet; `wait` has an end
                    told = client.list_group_offsets(self._group)[self._group]
                    at = {tp.partition: found.offset for tp, found in told.items() if tp.topic == self._topic}
                    offsets = tuple(max(at.get(partition, 0), 0) for partition in range(self._partitions))
                    if not self.looks or offsets != self.looks[-1].offsets:
                        self.looks.append(Look(time.time(), offsets))
        finally:
            client.close()

    def __enter__(self) -> GroupWatch:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self.join()

    def wait(self, ends: Sequence[int], timeout_s: float, alive: Callable[[], bool]) -> None:
        """Return when every partition is committed up to its end. Raises Behind."""
        deadline = time.monotonic() + timeout_s
        while not self.looks or not reached(self.looks[-1], ends):
            if not self.is_alive() or not alive() or time.monotonic() > deadline:
                why = f"{timeout_s:g} s are over" if alive() else "the application has ended"
                raise Behind(f"{why}: next offsets {self.looks[-1:]}, wanted {list(ends)}")
            time.sleep(EVERY_S / 2)


def reached(look: Look, ends: Sequence[int]) -> bool:
    return all(offset >= end for offset, end in zip(look.offsets, ends, strict=True))
