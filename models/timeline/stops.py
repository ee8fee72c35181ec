"""What operators have stopped, as a shard and the publishers know it.

A stop has a number of its own; ending it names that number. So what is in force never depends on the order in which the
records of several operators stand in a partition: a stop that was ended before it came is passed over. What is known in
two places (a shard's state, the flag beside all shards) is joined: whatever either knows to have ended has.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import msgspec
from msgspec import UNSET

from models.timeline.shard_state import ShardState
from models.timeline.stop_types import Stop, Stops
from models.touchpoints.types.reserved import ResumedData, StoppedData

MOST_STOPS: Final = 16
"""Stops in force at a time, of which an operator may make one more."""
MOST_KEPT: Final = 2 * MOST_STOPS
"""Of them in a shard, to which an end may come late."""
MOST_ENDED: Final = 64
"""Ended stops that are remembered by number: beyond, the lowest becomes the number up to which all have ended."""
TOO_MANY: Final = f"{MOST_KEPT} stops are in force; end some of them (`retention resume`) first"
_encode = msgspec.json.Encoder().encode


class StopChange(msgspec.Struct, frozen=True, gc=False):
    """What a record of an operator changes of what is stopped.

    stop: that begins; None: one ends. numbers: of the stops that end. refused: why the record is not obeyed.
    """

    stop: Stop | None = None
    numbers: tuple[int, ...] = ()
    by: str = ""
    reason: str = ""
    refused: str = ""


def in_force(state: ShardState) -> Stops:
    """What is stopped in a shard."""
    return Stops() if state.stops is UNSET else state.stops


def stop_of(data: StoppedData) -> Stop:
    """A record's, with its selectors in an order of their own."""
    parts = (data.purposes, data.actions, data.countries, data.kinds)
    purposes, actions, countries, kinds = (tuple(sorted(set(part))) for part in parts)
    return Stop(data.number, purposes, actions, countries, kinds, data.by or "", data.reason or "")


def at_record(state: ShardState, data: StoppedData | ResumedData) -> tuple[ShardState, StopChange | None]:
    """The state, and what changes, when the line comes to a stop's record, or to one that ends stops."""
    before = in_force(state)
    if isinstance(data, ResumedData):
        after = resumed(before, data.stops)
        ended = tuple(one.number for one in before.standing if one.number in data.stops)
        change = StopChange(numbers=ended, by=data.by or "", reason=data.reason or "") if ended else None
    else:
        stop = stop_of(data)
        after = stopped(before, stop)
        change = StopChange(stop, by=stop.by, reason=stop.why) if after != before else None
        if change is not None and len(after.standing) > MOST_KEPT:
            return state, msgspec.structs.replace(change, refused=TOO_MANY)
    return (state if after == before else msgspec.structs.replace(state, stops=after)), change


def stopped(stops: Stops, stop: Stop) -> Stops:
    """With one more, unless it has ended. Twice the same is one; of two of one number, the one whose bytes are
    greater."""
    known = {one.number: one for one in stops.standing}
    other = known.get(stop.number)
    if other is None and (stop.number in stops.ended or stop.number <= stops.ended_to):
        return stops
    known[stop.number] = stop if other is None else max(other, stop, key=_encode)
    return msgspec.structs.replace(stops, standing=tuple(known[number] for number in sorted(known)))


def resumed(stops: Stops, numbers: Iterable[int]) -> Stops:
    """With these at an end, whether they have begun here or not."""
    standing = {one.number for one in stops.standing}
    gone = {number for number in numbers if number in standing or number > stops.ended_to}
    kept = tuple(one for one in stops.standing if one.number not in gone)
    return _with_ended(kept, {*stops.ended, *gone}, stops.ended_to)


def joined(one: Stops, other: Stops) -> Stops:
    """What is known in two places."""
    if one == other:
        return one
    gone = _ended_for(one, other) | _ended_for(other, one)
    standing = Stops()
    for stop in (*one.standing, *other.standing):
        standing = standing if stop.number in gone else stopped(standing, stop)
    return _with_ended(standing.standing, {*one.ended, *other.ended}, max(one.ended_to, other.ended_to))


def _ended_for(one: Stops, other: Stops) -> set[int]:
    """Of what stands in one place, what the other knows to have ended."""
    there = {stop.number for stop in other.standing}
    return {
        stop.number
        for stop in one.standing
        if stop.number in other.ended or (stop.number <= other.ended_to and stop.number not in there)
    }


def _with_ended(standing: tuple[Stop, ...], numbers: Iterable[int], ended_to: int) -> Stops:
    ended = sorted(number for number in numbers if number > ended_to)
    return Stops(standing, tuple(ended[-MOST_ENDED:]), max(ended_to, *ended[:-MOST_ENDED], 0))
