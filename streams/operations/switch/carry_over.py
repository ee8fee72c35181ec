"""What one application knows of a dialogue, in the record of another: who was contacted is not contacted again for it.

Without a policy that is an open episode. With one it is how we stand with the customer: what is out, what was sent of
late, what waits. Both applications read one log, so both have the policy.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from msgspec import UNSET, UnsetType

from models.customer.bands import Band
from models.customer.layout import DUE, EPISODE, REARMED, SLAB
from models.customer.record import Record, unpack
from models.customer.worth import split
from models.decisions.standing_stored import pack_standing, unpack_standing, watched
from models.timeline.order import Stage, timer_position
from models.timeline.shard_state import ShardState
from models.timeline.shared import Shared

LIVING: Final = (Band.SAFE, Band.WATCH, Band.AT_RISK)
"""Bands in which an episode can be open: who has bought nothing yet, is lapsed or erased has none."""
_BAND = 2
"""Where a stored record holds its band, in every version so far."""


class Carried(NamedTuple):
    """Green's record as it is now. before, after: its bands. due: its timer position; infinite: none.

    episode: it has blue's open episode.
    """

    record: bytes
    before: Band
    after: Band
    due: float
    episode: bool


def may_carry(record: bytes, by_policy: bool) -> bool:
    """Whether there may be something to carry over, as far as the length and the head of a stored record tell.

    by_policy: a policy is in force.
    """
    return (len(record) > _BAND and record[_BAND] == Band.AT_RISK) or (
        by_policy and len(split(record)[0]) > SLAB.itemsize
    )


def carried_over(customer: bytes, blue: bytes, green: bytes, by_policy: bool = False) -> Carried | None:
    """Green's record with what blue's says of the dialogue; None when it is so already, or can't be.

    What belongs to an episode: since when it is open, by what, how many triggers it had and the last one's id, and
    whether that expired unsent.

    Args:
        customer: whose.
        blue, green: their records.
        by_policy: a policy is in force.

    Raises:
        UnknownRecord: one of them can't be read.
    """
    old, new = unpack(customer, blue), unpack(customer, green)
    before, former = Band(new.band), new.pack()
    episode = old.band == Band.AT_RISK and before in LIVING
    if episode:
        new.band = int(Band.AT_RISK)
        new.times[EPISODE] = old.times[EPISODE]
        new.flags = (new.flags & ~REARMED) | (old.flags & REARMED)
        new.tail.opener, new.tail.trigger, new.tail.step = old.tail.opener, old.tail.trigger, old.tail.step
    if by_policy and before != Band.ERASED:
        _stand(old, new)
    packed = new.pack()
    return None if packed == former else Carried(packed, before, Band(new.band), new.times[DUE], episode)


def taken_over(blue: ShardState, green: ShardState) -> Shared | UnsetType:
    """What green's customers share once it decides: of budgets blue has taken what it has, and green's versions have
    allowed nothing yet. The alarm is green's own."""
    taken = Shared() if isinstance(blue.shared, UnsetType) else blue.shared
    own = Shared() if isinstance(green.shared, UnsetType) else green.shared
    found = Shared(reserved=taken.reserved, alarm=own.alarm)
    return UNSET if found == Shared() else found


def _stand(old: Record, new: Record) -> None:
    """We stand with the customer as in blue. Green's own timer may ring once more, and finds nothing."""
    standing = unpack_standing(old.tail.standing)
    if new.band not in LIVING:
        standing.reached, standing.promoted = 0.0, False
        standing.waiting = [one for one in standing.waiting if not one.threshold]
    new.tail.standing = pack_standing(standing)
    timer, *_ = watched(new.tail.standing)
    if timer:
        new.times[DUE] = min(new.times[DUE], float(timer_position(timer, Stage.SCORES)))
