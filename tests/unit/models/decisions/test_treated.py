"""Examples beside what the learned choice did: which are left out, how much the others weigh, what is kept for it."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.decisions.draw import ONE
from models.decisions.standing import Standing
from models.decisions.standing_stored import may_be_treated, pack_standing, unpack_standing
from models.decisions.treated import (
    AS_IT_IS,
    MOST,
    OneDraw,
    Treated,
    Weighed,
    after_draw,
    later,
    pack_treated,
    unpack_treated,
    weighed,
)
from models.decisions.window import Mark, Window
from models.features.basis import BASIS, RECENCY_COLUMN
from models.learning.weights import weight_of
from models.outputs import CHURNED, Example
from models.settings import DAY, SECOND

T = 1_000 * DAY
"""When the example was observed."""
MONTH = 28 * DAY
TENTH = ONE // 10


def drawn(
    opened: int, given: bool = False, alone: int = TENTH, last: int = T - 20 * DAY, lasts: int = MONTH
) -> OneDraw:
    return OneDraw(opened, opened + lasts, last, alone, given)


def silent_for(days: float) -> list[int]:
    basis = np.zeros(BASIS, dtype="<f2")
    basis[RECENCY_COLUMN] = days
    found: list[int] = basis.view("<u2").tolist()
    return found


def said(*draws: OneDraw, share: float = 0.05, silent: float = 20.0) -> Weighed:
    return weighed(Treated(share, draws), T, MONTH, silent_for(silent))


def window(place: int, marks: int = 0) -> Window:
    return Window(7, T, T + MONTH, 1, 0.0, 1.0, place, ((3, TENTH),), marks)


def test_where_nothing_was_drawn_an_example_says_nothing_of_it() -> None:
    assert weighed(None, T, MONTH, silent_for(3.0)) is AS_IT_IS
    assert said() is AS_IT_IS


@pytest.mark.parametrize("given", [True, False])
@pytest.mark.parametrize(
    ("opened", "last", "silent", "meets"),
    [
        (T + DAY, T - 20 * DAY, 20.0, True),  # within the window
        (T + MONTH, T - 20 * DAY, 20.0, True),
        (T + MONTH + SECOND, T - 20 * DAY, 20.0, False),  # after it
        (T + 9 * DAY, T + 2 * DAY, 20.0, False),  # after the first sign of staying in it: that one said all
        (T - 5 * DAY, T - 20 * DAY, 20.0, True),  # before it, and it was still open
        (T, T - 20 * DAY, 20.0, True),
        (T - 5 * DAY, T - 20 * DAY, 3.0, False),  # they had bought since
        (T - MONTH, T - 60 * DAY, 60.0, False),  # it was over by then
        (T - MONTH + SECOND, T - 60 * DAY, 60.0, True),
    ],
)
def test_a_draw_counts_for_the_windows_that_it_meets(
    opened: int, last: int, silent: float, meets: bool, given: bool
) -> None:
    found = said(drawn(opened, given, last=last), silent=silent)
    assert found.treated is (meets and given)
    assert found.untreated == (pytest.approx(0.05 + 0.95 * 0.1) if meets and not given else None)


@pytest.mark.parametrize(
    ("last", "silent", "meets"),
    [
        (40.0, 40.0, True),
        (40.0, 5.0, True),  # a purchase on the day before the draw, told after it
        (40.0, 4.0, False),  # one on its day counts for one after it
        (40.0, 3.0, False),
        (3.75, 4.0, True),  # but where there was one before it on that day
        (0.5, 4.0, True),
    ],
)
@pytest.mark.parametrize("within_a_day", [0.0, 0.3, 0.99])
def test_a_draw_ends_with_the_day_of_the_next_sign(
    last: float, silent: float, meets: bool, within_a_day: float
) -> None:
    # Signs are known by the day, as days since its midnight; drawn at noon, four days before.
    signed = drawn(T - int(3.5 * DAY), last=T - int(last * DAY))
    observed = T + int(within_a_day * DAY)
    found = weighed(Treated(0.05, (signed,)), observed, MONTH, silent_for(silent + within_a_day))
    assert (found.untreated is not None) is meets


@pytest.mark.parametrize("days", [40.01, 300.3, 900.4])
def test_a_silence_at_float16_is_long_enough(days: float) -> None:
    bought = T - int(days * DAY) // DAY * DAY
    one = drawn(bought + DAY, last=bought, lasts=1_000 * DAY)
    assert weighed(Treated(0.05, (one,)), T, MONTH, silent_for(days)).untreated is not None


def test_two_draws_multiply_and_one_that_was_given_decides() -> None:
    first, second = drawn(T - DAY), drawn(T + 27 * DAY)
    assert said(first, second).untreated == pytest.approx(0.05 + 0.95 * 0.01)
    assert said(first, second._replace(given=True)) == Weighed(treated=True)
    assert said(first, share=0.0).untreated == pytest.approx(0.1)


def test_control_and_held_out_weigh_the_same() -> None:
    held_out = after_draw(None, window(0), TENTH, T - DAY, 0.05, MONTH)
    control = after_draw(None, window(1, Mark.CONTROL), TENTH, T - DAY, 0.05, MONTH)
    assert held_out == control
    given = after_draw(None, window(1), TENTH, T - DAY, 0.05, MONTH)
    assert given is not None
    assert given.draws[0].given
    assert after_draw(held_out, window(0), ONE, T - DAY, 0.05, MONTH) is held_out  # nothing could have been done


def test_what_no_example_can_meet_any_more_is_forgotten() -> None:
    longest = MONTH + DAY
    kept = Treated(0.05, (drawn(T), drawn(T + MONTH)))
    assert later(None, T, longest) is None
    assert later(kept, T + MONTH + longest - 1, longest) is kept
    assert later(kept, T + MONTH + longest, longest) == Treated(0.05, (drawn(T + MONTH),))
    assert later(kept, T + 2 * MONTH + longest, longest) is None


@given(
    st.floats(0.0, 1.0),
    st.lists(
        st.builds(
            OneDraw,
            *[st.integers(1, 2**32 - 1).map(lambda second: second * SECOND)] * 3,
            st.integers(0, ONE - 1),
            st.booleans(),
        ),
        min_size=1,
        max_size=6,
    ),
    st.integers(0, 2**32 - 1),
)
def test_it_comes_back_from_the_record(share: float, draws: list[OneDraw], until: int) -> None:
    one = Treated(share, tuple(draws), until * SECOND)
    assert len(pack_treated(one)) == 12 + 17 * len(draws)
    assert unpack_treated(pack_treated(one)) == one
    stored = pack_standing(Standing(treated=one))
    assert may_be_treated(stored)
    assert unpack_standing(stored).treated == one
    assert not may_be_treated(b"")
    assert not may_be_treated(pack_standing(Standing(reached=0.5)))


def test_how_often_an_example_counts() -> None:
    example = Example("c", CHURNED, 2, 1, b"", truth=True)
    assert weight_of(example) == 1.0
    assert weight_of(Example("c", CHURNED, 2, 1, b"", truth=True, treated=True)) == 0.0
    assert weight_of(Example("c", CHURNED, 2, 1, b"", truth=True, untreated=0.1)) == pytest.approx(10.0)
    assert weight_of(Example("c", CHURNED, 2, 1, b"", truth=True, untreated=0.001)) == MOST
