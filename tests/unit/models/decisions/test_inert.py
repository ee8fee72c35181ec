"""When a touchpoint that may ask, report or wake comes to nothing, as told from the bytes of how we stand."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from msgspec.structs import replace

from models.customer.restrictions import ACTION_PURPOSES
from models.decisions.contacts_noted import with_contact
from models.decisions.given import Asks, Given, Touched
from models.decisions.inert import is_inert
from models.decisions.moments import decide
from models.decisions.person import Person
from models.decisions.policy.in_force import PolicyInForce
from models.decisions.running import Running
from models.decisions.standing import (
    MAX_OUTSTANDING,
    DayCount,
    Outstanding,
    Stage,
    Standing,
    Waiting,
    gate_number,
    number_of,
)
from models.decisions.standing_stored import pack_standing, unpack_standing
from models.settings import DAY, HOUR, SECOND, WEEK
from models.touchpoints import Kind
from tests.support.one_customer import NOW, OPEN
from tests.unit.models.engine.test_life_of_a_moment import POLICY

POLICY += "[channel.push]\npresence = true\n"
PLAIN = PolicyInForce.of(1, POLICY)
WITHDRAWS = PolicyInForce.of(1, POLICY.replace('moments = ["cart"]', 'moments = ["cart"]\nwithdraw_when = ["return"]'))
RISK, HARM, CART = (number_of(name) for name in ("risk", "harm", "cart"))
NOW = NOW // SECOND * SECOND
AFTER = NOW + DAY
DAY_COUNT = DayCount(NOW // DAY - 20, 3, 1, ACTION_PURPOSES.index("marketing"), 2)
IN_WINDOW = {RISK: gate_number("in_window")}


def touch(kind: Kind, *moments: str, **data: Any) -> Touched:
    known = {"score": 9, "rating": 5, "severity": "low", "marketing": True, "purpose": "marketing", "channels": None}
    known |= {"channel": "push", "state": "online"}
    return Touched(int(kind), "1", NOW, type("Data", (), {**known, **data})(), moments)


def out(stage: Stage = Stage.OUT, action: str = "basket", purpose: str = "marketing") -> Standing:
    one = Outstanding(7, NOW - HOUR, AFTER, 0, 3, number_of(action), 1, ACTION_PURPOSES.index(purpose), stage)
    return Standing(outstanding=[one])


def inert(standing: Standing, told: Touched, policy: PolicyInForce = PLAIN, contract: bool = False) -> bool:
    """`is_inert`; where it is, a decision says and changes nothing."""
    packed = pack_standing(standing)
    found = is_inert(policy, packed, told, NOW, contract)
    if found:
        person, looked = Person(b"c", OPEN, 0, NOW - WEEK, 1, 100.0, None, NOW - WEEK), unpack_standing(packed)
        assert decide(Given(policy, person, looked, NOW, WEEK, 0, None, Asks.TOUCHPOINT, told)) == []
        assert pack_standing(looked) == packed
    return found


PRESENCE = touch(Kind.PRESENCE)


def test_a_touchpoint_that_only_wakes_is_where_nothing_waits() -> None:
    assert inert(Standing(), PRESENCE)
    assert inert(out(), PRESENCE)
    assert inert(Standing(harmed_until=AFTER, once={CART: NOW}), PRESENCE)
    assert not inert(Standing(waiting=[Waiting(CART, NOW - HOUR, AFTER)]), PRESENCE)
    assert not inert(Standing(running=[Running(5, NOW - DAY, 1, AFTER)]), PRESENCE)
    assert not inert(Standing(harmed_until=NOW), PRESENCE)


def test_only_who_comes_online_where_that_opens_a_way_wakes_what_waits() -> None:
    waits = Standing(waiting=[Waiting(CART, NOW - HOUR, AFTER)])
    email, left = touch(Kind.PRESENCE, channel="email"), touch(Kind.PRESENCE, state="offline")
    elsewhere = touch(Kind.PRESENCE, channel="desk")  # which the policy does not know
    assert not inert(waits, PRESENCE)
    assert all(inert(waits, told) for told in (email, left, elsewhere))
    talks = PolicyInForce.of(1, POLICY + '[conversation]\nchannels = ["desk"]\n')
    assert not any(inert(waits, told, talks) for told in (email, left, elsewhere))


def test_risk_that_waits_for_the_end_of_its_window_and_has_said_so_is_not_judged_again() -> None:
    waits = Standing(0.6, AFTER, waiting=[Waiting(RISK, NOW - DAY, AFTER, 0.5)], told=dict(IN_WINDOW))
    assert inert(waits, PRESENCE)
    assert inert(replace(waits, carried=True), PRESENCE)
    assert not inert(waits, PRESENCE, contract=True)
    assert not inert(replace(waits, told={}), PRESENCE)
    assert not inert(replace(waits, told={RISK: gate_number("cap")}), PRESENCE)
    assert not inert(replace(waits, window_ends=AFTER - HOUR), PRESENCE)
    assert not inert(replace(waits, window_ends=NOW), PRESENCE)
    other = Waiting(CART, NOW - HOUR, AFTER)
    assert not inert(replace(waits, waiting=[*waits.waiting, other]), PRESENCE)
    assert not inert(Standing(window_ends=AFTER, waiting=[other], told={CART: gate_number("in_window")}), PRESENCE)


@pytest.mark.parametrize(
    ("good", "bad"),
    [
        (touch(Kind.NPS, score=9), touch(Kind.NPS, score=6)),
        (touch(Kind.CSAT, score=3), touch(Kind.CSAT, score=2)),
        (touch(Kind.REVIEW, rating=3), touch(Kind.REVIEW, rating=2)),
        (touch(Kind.CASE_OPENED), touch(Kind.CASE_OPENED, severity="high")),
    ],
)
def test_only_a_bad_experience_lets_marketing_rest(good: Touched, bad: Touched) -> None:
    assert inert(Standing(once={CART: NOW}), good)
    assert not inert(Standing(once={CART: NOW}), bad)


def test_a_moment_that_waits_or_asked_of_late_does_not_ask_anew() -> None:
    cart, nps = touch(Kind.CART_ABANDONED, "cart"), touch(Kind.NPS, "low")
    assert not inert(Standing(once={HARM: NOW}), cart)
    assert inert(Standing(waiting=[Waiting(CART, NOW - HOUR, AFTER)]), cart)
    assert not inert(Standing(0.6, waiting=[Waiting(CART, NOW - HOUR, AFTER, 0.5)]), cart)  # a level of that number
    assert not inert(Standing(once={CART: NOW}), cart)  # it has no once_per
    assert not inert(Standing(waiting=[Waiting(CART, NOW - HOUR, AFTER)]), nps)


def test_what_is_out_is_taken_back_by_what_says_so() -> None:
    returns, refuses = touch(Kind.RETURN), touch(Kind.RESTRICTED)
    assert not inert(out(), returns)
    assert inert(out(action="sorry", purpose="care"), returns)
    assert inert(out(Stage.DELIVERED), returns)
    assert not inert(out(), refuses)
    assert not inert(out(action="sorry", purpose="care"), refuses)
    assert not inert(out(), returns, WITHDRAWS)
    assert inert(out(), touch(Kind.CASE_OPENED), WITHDRAWS)
    assert not inert(out(), touch(Kind.CASE_OPENED))


@pytest.mark.parametrize("kind", [Kind.CAMPAIGN_RECEIVED, Kind.OFFER_FAILED, Kind.LOOKED_AT, Kind.ASKED_MAY])
def test_what_reports_or_asks_something_else_takes_a_whole_look(kind: Kind) -> None:
    assert not inert(Standing(), touch(kind))


def noted(standing: Standing, told: Touched, policy: PolicyInForce = PLAIN, contract: bool = False) -> bool:
    """`with_contact`; where it notes one, a decision says nothing and leaves the same."""
    packed = pack_standing(standing)
    found = with_contact(policy, packed, told, NOW, contract)
    if found is not None:
        person, looked = Person(b"c", OPEN, 0, NOW - WEEK, 1, 100.0, None, NOW - WEEK), unpack_standing(packed)
        assert decide(Given(policy, person, looked, NOW, WEEK, 0, None, Asks.TOUCHPOINT, told)) == []
        assert pack_standing(looked) == found != packed
    return found is not None


def campaign(**data: Any) -> Touched:
    return touch(Kind.CAMPAIGN_RECEIVED, **{"trigger_id": None, "promotion": False, "until": None, **data})


def test_a_contact_by_others_is_noted_where_nothing_else_comes_of_it() -> None:
    told = campaign()
    assert noted(Standing(), told)
    assert noted(out(), told)
    assert noted(Standing(0.6, silence_kept=True, harmed_until=AFTER, once={CART: NOW}, counts=[DAY_COUNT]), told)
    assert noted(Standing(waiting=[Waiting(CART, NOW - HOUR, AFTER, again=True)], told={CART: 7}), told)
    asks_again = out().outstanding[0]._replace(moment=CART, asked=NOW - DAY)
    assert noted(Standing(outstanding=[asks_again]), told)
    assert not noted(Standing(outstanding=out(Stage.DELIVERED).outstanding * MAX_OUTSTANDING), told)
    assert not noted(Standing(harmed_until=NOW), told)  # something is due
    assert not noted(Standing(unreachable={3: NOW - DAY}), told)  # it may show that a channel works
    assert not noted(Standing(running=[Running(5, NOW - DAY, 1, AFTER)]), told)
    assert not noted(Standing(0.6, waiting=[Waiting(RISK, NOW - DAY, AFTER, 0.5)]), told, contract=True)


def test_what_else_a_contact_may_tell_takes_a_whole_look() -> None:
    assert not noted(Standing(), campaign(promotion=True, until=datetime(2030, 1, 1, tzinfo=UTC)))
    assert not noted(out(), campaign(trigger_id=f"{7:032x}"))
    assert not noted(Standing(), campaign(purpose="care"))
    assert not noted(Standing(), late(campaign()))
    assert not noted(Standing(), touch(Kind.OFFER_DELIVERED, trigger_id=f"{7:032x}"))
    withdraws = POLICY.replace('moments = ["cart"]', 'moments = ["cart"]\nwithdraw_when = ["campaign_received"]')
    assert not noted(Standing(), campaign(), PolicyInForce.of(1, withdraws))


def late(told: Touched) -> Touched:
    """The same, told two days after it was."""
    return replace(told, time=NOW - 2 * DAY)


def test_kinds_that_the_policy_names_take_one_too() -> None:
    dated = '[moment.quiet]\nsort = "date"\nsilent_for = "20d"\nwithin = "5d"\n'
    hello = '[action.hello]\npurpose = "care"\nkind = "care"\nmoments = ["quiet"]\ncontent = "hello"\n'
    assert not inert(Standing(), PRESENCE, PolicyInForce.of(1, POLICY + dated + hello))
    talks = '[conversation]\ntouchpoints = ["csat"]\nlasts = "1d"\n'
    assert inert(Standing(), touch(Kind.CSAT))
    assert not inert(Standing(), touch(Kind.CSAT), PolicyInForce.of(1, POLICY + talks))
