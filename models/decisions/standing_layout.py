"""Where a standing lies in its bytes, and how its entries are packed."""

from __future__ import annotations

import struct
from typing import Final

import numpy as np

from models.customer.moments import second_of
from models.decisions.standing import DayCount, Outstanding, Spent, Waiting
from models.settings import SECOND

READ = struct.Struct("<Id")  # the next timer, and what was reached: for `watched`
WATCHED = struct.Struct("<IdBI")  # the same, the form, and until when nothing is drawn
WATCHED_COLUMNS: Final = np.dtype([("timer", "<u4"), ("reached", "<f8"), ("form", "u1"), ("window", "<u4")])
NOTHING_WATCHED: Final = bytes(WATCHED.size)
HEAD = struct.Struct("<IdBIIIBBBB")  # these, form, window, rest, harm, promoted, lengths; then counts
WAITING = struct.Struct("<IIId")
OUTSTANDING = struct.Struct("<QQIIIHIBB")  # the id in two halves
ONCE = struct.Struct("<II")
COUNT = struct.Struct("<HHBB")
CHANNEL = struct.Struct("<HI")
FORM: Final = 1
FAILED: Final = 2
"""Added to the form where channels are unreachable: how many, and they, stand before the counts."""
TALKS: Final = 4
"""The same where the customer is in a conversation: until when, behind the channels."""
SPENDS: Final = 8
"""The same where a trigger has taken something of budgets: how much each has, in their order, behind both."""
AGAIN: Final = 16
"""The same where something may ask once more, or does: a bit for each that waits, then how many are out, and they;
behind all these."""
ANSWERS: Final = 32
"""The same where the customer has answered: when, before what may ask."""
MORE: Final = 64
"""The same where there are parts of `PARTS`: how many, then of each its number, how long it is, and it."""
SILENCE: Final = 128
"""The same where every silence has its timer (`Standing.silence_kept`)."""
FORM_AT: Final = READ.size
PART = struct.Struct("<BH")
PART_SIZE: Final = PART.size
LENGTHS_AT: Final = HEAD.size - 3
"""Where the numbers of what waits, is out and is of `once` stand in the head."""
MAY_ASK = struct.Struct("<BII")
ONE_TIME = struct.Struct("<I")
SPENT = struct.Struct("<III")
MONEY: Final = 1 << 31
MOST_SPENT: Final = MONEY - 1
"""Units that a trigger takes of a budget at most."""
HALF: Final = 2**64 - 1
_new: Final = tuple.__new__
"""Of a named tuple: a third of the time that its own takes, whose fields are all given here."""


def packed_waiting(one: Waiting) -> bytes:
    """As it is stored, but for `Waiting.again`."""
    return WAITING.pack(one.moment, second_of(one.asked), second_of(one.wakes), one.threshold)


def packed_outstanding(one: Outstanding) -> bytes:
    """As it is stored, but for what it has taken of budgets, and what may ask once more."""
    name, time, expires, until, channel, action, kind, purpose, stage, _, _, _ = one
    times = second_of(time), second_of(expires), second_of(until) if until else 0
    return OUTSTANDING.pack(name & HALF, name >> 64, *times, channel, action, kind, purpose | stage << 2)


def packed_once(item: tuple[int, int]) -> bytes:
    """An item of `Standing.once`, as it is stored."""
    return ONCE.pack(item[0], second_of(item[1]))


def packed_unreachable(unreachable: dict[int, int]) -> bytes:
    """`Standing.unreachable`, as it is stored."""
    packed = (CHANNEL.pack(number, second_of(time)) for number, time in sorted(unreachable.items()))
    return bytes((len(unreachable),)) + b"".join(packed)


def packed_spent(one: Outstanding) -> bytes:
    """What a trigger has taken of budgets, as it is stored."""
    packed = (SPENT.pack(s.budget, second_of(s.period), s.units | (MONEY if s.money else 0)) for s in one.spent)
    return bytes((len(one.spent),)) + b"".join(packed)


def packed_again(waiting: list[Waiting], outstanding: list[Outstanding]) -> bytes:
    """What may ask once more, and what does; nothing where nothing is such."""
    asks = 0
    for at, (_, _, _, _, again) in enumerate(waiting):
        asks |= again << at
    may = [(at, one.moment, one.asked) for at, one in enumerate(outstanding) if one.moment]
    if not (may or asks):
        return b""
    return bytes((asks, len(may))) + b"".join(MAY_ASK.pack(at, moment, second_of(time)) for at, moment, time in may)


def packed_count(one: DayCount) -> bytes:
    """As it is stored."""
    return COUNT.pack(one.day, one.channel, one.kind | one.purpose << 4, one.contacts)


def some_in(stored: bytes, at: int, form: int) -> tuple[dict[int, int], int, int]:
    """What only some have, from `at` on: the unreachable channels, until when the customer talks with us; and where it
    ends."""
    unreachable: dict[int, int] = {}
    talks_until = 0
    if form & FAILED:
        end = at + 1 + stored[at] * CHANNEL.size
        unreachable = {number: time * SECOND for number, time in CHANNEL.iter_unpack(stored[at + 1 : end])}
        at = end
    if form & TALKS:
        talks_until, at = ONE_TIME.unpack_from(stored, at)[0] * SECOND, at + ONE_TIME.size
    return unreachable, talks_until, at


def with_spent(stored: bytes, at: int, outstanding: list[Outstanding]) -> tuple[list[Outstanding], int]:
    """The same with what each has taken of budgets, from `at` on; and where it ends."""
    found = []
    for one in outstanding:
        end = at + 1 + stored[at] * SPENT.size
        spent = [
            Spent(budget, period * SECOND, units & MOST_SPENT, bool(units & MONEY))
            for budget, period, units in SPENT.iter_unpack(stored[at + 1 : end])
        ]
        found.append(one._replace(spent=tuple(spent)) if spent else one)
        at = end
    return found, at


def waiting_in(stored: bytes) -> list[Waiting]:
    """Inverse of `packed_waiting`, of several."""
    return [
        _new(Waiting, (moment, asked * SECOND, wakes * SECOND, threshold, False))
        for moment, asked, wakes, threshold in WAITING.iter_unpack(stored)
    ]


def outstanding_in(stored: bytes) -> list[Outstanding]:
    """Inverse of `packed_outstanding`, of several."""
    return [
        _new(
            Outstanding,
            (
                low | high << 64,
                time * SECOND,
                expires * SECOND,
                until * SECOND,
                channel,
                action,
                kind,
                what & 3,
                what >> 2,
                (),
                0,
                0,
            ),
        )
        for low, high, time, expires, until, channel, action, kind, what in OUTSTANDING.iter_unpack(stored)
    ]


def counts_in(stored: bytes) -> list[DayCount]:
    """Inverse of `packed_count`, of several."""
    return [
        _new(DayCount, (day, channel, what & 15, what >> 4, contacts))
        for day, channel, what, contacts in COUNT.iter_unpack(stored)
    ]
