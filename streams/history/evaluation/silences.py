"""The silences of a log's customers, with the risk that was predicted in them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from models.settings import DAY, EngineSettings
from models.simulation.evaluation import Predictions
from models.simulation.thresholds import NEVER, Silences
from streams.history.evaluation.outcomes import Signs


def silences_of(predictions: Sequence[Predictions], signs: Signs, settings: EngineSettings) -> Silences:
    """Every tick at which a customer was silent, had not left, and was not yet lapsed: there the engine would score."""
    days, starts = signs.days()
    # Customers and days as one rising number: what is sorted by both is searched once.
    span = int(days.max()) + 2
    line = np.repeat(np.arange(len(starts) - 1), np.diff(starts)) * span + days
    parts = [_of_tick(predicted, signs, settings, line, span, starts) for predicted in predictions]
    return Silences(*map(np.concatenate, zip(*parts, strict=True)))


def _of_tick(
    predicted: Predictions,
    signs: Signs,
    settings: EngineSettings,
    line: NDArray[np.int64],
    span: int,
    starts: NDArray[np.int64],
) -> Silences:
    """Those of one tick.

    Args:
        predicted: at the tick.
        signs: of the log.
        settings: of the evaluation.
        line: customer · span + day of every day with a sign, rising.
        span: more than any day.
        starts: where a customer's days begin in `line`, and at last its length.
    """
    rows = np.flatnonzero((predicted.recency <= settings.silence) & ~predicted.left)
    who = signs.numbers([predicted.customers[row] for row in rows.tolist()])
    since = predicted.tick - predicted.recency[rows]
    at = np.searchsorted(line, who * span + since // DAY, "right") - 1
    first, count = line[starts[who]], at - starts[who] + 1
    gap = np.full(len(rows), np.nan)
    np.divide(line[at] - first, count - 1, out=gap, where=count > 1)
    following = np.where(at + 1 < starts[who + 1], at + 1, at)
    until = np.where(following > at, (line[following] - who * span) * DAY, NEVER)
    tick = np.full(len(rows), predicted.tick)
    decided = tick + settings.horizon <= signs.end
    return Silences(at, tick, predicted.probabilities[rows], since, until, count, gap, decided)
