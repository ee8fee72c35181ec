"""Whether a trigger that a sender still holds may be sent: looked up in the store and the flag of stops.

The answer is true of the shard's log time that comes with it: what has happened since, or waits in the log, is not
known to it. The flag is as of now. Nothing is changed.
"""

from __future__ import annotations

import time
from typing import Final, NamedTuple

from msgspec import UNSET

from models.customer.bands import Band
from models.customer.layout import ERASED
from models.customer.record import Record, unpack
from models.customer.restrictions import ACTION_PURPOSES
from models.customer.tail import UnknownRecord
from models.decisions.policy.parts import KINDS
from models.decisions.standing import Outstanding, Stage, id_of, number_of
from models.decisions.standing_stored import unpack_standing
from models.timeline.partitioning import partition_of
from models.timeline.stop_types import CARE, MARKETING, Stop, Stops
from models.timeline.stops import in_force, joined
from streams.errors import StateUnreadable
from streams.shard.meta import ShardBody, unpack_body
from streams.store import Store
from streams.store.stop_flag import read_flag

WITHDRAWN, EXPIRED, STOPPED, ERASED_, DELIVERED, UNKNOWN = (
    "withdrawn",
    "expired",
    "stopped",
    "erased",
    "delivered",
    "unknown",
)
UNSENT: Final = "unsent"
_STAGES: Final = {
    Stage.DELIVERED: DELIVERED,
    Stage.WITHDRAWN: WITHDRAWN,
    Stage.PRESUMED: EXPIRED,
    Stage.GIVEN_BACK: UNSENT,
    Stage.HELD: UNKNOWN,
}


class Validity(NamedTuple):
    """The answer.

    customer, trigger: asked about. valid: it may be sent. reason: why not: ``withdrawn``, ``expired``, ``stopped``,
    ``erased``, ``delivered``, ``unsent`` (it was said to be never sent, and may be another's place by now), ``unknown``
    (no such trigger is out); empty: it may. stop: the number of the stop; 0: none. as_of: the shard's log time, ms; 0:
    there is no such shard.
    """

    customer: str
    trigger: str
    valid: bool
    reason: str = ""
    stop: int = 0
    as_of: int = 0


async def is_valid(store: Store, partitions: int, customer: str, trigger: str) -> Validity:
    """Look it up, of an id that is another customer's at theirs. Raises StoreUnavailable, StateUnreadable,
    NewerRelease."""
    found, now_at = await _looked_up(store, partitions, customer, trigger)
    passed = {customer}
    while now_at and now_at not in passed:  # a circle comes to its end in the log
        passed.add(now_at)
        found, now_at = await _looked_up(store, partitions, now_at, trigger)
    return found._replace(customer=customer)


async def _looked_up(store: Store, partitions: int, customer: str, trigger: str) -> tuple[Validity, str]:
    """The answer of one record, and whose id it is where it is not its own."""
    shard = str(partition_of(customer, partitions))
    flag = await read_flag(store)
    meta = await store.read_meta(shard)
    if meta is None:
        return Validity(customer, trigger, False, UNKNOWN), ""
    body = unpack_body(shard, meta.body)
    name = customer.encode()
    [stored] = await store.load(shard, [b"c:" + name])
    try:
        record = None if stored is None else unpack(name, stored)
    except UnknownRecord as error:
        raise StateUnreadable(f"the record of {customer!r}: {error}") from error
    merged = record.tail.merged if record is not None else ""
    reason, stop = (UNKNOWN, 0) if merged else _judged(record, body, joined(flag, in_force(body.state)), trigger)
    return Validity(customer, trigger, not reason, reason, stop, max(body.state.time, 0)), merged


def _judged(record: Record | None, body: ShardBody, stops: Stops, trigger: str) -> tuple[str, int]:
    """Why it may not be sent, and the number of the stop."""
    if record is None:
        return UNKNOWN, 0
    if record.flags & ERASED:
        return ERASED_, 0
    now = max(body.state.time, int(time.time() * 1000) if body.creation.mode == "live" else 0)
    country, stop = record.tail.country, None
    wanted = id_of(trigger)
    found = next(
        (one for one in unpack_standing(record.tail.standing).outstanding if wanted and one.id == wanted), None
    )
    if found is not None:
        if found.stage != Stage.OUT:
            return _STAGES[Stage(found.stage)], 0
        if found.expires <= now:
            return EXPIRED, 0
        stop = next((one for one in stops.standing if _fits(one, found, country)), None)
    elif body.state.policy is UNSET and record.band == Band.AT_RISK and record.tail.trigger.hex() == trigger:
        # Made by settings: what it was for is not kept.
        either = ((MARKETING, "win_back"), (CARE, "care"))
        stop = next((one for one in stops.standing if any(one.fits(*what, country, "") for what in either)), None)
    else:
        return UNKNOWN, 0
    return (STOPPED, stop.number) if stop is not None else ("", 0)


def _fits(stop: Stop, found: Outstanding, country: str) -> bool:
    """The record keeps an action by number."""
    action = next((name for name in stop.actions if number_of(name) == found.action), "")
    return stop.fits(ACTION_PURPOSES[found.purpose], action, country, KINDS[found.kind])
