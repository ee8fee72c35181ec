"""Features of a log of any kind: columns of text become bounded numbers, row by row, without looking ahead.

What a column holds (numbers or words) and how many different words there are is looked up in the whole of it, as a
schema would say it; every *value* is made from the row and the rows before it alone. Numbers are standardised by the
mean and spread of the rows before; words have a column each, in the order in which they first came.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import isfinite
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

MISSING: Final = frozenset({"", "na", "n/a", "nan", "null", "none", "?"})
"""What stands for nothing, whatever its case."""
NUMERIC: Final = 0.95
"""At least this share of what is not missing must be numbers for a column of numbers; the rest counts as missing."""
CUT: Final = 2.5
"""Standard deviations at which a number is cut."""
FIRST: Final = 10
"""Rows before a spread is known well enough to divide by it; a number counts as the mean until then."""
MOST_LEVELS: Final = 24


class Column(NamedTuple):
    """How a column is read.

    levels: of words, those that get a column of their own; empty for numbers. others: there are more, together in one.
    missing: there are cells without a value. bend: a number's distance from the mean counts too.
    """

    name: str
    numeric: bool
    levels: tuple[str, ...]
    others: bool
    missing: bool
    bend: bool

    @property
    def names(self) -> list[str]:
        """Of the features it becomes."""
        if self.numeric:
            found = [self.name, f"|{self.name}|"] if self.bend else [self.name]
        else:
            found = [f"{self.name}={level}" for level in self.levels]
            if self.others:
                found.append(f"{self.name}=(others)")
        return [*found, f"{self.name}=(missing)"] if self.missing else found


def columns_of(table: Mapping[str, Sequence[str]], most: int) -> list[Column]:
    """How the columns of a log are read, in at most so many features beside the intercept.

    Where there is not room for all, words share a column sooner, then numbers no longer bend, then the last columns are
    left out.
    """
    for levels, bend in ((MOST_LEVELS, True), (12, True), (6, True), (6, False), (3, False), (2, False), (1, False)):
        found = [_column(name, cells, levels, bend) for name, cells in table.items()]
        if sum(len(column.names) for column in found) <= most:
            return found
    room = most
    kept = []
    for column in found:
        room -= len(column.names)
        if room < 0:
            break
        kept.append(column)
    return kept


def encoded(table: Mapping[str, Sequence[str]], columns: Sequence[Column], frozen: int | None = None) -> Floats:
    """Shape (rows, features), the first of which is 1. frozen: from this row on nothing new is learned of a column."""
    rows = max((len(cells) for cells in table.values()), default=0)
    parts = [np.ones((rows, 1))]
    for column in columns:
        cells = table[column.name]
        parts.append(_numbers(column, cells, frozen) if column.numeric else _words(column, cells))
    return np.concatenate(parts, axis=1)


def is_missing(cell: str) -> bool:
    return cell.strip().casefold() in MISSING


def number_in(cell: str) -> float | None:
    """A finite number, or None."""
    try:
        value = float(cell)
    except ValueError:
        return None
    return value if isfinite(value) else None


def _column(name: str, cells: Sequence[str], most: int, bend: bool) -> Column:
    given = [cell for cell in cells if not is_missing(cell)]
    numbers = [value for value in map(number_in, given) if value is not None]
    if given and len(numbers) >= NUMERIC * len(given):
        two = len(set(numbers)) <= 2
        return Column(name, True, (), False, len(numbers) < len(cells), bend and not two)
    levels = list(dict.fromkeys(cell.strip() for cell in given))
    if len(levels) <= 2:
        # One column says it all.
        return Column(name, False, tuple(levels[1:]), False, len(given) < len(cells), False)
    others = len(levels) > most
    return Column(name, False, tuple(levels[:most]), others, len(given) < len(cells), False)


def _numbers(column: Column, cells: Sequence[str], frozen: int | None) -> Floats:
    values = np.array([np.nan if (value := number_in(cell)) is None else value for cell in cells], dtype=np.float64)
    known = ~np.isnan(values)
    origin = float(values[known][0]) if known.any() else 0.0
    plain = np.where(known, values - origin, 0.0)
    counts, sums, squares = (_before(part, frozen) for part in (known.astype(np.float64), plain, plain * plain))
    seen = np.maximum(counts, 1.0)
    means = sums / seen
    spread = np.sqrt(np.maximum(squares / seen - means * means, 0.0))
    usable = known & (counts >= FIRST) & (spread > 1e-9 * (1.0 + np.abs(means)))
    found = np.where(usable, (plain - means) / np.where(usable, spread, 1.0), 0.0)
    found = np.minimum(np.maximum(found, -CUT), CUT)
    parts = [found]
    if column.bend:
        parts.append(np.where(usable, np.abs(found) - 0.8, 0.0))  # .8: the mean distance of a normal
    if column.missing:
        parts.append((~known).astype(np.float64))
    return np.column_stack(parts)


def _before(values: Floats, frozen: int | None) -> Floats:
    """Of each row the sum over the rows before it, or before `frozen`."""
    found = np.concatenate(([0.0], np.cumsum(values)))
    places = np.arange(len(values))
    return found[places if frozen is None else np.minimum(places, frozen)]


def _words(column: Column, cells: Sequence[str]) -> Floats:
    place = {level: number for number, level in enumerate(column.levels)}
    width = len(column.names)
    found = np.zeros((len(cells), width))
    for row, cell in enumerate(cells):
        if is_missing(cell):
            if column.missing:
                found[row, width - 1] = 1.0
        elif (at := place.get(cell.strip())) is not None:
            found[row, at] = 1.0
        elif column.others:
            found[row, len(column.levels)] = 1.0
    return found
