"""How a standing lies in the record: packed, with what only some customers have behind a number that says so."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import compress
from operator import attrgetter
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from models.customer.moments import second_of
from models.decisions.standing import MAX_OUTSTANDING, AsRead, DayCount, Outstanding, Standing, Waiting
from models.decisions.standing_layout import (
    AGAIN,
    ANSWERS,
    COUNT,
    FAILED,
    FORM,
    FORM_AT,
    HEAD,
    LENGTHS_AT,
    MAY_ASK,
    MORE,
    NOTHING_WATCHED,
    ONCE,
    ONE_TIME,
    OUTSTANDING,
    PART,
    PART_SIZE,
    SILENCE,
    SPENDS,
    TALKS,
    WAITING,
    WATCHED,
    WATCHED_COLUMNS,
    counts_in,
    outstanding_in,
    packed_again,
    packed_count,
    packed_once,
    packed_outstanding,
    packed_spent,
    packed_unreachable,
    packed_waiting,
    some_in,
    waiting_in,
    with_spent,
)
from models.decisions.standing_parts import AT_REST, DATES, PARTS, TOLD, dates_in, told_in
from models.settings import SECOND

_ALL_SAME: Final = (True, True, True, True)
_every_part: Final = attrgetter(*(part.attribute for part in PARTS.values()))
_head: Final = attrgetter(
    "reached",
    "window_ends",
    "rests_until",
    "harmed_until",
    "promoted",
    "unreachable",
    "talks_until",
    "answers",
    "silence_kept",
)
_NO_PARTS: Final[tuple[Any, ...]] = _every_part(Standing())
_NOTHING: Final = HEAD.pack(0, 0.0, FORM, 0, 0, 0, 0, 0, 0, 0)
_NOTHING_READ: Final = AsRead([], [], {}, [], _head(Standing()), _NO_PARTS, b"", (0, 0, 0, 0, 0, 0))


def pack_standing(standing: Standing) -> bytes:
    """As stored; nothing when there is nothing in it."""
    waiting, outstanding, once, counts = standing.waiting, standing.outstanding, standing.once, standing.counts
    read, head, parts = standing.read or _NOTHING_READ, _head(standing), _every_part(standing)
    same = waiting == read.waiting, outstanding == read.outstanding, once == read.once, counts == read.counts
    same_parts = parts == read.parts
    if head == read.head and same_parts and same == _ALL_SAME:
        return read.stored
    if not (waiting or outstanding or once or counts or any(head[:-1]) or any(parts)):
        return b""
    reached, window_ends, rests_until, harmed_until, promoted, unreachable, talks_until, answers, silence_kept = head
    stored, (first, second, third, asks, begins, last) = read.stored, read.begins
    more = stored[begins:last] if same_parts else _packed_parts(parts)
    again = stored[asks:begins] if same[0] and same[1] else packed_again(waiting, outstanding)
    spends = False
    for one in outstanding:
        if one.spent:
            spends = True
            break
    form = FORM | FAILED * bool(unreachable) | TALKS * bool(talks_until) | SPENDS * spends | AGAIN * bool(again)
    form |= ANSWERS * bool(answers) | MORE * bool(more) | SILENCE * silence_kept
    return b"".join(
        (
            HEAD.pack(
                second_of(standing.next_timer()),
                reached,
                form,
                second_of(window_ends),
                second_of(rests_until),
                second_of(harmed_until),
                promoted,
                len(waiting),
                len(outstanding),
                len(once),
            ),
            stored[HEAD.size : first] if same[0] else b"".join(map(packed_waiting, waiting)),
            stored[first:second] if same[1] else b"".join(map(packed_outstanding, outstanding)),
            stored[second:third] if same[2] else b"".join(map(packed_once, sorted(once.items()))),
            packed_unreachable(unreachable) if unreachable else b"",
            ONE_TIME.pack(second_of(talks_until)) if talks_until else b"",
            b"".join(map(packed_spent, outstanding)) if spends else b"",
            ONE_TIME.pack(answers) if answers else b"",
            again,
            more,
            stored[last:] if same[3] else b"".join(map(packed_count, sorted(counts))),
        )
    )


def _packed_parts(parts: Sequence[Any]) -> bytes:
    """The parts that there are, of all in their order; nothing where there are none."""
    packed: list[bytes] = []
    for number in compress(PARTS, parts):
        part = PARTS[number].pack(parts[number - 1])
        packed += (PART.pack(number, len(part)), part)
    return bytes((len(packed) // 2,)) + b"".join(packed) if packed else b""


def watched(stored: bytes) -> tuple[int, float, bool, bool]:
    """Of what is stored: the next timer, ms, 0: there is none; the highest threshold that has asked; whether every
    silence has its timer; and whether nothing is drawn, since something was."""
    if not stored:
        return 0, 0.0, False, False
    second, reached, form, window = WATCHED.unpack_from(stored)
    return second * SECOND, reached, bool(form & SILENCE), bool(window)


def watched_of(stored: Sequence[bytes]) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any], NDArray[Any]]:
    """The same of many, as columns: int64, float64 and two of bool, of shape (stored,)."""
    heads = np.frombuffer(b"".join([one[: WATCHED.size] or NOTHING_WATCHED for one in stored]), dtype=WATCHED_COLUMNS)
    times = heads["timer"].astype(np.int64) * SECOND
    return times, heads["reached"], heads["form"] & SILENCE > 0, heads["window"] > 0


def may_be_treated(stored: bytes) -> bool:
    """Whether there may be a `Standing.treated` in what is stored: quick to say no."""
    return bool(stored) and bool(stored[FORM_AT] & MORE)


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
    timer, _, form, window, rest, harm, _, waiting, outstanding, once = HEAD.unpack_from(stored)
    if form & (FAILED | TALKS | SPENDS | ANSWERS):
        return None
    first = HEAD.size + waiting * WAITING.size
    second = first + outstanding * OUTSTANDING.size
    last = second + once * ONCE.size
    waits = list(WAITING.iter_unpack(stored[HEAD.size : first])) if waiting else []
    if form & AGAIN:
        last += 2 + stored[last + 1] * MAY_ASK.size
    if form & MORE:
        parts, end = stored[last], last + 1
        for _ in range(parts):
            number, length = PART.unpack_from(stored, end)
            begin, end = end + PART_SIZE, end + PART_SIZE + length
            if number == TOLD:
                if not told_in(stored[begin:end]).keys() <= {one[0] for one in waits}:
                    return None
            elif number not in AT_REST:
                return None
        last = end
    return Ends(
        (timer * SECOND, window * SECOND, rest * SECOND, harm * SECOND),
        outstanding_in(stored[first:second]) if outstanding else [],
        counts_in(stored[last : last + COUNT.size])[0] if last < len(stored) else None,
        any(one[3] for one in waits),
    )


def waits_in(stored: bytes) -> list[Waiting]:
    """Of what is stored: what waits, but for `Waiting.again`."""
    many = stored[LENGTHS_AT] if stored else 0
    return waiting_in(stored[HEAD.size : HEAD.size + many * WAITING.size]) if many else []


def out_in(stored: bytes) -> list[Outstanding]:
    """The same of `Standing.outstanding`, but for what they have taken of budgets and what may ask once more."""
    many = stored[LENGTHS_AT + 1] if stored else 0
    first = HEAD.size + stored[LENGTHS_AT] * WAITING.size if many else 0
    return outstanding_in(stored[first : first + many * OUTSTANDING.size]) if many else []


def with_one_out(stored: bytes, one: Outstanding) -> bytes | None:
    """What is stored with one more that has ended and has taken of no budget; None: there is no room for it."""
    head = stored or _NOTHING
    waiting, outstanding = head[LENGTHS_AT], head[LENGTHS_AT + 1]
    if outstanding >= MAX_OUTSTANDING:
        return None
    end = HEAD.size + waiting * WAITING.size + outstanding * OUTSTANDING.size
    more = bytes((outstanding + 1,))
    return b"".join((head[: LENGTHS_AT + 1], more, head[LENGTHS_AT + 2 : end], packed_outstanding(one), head[end:]))


def once_in(stored: bytes) -> dict[int, int]:
    """The same of `Standing.once`."""
    waiting, outstanding, many = stored[LENGTHS_AT : HEAD.size] if stored else (0, 0, 0)
    first = HEAD.size + waiting * WAITING.size + outstanding * OUTSTANDING.size
    return _once_in(stored[first : first + many * ONCE.size]) if many else {}


def timers_in(stored: bytes) -> dict[int, int]:
    """The dates, ms, for which moments of `Standing.dates` have a timer, by their number."""
    form = stored[FORM_AT] if stored else 0
    if not form & MORE:
        return {}
    if form & (FAILED | TALKS | SPENDS | ANSWERS):
        return {one.moment: one.date for one in unpack_standing(stored).dates if one.wakes}
    waiting, outstanding, once = stored[LENGTHS_AT : HEAD.size]
    at = HEAD.size + waiting * WAITING.size + outstanding * OUTSTANDING.size + once * ONCE.size
    if form & AGAIN:
        at += 2 + stored[at + 1] * MAY_ASK.size
    end = at + 1
    for _ in range(stored[at]):
        number, length = PART.unpack_from(stored, end)
        begin, end = end + PART_SIZE, end + PART_SIZE + length
        if number == DATES:
            return {one.moment: one.date for one in dates_in(stored[begin:end]) if one.wakes}
    return {}


def unpack_standing(stored: bytes) -> Standing:
    """Inverse of `pack_standing`."""
    if not stored:
        return Standing()
    _, reached, form, window, rest, harm, promoted, waiting, outstanding, once = HEAD.unpack_from(stored)
    first = HEAD.size + waiting * WAITING.size
    second = first + outstanding * OUTSTANDING.size
    last = third = second + once * ONCE.size
    unreachable: dict[int, int] = {}
    talks_until = answers = 0
    if form & (FAILED | TALKS):
        unreachable, talks_until, last = some_in(stored, third, form)
    waits = waiting_in(stored[HEAD.size : first]) if waiting else []
    out = outstanding_in(stored[first:second]) if outstanding else []
    if form & SPENDS:
        out, last = with_spent(stored, last, out)
    if form & ANSWERS:
        answers, last = ONE_TIME.unpack_from(stored, last)[0], last + ONE_TIME.size
    asks = last
    if form & AGAIN:
        last += 2 + stored[asks + 1] * MAY_ASK.size
        for at in range(waiting):
            waits[at] = waits[at]._replace(again=bool(stored[asks] >> at & 1))
        for at, moment, time in MAY_ASK.iter_unpack(stored[asks + 2 : last]):
            out[at] = out[at]._replace(moment=moment, asked=time * SECOND)
    had = _once_in(stored[second:third]) if once else {}
    window, rest, harm, promoted, silence = window * SECOND, rest * SECOND, harm * SECOND, promoted > 0, form >= SILENCE
    head = (reached, window, rest, harm, promoted, unreachable, talks_until, answers, silence)
    found = Standing(
        reached,
        window,
        rest,
        harm,
        promoted,
        waits.copy(),
        out.copy(),
        once=had.copy(),
        unreachable=unreachable,
        talks_until=talks_until,
        answers=answers,
        silence_kept=silence,
    )
    begins, parts, counts = last, _NO_PARTS, []
    if form & MORE:
        parts, last = _take_parts(found, stored, last)
    if last < len(stored):
        counts = counts_in(stored[last:])
        found.counts = counts.copy()
    found.read = AsRead(waits, out, had, counts, head, parts, stored, (first, second, third, asks, begins, last))
    return found


def _take_parts(standing: Standing, stored: bytes, at: int) -> tuple[tuple[Any, ...], int]:
    """Take the parts of `PARTS` from `at` on. They as `_every_part` has them, which nobody changes; where they end."""
    every = [*_NO_PARTS]
    end = at + 1
    for _ in range(stored[at]):
        number, length = PART.unpack_from(stored, end)
        part, begin = PARTS[number], end + PART_SIZE
        end = begin + length
        kept = every[number - 1] = part.unpack(stored[begin:end])
        setattr(standing, part.attribute, kept.copy() if isinstance(kept, (list, dict)) else kept)
    return (*every,), end


def _once_in(stored: bytes) -> dict[int, int]:
    return {number: time * SECOND for number, time in ONCE.iter_unpack(stored)}
