"""How we stand with a customer, as the record keeps it."""

from __future__ import annotations

from copy import copy

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.customer.tail import Tail, mark_of, pack_tail
from models.decisions.standing import (
    Dated,
    DayCount,
    Outstanding,
    Spent,
    Stage,
    Standing,
    Waiting,
    channel_number,
    id_of,
    number_of,
)
from models.decisions.standing_layout import MOST_SPENT
from models.decisions.standing_stored import pack_standing, timers_in, unpack_standing, watched, watched_of
from models.settings import DAY

TIMES = st.integers(1, 2**32 - 2).map(lambda second: second * 1_000)
MAYBE = st.just(0) | TIMES
NUMBERS = st.integers(1, 2**32 - 1)
CHANNELS = st.integers(1, 2**16 - 1)
WAITING = st.builds(Waiting, NUMBERS, TIMES, MAYBE, st.floats(0, 1), st.booleans())
SPENT = st.builds(Spent, NUMBERS, TIMES, st.integers(0, MOST_SPENT), st.booleans())
OUTSTANDING = st.builds(
    Outstanding,
    st.integers(0, 2**128 - 1),
    TIMES,
    TIMES,
    MAYBE,
    CHANNELS,
    NUMBERS,
    st.integers(0, 15),
    st.integers(0, 3),
    st.sampled_from(Stage),
    st.lists(SPENT, max_size=3).map(tuple),
    st.just(0),
    st.just(0),
).flatmap(
    lambda one: st.just(one) | st.builds(lambda moment, at: one._replace(moment=moment, asked=at), NUMBERS, TIMES)
)
COUNTS = st.builds(DayCount, st.integers(0, 65535), CHANNELS, st.integers(0, 7), st.integers(0, 3), st.integers(1, 255))
STANDINGS = st.builds(
    Standing,
    st.floats(0, 1),
    MAYBE,
    MAYBE,
    MAYBE,
    st.booleans(),
    st.lists(WAITING, max_size=4),
    st.lists(OUTSTANDING, max_size=8),
    st.lists(COUNTS, max_size=20).map(sorted),
    st.dictionaries(NUMBERS, TIMES, max_size=16),
    st.dictionaries(CHANNELS, TIMES, max_size=8),
    MAYBE,
    st.integers(0, 2**32 - 1),
    told=st.dictionaries(st.integers(1, 2**32 - 1), st.integers(1, 2**16 - 1), max_size=4),
    dates=st.lists(st.builds(Dated, NUMBERS, TIMES, MAYBE), max_size=4).map(tuple),
)


@given(STANDINGS)
def test_a_standing_comes_back_as_it_was_packed(standing: Standing) -> None:
    packed = pack_standing(standing)
    assert unpack_standing(packed) == standing
    assert watched(packed) == (standing.next_timer(), standing.reached, standing.silence_kept, standing.window_ends > 0)
    columns = watched_of([packed, b"", packed])
    assert [*zip(*(column.tolist() for column in columns), strict=True)] == list(map(watched, [packed, b"", packed]))
    assert timers_in(packed) == {one.moment: one.date for one in standing.dates if one.wakes}


@pytest.mark.slow
@given(STANDINGS, STANDINGS, st.sets(st.sampled_from(("waiting", "outstanding", "counts", "once", "unreachable"))))
def test_what_has_changed_since_it_was_read_is_packed_as_if_it_were_new(
    standing: Standing, other: Standing, changed: set[str]
) -> None:
    found = unpack_standing(pack_standing(standing))
    assert pack_standing(found) == pack_standing(standing)
    for name in changed:
        for here in (found, standing):
            setattr(here, name, copy(getattr(other, name)))
    assert pack_standing(found) == pack_standing(standing)


@given(STANDINGS, WAITING)
def test_a_list_that_is_changed_in_place_counts_as_changed(standing: Standing, one: Waiting) -> None:
    found = unpack_standing(pack_standing(standing))
    found.waiting.append(one)
    found.once[7] = DAY
    assert unpack_standing(pack_standing(found)) == found


def test_nothing_takes_no_room() -> None:
    assert pack_standing(Standing()) == b""
    assert watched(b"") == (0, 0.0, False, False)


def test_the_mark_of_a_standing_is_in_a_tail_that_has_one() -> None:
    packed = pack_tail(Tail(standing=pack_standing(Standing(reached=0.5))))
    assert mark_of("standing") in packed
    assert mark_of("standing") not in pack_tail(Tail(country="DE", customer_class="business"))


def test_names_are_numbers_that_are_never_none() -> None:
    assert number_of("win_back") == number_of("win_back") != number_of("offer")
    assert 0 < channel_number("email") < 2**16
    assert f"{id_of('00ff' * 8):032x}" == "00ff" * 8
    assert id_of("someone else's") == 0
