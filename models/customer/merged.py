"""An id that is another customer's: what is left of its record, and where what still comes at it goes.

Its record is blank but for the ring of the last events, so that one that comes twice goes on once, for whose the id
is (`Tail.merged`), and for an erasure before: the id may be its own again before its record comes round a circle. It
never leaves the store, or what came at the id later would make somebody new.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from models.customer.bands import Band
from models.customer.layout import ERASED, LEFT, NEWEST, NO_CONSENT
from models.customer.record import Record
from models.touchpoints.limits import MAX_PATH

MERGED: Final = ERASED | LEFT
"""Both flags: no record has them otherwise. An older release takes it for an erasure, which changes nothing either."""
WAS_ERASED: Final = NO_CONSENT
"""Of a merged id: it was erased before, at the time that its record has, and what it had refused stands there."""


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
    if record.flags & ERASED:
        _keep_erasure(left, record)
        left.flags |= WAS_ERASED
    return left


def revived(record: Record, customer: bytes) -> Record:
    """The id is somebody's own again; who was erased still is."""
    own = Record(customer)
    own.ids, own.ring = record.ids, record.ring
    if record.flags & WAS_ERASED:
        _keep_erasure(own, record)
        own.flags, own.band = ERASED | (NO_CONSENT if own.tail.consents else 0), Band.ERASED
    return own


def _keep_erasure(into: Record, erased: Record) -> None:
    into.times[NEWEST], into.tail.consents = erased.times[NEWEST], erased.tail.consents
