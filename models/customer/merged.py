"""An id that is another customer's: what is left of its record, and where what still comes at it goes.

Its record is blank but for the ring of the last events, so that one that comes twice goes on once, and for whose the id
is (`Tail.merged`). It never leaves the store, or what came at the id later would make somebody new.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from models.customer.bands import Band
from models.customer.layout import ERASED, LEFT
from models.customer.record import Record
from models.touchpoints.limits import MAX_PATH

MERGED: Final = ERASED | LEFT
"""Both flags: no record has them otherwise. An older release takes it for an erasure, which changes nothing either."""


class Onward(NamedTuple):
    """Where something goes that came at a merged id. path: the ids that it comes from then."""

    to: str
    path: tuple[str, ...]


def is_merged(flags: int) -> bool:
    """Whether a record is that of an id that is another customer's."""
    return flags & MERGED == MERGED


def onward(customer: str, into: str, path: tuple[str, ...]) -> Onward | None:
    """Where something goes on from a merged id; None: it stays, and the id is somebody's own again.

    Ids may be merged in a circle: each into the next, before any of them has heard of the others. Then all of them are
    merged, and what was known of each comes round. So of a circle the smallest id stays. A way that is longer than a
    record between shards can tell ends where it is.

    Args:
        customer: the merged id.
        into: whose it is.
        path: the ids that it comes from.

    >>> onward("b", "c", ("a",))
    Onward(to='c', path=('a', 'b'))
    >>> onward("b", "a", ("a",))  # a circle of two
    Onward(to='a', path=('a', 'b'))
    >>> onward("a", "b", ("a", "b")) is None
    True
    """
    passed = path if customer in path else (*path, customer)
    if into in passed:
        circle = passed[passed.index(into) :]
        if customer == min(*circle, customer):
            return None
    return Onward(into, passed) if len(passed) <= MAX_PATH else None


def left_of(record: Record, customer: bytes, into: str) -> Record:
    """What is left of a record once all else has moved."""
    left = Record(customer)
    left.ids, left.ring, left.flags, left.band = record.ids, record.ring, MERGED, Band.ERASED
    left.tail.merged = into
    return left


def revived(record: Record, customer: bytes) -> Record:
    """The id is somebody's own again."""
    own = Record(customer)
    own.ids, own.ring = record.ids, record.ring
    return own
