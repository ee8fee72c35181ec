"""What shards send to each other arrives once: a receiver keeps the last count of each sender.

A sender counts its records to a partition from 1 on, without a gap, as part of its commits. After a crash, or where the
store went back, it sends again what it cannot know to be there, in the same order: what is not above the last count is
passed over. A count that leaves one out means that a record is gone from the log; then the shard stops, since a
customer would be lost with it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from msgspec import UNSET, UnsetType

from models.touchpoints.types.identities import LoopbackData

Counts = dict[int, int]
"""By sender, the count of the last record."""


class RecordsMissing(Exception):
    """A record that another shard has sent is not in the log."""


def received(
    counts: Mapping[int, int] | UnsetType, arrived: Iterable[tuple[int, LoopbackData]]
) -> tuple[Counts | UnsetType, frozenset[int]]:
    """The counts after records have arrived, and the rows that came before.

    The first that a shard ever reads of a sender counts as it is: the log may begin behind the others.

    Args:
        counts: before them.
        arrived: in the order of the log, by row.

    Raises:
        RecordsMissing: one of them is not the next of its sender.

    >>> head = LoopbackData(sender=2, count=5, path=("a",))
    >>> received({2: 4}, [(0, head), (1, head)])
    ({2: 5}, frozenset({1}))
    """
    last: Counts = {} if isinstance(counts, UnsetType) else dict(counts)
    again = set()
    for row, head in arrived:
        before = last.get(head.sender, head.count - 1)
        if head.count <= before:
            again.add(row)
            continue
        if head.count != before + 1:
            raise RecordsMissing(
                f"record {head.count} of shard {head.sender} follows {before}: what it sent between is not in the log"
            )
        last[head.sender] = head.count
    return last or UNSET, frozenset(again)
