"""Response windows: what comes within one is told once, and of whom nothing is learned nothing is kept."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given as examples
from hypothesis import strategies as st
from msgspec import structs

from models.customer.layout import NUMBERS, RETURNED, SPENT, TIMES, UNLEARNED
from models.customer.restrictions import ACTION_PURPOSES
from models.decisions.choosing.described import Counted
from models.decisions.given import Asks, Given, Known, Said, Touched, again_id
from models.decisions.moments import decide
from models.decisions.person import Person
from models.decisions.policy.in_force import PolicyInForce
from models.decisions.policy.parts import KINDS
from models.decisions.response import arrived, erased, hears, packed_features, passed, taken_off
from models.decisions.standing import Outstanding, Stage, Standing, channel_number, number_of
from models.decisions.standing_stored import pack_standing, unpack_standing
from models.decisions.window import Mark, Window, pack_window, unpack_window
from models.outputs import OUTCOME, Outcome
from models.settings import DAY, HOUR, WEEK
from models.touchpoints import Touch, event, read
from tests.support.one_customer import DATA, NOW, OPEN
from tests.support.policies import LEARNED

POLICY = PolicyInForce.of(1, LEARNED)
ID = "00112233445566778899aabbccddeeff"
OPENED = NOW - 2 * DAY
WINDOW = Window(
    int(ID, 16), OPENED, NOW, 4_000, 120.0, 0.5, 2, ((7, 2**30), (9, 2**31)), features=packed_features((1.0, 0.5))
)


def known(spent: float = 170.0, returned: float = 10.0) -> Known:
    numbers, times = np.zeros(NUMBERS, dtype=np.float32), np.zeros(TIMES)
    numbers[SPENT], numbers[RETURNED] = spent, returned
    return Known(Counted(numbers, times), 4 * WEEK)


def asked(window: Window, now: int = NOW, flags: int = 0, of: Known | None = None) -> Given:
    person = Person(b"anna", OPEN, flags)
    standing = Standing(window=window)
    return Given(POLICY, person, standing, now, WEEK, 0, None, Asks.TIMER, known=known() if of is None else of)


def touch(kind: str, after: int, **data: Any) -> Touched:
    time = OPENED + after
    said = {**DATA.get(kind, {}), **data}
    found = read(event(kind, id="t", source="s", subject="anna", time_ms=time, data=said), b"anna", time)
    assert isinstance(found, Touch)
    return Touched(int(found.kind), found.id, time, found.data)


def outcome(said: list[Said]) -> Outcome:
    [one] = said
    assert one.what == OUTCOME
    assert one.outcome is not None
    return one.outcome


def test_at_its_end_what_was_bought_is_told_less_what_was_given_away_and_what_harm_costs() -> None:
    marks = Mark.DELIVERED | Mark.DECLINED | Mark.COMPLAINED | Mark.SOON | Mark.BOUGHT
    given = asked(WINDOW._replace(marks=int(marks), given=150))
    [said] = passed(given, ())
    assert said.ended is not None
    assert said.outcome is not None
    # Half of 40 paid is left; of 1.50 that a coupon took off half was margin, and each harm costs 2.
    assert (said.ended.net, said.ended.gain, said.ended.bought) == (40.0, 20.0 - 0.75 - 4.0, True)
    assert said.ended.harms == ("declined", "complained")
    assert (said.outcome.worth, said.outcome.gain) == (40.0, 15.25)
    assert said.outcome.arms == {"00000007": 2**30, "00000009": 2**31}
    assert (said.outcome.arm, said.outcome.delivered, said.outcome.soon, said.outcome.control) == (
        "00000009", True, True, False,
    )  # fmt: skip
    assert (said.outcome.customer, said.outcome.decision, said.outcome.features) == ("anna", ID, WINDOW.features)
    assert given.standing.window is None
    assert passed(given, ()) == []


def test_a_sum_that_is_a_hair_below_nothing_is_told_as_nothing() -> None:
    """`known` counts in float32, a window in float64."""
    [said] = passed(asked(WINDOW._replace(net=160.000001)), ())
    assert said.ended is not None
    assert said.outcome is not None
    assert [str(sum_) for sum_ in (said.ended.net, said.ended.gain, said.outcome.gain)] == ["0.0", "0.0", "0.0"]


def test_before_its_end_nothing_is_told() -> None:
    given = asked(WINDOW, NOW - 1)
    assert passed(given, ()) == []
    assert given.standing.window == WINDOW


@pytest.mark.parametrize(
    ("kind", "data", "after", "marks"),
    [
        ("offer_declined", {"trigger_id": ID}, DAY, Mark.DECLINED),
        ("message_unsubscribed", {"channel": "email"}, DAY, Mark.UNSUBSCRIBED | Mark.SOON),
        ("consent_changed", {"marketing": False}, DAY, Mark.UNSUBSCRIBED | Mark.SOON),
        ("consent_changed", {"marketing": True}, DAY, 0),
        ("complaint", {}, DAY, Mark.COMPLAINED | Mark.SOON),
        ("complaint", {}, 8 * DAY, Mark.COMPLAINED),
        ("spam_reported", {"trigger_id": ID, "channel": "email"}, DAY, Mark.SPAM | Mark.SOON),
        ("complaint", {}, -DAY, 0),
        ("complaint", {}, 14 * DAY, 0),
        ("complaint", {}, 14 * DAY - 1, Mark.COMPLAINED),
        ("visit", {}, DAY, 0),
        ("offer_declined", {"trigger_id": "ff" * 16}, DAY, 0),
        ("spam_reported", {"trigger_id": "ff" * 16, "channel": "email"}, DAY, 0),
        ("spam_reported", {"trigger_id": again_id(ID, 2), "channel": "email"}, DAY, Mark.SPAM | Mark.SOON),
    ],
)
def test_harm_is_counted_from_the_draw_on(kind: str, data: dict[str, Any], after: int, marks: int) -> None:
    given = asked(WINDOW._replace(ends=OPENED + 14 * DAY))
    hears(given, touch(kind, after, **data), ())
    assert given.standing.window is not None
    assert given.standing.window.marks == marks


@pytest.mark.parametrize(
    ("after", "net", "bought"),
    [(-1, 130.0, False), (0, 120.0, True), (2 * DAY - 1, 120.0, True), (2 * DAY, 130.0, False)],
)
def test_what_happened_within_counts_and_what_was_only_told_within_does_not(
    after: int, net: float, bought: bool
) -> None:
    """`known` has counted all of it: what does not count is taken off again."""
    given = asked(WINDOW, NOW + HOUR - 1)
    given.standing.window_ends = NOW + HOUR
    hears(given, touch("purchase", after, amount=15.0), ())
    hears(given, touch("return", after, amount=5.0), ())
    assert given.standing.window is not None
    assert given.standing.window.net == net
    assert passed(given, ()) == []
    [said] = passed(structs.replace(given, now=NOW + HOUR), ())
    assert said.ended is not None
    assert (said.ended.net, said.ended.bought) == (160.0 - net, bought)


def test_a_window_waits_for_what_is_told_late_and_nothing_is_drawn_meanwhile() -> None:
    standing = Standing(window=WINDOW, window_ends=NOW + HOUR)
    assert standing.next_timer() == NOW + HOUR
    assert standing.acts_until == NOW
    assert Standing(window_ends=NOW).acts_until == NOW


def test_discounts_that_are_redeemed_are_added_up() -> None:
    given = asked(WINDOW)
    for amount in (1.25, 2.0):
        told = touch("coupon_redeemed", DAY, coupon_id=ID, amount=amount)
        hears(given, told, [Said("redeemed", trigger=ID)], taken_off(given, told))
    hears(given, touch("coupon_redeemed", DAY, coupon_id="another", amount=9.0), ())
    assert given.standing.window is not None
    assert given.standing.window.given == 325


@pytest.mark.parametrize("days", [5, 15, 25])
def test_a_coupon_without_an_amount_costs_what_the_policy_says_however_late_it_is_redeemed(days: int) -> None:
    opened, offer = NOW - days * DAY, POLICY.policy.action["offer"]
    assert offer.discount > 0.0
    standing = Standing(window=WINDOW._replace(opened=opened, ends=NOW + DAY))
    delivered = Outstanding(
        int(ID, 16), opened, opened, NOW + DAY, channel_number("email"), number_of("offer"),
        list(KINDS).index(offer.kind), ACTION_PURPOSES.index("marketing"), Stage.DELIVERED,
    )  # fmt: skip
    standing.outstanding = [delivered]
    told = touch("coupon_redeemed", NOW - OPENED, coupon_id=ID)
    person = Person(b"anna", OPEN, 0)
    said = decide(Given(POLICY, person, standing, NOW, WEEK, 0, None, Asks.TOUCHPOINT, told, known=known()))
    assert "redeemed" in {one.what for one in said}
    assert standing.window is not None
    assert standing.window.given == round(offer.discount * 100)


def test_an_outcome_of_which_nothing_is_learned_says_whether_harm_was_done() -> None:
    marks = int(Mark.DELIVERED | Mark.COMPLAINED | Mark.SOON)
    told = outcome(erased(Standing(window=WINDOW._replace(marks=marks)), NOW))
    assert told == Outcome(NOW, {}, 0.0, 0.0, arm="00000009", delivered=True, soon=True)
    objects = outcome(passed(asked(WINDOW._replace(marks=marks), flags=UNLEARNED), ()))
    assert (objects.features, objects.customer, objects.delivered, objects.soon) == (b"", "", True, True)


@pytest.mark.parametrize(
    ("word", "trigger", "delivered"),
    [
        ("delivered", ID, True),
        ("late", ID, True),
        ("delivered", again_id(ID, 2), True),
        ("given_back", ID, False),
        ("delivered", "ff" * 16, False),
    ],
)
def test_what_was_drawn_arrives_also_where_it_was_sent_again(word: str, trigger: str, delivered: bool) -> None:
    given = asked(WINDOW)
    arrived(given, [Said(word, trigger=trigger)])
    assert given.standing.window is not None
    assert bool(given.standing.window.marks & Mark.DELIVERED) is delivered


def test_of_who_is_left_alone_nothing_arrives() -> None:
    given = asked(WINDOW._replace(place=0))
    arrived(given, [Said("delivered", trigger=ID)])
    assert outcome(passed(given, ())).arm == ""
    assert not outcome(passed(asked(WINDOW._replace(place=0)), [Said("delivered", trigger=ID)])).delivered


def test_of_whom_nothing_is_learned_nothing_is_kept_but_that_a_contact_is_open() -> None:
    given = asked(WINDOW, NOW - DAY, UNLEARNED)
    assert passed(given, ()) == []
    window = given.standing.window
    assert window is not None
    assert (window.features, window.worth, window.net, window.arms, window.place) == (b"", 0, 0.0, ((9, 0),), 1)
    hears(given, touch("coupon_redeemed", DAY, coupon_id=ID, amount=3.0), [Said("redeemed", trigger=ID)], 3.0)
    assert given.standing.window is not None
    assert given.standing.window.given == 0
    told = outcome(passed(asked(given.standing.window), ()))
    assert told == Outcome(NOW, {}, 0.0, 0.0, arm="00000009")


def test_who_asks_to_be_forgotten_leaves_an_outcome_without_a_name() -> None:
    standing = Standing(window=WINDOW)
    told = outcome(erased(standing, NOW))
    assert told == Outcome(NOW, {}, 0.0, 0.0, arm="00000009")
    assert standing.window is None
    assert erased(standing, NOW) == []


windows = st.builds(
    Window,
    st.integers(0, 2**128 - 1),
    st.integers(1, 2**32 - 1).map(lambda second: second * 1_000),
    st.integers(1, 2**32 - 1).map(lambda second: second * 1_000),
    st.integers(0, 2**32 - 1),
    st.floats(-1e9, 1e9),
    st.floats(0, 1),
    st.just(0),
    st.lists(st.tuples(st.integers(0, 2**32 - 1), st.integers(0, 2**32 - 1)), max_size=7).map(tuple),
    st.integers(0, 255),
    st.integers(0, 2**32 - 1),
    st.binary(max_size=28),
    st.integers(0, 2**32 - 1),
)


@examples(windows)
def test_a_window_is_read_as_it_was_kept(window: Window) -> None:
    assert unpack_window(pack_window(window)) == window
    assert unpack_standing(pack_standing(Standing(window_ends=NOW, window=window))).window == window
