"""Compiled parser of RFC 3339 times for a whole batch: the forms that nearly all publishers write.

Which texts are times, and which time they name, is said by `models.touchpoints.times.moment`, the one reader of every
form. What is read here is the same; what isn't is left to it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from models.numerics.compiled import compiled

UNREAD: Final = -1
"""Stands for a text of another form. So early that `models.touchpoints.times.settle` finds it too early."""

_NEWLINE: Final = ord("\n")
_T: Final = ord("T")
_Z: Final = ord("Z")
_ZERO: Final = ord("0")
_PLUS: Final = ord("+")
_MINUS: Final = ord("-")
_COLON: Final = ord(":")
_POINT: Final = ord(".")


def parsed(texts: Sequence[str]) -> NDArray[np.int64]:
    """Return the times in ms of texts such as 2024-05-01T12:00:00.123Z; UNREAD for what is not of this form.

    The fraction may have any number of digits or be left out, the offset may be Z or such as +02:00. A time that is
    given is the one that `moment` and `milliseconds` give.
    """
    times = np.empty(len(texts), np.int64)
    lines = bytearray("\n".join(texts), "utf-8")
    if not _parse_lines(np.frombuffer(lines, np.int8), times):
        times.fill(UNREAD)  # a text has a line break within, so that lines are not rows
    return times


@compiled
def _number(text: NDArray[np.int8], start: int, end: int) -> int:
    """The digits of text[start:end] as a number; -1 if there is anything else."""
    number = 0
    for at in range(start, end):
        digit = int(text[at]) - _ZERO
        if digit < 0 or digit > 9:
            return -1
        number = number * 10 + digit
    return number


@compiled
def _day(year: int, month: int, day: int) -> int:
    """Days since the epoch of a date of the Gregorian calendar; -1 if there is no such date, or it is before 1970."""
    if year < 1970 or month < 1 or month > 12 or day < 1 or day > 31:
        return -1
    if day > 28:
        longest = 30 if month == 4 or month == 6 or month == 9 or month == 11 else 31
        if month == 2:
            longest = 29 if (year % 4 == 0 and year % 100 != 0) or year % 400 == 0 else 28
        if day > longest:
            return -1
    # Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms", days_from_civil: a year begins on the 1st of March.
    from_march = month - 3
    if month < 3:
        from_march = month + 9
        year -= 1
    return year * 365 + year // 4 - year // 100 + year // 400 + (153 * from_march + 2) // 5 + day - 1 - 719_468


@compiled
def _parse(text: NDArray[np.int8], start: int, end: int) -> int:
    """The time in ms that text[start:end] names; UNREAD if it is not of the usual form."""
    if (
        end - start < 20
        or text[start + 4] != _MINUS
        or text[start + 7] != _MINUS
        or text[start + 10] != _T
        or text[start + 13] != _COLON
        or text[start + 16] != _COLON
    ):
        return UNREAD
    day = _day(
        _number(text, start, start + 4), _number(text, start + 5, start + 7), _number(text, start + 8, start + 10)
    )
    hour = _number(text, start + 11, start + 13)
    minute = _number(text, start + 14, start + 16)
    second = _number(text, start + 17, start + 19)
    if day < 0 or hour < 0 or hour > 23 or minute < 0 or minute > 59 or second < 0 or second > 59:
        return UNREAD

    at = start + 19
    thousandths = 0
    if text[at] == _POINT:
        at += 1
        digits = 0
        weight = 100
        while at < end and text[at] >= _ZERO and text[at] <= _ZERO + 9:
            thousandths += weight * (int(text[at]) - _ZERO)
            weight //= 10
            digits += 1
            at += 1
        if digits == 0:
            return UNREAD
        # Beyond microseconds a fraction is rounded, which may carry into the next millisecond only here.
        if digits > 6 and _number(text, start + 23, start + 26) == 999:
            return UNREAD

    ahead = 0  # of UTC, in minutes
    if at == end - 1 and text[at] == _Z:
        ahead = 0
    elif at == end - 6 and (text[at] == _PLUS or text[at] == _MINUS) and text[at + 3] == _COLON:
        hours = _number(text, at + 1, at + 3)
        minutes = _number(text, at + 4, at + 6)
        if hours < 0 or hours > 23 or minutes < 0 or minutes > 59:
            return UNREAD
        ahead = hours * 60 + minutes
        if text[at] == _MINUS:
            ahead = -ahead
    else:
        return UNREAD
    return (((day * 24 + hour) * 60 + minute - ahead) * 60 + second) * 1000 + thousandths


@compiled
def _parse_lines(text: NDArray[np.int8], times: NDArray[np.int64]) -> bool:
    """Set the time of each line of `text`. Returns whether it has as many lines as there are times."""
    start = 0
    for row in range(times.size):
        end = start
        while end < text.size and text[end] != _NEWLINE:
            end += 1
        times[row] = _parse(text, start, end)
        start = end + 1
    return start == text.size + 1
