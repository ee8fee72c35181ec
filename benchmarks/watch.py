"""How far the shards are, read from the metas in Redis: what is committed, as anybody sees it from outside.

The worker takes no part in its own measurement: no log line, no counter of its own is read.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import redis

from models.timeline.shard_state import ShardState
from streams.shard.meta import unpack_body

EVERY_S = 0.05


class Behind(Exception):
    """The shards did not get where they should in time."""


class Look(NamedTuple):
    """States of all shards at one moment (time.time()). Only looks at which something had changed are kept."""

    at: float
    states: tuple[ShardState, ...]

    @property
    def touchpoints(self) -> int:
        """Touchpoints that the shards have consumed since their creation; clock records are none."""
        return sum(state.next_offset - state.totals.clocks for state in self.states)

    def total(self, name: str) -> int:
        """The sum of one of `models.timeline.shard_state.Totals`."""
        return sum(getattr(state.totals, name) for state in self.states)

    @property
    def customers(self) -> int:
        return sum(sum(state.bands) for state in self.states)


class Progress(NamedTuple):
    """What lies between the first commit seen and the last. `first` is the state after the first commits."""

    first: Look
    last: Look

    @property
    def seconds(self) -> float:
        return self.last.at - self.first.at

    @property
    def touchpoints(self) -> int:
        return self.last.touchpoints - self.first.touchpoints

    def total(self, name: str) -> int:
        return self.last.total(name) - self.first.total(name)


def look(client: Any, app: str, partitions: int) -> Look | None:
    """The shards as they stand; None while one has never been created."""
    with client.pipeline(transaction=False) as asked:
        for shard in range(partitions):
            asked.hget(f"{{{app}:{shard}}}:meta", "body")
        bodies = asked.execute()
    if None in bodies:
        return None
    return Look(time.time(), tuple(unpack_body(str(n), body).state for n, body in enumerate(bodies)))


def unpublished(client: Any, app: str, partitions: int) -> int:
    """Entries in all outboxes; 0 when everything decided is public and trimmed."""
    return sum(int(client.llen(f"{{{app}:{shard}}}:outbox")) for shard in range(partitions))


class Watch(threading.Thread):
    """Reads the metas twenty times a second from `start` until every next offset has reached its end, or `stop`."""

    def __init__(self, url: str, app: str, ends: Sequence[int]) -> None:
        super().__init__(name="offset-watch", daemon=True)
        self._client: Any = redis.Redis.from_url(url)
        self._app, self._ends = app, list(ends)
        self._over = threading.Event()
        self.looks: list[Look] = []
        self.error: Exception | None = None

    def run(self) -> None:
        try:
            while not self._over.wait(EVERY_S) and not self._reached():
                now = look(self._client, self._app, len(self._ends))
                if now is not None and (not self.looks or now.states != self.looks[-1].states):
                    self.looks.append(now)
        except (redis.RedisError, OSError, ValueError) as error:
            self.error = error

    def _reached(self) -> bool:
        return bool(self.looks) and all(
            state.next_offset >= end for state, end in zip(self.looks[-1].states, self._ends, strict=True)
        )

    def wait(self, timeout_s: float, alive: Callable[[], bool] = lambda: True) -> None:
        """Return when the ends are reached. Raises Behind after `timeout_s`, or when `alive` says no."""
        deadline = time.monotonic() + timeout_s
        while self.is_alive():
            self.join(0.2)
            if not self.is_alive():
                break
            why = "the worker has ended" if not alive() else f"{timeout_s:g} s are over"
            if not alive() or time.monotonic() > deadline:
                next_offsets = [state.next_offset for state in self.looks[-1].states] if self.looks else "none"
                self.stop()
                raise Behind(f"{why}: next offsets {next_offsets}, wanted {self._ends}; see the worker's log")
        if self.error is not None:
            raise Behind(f"reading the metas: {self.error}") from self.error

    def stop(self) -> None:
        self._over.set()
        self.join()

    def progress(self) -> Progress:
        """From the first commit to the last. The first look, before the worker had begun, is where it started from."""
        if len(self.looks) < 3:
            raise Behind(f"only {len(self.looks)} states were seen: give the worker more to do")
        return Progress(self.looks[1], self.looks[-1])
