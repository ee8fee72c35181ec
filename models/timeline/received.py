"""What shards send to each other arrives once: a receiver keeps the last count of each sender's line.

A sender counts its records to a partition from 1 on, without a gap, as part of its commits. After a crash, or where the
store went back, it sends again what it cannot know to be there, in the same order: what is not above the last count is
passed over. A count that leaves one out means that a record is gone from the log; then the shard stops, since a
customer would be lost with it.

Whoever may write the topic can write such records too. They can't know the number of a sender's *line*, which stands
in what it sends and follows from the first customer's record that it ever sent, or from what it had done before the
first word of a shared moment (`models.outputs.loopback.Loopback.line`). So they can only count a line of their own:
neither make a true record look like one that came before, nor leave one out of its line. What no shard can have sent is
refused.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType
from typing import Any, Final, NamedTuple

from msgspec import UNSET, UnsetType

from models.customer.versions import NewerRecord
from models.touchpoints.types.identities import IdentityMovedData, LoopbackData

Counts = dict[int, dict[int, int]]
"""By sender and line, the count of the last record; the line that was longest silent first."""
MAX_LINES: Final = 4
"""Lines of a sender that are kept. It has one; a further one begins where its state is made anew."""


class RecordsMissing(Exception):
    """A record that another shard has sent is not in the log."""


class Received(NamedTuple):
    """counts: after what has arrived. again: the rows of it that came before. refused: by row why it is a dead
    letter."""

    counts: Counts | UnsetType = UNSET
    again: frozenset[int] = frozenset()
    refused: Mapping[int, str] = MappingProxyType({})


def received(
    counts: Mapping[int, Mapping[int, int]] | UnsetType,
    arrived: Iterable[tuple[int, LoopbackData]],
    partitions: int,
    record_of: Callable[[IdentityMovedData], Any],
) -> Received:
    """What comes of records that have arrived.

    The first that a shard ever reads of a line counts as it is: the log may begin behind the others.

    Args:
        counts: before them.
        arrived: in the order of the log, by row.
        partitions: so many shards there are.
        record_of: reads the customer's record that is in one. Raises ValueError, NewerRecord.

    Raises:
        RecordsMissing: one of them is not the next of its line.
        NewerRecord: one, of a line that is known, holds a customer's record of a newer release.

    >>> head = LoopbackData(sender=2, line=77, count=5, path=("a",))
    >>> received({2: {77: 4}}, [(0, head), (1, head)], 3, lambda moved: None)[:2]
    ({2: {77: 5}}, frozenset({1}))
    """
    last: Counts = {} if isinstance(counts, UnsetType) else {sender: dict(lines) for sender, lines in counts.items()}
    again, refused = set(), dict[int, str]()
    for row, head in arrived:
        lines = last.get(head.sender, {})
        before = lines.get(head.line, head.count - 1)
        if head.count <= before:
            again.add(row)
            continue
        known = head.line in lines
        if reason := _fault(head, partitions, record_of, known):
            refused[row] = f"{reason}; only the engine sends records of this type"
            if not known:
                continue
        if head.count != before + 1:
            raise RecordsMissing(
                f"record {head.count} of shard {head.sender} follows {before}: what it sent between is not in the log"
            )
        lines.pop(head.line, None)
        lines[head.line] = head.count
        if len(lines) > MAX_LINES:
            del lines[next(iter(lines))]
        last[head.sender] = lines
    return Received(last or UNSET, frozenset(again), refused)


def _fault(head: LoopbackData, partitions: int, record_of: Callable[[IdentityMovedData], Any], known: bool) -> str:
    """Why no shard can have sent a record; empty: one can. known: its line is."""
    if head.sender >= partitions:
        return f"data.sender is {head.sender}, and there are {partitions} shards"
    if isinstance(head, IdentityMovedData):
        try:
            record_of(head)
        except NewerRecord as error:
            if known:
                raise
            return f"data.record is no customer's record: {error}"
        except ValueError as error:
            return str(error)
    return ""
