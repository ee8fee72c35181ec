"""Starts: states of the learner, one a week, from which versions that were deleted are learned again.

Without them that takes all examples from the first on, and hours. They are written in the learner's own commits, in its
namespace: `start:<boundary>` is the sealed state behind a boundary, `starts` the list of the boundaries.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from models.churn import SnapshotRefused, unseal
from models.learning.learner import LearningState
from models.settings import WEEK
from streams.learner.lineage import FIRST, lineage_to_read, namespace_of
from streams.store import Store

STARTS = b"starts"
KEPT = 5
"""How many, the newest: a shard whose keys went back by a month has one before it."""
MOST_BYTES = 64 << 20
"""Of all of them; the newest stays, whatever it takes. A state takes a megabyte or two with `adagrad`, tens with
`forest`."""


class Starts:
    """The starts of one learner, as its next commit leaves them. sizes: by boundary, in bytes, the oldest first."""

    def __init__(self, sizes: Sequence[tuple[int, int]] = ()) -> None:
        self.sizes = list(sizes)

    @classmethod
    def of(cls, value: bytes | None) -> Starts:
        """As they are stored. What can't be read is none: they are only a shorter way."""
        try:
            return cls(msgspec.json.decode(value, type=list[tuple[int, int]]) if value is not None else ())
        except (msgspec.DecodeError, UnicodeDecodeError):
            return cls()

    def copy(self) -> Starts:
        return Starts(self.sizes)

    def wanted(self, boundary: int) -> bool:
        """Whether the state behind this boundary is to be kept: the first of its week."""
        return not self.sizes or boundary // WEEK > self.sizes[-1][0] // WEEK

    def add(self, boundary: int, size: int) -> list[int]:
        """Keep one more; the boundaries of those that leave."""
        self.sizes.append((boundary, size))
        gone = []
        while len(self.sizes) > KEPT or (len(self.sizes) > 1 and sum(size for _, size in self.sizes) > MOST_BYTES):
            gone.append(self.sizes.pop(0)[0])
        return gone

    def packed(self) -> bytes:
        return msgspec.json.encode(self.sizes)


def name_of_start(boundary: int) -> bytes:
    """The name under which a start is stored."""
    return b"start:%d" % boundary


async def start_before(store: Store, schema: str, boundary: int) -> LearningState | None:
    """The newest start of this schema's learner before a boundary; None: only the first example will do.

    Raises what the store raises.
    """
    lineage, _ = await lineage_to_read(store, schema)
    namespace = namespace_of(lineage or FIRST)
    [listed] = await store.load(namespace, [STARTS])
    for start, _ in reversed(Starts.of(listed).sizes):
        if start < boundary:
            [value] = await store.load(namespace, [name_of_start(start)])
            if value is not None:
                try:
                    return unseal(value, schema, LearningState)
                except SnapshotRefused:
                    continue
    return None
