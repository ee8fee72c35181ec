"""Remembers which triggers were handled, in memory and optionally in a file.

A trigger is worth acting on until it expires and is not handed out afterwards, so its id need not be known for longer.
"""

from __future__ import annotations

import sqlite3
from collections import OrderedDict
from pathlib import Path
from typing import NamedTuple, Protocol, Self


class Recognised(NamedTuple):
    """How far the memory of a partition reaches: so many ids, of triggers published since then (ms; None: no id)."""

    ids: int
    since: int | None


class Seen:
    """The newest ids of each partition, at most `most` of each. A trigger and its duplicates lie in one partition,
    since one shard alone writes it."""

    def __init__(self, most: int) -> None:
        if most < 1:
            raise ValueError(f"remember is {most}; give the number of trigger ids per partition, at least 1")
        self._most = most
        self._ids: dict[int, OrderedDict[str, int]] = {}

    def add(self, partition: int, trigger_id: str, published: int) -> None:
        """published: timestamp of the record, ms. One more than `most` forgets the oldest."""
        ids = self._ids.setdefault(partition, OrderedDict())
        ids.setdefault(trigger_id, published)
        if len(ids) > self._most:
            ids.popitem(last=False)

    def has(self, partition: int, trigger_id: str) -> bool:
        return trigger_id in self._ids.get(partition, ())

    def reach(self, partition: int) -> Recognised:
        """What is known of a partition."""
        ids = self._ids.get(partition) or OrderedDict()
        return Recognised(len(ids), next(iter(ids.values()), None))


class Handled(Protocol):
    """A durable memory of handled triggers, shared by all consumers of a group or kept by one.

    The consumer asks before it hands a trigger out and tells right after it was handled, before it commits. Written
    in the same transaction as the effect of the trigger, it makes that effect happen exactly once.

    Implemented by HandledFile.
    """

    def has(self, trigger_id: str) -> bool:
        """Whether it was handled."""
        ...

    def add(self, trigger_id: str, expires_at: int) -> None:
        """It was handled; durable when this returns."""
        ...

    def forget(self, before: int) -> None:
        """Triggers that expired before this moment, ms, need not be known any more. Called now and then."""
        ...


class HandledFile:
    """`Handled` in an SQLite file: for one consumer that comes back on the same disk. A context manager.

    One write to the disk for each trigger. Ids leave after their triggers have expired, so the file holds about one
    trigger life (three days by default) of them.
    """

    def __init__(self, path: Path | str) -> None:
        self._file = sqlite3.connect(path, isolation_level=None)
        # FULL: an acknowledged write outlives the machine, not only the process.
        for setting in ("journal_mode=WAL", "synchronous=FULL", "busy_timeout=5000"):
            self._file.execute(f"PRAGMA {setting}")
        self._file.execute("CREATE TABLE IF NOT EXISTS handled (id TEXT PRIMARY KEY, until INTEGER) WITHOUT ROWID")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __len__(self) -> int:
        (count,) = self._file.execute("SELECT count(*) FROM handled").fetchone()
        return int(count)

    def has(self, trigger_id: str) -> bool:
        return self._file.execute("SELECT 1 FROM handled WHERE id = ?", (trigger_id,)).fetchone() is not None

    def add(self, trigger_id: str, expires_at: int) -> None:
        self._file.execute("INSERT OR IGNORE INTO handled VALUES (?, ?)", (trigger_id, expires_at))

    def forget(self, before: int) -> None:
        self._file.execute("DELETE FROM handled WHERE until < ?", (before,))

    def close(self) -> None:
        self._file.close()
