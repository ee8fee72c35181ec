"""What is stopped is the same for any order of the operators' records, and an end is an end wherever it is known."""

from __future__ import annotations

from functools import reduce
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from models.timeline.stop_types import Stop, Stops, purpose_of
from models.timeline.stops import MOST_ENDED, joined, resumed, stopped

SELECTED = st.sampled_from([(), ("marketing",), ("care", "marketing")])
STOPS = st.builds(Stop, st.integers(1, 6), SELECTED, by=st.sampled_from(["ada", "ben"]))
WORDS = st.lists(st.one_of(STOPS, st.lists(st.integers(1, 6), min_size=1, max_size=3).map(tuple)), max_size=12)


def told(words: list[Any]) -> Stops:
    """As a shard that reads them in this order."""
    return reduce(lambda now, one: stopped(now, one) if isinstance(one, Stop) else resumed(now, one), words, Stops())


@given(words=WORDS, order=st.randoms(use_true_random=False))
def test_any_order_of_operators_stops_the_same(words: list[Any], order: Any) -> None:
    shuffled = [*words, *order.choices(words, k=3)] if words else []
    order.shuffle(shuffled)
    assert told(shuffled) == told(words)
    ended = {number for one in words if not isinstance(one, Stop) for number in one}
    begun = {one.number for one in words if isinstance(one, Stop)}
    assert {one.number for one in told(words).standing} == begun - ended


@given(words=WORDS, other=WORDS)
def test_two_places_know_together_what_one_would_know_that_heard_both(words: list[Any], other: list[Any]) -> None:
    together = joined(told(words), told(other))
    assert together == joined(told(other), told(words)) == told([*words, *other])


def test_an_old_stop_stands_however_many_others_have_ended_and_an_ended_one_never_comes_back() -> None:
    now = stopped(Stops(), Stop(1))
    for number in range(2, 3 * MOST_ENDED):
        now = resumed(stopped(now, Stop(number)), (number,))
        assert [one.number for one in now.standing] == [1]
        assert len(now.ended) <= MOST_ENDED
    for number in range(2, 3 * MOST_ENDED):
        assert stopped(now, Stop(number)) == now
    assert joined(now, stopped(Stops(), Stop(5))) == now
    assert joined(stopped(Stops(), Stop(5)), now) == now
    assert resumed(now, (1,)).standing == ()


@given(
    stop=st.builds(Stop, st.just(1), SELECTED, SELECTED, st.sampled_from([(), ("DE",)]), SELECTED),
    action=st.tuples(*[st.sampled_from(["care", "marketing", ""])] * 2, st.sampled_from(["", "DE", "FR"])),
)
def test_all_selectors_that_are_given_must_fit_and_an_unknown_country_fits_any(
    stop: Stop, action: tuple[str, str, str]
) -> None:
    purpose, kind, country = action
    pairs = ((stop.purposes, purpose), (stop.actions, kind), (stop.kinds, kind))
    by_hand = all(one in allowed for allowed, one in pairs if allowed)
    by_hand = by_hand and (not stop.countries or country in ("", *stop.countries))
    assert stop.fits(purpose, kind, country, kind) is by_hand


def test_a_trigger_of_settings_has_the_purpose_of_its_action() -> None:
    assert [purpose_of("", action) for action in ("care", "win_back")] == ["care", "marketing"]
    assert purpose_of("legal", "care") == "legal"
