"""A batch of records as columns: decoded into the engine's typed events, validated, the texts read by one kernel.

Names and times of all events are joined into one text of lines, of which the kernel makes hashes and milliseconds. What
an event can be refused for beyond its decoder is looked at for the whole batch; the slow way of one that is refused is
not part of this loop, and ends it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import chain
from operator import attrgetter
from typing import Any, Final, NamedTuple, TypeVar, cast, get_type_hints

import msgspec
import numpy as np
from numba import njit
from numpy.typing import NDArray

from benchmarks.rivals.expert_loop.arguments import Whole
from models.touchpoints import limits
from models.touchpoints.kinds import Kind
from models.touchpoints.payload import Payload
from models.touchpoints.union import EVENTS, Event

F = TypeVar("F", bound=Callable[..., Any])
Text = NDArray[np.uint8]
Hashes = NDArray[np.uint64]

decode: Final = msgspec.json.Decoder[Event](Event).decode
KIND: Final = {event: int(Kind[name.upper()]) for name, event in EVENTS.items()}
HAS_NUMBERS: Final = {event: get_type_hints(event)["data"].numbers is not Payload.numbers for event in EVENTS.values()}
CLOCK: Final = int(Kind.CLOCK)
names_of: Final = attrgetter("source", "id", "time")

NEWLINE, SPACE, DIGIT_0, DASH, COLON, DOT, LETTER_T, LETTER_Z = 10, 32, 48, 45, 58, 46, 84, 90
NO_TIME = -1


class SlowWay(Exception):
    """A record that this loop has no way for: it can't be decoded, has a control character or an impossible time."""


class Columns(NamedTuple):
    """A batch; each column has one entry an event. Units are those of `arguments.Batch`."""

    events: list[Event]
    customers: list[str]
    kinds: Whole
    times: Whole
    nows: Whole
    hashes: Hashes
    a: NDArray[np.float64]
    b: NDArray[np.float64]
    sentiments: NDArray[np.float64]


def columns(values: Sequence[bytes], stamps: Whole) -> Columns:
    """Decode a batch. Raises SlowWay."""
    try:
        events = list(map(decode, values))
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise SlowWay(str(error)) from error
    n, types = len(events), list(map(type, events))
    hashes, times = np.empty(n, np.uint64), np.empty(n, np.int64)
    text = "\n".join(chain.from_iterable(map(names_of, events))).encode()
    if not lines(np.frombuffer(text, np.uint8), hashes, times):
        raise SlowWay("a control character in a name")
    if (times < limits.EARLIEST_MS).any() or (times > stamps + limits.MAX_AHEAD_MS).any():
        raise SlowWay("an impossible time")
    a, b, sentiments = np.zeros(n), np.zeros(n), np.full(n, np.nan)
    has = list(map(HAS_NUMBERS.__getitem__, types))
    rows = np.flatnonzero(has)
    numbers = [cast(Any, event).data.numbers() for event, some in zip(events, has, strict=True) if some]
    flat = np.fromiter(chain.from_iterable(numbers), np.float64, 3 * len(rows))
    a[rows], b[rows], sentiments[rows] = flat[0::3], flat[1::3], flat[2::3]
    return Columns(
        events=events,
        customers=[event.subject for event in events],
        kinds=np.fromiter(map(KIND.__getitem__, types), np.int64, n),
        times=np.minimum(times, stamps),
        nows=stamps,
        hashes=hashes,
        a=a,
        b=b,
        sentiments=sentiments,
    )


def compiled(function: F) -> F:
    return cast(F, njit(cache=True, nogil=True, boundscheck=False)(function))


@compiled
def number(text: Text, first: int, last: int) -> int:
    """The digits from one place to another; far below zero where something else stands there."""
    value = 0
    for i in range(first, last):
        digit: Any = np.int64(text[i]) - DIGIT_0
        if digit < 0 or digit > 9:
            return -100_000
        value = value * 10 + digit
    return value


@compiled
def moment(text: Text, first: int, last: int) -> int:
    """A time as in 2026-03-02T00:00:00.000Z, in ms; NO_TIME for any other form."""
    if last - first < 20 or text[first + 4] != DASH or text[first + 7] != DASH or text[first + 10] != LETTER_T:
        return NO_TIME
    if text[first + 13] != COLON or text[first + 16] != COLON or text[last - 1] != LETTER_Z:
        return NO_TIME
    year, month = number(text, first, first + 4), number(text, first + 5, first + 7)
    day, hour = number(text, first + 8, first + 10), number(text, first + 11, first + 13)
    minute, second = number(text, first + 14, first + 16), number(text, first + 17, first + 19)
    if year < 1970 or not 1 <= month <= 12 or not 1 <= day <= 31:
        return NO_TIME
    if not 0 <= hour <= 23 or not 0 <= minute <= 59 or not 0 <= second <= 59:
        return NO_TIME
    ms, weight = 0, 100
    if last - first > 20:
        if text[first + 19] != DOT:
            return NO_TIME
        for i in range(first + 20, last - 1):
            digit: Any = np.int64(text[i]) - DIGIT_0
            if digit < 0 or digit > 9:
                return NO_TIME
            ms += weight * digit
            weight //= 10
    # Days since the epoch, by years that begin in March.
    since_march = month - 3 if month > 2 else month + 9
    if month < 3:
        year -= 1
    days = year * 365 + year // 4 - year // 100 + year // 400 + (153 * since_march + 2) // 5 + day - 1 - 719_468
    return ((days * 24 + hour) * 60 + minute) * 60_000 + second * 1_000 + ms


@compiled
def lines(text: Text, hashes: Hashes, times: Whole) -> bool:
    """Of each three lines (source, id, time): 64 bits of the first two, and the time in ms.

    False when a control character stands where none may.
    """
    at, size = 0, text.shape[0]
    for row in range(hashes.shape[0]):
        hashed = np.uint64(0xCBF29CE484222325)
        for _ in range(2):
            while at < size and text[at] != NEWLINE:
                if text[at] < SPACE:
                    return False
                hashed = (hashed ^ np.uint64(text[at])) * np.uint64(0x100000001B3)
                at += 1
            hashed = (hashed ^ np.uint64(0xFF)) * np.uint64(0x9E3779B97F4A7C15)
            at += 1
        hashed ^= hashed >> np.uint64(33)
        hashed *= np.uint64(0xFF51AFD7ED558CCD)
        hashed ^= hashed >> np.uint64(33)
        hashes[row] = hashed
        first = at
        while at < size and text[at] != NEWLINE:
            at += 1
        times[row] = moment(text, first, at)
        at += 1
    return bool(at == size + 1)
