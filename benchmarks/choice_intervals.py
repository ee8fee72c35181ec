"""How often intervals that are watched at every unit are ever wrong, in small programmes with a known lift.

Columns of runs side by side; the sums are those of `models.proof`, its radius and its start rules, as
`tests/unit/benchmarks/test_choice_benchmark.py` holds against the classes themselves.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from models.proof.difference import LEAST_EACH, LEAST_MONEY
from models.proof.intervals import radius

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]

UNITS: Final = 8_000
TUNED_FOR: Final = 3_200
"""Units at which the sequence is narrowest: .4 of the planned ones."""
CONTROL: Final = 0.1
ALPHA: Final = 0.05
PARTS: Final = 50
"""Runs at a time: memory for columns of runs times units."""


class Coverage(NamedTuple):
    """wrong: the share of runs in which the interval, once shown, ever left the truth out."""

    outcome: str
    interval: str
    wrong: float
    runs: int
    half_width: float


class Programme(NamedTuple):
    """Units of many runs, shape (runs, units)."""

    treated: Flags
    outcome: Floats
    lift: float


def yes_no(rng: np.random.Generator, runs: int, kept: float, lift: float) -> Programme:
    treated = rng.random((runs, UNITS)) >= CONTROL
    return Programme(treated, (rng.random((runs, UNITS)) < kept + lift * treated).astype(np.float64), lift)


def money(rng: np.random.Generator, runs: int, buy: float, cap: float) -> Programme:
    treated = rng.random((runs, UNITS)) >= CONTROL
    spent = np.exp(rng.normal(3.0, 1.5, (runs, UNITS))) * (rng.random((runs, UNITS)) < buy)
    return Programme(treated, np.minimum(spent, cap), 0.0)


def watched(programme: Programme, started: Flags) -> tuple[Flags, Floats]:
    """Whether each run's sequence was ever wrong from its start on, and its half width at the end."""
    units = np.arange(1, UNITS + 1)
    before = np.concatenate([np.zeros((len(started), 1)), np.cumsum(programme.outcome, axis=1)[:, :-1]], axis=1)
    left = programme.outcome - before / np.maximum(units - 1, 1)
    scores = np.where(programme.treated, left / (1.0 - CONTROL), -left / CONTROL)
    means = np.cumsum(scores, axis=1) / units
    spread = np.maximum(np.cumsum(scores * scores, axis=1) / units - means * means, 0.0)
    # Of a variance of one: the radius goes with the spread. After one unit there is none, and no interval is shown.
    wide = np.sqrt(spread) * np.array([radius(max(count, 2), 1.0, ALPHA, TUNED_FOR) for count in units.tolist()])
    missed = np.abs(means - programme.lift) > wide
    wrong: Flags = np.any(missed & started, axis=1)
    return wrong, wide[:, -1]


def naive(programme: Programme) -> tuple[Flags, Floats]:
    """The interval for one number of units, watched from the hundredth on: what goes wrong without all this."""
    units = np.arange(1, UNITS + 1)
    parts = []
    for arm in (programme.treated, ~programme.treated):
        count = np.maximum(np.cumsum(arm, axis=1), 1)
        mean = np.cumsum(programme.outcome * arm, axis=1) / count
        square = np.cumsum(programme.outcome**2 * arm, axis=1) / count
        parts.append((mean, np.maximum(square - mean * mean, 0.0) / count))
    (one, error), (other, error_too) = parts
    wide = 1.959964 * np.sqrt(error + error_too)
    missed = (np.abs(one - other - programme.lift) > wide) & (units >= 100)
    wrong: Flags = np.any(missed, axis=1)
    return wrong, wide[:, -1]


def enough_events(programme: Programme) -> Flags:
    """The start rule of yes and no."""
    started = np.ones(programme.treated.shape, dtype=np.bool_)
    for arm in (programme.treated, ~programme.treated):
        events = np.cumsum(programme.outcome * arm, axis=1)
        count = np.cumsum(arm, axis=1)
        started &= (events >= LEAST_EACH) & (count - events >= LEAST_EACH)
    return started


def enough_buyers(programme: Programme) -> Flags:
    buys = programme.outcome != 0.0
    fewer = np.minimum(np.cumsum(programme.treated & buys, axis=1), np.cumsum(~programme.treated & buys, axis=1))
    enough: Flags = fewer >= LEAST_MONEY
    return enough


def coverages(runs: int, seed: int = 1) -> Iterator[Coverage]:
    """The table of docs/proof.md."""
    for kept, lift in ((0.5, 0.0), (0.5, 0.05), (0.9, 0.0), (0.1, 0.0), (0.1, 0.02)):
        name = f"kept {kept:g}, A/A" if not lift else f"kept {kept:g} → {kept + lift:g}"
        made = [yes_no(np.random.default_rng([seed, part]), PARTS, kept, lift) for part in _parts(runs)]
        yield _told(name, "sequence, start rule", [watched(one, enough_events(one)) for one in made])
        everything = [watched(one, np.broadcast_to(np.arange(UNITS) >= 99, one.treated.shape)) for one in made]
        yield _told(name, "sequence from 100 units", everything)
        yield _told(name, "fixed number, watched", [naive(one) for one in made])
    for buy, cap in ((0.3, 300.0), (0.3, 1_000.0)):
        made = [money(np.random.default_rng([seed, part]), PARTS, buy, cap) for part in _parts(runs)]
        name = f"money, {buy:.0%} buy, cut at {cap:,.0f}, A/A"
        yield _told(name, "sequence, start rule", [watched(one, enough_buyers(one)) for one in made])
        yield _told(name, "fixed number, watched", [naive(one) for one in made])


def _parts(runs: int) -> range:
    return range(-(-runs // PARTS))


def _told(outcome: str, interval: str, found: list[tuple[Flags, Floats]]) -> Coverage:
    wrong = np.concatenate([one for one, _ in found])
    wide = np.concatenate([one for _, one in found])
    return Coverage(outcome, interval, float(wrong.mean()), len(wrong), float(wide.mean()))
