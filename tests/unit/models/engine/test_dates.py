"""Moments of dates, of silence, of what is unanswered, that count; contracts; an operator's look at a customer.

On logs of one customer made by hand, as in `test_life_of_a_moment`: each is read by the auditor too.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.settings import DAY, HOUR, MINUTE
from tests.support.logs import resumed, stopped
from tests.unit.models.engine.test_life_of_a_moment import BOUGHT, POLICY, Story, Told

DATED = (
    POLICY.replace('moments = ["harm", "low"]', 'moments = ["harm", "low", "waiting"]')
    + """
[moment.renewal]
sort = "date"
field = "renews_at"
offset = "-10d"
within = "3d"
[moment.thanks]
sort = "date"
field = "renews_at"
offset = "+2d"
[moment.over]
sort = "date"
field = "ends_at"
[moment.quiet]
sort = "date"
silent_for = "20d"
when = { field = "purchase_days", op = ">=", value = 1 }
[moment.waiting]
sort = "unanswered"
touchpoints = ["call", "email_received"]
when = { not = { field = "direction", op = "==", value = "outbound" } }
answered_by = ["case_updated", "call"]
after = "4h"
within = "1d"
[moment.again]
sort = "touchpoint"
touchpoints = ["return"]
nth = 2
in = "30d"
[action.renew]
purpose = "contract"
kind = "service"
moments = ["renewal"]
content = "renew"
[action.thank]
purpose = "contract"
kind = "service"
moments = ["thanks", "over", "again"]
content = "thank"
[action.hello]
kind = "useful"
moments = ["quiet"]
content = "hello"
"""
)


def at(days: float) -> str:
    """A moment so many days after the purchase, as touchpoints tell it."""
    return f"{datetime.fromtimestamp((BOUGHT + int(days * DAY)) // 1000, UTC):%Y-%m-%dT%H:%M:%SZ}"


def asked(world: Told, *moments: str) -> list[tuple[float, str, str]]:
    """(day, moment, action or gate)"""
    return [
        (round((one["time"] - BOUGHT) / DAY, 2), one["moment"], one.get("gate", "") or one["action"])
        for one in world.kept.decisions("decided")
        if one["moment"] in moments
    ]


def contract(days: float, renews: float, **more: Any) -> Story:
    return Story(DATED, days=90).then(days, "subscription_started", plan="yearly", renews_at=at(renews), **more)


# -- dates


def test_a_date_asks_so_long_before_it_and_once() -> None:
    story = contract(1, 40)
    assert asked(story.run(), "renewal") == [(30.0, "renewal", "renew")]
    again = story.then(20, "subscription_changed", renews_at=at(40)).then(31, "subscription_changed", renews_at=at(40))
    assert asked(again.run(), "renewal") == [(30.0, "renewal", "renew")]


def test_a_date_that_is_moved_asks_for_the_new_one_alone() -> None:
    story = contract(1, 40).then(20, "subscription_changed", renews_at=at(60))
    assert asked(story.run(), "renewal") == [(50.0, "renewal", "renew")]
    back = contract(1, 40).then(30.5, "subscription_changed", renews_at=at(60))
    back = back.then(31, "subscription_changed", renews_at=at(40))
    assert asked(back.run(), "renewal") == [(30.0, "renewal", "renew")]


def test_each_renewal_asks_and_what_has_come_stays_what_it_was() -> None:
    story = contract(1, 40).then(40.5, "subscription_renewed", renews_at=at(80))
    assert asked(story.run(), "renewal", "thanks") == [
        (30.0, "renewal", "renew"),
        (42.0, "thanks", "thank"),
        (70.0, "renewal", "renew"),
        (82.0, "thanks", "thank"),
    ]


@pytest.mark.parametrize(("told", "sent"), [(32, [(32.0, "renewal", "renew")]), (33, [])])
def test_a_date_that_is_told_late_asks_within_its_life_only(told: int, sent: list[Any]) -> None:
    assert asked(contract(told, 40).run(), "renewal") == sent


def test_whoever_cancels_is_not_reminded_of_the_renewal_but_asked_at_the_end() -> None:
    story = contract(1, 40).then(20, "subscription_cancelled")
    assert asked(story.run(), "renewal", "over") == [(40.0, "over", "thank")]


def test_what_waits_for_a_date_that_is_taken_back_is_void() -> None:
    text = DATED.replace(
        'purpose = "contract"\nkind = "service"\nmoments = ["renewal"]', 'kind = "useful"\nmoments = ["renewal"]'
    )
    story = replace(contract(1, 40), text=text).then(29.9, "complaint").then(31, "subscription_cancelled")
    world = story.run()
    assert asked(world, "renewal") == []
    assert "void" in world.whats("void")


def test_an_erasure_ends_all_dates() -> None:
    assert asked(contract(1, 40).then(20, "erase_requested").run(), "renewal") == []


# -- channels that take their time

BY_LETTER = '[channel.email]\n[channel.letter]\nlead = "4d"\nwithdrawable = false'
OF_LETTERS = 'moments = ["renewal"]\nchannels = ["letter"]\nexpires = "2d"\nwithdraw_when = ["visit"]'
LETTERS = DATED.replace("[channel.email]", BY_LETTER).replace('moments = ["renewal"]', OF_LETTERS)


def test_a_letter_is_asked_for_so_much_earlier_and_is_not_taken_back() -> None:
    story = replace(contract(1, 40), text=LETTERS)
    world = story.run()
    assert asked(world, "renewal") == [(26.0, "renewal", "renew")]
    [letter] = [one for one in world.kept.said("triggers") if one["action"] == "renew"]
    assert letter["expires_at"] == letter["time"] + 6 * DAY
    by_mail = replace(story, text=LETTERS.replace('"4d"\nwithdrawable = false', '"4d"'))
    for told, withdrawn in ((story, []), (by_mail, [letter["id"]])):
        for ends in (told.then(27, "visit"), told.then(27, "erase_requested")):
            said = ends.run().kept.said("triggers")
            assert [one["trigger"] for one in said if one["type"] == "withdrawal"] == withdrawn


# -- silence


def test_a_silence_asks_once_and_a_purchase_begins_the_next() -> None:
    story = Story(DATED, days=90)
    assert asked(story.run(), "quiet") == [(20.0, "quiet", "hello")]
    more = story.then(10, "purchase", amount=5).then(35, "purchase", amount=5)
    assert asked(more.run(), "quiet") == [(30.0, "quiet", "hello"), (55.0, "quiet", "hello")]


def test_a_silence_asks_beyond_two_horizons_too() -> None:
    text = DATED.replace('silent_for = "20d"', 'silent_for = "400d"')
    assert asked(Story(text, days=420).run(), "quiet") == [(400.0, "quiet", "hello")]


def test_a_silence_that_comes_with_a_policy_has_its_timer_from_the_next_sign_on_whatever_another_had() -> None:
    before = DATED.replace('silent_for = "20d"', 'silent_for = "40d"')
    after = DATED.replace("moment.quiet", "moment.calm").replace('"quiet"', '"calm"')
    story = Story(before, days=60).policy(5, after).then(10, "purchase", amount=5)
    assert asked(story.run(), "calm") == [(30.0, "calm", "hello")]


def test_a_silence_that_a_policy_shortens_has_its_timer_from_the_next_sign_on() -> None:
    story = Story(DATED.replace('silent_for = "20d"', 'silent_for = "40d"'), days=60).policy(5, DATED)
    assert asked(story.then(10, "purchase", amount=5).run(), "quiet") == [(30.0, "quiet", "hello")]


def test_a_condition_is_of_the_customer_when_the_date_has_come() -> None:
    text = DATED.replace('op = ">=", value = 1', 'op = ">=", value = 2')
    story = Story(text, days=90)
    assert asked(story.run(), "quiet") == []
    assert asked(story.then(10, "purchase", amount=5).run(), "quiet") == [(30.0, "quiet", "hello")]


# -- unanswered


def test_what_nobody_answers_asks_and_what_is_answered_does_not() -> None:
    story = Story(DATED, days=20).then(1, "call", direction="inbound")
    assert asked(story.run(), "waiting") == [(1.17, "waiting", "sorry")]
    assert asked(story.then(1.1, "case_updated", case_id="a").run(), "waiting") == []
    assert asked(story.then(1.2, "call", direction="outbound").run(), "waiting") == [(1.17, "waiting", "sorry")]


def test_the_first_that_is_unanswered_counts_and_an_older_reply_answers_nothing() -> None:
    story = Story(DATED, days=20).then(1, "call", direction="inbound").then(1.1, "email_received")
    assert asked(story.run(), "waiting") == [(1.17, "waiting", "sorry")]
    old = (
        Story(DATED, days=20)
        .then(1, "call", direction="inbound")
        .at(BOUGHT + DAY - HOUR, "case_updated", case_id="a", arrives=BOUGHT + DAY + HOUR)
    )
    assert asked(old.run(), "waiting") == [(1.17, "waiting", "sorry")]


def test_an_answer_that_comes_while_it_waits_makes_it_void() -> None:
    text = DATED + '[[freeze]]\nfrom = 2000-01-04T00:00:00Z\nuntil = 2000-01-05T00:00:00Z\npurposes = ["care"]\n'
    story = Story(text, days=20).then(1 - 10 / 24, "call", direction="inbound")
    assert asked(story.run(), "waiting")[0][2] in ("sorry", "expired")
    world = story.then(1, "case_updated", case_id="a").run()
    assert asked(world, "waiting") == []
    assert world.whats("void") == ["void"]


# -- counts


def test_the_second_within_a_time_asks() -> None:
    story = Story(DATED, days=90).then(1, "return", amount=1)
    assert asked(story.run(), "again") == []
    assert asked(story.then(20, "return", amount=1).run(), "again") == [(20.0, "again", "thank")]
    assert asked(story.then(40, "return", amount=1).run(), "again") == []
    assert len(asked(story.then(2, "return", amount=1).then(3, "return", amount=1).run(), "again")) == 1


# -- contracts


def test_while_a_contract_runs_silence_makes_no_level() -> None:
    story = Story(days=90).then(1, "subscription_started", plan="a", renews_at=at(60))
    assert story.run().decided == []
    levels = Story(POLICY + "[contract]\nlevels = true\n", days=90).then(1, "subscription_started", plan="a")
    assert levels.run().decided[0][1] == "slipping"


def test_a_contract_that_begins_ends_the_episode_and_levels_come_back_when_it_has_ended() -> None:
    story = Story(days=100).then(35, "subscription_started", plan="a")
    world = story.run()
    closed = [one for one in world.kept.said("decisions") if one["what"] == "episode_closed"]
    assert [one["reason"] for one in closed] == ["a contract runs"]
    ended = story.then(60, "subscription_cancelled").run()
    assert [row[1] for row in ended.decided] == ["slipping", "at_risk"]
    runs_on = story.then(50, "subscription_changed", renews_at=at(75)).then(60, "subscription_cancelled").run()
    days = [row for row in runs_on.decided if row[0] > 36]
    assert days[0][0] >= 75
    assert runs_on.whats("episode_opened") == ["episode_opened"] * 2


@pytest.mark.parametrize("batch", [1, 500])
def test_why_an_episode_ended_is_told_as_it_was_then_however_the_line_is_cut(batch: int) -> None:
    # It opened before there was a policy, so that nothing is kept of how we stand; the contract soon runs no more.
    story = Story("", days=90).policy(80.25, POLICY, 1).then(80.3, "subscription_cancelled", renews_at=at(80.35))
    closed = story.then(80.4, "visit").run(batch=batch).kept.decisions("episode_closed")
    assert [one["reason"] for one in closed] == ["a contract runs"]


@pytest.mark.parametrize("after", [0.003, 0.1, 1])
def test_a_level_that_waits_is_void_at_a_contract_of_who_is_estimated_no_more(after: float) -> None:
    """Two horizons after the purchase, and before the tick that tells it: what was stopped would be sent now."""
    stop, end = BOUGHT + 20 * DAY, BOUGHT + int(181.9 * DAY)
    story = Story(days=200)
    said = [(stop, None, stopped(stop, 7, purposes=["marketing"])), (end, None, resumed(end, 7))]
    story = replace(story, entries=said).then(182 + after, "subscription_started", plan="a")
    world = story.run()
    assert (world.decided, world.whats("void")) == ([], ["void"])
    assert replace(story, entries=said).then(182 + after, "case_opened", case_id="a").run().waits[-1][2] == "open_case"


CANCEL = (
    POLICY.replace('moments = ["cart"]', 'moments = ["cart", "leaving_us"]')
    + """
[moment.leaving_us]
sort = "touchpoint"
touchpoints = ["cancel_started"]
within = "1h"
once_per = "30d"
"""
)


def test_whoever_is_about_to_cancel_gets_one_offer_there_and_no_other_marketing() -> None:
    started = Story(CANCEL, days=40).then(1, "subscription_started", plan="a")
    story = started.then(5, "cancel_started")
    assert asked(story.run(), "leaving_us") == [(5.0, "leaving_us", "basket")]
    held = replace(started, text=POLICY).then(5, "cancel_started").then(5.1, "cart_abandoned", amount=1)
    assert held.run().waits[0][2] == "cancelling"
    assert asked(held.then(5.9, "subscription_renewed").run(), "cart") == [(5.9, "cart", "basket")]
    assert asked(held.then(25, "cart_abandoned", amount=1).run(), "cart")[1:] == [(25.0, "cart", "basket")]


# -- an operator's look


def test_a_look_sets_the_timers_of_a_policy_that_came_later_and_changes_nothing_else() -> None:
    story = replace(Story(days=90), text=POLICY).then(1, "subscription_started", plan="a", renews_at=at(40))
    story = story.policy(10, DATED)
    assert asked(story.run(), "renewal", "quiet") == []
    looked = story.then(11, "looked_at")
    world = looked.run()
    assert asked(world, "renewal", "quiet") == [(20.0, "quiet", "hello"), (30.0, "renewal", "renew")]
    twice = looked.then(12, "looked_at").then(31, "looked_at").run()
    assert asked(twice, "renewal", "quiet") == asked(world, "renewal", "quiet")
    assert twice.kept.records == world.kept.records


# -- in any order

TELLS = st.sampled_from(
    [
        ("subscription_started", {"plan": "a"}),
        ("subscription_changed", {}),
        ("subscription_renewed", {}),
        ("subscription_cancelled", {}),
        ("purchase", {"amount": 5}),
        ("complaint", {}),
        ("call", {"direction": "inbound"}),
        ("call", {"direction": "outbound"}),
        ("case_updated", {"case_id": "a"}),
        ("return", {"amount": 1}),
        ("looked_at", {}),
        ("cancel_started", {}),
        ("erase_requested", {}),
    ]
)
STEPS = st.lists(
    st.tuples(st.integers(0, 24 * 60), TELLS, st.sampled_from([20, 30, 40, 60]), st.sampled_from([0, 0, 0, 2])),
    max_size=20,
)


@pytest.mark.slow
@settings(max_examples=25, deadline=None)
@given(STEPS, st.integers(1, 5))
def test_a_date_asks_once_in_whatever_order_things_are_told(steps: Any, batch: int) -> None:
    story = Story(DATED, days=90)
    for hour, (kind, data), date, late in steps:
        told = {**data, "renews_at": at(date)} if kind.startswith("subscription") else data
        time = BOUGHT + hour * HOUR
        story = story.at(time, kind, arrives=time + late * HOUR, **told)
    world = story.run()  # the auditor looks at it
    assert [one.value for one in story.run(batch=batch).kept.outputs] == [one.value for one in world.kept.outputs]
    erased = any(kind == "erase_requested" for _, (kind, _), _, _ in steps)
    for moment, offset in (("renewal", -10), ("thanks", 2)):
        days = [day for day, _, _ in asked(world, moment)]
        # A date and its life of three days: what is told of it within them asks then.
        for date in (20, 30, 40, 60):
            own = [day for day in days if date + offset <= day < date + offset + 3 + MINUTE / DAY]
            assert len(own) <= 1 or erased
        assert all(any(date + offset <= day < date + offset + 3.01 for date in (20, 30, 40, 60)) for day in days)
