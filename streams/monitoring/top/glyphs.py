"""Bars and sparklines as text, in eighths of a character, or plain ASCII where the terminal has no more."""

from __future__ import annotations

import math
from collections.abc import Sequence

from rich.cells import cell_len

LEVELS, ASCII_LEVELS = "▁▂▃▄▅▆▇█", "_.-~=+*#"
EIGHTHS = "▏▎▍▌▋▊▉█"


def bar(share: float, width: int, ascii_only: bool = False) -> str:
    """A bar of `share` (0 to 1) of `width` cells; whatever is not nothing is seen.

    >>> bar(0.5, 8), bar(0.0, 8), bar(1e-9, 8), bar(0.5, 8, ascii_only=True)
    ('████', '', '▏', '####')
    """
    share = min(1.0, max(0.0, share))
    if ascii_only:
        return "#" * math.ceil(share * width)
    whole, rest = divmod(math.ceil(share * width * 8), 8)
    return "█" * whole + (EIGHTHS[rest - 1] if rest else "")


def sparkline(
    values: Sequence[float | None], low: float | None = None, high: float | None = None, ascii_only: bool = False
) -> str:
    """A character per value, between `low` and `high` (by default the values' own); a blank for None.

    >>> sparkline([0, 1, None, 7]), sparkline([3.0, 3.0])
    ('▁▂ █', '▁▁')
    """
    known = [value for value in values if value is not None]
    if not known:
        return " " * len(values)
    low, high = min(known) if low is None else low, max(known) if high is None else high
    levels = ASCII_LEVELS if ascii_only else LEVELS
    scale = (len(levels) - 1) / (high - low) if high > low else 0.0
    return "".join(
        " " if value is None else levels[min(len(levels) - 1, max(0, round((value - low) * scale)))] for value in values
    )


def over_time(points: Sequence[tuple[float, float]], width: int) -> list[float | None]:
    """`width` cells of equal length in time, each with the last value up to its end. points: (time, value), by time.

    >>> over_time([(0, 1.0), (10, 2.0), (40, 5.0)], 4)
    [2.0, 2.0, 2.0, 5.0]
    """
    if not points or width <= 0:
        return []
    first, last = points[0][0], points[-1][0]
    if last <= first:
        return [points[-1][1]]
    cells: list[float | None] = []
    at = 0
    for cell in range(1, width + 1):
        end = first + (last - first) * cell / width
        while at + 1 < len(points) and points[at + 1][0] <= end:
            at += 1
        cells.append(points[at][1])
    return cells


def wrapped(text: str, width: int, most: int) -> list[str]:
    """At most `most` lines of `width` cells, broken at blanks; the last one ends in an ellipsis if there is more.

    >>> wrapped("silent 152 days, usually buys every 29 days", 16, 2)
    ['silent 152 days,', 'usually buys ev…']
    """
    lines: list[str] = []
    rest = text.strip()
    while rest and len(lines) < most:
        last = len(lines) == most - 1
        line, rest = _head(rest, width, last)
        lines.append(line)
    return lines


def _head(text: str, width: int, last: bool) -> tuple[str, str]:
    if cell_len(text) <= width:
        return text, ""
    if last:
        return cropped(text, width), ""
    head = _fitting(text, width + 1)  # a blank right after the line is a place to break at, too
    cut = head.rfind(" ")
    if cut <= 0:
        cut = max(1, len(_fitting(text, width)))
    return text[:cut].rstrip(), text[cut:].lstrip()


def cropped(text: str, width: int) -> str:
    """The text, or as much as fits into `width` cells with an ellipsis.

    >>> cropped("customer-4711", 9), cropped("anna", 9)
    ('customer…', 'anna')
    """
    if cell_len(text) <= width:
        return text
    return _fitting(text, width - 1).rstrip() + "…" if width > 0 else ""


def _fitting(text: str, width: int) -> str:
    used = 0
    for at, character in enumerate(text):
        used += cell_len(character)
        if used > width:
            return text[:at]
    return text
