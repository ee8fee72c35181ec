"""A log of actions whose chances are known, read from CSV: any column names, any actions."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from math import isfinite
from pathlib import Path
from typing import NamedTuple

from streams.errors import EngineError
from streams.history.datasets import DAMAGED, MOST_CHARACTERS, LogInvalid, foreign_line, opened

MOST_ACTIONS = 120
"""Each needs a hundred rows and more of its own before anything can be said of it."""
NOTHING = frozenset(
    {
        *("none", "no", "nothing", "control", "leave alone", "no action", "no contact", "no treatment", "untreated"),
        *("no e-mail", "no email", "no mail", "no message", "no offer", "no promotion", "hold out", "holdout"),
        *("placebo", "false", "0"),
    }
)
"""Names of an action that mean: nothing was done."""


class DecisionLogUnfit(EngineError):
    """A log of decisions can't be evaluated as it was asked for."""

    remedy = (
        "correct the line or name the columns anew: a log of decisions is CSV (plain or gzip) with a header, a column "
        "of what was done, one of what came (a number), and the chance of what was done, above 0 and at most 1"
    )


class ColumnsNamed(NamedTuple):
    """Which columns to read. propensity: a column, or a number that is the chance of whatever was done."""

    action: str
    reward: str
    propensity: str
    features: tuple[str, ...]
    cost: str | None = None
    none: str | None = None


class DecisionLog(NamedTuple):
    """actions: their names; the first is `none`, or the most frequent where none means that nothing was done.

    taken: places in `actions`. rewards: what came less its cost. table: of each feature its cells. none: whether the
    first action is known to mean that nothing was done.
    """

    actions: list[str]
    taken: list[int]
    propensities: list[float]
    rewards: list[float]
    table: dict[str, list[str]]
    none: bool


def read_decisions(path: Path, named: ColumnsNamed) -> DecisionLog:
    """Raises DecisionLogUnfit, LogInvalid, OSError; each names the column, the line and the value."""
    header, lines, rows = _rows(path)
    chance = _number(named.propensity)
    wanted = [named.action, named.reward, *named.features, *([named.cost] if named.cost else [])]
    if named.propensity in header:
        chance = None
        wanted.append(named.propensity)
    elif chance is None:
        raise DecisionLogUnfit(
            f"--propensity is {named.propensity!r}: neither a number nor a column of {path}; there are {_list(header)}"
            f"{_parted(header)}"
        )
    elif not 0.0 < chance <= 1.0:
        raise DecisionLogUnfit(f"--propensity is {named.propensity!r}; a chance is above 0 and at most 1")
    _check_columns(path, header, wanted, named)
    if not rows:
        raise DecisionLogUnfit(f"{path} has a header and no rows: there is nothing to evaluate")
    at = {name: header.index(name) for name in wanted}
    cells = {name: [row[place] for row in rows] for name, place in at.items()}

    done = [cell.strip() for cell in cells[named.action]]
    for line, cell in zip(lines, done, strict=True):
        if not cell:
            raise DecisionLogUnfit(
                f"{path}, line {line}, column {named.action}: empty; it must say what was done, 'none' for nothing"
            )
    actions, none = _actions(done, named, path)
    place = {name: number for number, name in enumerate(actions)}
    rewards = _numbers(path, lines, named.reward, cells[named.reward])
    if named.cost:
        costs = _numbers(path, lines, named.cost, cells[named.cost])
        rewards = [reward - cost for reward, cost in zip(rewards, costs, strict=True)]
    return DecisionLog(
        actions,
        [place[name] for name in done],
        [chance] * len(rows) if chance is not None else _chances(path, lines, named.propensity, cells),
        rewards,
        {name: cells[name] for name in named.features},
        none,
    )


def _rows(path: Path) -> tuple[list[str], list[int], list[list[str]]]:
    csv.field_size_limit(MOST_CHARACTERS)
    lines: list[int] = []
    rows: list[list[str]] = []
    with opened(path) as file, io.TextIOWrapper(file, encoding="utf-8-sig", newline="") as text:
        reader = csv.reader(text, strict=True)
        try:
            header = [name.strip() for name in next(reader, [])]
            if not any(header):
                raise DecisionLogUnfit(f"{path} is empty; its first line must name the columns")
            for fields in reader:
                if not fields:
                    continue
                if len(fields) != len(header):
                    raise LogInvalid(
                        f"{path}, line {reader.line_num}: {len(fields)} fields where the header names {len(header)}"
                    )
                lines.append(reader.line_num)
                rows.append(fields)
        except csv.Error as error:
            raise LogInvalid(f"{path}, line {reader.line_num}: {error}") from error
        except DAMAGED as error:
            raise LogInvalid(f"{path}, after line {reader.line_num}: {error}") from error
        except UnicodeDecodeError as error:
            raise foreign_line(path) from error
    return header, lines, rows


def _check_columns(path: Path, header: Sequence[str], wanted: Sequence[str], named: ColumnsNamed) -> None:
    if unknown := [name for name in wanted if name not in header]:
        raise DecisionLogUnfit(f"{path} has no column {_list(unknown)}; there are {_list(header)}{_parted(header)}")
    if twice := [name for name in wanted if header.count(name) > 1]:
        raise DecisionLogUnfit(f"{path} names column {_list(twice)} more than once; which one counts can't be known")
    if again := [name for name in named.features if named.features.count(name) > 1]:
        raise DecisionLogUnfit(f"--features names {_list(again[:1])} more than once; name it once")
    roles = {
        "--actions": named.action,
        "--reward": named.reward,
        "--cost": named.cost,
        "--propensity": named.propensity,
    }
    for option, name in roles.items():
        if name in named.features:
            raise DecisionLogUnfit(
                f"--features names {name!r}, which {option} names too: what was done and what came of it is not known "
                "before the decision; leave it out of the features"
            )


def _actions(done: Sequence[str], named: ColumnsNamed, path: Path) -> tuple[list[str], bool]:
    counts: dict[str, int] = {}
    for name in done:
        counts[name] = counts.get(name, 0) + 1
    if len(counts) < 2:
        raise DecisionLogUnfit(
            f"{path}, column {named.action}: every row says {done[0]!r}; there is nothing to compare"
        )
    if len(counts) > MOST_ACTIONS:
        raise DecisionLogUnfit(
            f"{path}, column {named.action}: {len(counts)} different actions, at most {MOST_ACTIONS} can be compared; "
            "name a column of kinds of actions"
        )
    if named.none is not None:
        if named.none not in counts:
            raise DecisionLogUnfit(
                f"--none is {named.none!r}, which column {named.action} never says; it says {_list(sorted(counts))}"
            )
        first, known = named.none, True
    else:
        nothing = [name for name in counts if " ".join(name.casefold().replace("_", " ").split()) in NOTHING]
        known = len(nothing) == 1
        first = nothing[0] if known else max(sorted(counts), key=counts.__getitem__)
    return [first, *sorted(name for name in counts if name != first)], known


def _numbers(path: Path, lines: Sequence[int], column: str, cells: Sequence[str]) -> list[float]:
    found = []
    for line, cell in zip(lines, cells, strict=True):
        value = _number(cell, flags=True)
        if value is None:
            raise DecisionLogUnfit(f"{path}, line {line}, column {column}: {cell!r} is not a finite number")
        found.append(value)
    return found


def _chances(path: Path, lines: Sequence[int], column: str, cells: Mapping[str, Sequence[str]]) -> list[float]:
    found = []
    for line, cell in zip(lines, cells[column], strict=True):
        value = _number(cell)
        if value is None or not 0.0 < value <= 1.0:
            raise DecisionLogUnfit(
                f"{path}, line {line}, column {column}: {cell!r} is no chance of what was done; it must be above 0 and "
                "at most 1"
            )
        found.append(value)
    return found


def _number(cell: str, flags: bool = False) -> float | None:
    """flags: true and false count as 1 and 0."""
    if flags and (word := cell.strip().casefold()) in ("true", "false"):
        return float(word == "true")
    try:
        value = float(cell)
    except ValueError:
        return None
    return value if isfinite(value) else None


def _parted(header: Sequence[str]) -> str:
    """A hint where the fields are parted by something else than commas."""
    mark = next((one for one in ";\t|" if one in header[0]), "") if len(header) == 1 else ""
    return f"; its fields seem to be parted by {mark!r}, and must be by commas" if mark else ""


def _list(names: Sequence[str]) -> str:
    shown = ", ".join(map(repr, names[:20]))
    return shown if len(names) <= 20 else f"{shown} and {len(names) - 20} more"
