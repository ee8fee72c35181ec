"""What a step comes to under a policy: what waits under another, what is out under another, who finds no room."""

from __future__ import annotations

from typing import Any

import pytest

from models.customer.consent import MARKETING, Statement, pack_register
from models.customer.restrictions import ACTION_PURPOSES, Restriction, pack_restrictions
from models.customer.tail import Tail
from models.decisions import explain
from models.decisions.given import Asks, Given, Said, Touched
from models.decisions.moments import decide, end_episode
from models.decisions.person import Person
from models.decisions.policy.in_force import PolicyInForce
from models.decisions.standing import (
    MAX_OUTSTANDING,
    MAX_WAITING,
    Outstanding,
    Stage,
    Standing,
    Waiting,
    channel_number,
    id_of,
    number_of,
)
from models.decisions.standing_stored import pack_standing, unpack_standing
from models.settings import DAY, HOUR, MINUTE, SECOND, WEEK
from models.touchpoints import Touch, event, read

NOW = 1_791_000_000_000
POLICY = """
format = 1
zone = "UTC"
[risk]
exit = 0.4
levels = [{ name = "slipping", at = 0.5 }, { name = "leaving", at = 0.8 }]
[channel.email]
[channel.call]
[moment.danger]
sort = "risk"
[moment.harm]
sort = "touchpoint"
touchpoints = ["complaint"]
within = "1d"
[moment.payment]
sort = "touchpoint"
touchpoints = ["payment_failed"]
within = "1d"
[moment.cart]
sort = "touchpoint"
touchpoints = ["cart_abandoned"]
within = "1d"
[moment.visit]
sort = "touchpoint"
touchpoints = ["visit"]
within = "1d"
[action.sorry]
purpose = "care"
kind = "care"
moments = ["harm"]
content = "sorry"
priority = 9
[action.pay]
purpose = "contract"
kind = "service"
moments = ["payment", "visit"]
content = "pay"
priority = 8
[action.basket]
kind = "useful"
moments = ["cart"]
content = "basket"
priority = 2
[action.offer]
kind = "offer"
moments = ["danger"]
content = "offer"
effect = 1.0
promotion = true
valid = "14d"
[choice]
floor = 0.0
hold_out = 0.0
"""
IN_FORCE = PolicyInForce.of(1, POLICY)
GRANTED = pack_register({(MARKETING, channel): Statement(True, NOW - DAY) for channel in ("email", "call")})
OPEN = Tail(consents=GRANTED)


def touch(kind: str, *moments: str, at: int = NOW, **data: Any) -> Touched:
    value = event(kind, id=f"{kind}-{at}", source="shop", subject="c", time_ms=at, data=data)
    found = read(value, b"c", at)
    assert isinstance(found, Touch)
    return Touched(int(found.kind), found.id, at, found.data, moments)


def step(standing: Standing, touched: Touched | None = None, now: int = NOW, **changed: Any) -> list[Said]:
    """A step of a customer who agreed to email and calls; estimate: at it one was made, of a level that may ask."""
    estimate, policy, tail = changed.get("estimate"), changed.get("policy", IN_FORCE), changed.get("tail", OPEN)
    person = Person(b"c", tail, 0, NOW - WEEK, 3, 100.0, estimate, NOW - WEEK)
    why = Asks.TIMER if touched is None else Asks.TOUCHPOINT
    if estimate is not None:
        why |= Asks.LEVEL
    said = decide(Given(policy, person, standing, now, WEEK, 0, estimate, why, touched))
    timer = standing.next_timer()
    assert not timer or timer > now
    ids = [one.id for one in said if one.id]
    assert len(ids) == len(set(ids))
    return said


def out(action: str, purpose: str = "marketing", channel: str = "email", number: int = 1, **more: Any) -> Outstanding:
    """A trigger that went out a minute ago."""
    at = ACTION_PURPOSES.index(purpose)
    found = Outstanding(number, NOW - MINUTE, NOW + DAY, 0, channel_number(channel), number_of(action), 3, at)
    return found._replace(**more)


def waiting(name: str, wakes: int = NOW, threshold: float = 0.0, asked: int = NOW - HOUR) -> Waiting:
    return Waiting(number_of(name), asked, wakes, threshold)


# -- what waits under another policy


def test_what_a_level_asked_is_the_moment_of_risk_under_whatever_name() -> None:
    standing = Standing(reached=0.8, waiting=[waiting("risk", threshold=0.8)])
    [said] = step(standing)
    assert (said.what, said.moment, said.level, said.action) == ("decided", "danger", "leaving", "offer")
    assert not standing.waiting


def test_a_higher_level_raises_what_waits_under_another_name() -> None:
    standing = Standing(reached=0.5, waiting=[waiting("risk", NOW + DAY, 0.5)])
    assert step(standing, estimate=0.9) == []
    assert standing.waiting == [Waiting(number_of("danger"), NOW - HOUR, NOW + DAY, 0.8)]


def test_the_end_of_an_episode_makes_it_void_under_whatever_name() -> None:
    standing = Standing(reached=0.5, waiting=[waiting("risk", NOW + DAY, 0.5), waiting("cart", NOW + DAY)])
    [said] = end_episode(standing, IN_FORCE, b"c", NOW)
    assert (said.what, said.moment) == ("void", "danger")
    assert [one.moment for one in standing.waiting] == [number_of("cart")]


def test_moments_that_the_policy_does_not_have_end_each_with_an_id_of_its_own() -> None:
    standing = Standing(waiting=[waiting("gone"), waiting("lost")])
    said = step(standing)
    assert [(one.what, one.gate) for one in said] == [("decided", "no_moment")] * 2
    assert not standing.waiting


def test_a_touchpoint_moment_whose_name_is_now_that_of_risk_is_not_drawn() -> None:
    standing = Standing(waiting=[waiting("danger")])
    [said] = step(standing)
    assert said.gate == "no_moment"
    assert not standing.window_ends


def test_without_a_moment_of_risk_what_a_level_asked_ends() -> None:
    text = POLICY.replace('[moment.danger]\nsort = "risk"\n', "").replace('moments = ["danger"]', 'moments = ["cart"]')
    standing = Standing(reached=0.5, waiting=[waiting("danger", threshold=0.5)])
    [said] = step(standing, policy=PolicyInForce.of(2, text))
    assert (said.gate, standing.waiting) == ("no_moment", [])


# -- what is said of a wait


def waits(standing: Standing, *touched: Touched, now: int = NOW, **changed: Any) -> list[tuple[str, str, str]]:
    said = step(standing, *touched, now=now, **changed)
    return [(one.moment, one.level, one.gate) for one in said if one.what == "waits"]


def test_a_wait_for_one_gate_is_said_once_and_looked_at_all_the_same() -> None:
    standing = Standing(reached=0.5, waiting=[waiting("danger", threshold=0.5)], harmed_until=NOW + 30 * DAY)
    assert waits(standing) == [("danger", "slipping", "bad_experience")]
    assert [one.wakes for one in standing.waiting] == [NOW + WEEK]
    for week in (1, 2):
        assert waits(standing, now=NOW + week * WEEK) == []
        assert [one.wakes for one in standing.waiting] == [NOW + (week + 1) * WEEK]


def test_why_it_waits_is_told_also_after_it_was_said() -> None:
    standing = Standing(reached=0.5, waiting=[waiting("danger", threshold=0.5)], harmed_until=NOW + 30 * DAY)
    waits(standing)
    person = Person(b"c", OPEN, 0, NOW - WEEK, 3, 100.0, None, NOW - WEEK)
    given = Given(IN_FORCE, person, standing, NOW + HOUR, WEEK, 0, None, Asks.TIMER, None)
    [found] = explain.waiting(given)
    assert (found.gate, found.moment, found.level) == ("bad_experience", "danger", "slipping")
    assert waits(standing, now=NOW + WEEK) == [], "looking changes nothing"


def test_another_gate_is_said_and_the_first_one_too_when_it_holds_again() -> None:
    standing = Standing(reached=0.5, waiting=[waiting("danger", threshold=0.5)], harmed_until=NOW + 90 * DAY)
    assert waits(standing) == [("danger", "slipping", "bad_experience")]
    standing.window_ends = NOW + 2 * WEEK
    assert waits(standing, now=NOW + WEEK) == [("danger", "slipping", "in_window")]
    assert waits(standing, now=NOW + 2 * WEEK) == [("danger", "slipping", "bad_experience")]


def test_a_higher_level_is_said_though_the_gate_is_the_same() -> None:
    standing = Standing(reached=0.5, waiting=[waiting("danger", threshold=0.5)], harmed_until=NOW + 30 * DAY)
    assert waits(standing) == [("danger", "slipping", "bad_experience")]
    assert waits(standing, now=NOW + WEEK, estimate=0.9) == [("danger", "leaving", "bad_experience")]


def test_what_was_answered_and_asks_again_is_said_again() -> None:
    standing = Standing(waiting=[waiting("cart", asked=NOW)], harmed_until=NOW + 30 * DAY)
    assert waits(standing) == [("cart", "", "bad_experience")]
    [said] = step(standing, now=NOW + DAY)
    assert (said.what, said.gate, standing.told) == ("decided", "expired", {})
    again = touch("cart_abandoned", "cart", at=NOW + 2 * DAY, amount=1)
    assert waits(standing, again, now=NOW + 2 * DAY) == [("cart", "", "bad_experience")]


# -- several at one place


def test_one_triggers_and_a_moment_whose_life_ends_there_ends() -> None:
    standing = Standing(waiting=[waiting("harm"), waiting("cart", asked=NOW - DAY)])
    said = step(standing)
    assert [(one.moment, one.gate, one.sending is not None) for one in said] == [
        ("harm", "", True),
        ("cart", "expired", False),
    ]
    assert not standing.waiting


def test_one_triggers_and_risk_waits_a_day_undrawn() -> None:
    standing = Standing(reached=0.8, waiting=[waiting("danger", threshold=0.8), waiting("harm")])
    first, second = step(standing)
    assert (first.moment, first.trigger != "") == ("harm", True)
    assert (second.what, second.moment, second.level, second.gate) == ("waits", "danger", "leaving", "after_other")
    assert (second.until, standing.window_ends) == (NOW + DAY, 0)


def test_who_finds_no_room_is_told_so() -> None:
    names = ("harm", "payment", "cart", "visit")
    standing = Standing(waiting=[waiting(name, NOW + HOUR) for name in names])
    said = step(standing, estimate=0.6)
    assert [(one.what, one.moment, one.gate) for one in said if one.gate == "crowded"] == [
        ("decided", "cart", "crowded")  # of the lowest priority
    ]
    assert len(standing.waiting) <= MAX_WAITING
    assert said[-1].moment == "danger"


def test_a_touchpoint_that_finds_no_room_is_told_so() -> None:
    standing = Standing(waiting=[waiting(name, NOW + HOUR) for name in ("harm", "payment", "visit", "gone")])
    [said] = step(standing, touch("cart_abandoned", "cart", amount=1))
    assert (said.moment, said.action, said.gate) == ("cart", "leave_alone", "crowded")


def test_what_makes_room_for_a_contract_is_said_to_have_arrived() -> None:
    full = [out("x", number=number, time=NOW - number * MINUTE) for number in range(1, MAX_OUTSTANDING + 1)]
    standing = Standing(outstanding=full)
    first, second = step(standing, touch("payment_failed", "payment"))
    assert (first.what, first.trigger) == ("delivered", f"{MAX_OUTSTANDING:032x}")
    assert second.sending is not None


def test_decision_trigger_and_reservation_have_one_id() -> None:
    standing = Standing()
    [said] = step(standing, touch("complaint", "harm"))
    assert said.sending is not None
    assert said.trigger == said.id
    assert [one.id for one in standing.outstanding] == [id_of(said.trigger)]


# -- what is out


@pytest.mark.parametrize("ago", [0, 500, MINUTE, 3 * DAY])
def test_whatever_comes_behind_a_promotion_takes_it_back_whenever_it_was(ago: int) -> None:
    standing = Standing(outstanding=[out("offer", time=NOW + SECOND, until=NOW + WEEK)])  # in the same second
    said = step(standing, touch("case_opened", at=NOW - ago, case_id="a"))
    assert [(one.what, one.reason, one.withdraws) for one in said] == [("withdrawn", "case_opened", True)]
    assert standing.outstanding[0].stage == Stage.WITHDRAWN
    assert step(standing, touch("complaint", at=NOW)) == []


@pytest.mark.parametrize(("action", "channel"), [("gone", "email"), ("offer", "fax"), ("gone", "fax")])
def test_a_refusal_takes_back_what_an_earlier_policy_sent(action: str, channel: str) -> None:
    standing = Standing(outstanding=[out(action, channel=channel)])
    refused = Tail(consents=pack_register({(MARKETING, one): Statement(False, NOW) for one in ("email", "fax")}))
    [said] = step(standing, touch("consent_changed", marketing=False), tail=refused)
    assert (said.reason, said.withdraws) == ("refused_channel", True)


def test_a_complaint_takes_back_marketing_of_an_earlier_policy_and_leaves_care() -> None:
    standing = Standing(outstanding=[out("gone"), out("lost", "care", number=2)])
    said = step(standing, touch("complaint"))
    assert [(one.trigger, one.reason) for one in said] == [(f"{1:032x}", "complaint")]


def test_a_birthday_takes_back_what_is_not_for_children() -> None:
    minor = pack_restrictions({"minor": Restriction(frozenset(ACTION_PURPOSES[1:]), NOW, 0)})
    standing = Standing(outstanding=[out("offer"), out("pay", "contract", number=2), out("x", "legal", number=3)])
    said = step(
        standing, touch("profile_updated", birthday="2015-01-01"), tail=Tail(consents=GRANTED, restrictions=minor)
    )
    assert [(one.trigger[-1], one.reason) for one in said] == [("1", "restricted"), ("2", "restricted")]


# -- why nothing else


def test_who_may_not_be_called_now_is_held_by_the_hour_in_the_record() -> None:
    text = POLICY.replace(
        "[choice]",
        '[action.call]\nkind = "win_back"\nmoments = ["danger"]\nchannels = ["call"]\n'
        'content = "call"\neffect = 9.0\n[contact]\nhours = [{ channels = ["call"], '
        'days = [1], spans = [{ start = "09:00", end = "10:00" }] }]\n[choice]',
    )
    standing = Standing(reached=0.8, waiting=[waiting("danger", threshold=0.8)])
    [said] = step(standing, policy=PolicyInForce.of(2, text))
    gates = {one.action: (one.gates, one.chance) for one in said.candidates}
    assert gates == {"leave_alone": ((), 0), "offer": ((), 2**32), "call": (("hours",), 0)}


def test_a_standing_is_its_bytes() -> None:
    """A step's timers are whole seconds, so that nothing changes when the record is stored and read."""
    standing = Standing(waiting=[waiting("harm", NOW)])
    step(standing, touch("complaint", "harm", at=NOW - 123), now=NOW + 456)
    assert unpack_standing(pack_standing(standing)) == standing
