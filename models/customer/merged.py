"""An id that is another customer's: what is left of its record, and where what still comes at it goes.

Its record is blank but for whose the id is (`Tail.merged`), the ring of the last events and the time of the newest, so
that one that comes twice goes on once, and for an erasure before: the id may be its own again before its record comes
round a circle. It never leaves the store, or what came at the id later would make somebody new.
"""

from __future__ import annotations

from array import array
from itertools import zip_longest
from typing import Final, NamedTuple

from models.customer.bands import Band
from models.customer.layout import ERASED, IDS, LEFT, NEWEST, NO_CONSENT
from models.customer.record import Record
from models.touchpoints.limits import MAX_PATH

MERGED: Final = ERASED | LEFT
"""Both flags: no record has them otherwise. An older release takes it for an erasure, which changes nothing either."""
WAS_ERASED: Final = NO_CONSENT
"""Of a merged id: it was erased before, at the time that its record has, and what it had refused stands there."""


PASSED_ON: Final = 0x9E3779B97F4A7C15
"""What the number of an event is xored with where a record remembers that it passed the event on, and has not counted
it. So an id that is its own again knows such an event where it is sent there once more, and takes it where it comes
round."""


class Onward(NamedTuple):
    """Where something goes that came at a merged id. path, hops: of the way that it has come then (`onward`)."""

    to: str
    path: tuple[str, ...]
    hops: int = 0


def is_merged(flags: int) -> bool:
    """Whether a record is that of an id that is another customer's."""
    return flags & MERGED == MERGED


def onward(customer: str, into: str, path: tuple[str, ...], hops: int = 0) -> Onward | None:
    """Where something goes on from a merged id; None: it stays, and the id is somebody's own again.

    Ids may be merged in a circle: each into the next, before any of them has heard of the others. Then all of them are
    merged, and what was known of each comes round. So of a circle the smallest id stays.

    A chain may be longer than a path can tell. From then on the path is the first id, an *anchor*, the smallest id that
    was left out since, and the last ones; the anchor is set anew after 1, 2, 4, 8, ... hops (R. P. Brent, An improved
    Monte Carlo factorization algorithm, 1980). So a chain of any length ends where it ends, and a circle of any length
    is found within a few rounds.

    Args:
        customer: the merged id.
        into: whose it is.
        path: the ids that it comes from, the first one first.
        hops: ids that it has passed since its way is longer than a path.

    >>> onward("b", "c", ("a",))
    Onward(to='c', path=('a', 'b'), hops=0)
    >>> onward("b", "a", ("a",))  # a circle of two
    Onward(to='a', path=('a', 'b'), hops=0)
    >>> onward("a", "b", ("a", "b")) is None
    True
    """
    first = 1 if hops else 0  # the first id of a long way may lie before its anchor, with a gap between
    again = customer in path[first:]
    passed = path if again else (*path, customer)
    known = passed[first:]
    closes = customer if again and hops else into
    if closes in known and customer == min(*known[known.index(closes) :], customer):
        return None
    if not hops and len(passed) <= MAX_PATH:
        return Onward(into, passed)
    hops += 1
    if hops & (hops - 1) == 0:
        passed = (passed[0], customer)
    elif len(passed) > MAX_PATH:
        passed = (*passed[:2], min(passed[2:4]), *passed[4:])
    return Onward(into, passed, hops)


def left_of(record: Record, customer: bytes, into: str) -> Record:
    """What is left of a record once all else has moved."""
    left = Record(customer)
    left.ids, left.ring, left.flags, left.band = record.ids, record.ring, MERGED, Band.ERASED
    left.times[NEWEST], left.tail.merged = record.times[NEWEST], into
    if record.flags & ERASED:
        left.tail.consents = record.tail.consents
        left.flags |= WAS_ERASED
    return left


def join_rings(own: Record, other: Record) -> None:
    """Of the last events of both the customer's record remembers as many as it has room for: at least half of it for
    each."""
    mine, theirs = _newest_first(own), _newest_first(other)
    of_theirs = min(len(theirs), max(IDS // 2, IDS - len(mine)))
    newest = zip_longest(mine[: IDS - of_theirs], theirs[:of_theirs])
    kept = [one for pair in newest for one in pair if one is not None][::-1]
    own.ids, own.ring = array("Q", kept + [0] * (IDS - len(kept))), len(kept) % IDS


def _newest_first(record: Record) -> list[int]:
    return [one for at in range(1, IDS + 1) if (one := record.ids[(record.ring - at) % IDS])]


def revived(record: Record, customer: bytes) -> Record:
    """The id is somebody's own again; who was erased still is."""
    own = Record(customer)
    own.ids, own.ring, own.times[NEWEST] = record.ids, record.ring, record.times[NEWEST]
    if record.flags & WAS_ERASED:
        own.tail.consents = record.tail.consents
        own.flags, own.band = ERASED | (NO_CONSENT if own.tail.consents else 0), Band.ERASED
    return own
