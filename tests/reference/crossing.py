"""When a silent customer's risk reaches the threshold, plainly: one look after the other, and no bound."""

from __future__ import annotations

from array import array
from collections.abc import Callable

from models.churn import MixtureScorer
from models.features import COLUMNS
from models.numerics.maths import exp2
from models.settings import DAY, MINUTE, SECOND
from tests.reference.features import HALF_LIVES
from tests.reference.mixture import probability


def rolled(basis: array[float], days: float) -> array[float]:
    """A basis after some days of silence, at float32 as a basis is kept."""
    of = dict(zip(COLUMNS, basis, strict=True))
    later = {**of, "recency_days": of["recency_days"] + days, "tenure_days": of["tenure_days"] + days}
    for name, half_life in HALF_LIVES.items():
        later[name] = of[name] * exp2(-days / half_life)
    if of["open_cases"] > 0.0:
        later["oldest_case_days"] = max(of["oldest_case_days"] + days, 0.0)
    return array("f", (later[name] for name in COLUMNS))


def ends(begin: int, end: int) -> list[int]:
    """A stretch is cut into halves until none is longer than a day."""
    if end - begin <= DAY:
        return [end]
    middle = (begin + end) // (2 * MINUTE) * MINUTE
    return [*ends(begin, middle), *ends(middle, end)]


def crossing(scorer: MixtureScorer, basis: array[float], now: int, tick: int, enter: float) -> int:
    """The first minute at which the risk, below `enter` now, is at it, as seconds since the epoch; 0: none before the
    tick."""

    def risk(time: int) -> float:
        return probability(scorer, rolled(basis, (time - now) / DAY))

    last = (tick - 1) // MINUTE * MINUTE
    before, low = now, probability(scorer, basis)
    while before < last:
        week = min((before + 7 * DAY) // MINUTE * MINUTE, last)
        for time in ends(before, week):
            high = risk(time)
            if high >= enter:
                return narrowed(risk, (before, low), (time, high), enter)
            before, low = time, high
    return 0


def narrowed(risk: Callable[[int], float], before: tuple[int, float], after: tuple[int, float], enter: float) -> int:
    """By regula falsi, with a bisection at each third step."""
    (begin, low), (end, high) = before, after
    first, last, step = begin // MINUTE, end // MINUTE, 0
    while last - first > 1:
        step += 1
        share = 0.5 if step % 3 == 0 else (enter - low) / (high - low)
        middle = min(max(first + int((last - first) * share), first + 1), last - 1)
        there = risk(middle * MINUTE)
        if there >= enter:
            last, high = middle, there
        else:
            first, low = middle, there
    return last * MINUTE // SECOND
