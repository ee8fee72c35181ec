"""How a standing lies in the record: packed, with what only some customers have behind a number that says so."""

from __future__ import annotations

import struct
from operator import attrgetter
from typing import Any, Final, NamedTuple

from models.customer.moments import second_of
from models.decisions.standing import AsRead, DayCount, Outstanding, Spent, Standing, Waiting
from models.decisions.standing_parts import AT_REST, PARTS, TOLD, told_in
from models.settings import SECOND

_READ = struct.Struct("<Id")  # the next timer, and what was reached: for `watched`
_WATCHED = struct.Struct("<IdBI")  # the same, the form, and until when nothing is drawn
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
_MORE: Final = 64
"""The same where there are parts of `PARTS`: how many, then of each its number, how long it is, and it."""
_SILENCE: Final = 128
"""The same where every silence has its timer (`Standing.silence_kept`)."""
_FORM_AT: Final = _READ.size
_PART = struct.Struct("<BH")
_PART_SIZE: Final = _PART.size
_MAY_ASK = struct.Struct("<BII")
_SECOND = struct.Struct("<I")
_SPENT = struct.Struct("<III")
_MONEY: Final = 1 << 31
MOST_SPENT: Final = _MONEY - 1
"""Units that a trigger takes of a budget at most."""
_HALF: Final = 2**64 - 1
_new: Final = tuple.__new__
"""Of a named tuple: a third of the time that its own takes, whose fields are all given here."""


_every_part: Final = attrgetter(*(part.attribute for part in PARTS.values()))
_NOTHING_READ: Final = AsRead([], [], {}, [], b"", (0, 0, 0, 0))


def pack_standing(standing: Standing) -> bytes:
    """As stored; nothing when there is nothing in it."""
    waiting, outstanding, once, counts = standing.waiting, standing.outstanding, standing.once, standing.counts
    unreachable, talks_until = standing.unreachable, standing.talks_until
    more = _packed_more(standing)
    if not (
        waiting
        or more
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
    spends, again = False, b""
    for one in outstanding:
        if one.spent:
            spends = True
            break
    if waiting or outstanding:
        again = _packed_again(waiting, outstanding)
    form = _FORM | _FAILED * bool(unreachable) | _TALKS * bool(talks_until) | _SPENDS * spends | _AGAIN * bool(again)
    form |= _ANSWERS * bool(standing.answers) | _MORE * bool(more) | _SILENCE * standing.silence_kept
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
            more,
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
    may, asks = [(at, one.moment, one.asked) for at, one in enumerate(outstanding) if one.moment], 0
    for at, one in enumerate(waiting):
        asks |= one.again << at
    if not (may or asks):
        return b""
    return bytes((asks, len(may))) + b"".join(_MAY_ASK.pack(at, moment, second_of(time)) for at, moment, time in may)


def _packed_more(standing: Standing) -> bytes:
    """The parts that there are; nothing where there are none."""
    every = _every_part(standing)
    if not any(every):
        return b""
    packed: list[bytes] = []
    for number, kept in enumerate(every, start=1):
        if kept:
            part = PARTS[number].pack(kept)
            packed += (_PART.pack(number, len(part)), part)
    return bytes((len(packed) // 2,)) + b"".join(packed)


def _packed_count(one: DayCount) -> bytes:
    return _COUNT.pack(one.day, one.channel, one.kind | one.purpose << 4, one.contacts)


def watched(stored: bytes) -> tuple[int, float, bool, bool]:
    """Of what is stored: the next timer, ms, 0: there is none; the highest threshold that has asked; whether every
    silence has its timer; and whether nothing is drawn, since something was."""
    if not stored:
        return 0, 0.0, False, False
    second, reached, form, window = _WATCHED.unpack_from(stored)
    return second * SECOND, reached, bool(form & _SILENCE), bool(window)


def may_be_treated(stored: bytes) -> bool:
    """Whether there may be a `Standing.treated` in what is stored: quick to say no."""
    return bool(stored) and bool(stored[_FORM_AT] & _MORE)


class Ends(NamedTuple):
    """What of a standing comes to an end. times: the next timer, and when window, rest and what follows a bad
    experience end, ms; 0: there is none. counts: the oldest day that counts; None: none does. level: a level waits."""

    times: tuple[int, int, int, int]
    outstanding: list[Outstanding]
    counts: DayCount | None
    level: bool


def ends_in(stored: bytes) -> Ends | None:
    """The same of what is stored, in a fifth of the time that it takes to unpack; None: there is more in it, of which
    something may come."""
    timer, _, form, window, rest, harm, _, waiting, outstanding, once = _HEAD.unpack_from(stored)
    if form & (_FAILED | _TALKS | _SPENDS | _ANSWERS):
        return None
    first = _HEAD.size + waiting * _WAITING.size
    second = first + outstanding * _OUTSTANDING.size
    last = second + once * _ONCE.size
    waits = list(_WAITING.iter_unpack(stored[_HEAD.size : first])) if waiting else []
    if form & _AGAIN:
        last += 2 + stored[last + 1] * _MAY_ASK.size
    if form & _MORE:
        parts, end = stored[last], last + 1
        for _ in range(parts):
            number, length = _PART.unpack_from(stored, end)
            begin, end = end + _PART_SIZE, end + _PART_SIZE + length
            if number == TOLD:
                if not told_in(stored[begin:end]).keys() <= {one[0] for one in waits}:
                    return None
            elif number not in AT_REST:
                return None
        last = end
    return Ends(
        (timer * SECOND, window * SECOND, rest * SECOND, harm * SECOND),
        [_outstanding_in(*one) for one in _OUTSTANDING.iter_unpack(stored[first:second])] if outstanding else [],
        _count_in(*_COUNT.unpack_from(stored, last)) if last < len(stored) else None,
        any(one[3] for one in waits),
    )


def unpack_standing(stored: bytes) -> Standing:
    """Inverse of `pack_standing`."""
    if not stored:
        return Standing()
    _, reached, form, window, rest, harm, promoted, waiting, outstanding, once = _HEAD.unpack_from(stored)
    first = _HEAD.size + waiting * _WAITING.size
    second = first + outstanding * _OUTSTANDING.size
    last = third = second + once * _ONCE.size
    unreachable: dict[int, int] = {}
    talks_until = answers = 0
    if form & (_FAILED | _TALKS):
        unreachable, talks_until, last = _some_in(stored, third, form)
    out = [_outstanding_in(*one) for one in _OUTSTANDING.iter_unpack(stored[first:second])] if outstanding else []
    if form & _SPENDS:
        out, last = _with_spent(stored, last, out)
    if form & _ANSWERS:
        answers, last = _SECOND.unpack_from(stored, last)[0], last + _SECOND.size
    again = last
    if form & _AGAIN:
        last += 2 + stored[again + 1] * _MAY_ASK.size
    asks_end = last
    more: dict[str, Any] = {}
    if form & _MORE:
        more, last = _parts_in(stored, last)
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
        for at, moment, time in _MAY_ASK.iter_unpack(stored[again + 2 : asks_end]):
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
        silence_kept=bool(form & _SILENCE),
        read=read,
        **more,
    )


def _parts_in(stored: bytes, at: int) -> tuple[dict[str, Any], int]:
    """The parts of `PARTS` from `at` on, by attribute; and where they end."""
    found: dict[str, Any] = {}
    end = at + 1
    for _ in range(stored[at]):
        number, length = _PART.unpack_from(stored, end)
        part, begin = PARTS[number], end + _PART_SIZE
        end = begin + length
        found[part.attribute] = part.unpack(stored[begin:end])
    return found, end


def _some_in(stored: bytes, at: int, form: int) -> tuple[dict[int, int], int, int]:
    """What only some have, from `at` on: the unreachable channels, until when the customer talks with us; and where it
    ends."""
    unreachable: dict[int, int] = {}
    talks_until = 0
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
    return _new(Waiting, (moment, asked * SECOND, wakes * SECOND, threshold, False))


def _outstanding_in(
    low: int, high: int, time: int, expires: int, until: int, channel: int, action: int, kind: int, what: int
) -> Outstanding:
    times = (time * SECOND, expires * SECOND, until * SECOND)
    return _new(Outstanding, (low | high << 64, *times, channel, action, kind, what & 3, what >> 2, (), 0, 0))


def _count_in(day: int, channel: int, what: int, contacts: int) -> DayCount:
    return _new(DayCount, (day, channel, what & 15, what >> 4, contacts))
