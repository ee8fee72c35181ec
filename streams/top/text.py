"""Numbers, durations and names as they are shown in a terminal."""

from __future__ import annotations

import math


def count(number: float | None) -> str:
    """A whole number with thousands marked; a dash when it is not known.

    >>> count(12345.0), count(None)
    ('12,345', '-')
    """
    return "-" if number is None else f"{number:,.0f}"


def compact(number: float | None) -> str:
    """A whole number where there is little room.

    >>> compact(999), compact(14_026), compact(1_234_567)
    ('999', '14k', '1.2M')
    """
    if number is None or number < 10_000:
        return count(number)
    return f"{number / 1e3:.0f}k" if number < 999_500 else f"{number / 1e6:.1f}M"


def duration(seconds: float, top: float = math.inf) -> str:
    """A duration in the unit that suits it; inf is more than `top`.

    >>> duration(0.0042), duration(0.18), duration(2.25), duration(75), duration(math.inf, 3600.0)
    ('4.2 ms', '180 ms', '2.2 s', '75 s', '>60 min')
    """
    if math.isinf(seconds):
        return f">{duration(top)}" if math.isfinite(top) else "-"
    if seconds < 0.01:
        return f"{1000 * seconds:.1f} ms"
    if seconds < 1:
        return f"{1000 * seconds:.0f} ms"
    if seconds < 100:
        return f"{seconds:.1f} s" if seconds < 10 else f"{seconds:.0f} s"
    return f"{seconds / 60:,.0f} min"


def size(number: int) -> str:
    """Bytes as megabytes.

    >>> size(231_000_000)
    '231 MB'
    """
    return f"{number / 1e6:,.0f} MB"


def words(name: str) -> str:
    """An identifier as words.

    >>> words("at_risk")
    'at risk'
    """
    return name.replace("_", " ")
