"""A batch of Kafka records as columns: what `read` makes of each record, at a third of its cost.

The rules stand in `models.touchpoints.reading` and `models.touchpoints.times`. Here nearly all rows of a batch are
found to keep them at a glance, column by column; each other row goes through `examine` by itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Final, get_type_hints

import numpy as np
from msgspec import DecodeError
from numpy.typing import NDArray

from models.touchpoints import limits
from models.touchpoints.diagnosis import Rejected
from models.touchpoints.kinds import Kind
from models.touchpoints.payload import Payload
from models.touchpoints.reading import (
    LAST_CONTROL,
    SURELY_FLAT,
    Accepted,
    Touch,
    beyond_limits,
    came_from,
    decode,
    examine,
    id_hash,
    identities,
    stray_control,
)
from models.touchpoints.rfc3339 import parsed
from models.touchpoints.times import settle
from models.touchpoints.types.identities import LoopbackData
from models.touchpoints.types.reserved import Clock
from models.touchpoints.union import EVENTS, Event

# Stands for a record that was refused while the columns are made. Having no time, it makes its row a doubtful one.
_NOTHING: Final = Accepted(Clock(specversion="1.0", id="", source="", time=""), 0, False)

# Whether a kind has numbers at all: half of them don't, and asking an event for its own takes a call.
_HAS_NUMBERS: Final = np.zeros(256, np.bool_)
for _kind in Kind:
    _HAS_NUMBERS[_kind] = get_type_hints(EVENTS[_kind.type])["data"].numbers is not Payload.numbers


@dataclass(slots=True)
class Columns:
    """Touchpoints of a batch as columns, one row a record; all arrays are contiguous, of shape (rows,).

    A rejected record has zeros, NaN as its sentiment, b"" as its customer and its `Rejected` among the contents.
    """

    kinds: NDArray[np.uint8]  # a `Kind`; 0 where the record was rejected
    times: NDArray[np.int64]  # event time in ms, clamped to the record's timestamp
    skewed: NDArray[np.bool_]  # the event time lay after the record's timestamp
    hashes: NDArray[np.uint64]  # 64 bits of source and id
    a: NDArray[np.float64]  # the kind's numbers, see `models.touchpoints.payload`
    b: NDArray[np.float64]
    sentiment: NDArray[np.float64]
    customers: list[bytes]  # the subject in UTF-8; b"" where a record is about nobody
    contents: list[Event | Rejected]
    between: dict[int, LoopbackData]  # of rows that another shard has sent: how they came

    def touch(self, row: int) -> Touch:
        """Return what `read` makes of this record. Raises ValueError if it was rejected."""
        event = self.contents[row]
        if isinstance(event, Rejected):
            raise ValueError(f"row {row} was rejected ({event.code}: {event.reason}); take it from `contents`")
        return Touch(
            kind=event.kind,
            time=int(self.times[row]),
            skewed=bool(self.skewed[row]),
            id=event.id,
            id_hash=int(self.hashes[row]),
            customer=event.subject,
            a=float(self.a[row]),
            b=float(self.b[row]),
            sentiment=float(self.sentiment[row]),
            data=event.data,
        )


def read_columns(
    values: Sequence[bytes | None],
    keys: Sequence[bytes | None],
    timestamps: NDArray[np.int64],
) -> Columns:
    """Read the records of a batch: a pure function that raises for no record, like `read`.

    Args:
        values: one a record.
        keys: the same.
        timestamps: Kafka's, in ms, of shape (rows,).
    """
    # Each step goes through the whole batch; `doubtful` gathers the rows that some rule may refuse.
    events = _decoded([value if value and len(value) <= SURELY_FLAT else _bounded(value) for value in values])
    times, skewed, too_far, too_early = settle(parsed([event.time for event in events]), timestamps)
    # A record that says it is older than any event may be: its difference to a time may not fit a number.
    too_old = timestamps < -limits.EARLIEST_MS
    doubtful = set(np.flatnonzero(too_far | too_early | too_old).tolist())
    ids = identities(events)
    customers = [event.subject.encode() for event in events]
    if _controls([*ids, *customers]) > len(ids):  # each identity has a NUL of its own
        doubtful.update(row for row, event in enumerate(events) if stray_control(event))

    kinds = np.frombuffer(bytearray([event.kind for event in events]), np.uint8)
    between = _between(kinds, values)
    doubtful.update(between)
    doubtful.update(np.flatnonzero(kinds == Kind.IDENTITY_MERGED).tolist())  # it names a second customer
    rejected: dict[int, Rejected] = {}
    for row in sorted(doubtful):
        outcome = examine(values[row], keys[row], int(timestamps[row]))
        if isinstance(outcome, Rejected):
            rejected[row] = outcome
            outcome = _NOTHING
        event, times[row], skewed[row] = outcome
        events[row] = event
        (ids[row],) = identities([event])
        customers[row] = event.subject.encode()
        kinds[row] = event.kind

    hashes = np.fromiter(map(id_hash, ids), np.uint64, len(ids))
    a, b, sentiment = _numbers(events, kinds)
    contents: list[Event | Rejected] = [*events]
    for row, reason in rejected.items():
        kinds[row] = hashes[row] = 0
        contents[row] = reason
    return Columns(kinds, times, skewed, hashes, a, b, sentiment, customers, contents, between)


_LOOPBACK: Final = np.zeros(256, np.bool_)
_LOOPBACK[[Kind.IDENTITY_MOVED, Kind.TOUCHPOINT_FORWARDED, Kind.SHARED_MOMENT]] = True


def _between(kinds: NDArray[np.uint8], values: Sequence[bytes | None]) -> dict[int, LoopbackData]:
    """What the rows say of their way that another shard has sent."""
    told = ((row, came_from(values[row])) for row in np.flatnonzero(_LOOPBACK[kinds]).tolist())
    return {row: head for row, head in told if head is not None}


def _bounded(value: bytes | None) -> bytes:
    """Return the value, or nothing where there is none that may be decoded."""
    return b"" if value is None or beyond_limits(value) else value


def _decoded(values: Sequence[bytes]) -> list[Event]:
    """Decode all values; where one can't be decoded stands an event of nothing."""
    events: list[Event] = []
    rest = iter(values)
    while len(events) < len(values):
        try:
            events.extend(map(decode, rest))
        except (DecodeError, UnicodeDecodeError, RecursionError):
            # `events` has kept what was decoded before, and `rest` stands behind the value that was refused.
            events.append(_NOTHING.event)
    return events


def _controls(names: Sequence[bytes]) -> int:
    """Return how many control characters these names hold together."""
    return int(np.count_nonzero(np.frombuffer(b"".join(names), np.uint8) <= LAST_CONTROL))


def _numbers(
    events: Sequence[Event], kinds: NDArray[np.uint8]
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Return the columns of a, b and sentiment."""
    a, b, sentiment = np.zeros(len(events)), np.zeros(len(events)), np.full(len(events), np.nan)
    rows = np.flatnonzero(_HAS_NUMBERS[kinds])
    numbers = [events[row].data.numbers() for row in rows.tolist()]
    flat = np.fromiter(chain.from_iterable(numbers), np.float64, 3 * len(numbers))
    a[rows], b[rows], sentiment[rows] = flat[0::3], flat[1::3], flat[2::3]
    return a, b, sentiment
