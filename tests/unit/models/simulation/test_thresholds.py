"""What a threshold would have done: counted once more by hand, silence by silence."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.settings import DAY
from models.simulation.thresholds import NEVER, Operating, Silences, operating

HORIZON, END = 28 * DAY, 200 * DAY


def silences(*rows: tuple[int, int, float, int, int, float]) -> Silences:
    """Of (silence, day of the tick, risk, day since, day until, gap); 0 as `until`: the log has no more of them."""
    columns = list(zip(*rows, strict=True)) if rows else [()] * 6
    number, tick, risk, since, until, gap = (np.array(column) for column in columns)
    tick, since = tick.astype(np.int64) * DAY, since.astype(np.int64) * DAY
    return Silences(
        number.astype(np.int64),
        tick,
        risk.astype(np.float64),
        since,
        np.where(until == 0, NEVER, until.astype(np.int64) * DAY),
        np.where(np.isnan(gap.astype(np.float64)), 1, 4),
        gap.astype(np.float64),
        tick + HORIZON <= END,
    )


def test_a_threshold_speaks_once_in_a_silence_at_its_first_tick_that_is_as_high() -> None:
    found = operating(
        silences(
            (1, 21, 0.9, 0, 60, 10.0),  # the rows of a silence stand in any order
            (1, 14, 0.6, 0, 60, 10.0),
            (1, 7, 0.4, 0, 60, 10.0),
            (2, 7, 0.7, 0, 10, 3.5),  # back on day 10: rightly warned of nothing
        ),
        0.5,
        HORIZON,
        END,
    )
    assert found == Operating(0.5, 2, 0.5, 10.5, (1.4 + 2.0) / 2, 1, 1.0, 1.0)


def test_whose_horizon_is_not_over_counts_for_nothing_but_what_it_saw() -> None:
    late = silences((1, 180, 0.9, 150, 0, 10.0))
    assert operating(late, 0.5, HORIZON, END) == pytest.approx(
        Operating(0.5, 0, math.nan, math.nan, math.nan, 1, 1.0, 0.0), nan_ok=True
    )


def test_who_came_once_has_no_gap_of_their_own() -> None:
    found = operating(silences((1, 7, 0.9, 0, 0, math.nan), (2, 7, 0.9, 0, 0, 7.0)), 0.5, HORIZON, END)
    assert (found.median_gaps, found.lost, found.caught, found.early) == (1.0, 2, 1.0, 1.0)


def test_of_nobody_nothing_is_told() -> None:
    empty = silences((1, 7, 0.9, 0, 0, 1.0)).where(np.zeros(1, dtype=np.bool_))
    found = operating(empty, 0.5, HORIZON, END)
    assert (found.first, found.lost) == (0, 0)
    assert all(math.isnan(value) for value in (found.left, found.median_days, found.caught, found.early))


ROWS = st.lists(
    st.tuples(st.integers(0, 4), st.integers(1, 25), st.sampled_from([0.1, 0.3, 0.5, 0.7, 0.9])),
    min_size=1,
    max_size=40,
)


@given(ROWS)
def test_a_lower_threshold_sees_no_loss_less_and_none_later(rows: list[tuple[int, int, float]]) -> None:
    told = silences(*((number, 7 * week, risk, 0, 0, 10.0) for number, week, risk in rows))
    by_threshold = [operating(told, one, HORIZON, END) for one in (0.2, 0.4, 0.6, 0.8)]
    for lower, higher in pairwise(by_threshold):
        assert lower.lost == higher.lost
        assert lower.caught >= higher.caught
        assert lower.early >= higher.early
