"""How we stand with a customer: what has asked for a decision and waits, what is out, and what they got of late.

It lies packed in the record's tail (`Tail.standing`) and is opened only where something is decided or reported. Times
are log time in ms, whole seconds. Names are kept as numbers of four bytes (`number_of`), channels of two.
"""

from __future__ import annotations

import re
import struct
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Final, NamedTuple

from xxhash import xxh3_64_intdigest

from models.customer.moments import second_of
from models.settings import DAY, SECOND

MAX_WAITING: Final = 4
"""Moments that wait at a time: beyond, the one of the lowest priority ends."""
MAX_OUTSTANDING: Final = 8
"""Triggers whose end is not known, or that ended of late."""
MAX_COUNTS: Final = 92
"""Days with contacts that are counted, by channel and kind."""
MAX_ONCE: Final = 16
"""Moments and actions with `once_per` that are remembered."""
MAX_UNREACHABLE: Final = 8
"""Channels that are remembered as such on which nothing arrives: beyond, the one that failed first is forgotten."""
LONGEST_WINDOW: Final = 92 * DAY
"""Longest rolling window of a cap."""


def number_of(name: str) -> int:
    """A name as the record has it: 32 bits, never 0. `policy check` refuses two names of one number."""
    return xxh3_64_intdigest(name.encode()) & 0xFFFFFFFF or 1


def id_of(trigger: str) -> int:
    """A trigger's id as the record has it: 128 bits; 0 of what is no id of ours."""
    return int(trigger, 16) if _HEX.fullmatch(trigger) else 0


def channel_number(channel: str) -> int:
    """A channel as the record has it: 16 bits, never 0. `policy check` refuses two channels of one number."""
    return xxh3_64_intdigest(channel.encode()) & 0xFFFF or 1


class Waiting(NamedTuple):
    """A moment that has asked and is not answered.

    moment: `number_of` its name. asked: when its life began. wakes: when it is looked at again; 0: at a touchpoint that
    wakes it only. threshold: the level's risk that asked, 0.0 of a touchpoint moment. again: it had a trigger that was
    not sent or did not arrive; it gets no third one.
    """

    moment: int
    asked: int
    wakes: int
    threshold: float = 0.0
    again: bool = False


class Stage(IntEnum):
    """Where an outstanding trigger stands. Stored: never renumber."""

    OUT = 0  # reserved; nobody has said yet that it arrived
    DELIVERED = 1  # it arrived
    WITHDRAWN = 2  # taken back by us; the sender may not have obeyed
    PRESUMED = 3  # its expiry passed without a word: counts as delivered until somebody says that it was not sent
    GIVEN_BACK = 4  # it was not sent: it counts for nothing, unless somebody says that it arrived


IN_FLIGHT: Final = (Stage.OUT, Stage.WITHDRAWN)
"""Stages of a trigger that may yet arrive."""
OTHERS: Final = 15
"""In place of the kind of an action: a contact by others."""


class Spent(NamedTuple):
    """What a trigger has taken of a budget.

    budget: `number_of` its name. period: its start, ms. units: as the budget counts. money: what is not used of it can
    be taken again.
    """

    budget: int
    period: int
    units: int
    money: bool


class Outstanding(NamedTuple):
    """A trigger of ours, or a contact by others, of late (kind `OTHERS`).

    id: the trigger's, as a number (`id_of`); 0: a contact by others. time: of the reservation; once
    delivered, of the delivery. expires: from then on it counts as delivered. until: the promotion is open so long; 0:
    it is none, or it has ended. action: `number_of` its name. kind: of `policy.types.KINDS`. purpose: of
    `models.customer.restrictions.ACTION_PURPOSES`. Both by number. spent: of budgets. moment, asked: of what was not
    drawn, which moment asked and when its life began, as long as it may ask once more; 0: it may not.
    """

    id: int
    time: int
    expires: int
    until: int
    channel: int
    action: int
    kind: int
    purpose: int
    stage: int = Stage.OUT
    spent: tuple[Spent, ...] = ()
    moment: int = 0
    asked: int = 0


class DayCount(NamedTuple):
    """Marketing and care contacts of a day (UTC, number since 1970) on a channel, settled and 14 days old."""

    day: int
    channel: int
    kind: int
    purpose: int
    contacts: int

    @property
    def ends(self) -> int:
        """When the day is over, ms: as if all its contacts had been then."""
        return (self.day + 1) * DAY


@dataclass(slots=True)
class Standing:
    """All of it. reached: the highest threshold of risk that has asked in the open episode, 0.0: none. window_ends:
    nothing is drawn before; 0: no window. rests_until: no marketing before (a decline, a spam report).
    harmed_until: the same after a bad experience. promoted: the open episode had its promotion. once: by number, when
    last. unreachable: channels on which nothing arrives, by `channel_number`, since when (`models.decisions.reach`).
    talks_until: the customer is in a conversation with us; 0: in none. answers: at which parts of the day they answer
    (`models.decisions.best_hour`). read: what it was read from: of what has not changed since, `pack_standing` takes
    the bytes."""

    reached: float = 0.0
    window_ends: int = 0
    rests_until: int = 0
    harmed_until: int = 0
    promoted: bool = False
    waiting: list[Waiting] = field(default_factory=list)
    outstanding: list[Outstanding] = field(default_factory=list)
    counts: list[DayCount] = field(default_factory=list)
    once: dict[int, int] = field(default_factory=dict)
    unreachable: dict[int, int] = field(default_factory=dict)
    talks_until: int = 0
    answers: int = 0
    read: AsRead | None = field(default=None, repr=False, compare=False)

    def next_timer(self) -> int:
        """The earliest moment at which something here ends or is looked at again, ms; 0: there is none."""
        times = [self.window_ends] if self.window_ends else []
        times += [one.wakes for one in self.waiting if one.wakes]
        for one in self.outstanding:
            if one.stage in IN_FLIGHT and one.expires:
                times.append(one.expires)
            if one.until and one.stage != Stage.GIVEN_BACK:
                times.append(one.until)
        return min(times, default=0)


class AsRead(NamedTuple):
    """Lists of a standing as they were read, the bytes of all of it, and where in them begins what is behind `waiting`,
    `outstanding` and `once`, and where `counts`."""

    waiting: list[Waiting]
    outstanding: list[Outstanding]
    once: dict[int, int]
    counts: list[DayCount]
    stored: bytes
    begins: tuple[int, int, int, int]


_READ = struct.Struct("<Id")  # the next timer, and what was reached: for `watched`
_HEAD = struct.Struct("<IdBIIIBBBB")  # these, form, window, rest, harm, promoted, lengths; then counts
_WAITING = struct.Struct("<IIId")
_OUTSTANDING = struct.Struct("<QQIIIHIBB")  # the id in two halves
_ONCE = struct.Struct("<II")
_COUNT = struct.Struct("<HHBB")
_CHANNEL = struct.Struct("<HI")
_FORM: Final = 1
_FAILED: Final = 2
"""Added to the form where channels are unreachable: how many, and they, stand before the counts."""
_TALKS: Final = 4
"""The same where the customer is in a conversation: until when, behind the channels."""
_SPENDS: Final = 8
"""The same where a trigger has taken something of budgets: how much each has, in their order, behind both."""
_AGAIN: Final = 16
"""The same where something may ask once more, or does: a bit for each that waits, then how many are out, and they;
behind all these."""
_ANSWERS: Final = 32
"""The same where the customer has answered: when, before what may ask."""
_MAY_ASK = struct.Struct("<BII")
_SECOND = struct.Struct("<I")
_SPENT = struct.Struct("<III")
_MONEY: Final = 1 << 31
MOST_SPENT: Final = _MONEY - 1
"""Units that a trigger takes of a budget at most."""
_HALF: Final = 2**64 - 1
_HEX: Final = re.compile("[0-9a-f]{32}")
_NOTHING_READ: Final = AsRead([], [], {}, [], b"", (0, 0, 0, 0))


def pack_standing(standing: Standing) -> bytes:
    """As stored; nothing when there is nothing in it."""
    waiting, outstanding, once, counts = standing.waiting, standing.outstanding, standing.once, standing.counts
    unreachable, talks_until = standing.unreachable, standing.talks_until
    spends = any(one.spent for one in outstanding)
    if not (
        waiting
        or outstanding
        or once
        or counts
        or unreachable
        or talks_until
        or standing.answers
        or standing.reached
        or standing.promoted
        or standing.window_ends
        or standing.rests_until
        or standing.harmed_until
    ):
        return b""
    again = _packed_again(waiting, outstanding)
    form = _FORM | _FAILED * bool(unreachable) | _TALKS * bool(talks_until) | _SPENDS * spends | _AGAIN * bool(again)
    form |= _ANSWERS * bool(standing.answers)
    head = _HEAD.pack(
        second_of(standing.next_timer()),
        standing.reached,
        form,
        second_of(standing.window_ends),
        second_of(standing.rests_until),
        second_of(standing.harmed_until),
        standing.promoted,
        len(waiting),
        len(outstanding),
        len(once),
    )
    read = standing.read or _NOTHING_READ
    stored, (first, second, third, last) = read.stored, read.begins
    return b"".join(
        (
            head,
            stored[_HEAD.size : first] if waiting == read.waiting else b"".join(map(_packed_waiting, waiting)),
            stored[first:second]
            if outstanding == read.outstanding
            else b"".join(map(_packed_outstanding, outstanding)),
            stored[second:third] if once == read.once else b"".join(map(_packed_once, sorted(once.items()))),
            _packed_unreachable(unreachable) if unreachable else b"",
            _SECOND.pack(second_of(talks_until)) if talks_until else b"",
            b"".join(map(_packed_spent, outstanding)) if spends else b"",
            _SECOND.pack(standing.answers) if standing.answers else b"",
            again,
            stored[last:] if counts == read.counts else b"".join(map(_packed_count, sorted(counts))),
        )
    )


def _packed_waiting(one: Waiting) -> bytes:
    return _WAITING.pack(one.moment, second_of(one.asked), second_of(one.wakes), one.threshold)


def _packed_outstanding(one: Outstanding) -> bytes:
    return _OUTSTANDING.pack(
        one.id & _HALF,
        one.id >> 64,
        second_of(one.time),
        second_of(one.expires),
        second_of(one.until),
        one.channel,
        one.action,
        one.kind,
        one.purpose | one.stage << 2,
    )


def _packed_once(item: tuple[int, int]) -> bytes:
    return _ONCE.pack(item[0], second_of(item[1]))


def _packed_unreachable(unreachable: dict[int, int]) -> bytes:
    packed = (_CHANNEL.pack(number, second_of(time)) for number, time in sorted(unreachable.items()))
    return bytes((len(unreachable),)) + b"".join(packed)


def _packed_spent(one: Outstanding) -> bytes:
    packed = (_SPENT.pack(s.budget, second_of(s.period), s.units | (_MONEY if s.money else 0)) for s in one.spent)
    return bytes((len(one.spent),)) + b"".join(packed)


def _packed_again(waiting: list[Waiting], outstanding: list[Outstanding]) -> bytes:
    """What may ask once more, and what does; nothing where nothing is such."""
    may = [(at, one.moment, one.asked) for at, one in enumerate(outstanding) if one.moment]
    asks = sum(1 << at for at, one in enumerate(waiting) if one.again)
    if not (may or asks):
        return b""
    return bytes((asks, len(may))) + b"".join(_MAY_ASK.pack(at, moment, second_of(time)) for at, moment, time in may)


def _packed_count(one: DayCount) -> bytes:
    return _COUNT.pack(one.day, one.channel, one.kind | one.purpose << 4, one.contacts)


def watched(stored: bytes) -> tuple[int, float]:
    """Of what is stored: the next timer, ms, 0: there is none; and the highest threshold that has asked."""
    if not stored:
        return 0, 0.0
    second, reached = _READ.unpack_from(stored)
    return second * SECOND, reached


def unpack_standing(stored: bytes) -> Standing:
    """Inverse of `pack_standing`."""
    if not stored:
        return Standing()
    _, reached, form, window, rest, harm, promoted, waiting, outstanding, once = _HEAD.unpack_from(stored)
    first = _HEAD.size + waiting * _WAITING.size
    second = first + outstanding * _OUTSTANDING.size
    third = second + once * _ONCE.size
    unreachable, talks_until, last = _more_in(stored, third, form)
    out = [_outstanding_in(*one) for one in _OUTSTANDING.iter_unpack(stored[first:second])] if outstanding else []
    if form & _SPENDS:
        out, last = _with_spent(stored, last, out)
    answers = 0
    if form & _ANSWERS:
        answers, last = _SECOND.unpack_from(stored, last)[0], last + _SECOND.size
    again = last
    if form & _AGAIN:
        last += 2 + stored[again + 1] * _MAY_ASK.size
    read = AsRead(
        [_waiting_in(*one) for one in _WAITING.iter_unpack(stored[_HEAD.size : first])] if waiting else [],
        out,
        {number: time * SECOND for number, time in _ONCE.iter_unpack(stored[second:third])} if once else {},
        [_count_in(*one) for one in _COUNT.iter_unpack(stored[last:])] if last < len(stored) else [],
        stored,
        (first, second, third, last),
    )
    if form & _AGAIN:
        for at in range(waiting):
            read.waiting[at] = read.waiting[at]._replace(again=bool(stored[again] >> at & 1))
        for at, moment, time in _MAY_ASK.iter_unpack(stored[again + 2 : last]):
            read.outstanding[at] = read.outstanding[at]._replace(moment=moment, asked=time * SECOND)
    return Standing(
        reached,
        window * SECOND,
        rest * SECOND,
        harm * SECOND,
        bool(promoted),
        read.waiting.copy(),
        read.outstanding.copy(),
        read.counts.copy(),
        read.once.copy(),
        unreachable,
        talks_until,
        answers,
        read,
    )


def _more_in(stored: bytes, at: int, form: int) -> tuple[dict[int, int], int, int]:
    """What only some have, from `at` on: the unreachable channels, until when the customer talks with us; and where it
    ends."""
    unreachable, talks_until = dict[int, int](), 0
    if form & _FAILED:
        end = at + 1 + stored[at] * _CHANNEL.size
        unreachable = {number: time * SECOND for number, time in _CHANNEL.iter_unpack(stored[at + 1 : end])}
        at = end
    if form & _TALKS:
        talks_until, at = _SECOND.unpack_from(stored, at)[0] * SECOND, at + _SECOND.size
    return unreachable, talks_until, at


def _with_spent(stored: bytes, at: int, outstanding: list[Outstanding]) -> tuple[list[Outstanding], int]:
    """The same with what each has taken of budgets, from `at` on; and where it ends."""
    found = []
    for one in outstanding:
        end = at + 1 + stored[at] * _SPENT.size
        spent = [
            Spent(budget, period * SECOND, units & MOST_SPENT, bool(units & _MONEY))
            for budget, period, units in _SPENT.iter_unpack(stored[at + 1 : end])
        ]
        found.append(one._replace(spent=tuple(spent)) if spent else one)
        at = end
    return found, at


def _waiting_in(moment: int, asked: int, wakes: int, threshold: float) -> Waiting:
    return Waiting(moment, asked * SECOND, wakes * SECOND, threshold)


def _outstanding_in(
    low: int, high: int, time: int, expires: int, until: int, channel: int, action: int, kind: int, what: int
) -> Outstanding:
    return Outstanding(
        low | high << 64,
        time * SECOND,
        expires * SECOND,
        until * SECOND,
        channel,
        action,
        kind,
        what & 3,
        what >> 2,
    )


def _count_in(day: int, channel: int, what: int, contacts: int) -> DayCount:
    return DayCount(day, channel, what & 15, what >> 4, contacts)
