"""A batch of records of one partition, decoded once into NumPy columns."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from models.touchpoints import Kind, Rejected, Touch, read
from models.touchpoints.binary_mode import Headers, structured
from models.touchpoints.columns import Columns, read_columns

_CUTS = np.zeros(256, dtype=np.bool_)
_CUTS[[Kind.SETTINGS_CHOSEN, Kind.POLICY_CHOSEN, Kind.STOPPED, Kind.RESUMED]] = True


class LogRecord(NamedTuple):
    """A record of the input partition."""

    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None
    headers: Headers = ()

    @property
    def content(self) -> Touch | Rejected:
        """What is in it, read anew at each call."""
        return read(structured(self.value, self.headers), self.key, self.timestamp)


def events_of(values: Sequence[bytes | None], headers: Sequence[Headers]) -> list[bytes | None]:
    """The events of records as Kafka gives them: most have no headers, and are their value."""
    return [structured(value, head) if head else value for value, head in zip(values, headers, strict=True)]


class Batch:
    """Records in offset order. `offsets`, `timestamps` and `reached` (the running maximum of the timestamps) are int64
    of shape (rows,); `columns` is what they say. `cuts`: the rows of what changes something that the shard's customers
    share; a commit ends before each (`models.timeline.pieces`). `values`: the events, in structured mode."""

    __slots__ = ("columns", "cuts", "keys", "offsets", "reached", "timestamps", "values")

    def __init__(
        self,
        offsets: Sequence[int],
        timestamps: Sequence[int],
        keys: Sequence[bytes | None],
        values: Sequence[bytes | None],
    ) -> None:
        self.offsets: NDArray[np.int64] = np.array(offsets, dtype=np.int64)
        self.timestamps: NDArray[np.int64] = np.array(timestamps, dtype=np.int64)
        self.keys, self.values = keys, values
        self.reached = np.maximum.accumulate(self.timestamps)
        self.columns: Columns = read_columns(values, keys, self.timestamps)
        kinds = self.columns.kinds
        self.cuts: list[int] = np.flatnonzero(_CUTS[kinds]).tolist()

    @classmethod
    def of(cls, records: Iterable[LogRecord]) -> Batch:
        """Of records of the log, whose headers count."""
        offsets, timestamps, keys, values, headers = zip(*records, strict=True)
        return cls(offsets, timestamps, keys, events_of(values, headers))

    def __len__(self) -> int:
        return len(self.values)

    def record(self, row: int) -> LogRecord:
        return LogRecord(int(self.offsets[row]), int(self.timestamps[row]), self.keys[row], self.values[row])
