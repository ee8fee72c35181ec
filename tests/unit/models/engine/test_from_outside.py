"""Other senders, previews and test customers, on logs of one customer. The auditor looks at each of them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from models.customer.layout import DUE
from models.customer.record import unpack
from models.decisions.others import reservation
from models.decisions.standing import OTHERS, Stage
from models.settings import DAY, HOUR, MINUTE
from tests.support.bench import run_alone
from tests.support.logs import stopped
from tests.unit.models.engine.test_life_of_a_moment import BOUGHT, POLICY, SETTINGS, SILENCE, Story, Told

AGREED = {"marketing": True, "channels": ["email"]}
WANTS = {"purpose": "marketing", "channel": "email", "by": "crm"}
FIRST, SECOND, THIRD = (f"{reservation(name):032x}" for name in "abc")
NAMES = {FIRST: "a", SECOND: "b", THIRD: "c"}


def asks(story: Story, days: float, name: str = FIRST, **more: Any) -> Story:
    """Another sender asks; the name is that under which it is reserved."""
    told = story.then(days, "asked_may", **{**WANTS, **more})
    time, key, value = told.entries[-1]
    old = f"asked_may-{BOUGHT + int(days * DAY)}-{len(told.entries) - 1}"
    told.entries[-1] = time, key, value.replace(old.encode(), NAMES[name].encode())
    return told


def answers(world: Told) -> list[tuple[str, str]]:
    """(what is reserved, the first gate)"""
    return [(one.get("trigger", ""), one.get("gate", "")) for one in world.kept.decisions("may_contact")]


# -- another sender asks


def test_of_two_senders_one_gets_the_last_contact() -> None:
    world = asks(asks(Story(days=9), 1), 1.01, SECOND).run()
    assert answers(world) == [(FIRST, ""), ("", "cap")]
    [entry] = world.standing.outstanding
    assert (entry.kind, entry.stage) == (OTHERS, Stage.PRESUMED)  # nobody said anything: it counts as delivered


def test_what_is_reserved_holds_our_own_marketing_as_well() -> None:
    story = asks(Story(days=9), 1).then(1.1, "cart_abandoned", amount=1)
    assert story.run().triggers == []
    assert Story(days=9).then(1.1, "cart_abandoned", amount=1).run().triggers == [("basket", "")]


@pytest.mark.parametrize(
    ("kind", "data"),
    [("offer_withdrawn", {}), ("offer_failed", {"channel": "email", "failure": "refused_by_sender"})],
)
def test_what_is_given_back_is_free_again(kind: str, data: dict[str, Any]) -> None:
    story = asks(Story(days=9), 1, lasts=3 * DAY).then(1.1, kind, trigger_id=FIRST, **data)
    assert answers(asks(story, 1.2, SECOND).run()) == [(FIRST, ""), (SECOND, "")]


def test_the_campaign_that_follows_makes_it_a_contact_and_counts_once() -> None:
    text = POLICY.replace("most = 1", "most = 2")
    story = asks(Story(text, days=9), 1, lasts=3 * DAY)
    story = story.then(1.1, "campaign_received", campaign_id="x", channel="email", trigger_id=FIRST)
    world = asks(asks(story, 1.2, SECOND), 1.3, THIRD).run()
    assert answers(world) == [(FIRST, ""), (SECOND, ""), ("", "cap")]
    assert world.standing.outstanding[0].stage == Stage.DELIVERED


def test_asked_once_more_under_the_same_name_it_is_the_same_reservation() -> None:
    world = asks(asks(Story(days=9), 1), 1.01).run()
    assert answers(world) == [(FIRST, ""), (FIRST, "")]
    assert len(world.standing.outstanding) == 1


def test_what_is_no_marketing_is_answered_and_counted_by_nobody() -> None:
    world = asks(Story(days=9), 1, purpose="care").run()
    assert answers(world) == [("", "")]
    assert world.standing.outstanding == []


def test_all_that_stands_against_it_is_told_and_the_hour() -> None:
    story = Story(days=9).then(0.9, "message_unsubscribed", channel="email").then(0.95, "case_opened", case_id="1")
    [told] = asks(story, 1.4).run().kept.decisions("may_contact")
    assert told["candidates"][0]["gates"] == ["refused_channel", "open_case", "hours"]
    assert told["gate"] == "refused_channel"
    assert "until" not in told  # a refusal does not end by itself


def test_a_promotion_of_others_holds_ours() -> None:
    text = POLICY.replace('caps = [{ most = 1, within = "10d" }]', "")
    story = asks(Story(text, days=44), 28, promotion=True, until="2000-02-20T00:00:00Z")
    world = story.run()
    assert world.waits[0] == (30, "slipping", "promotion_open")
    given_back = story.then(28.02, "offer_withdrawn", trigger_id=FIRST).run()
    assert given_back.triggers == [("offer", "slipping")]


def test_nobody_sells_to_who_is_about_to_cancel_or_while_a_plan_holds() -> None:
    story = Story(days=9).then(0.5, "subscription_started", plan="plus").then(0.9, "cancel_started")
    assert answers(asks(story, 0.95).run()) == [("", "cancelling")]
    steps = '[{ action = "sorry" }, { action = "sorry", after = "5d" }]'
    holds = f'[plan.sorting]\nmoments = ["low"]\nholds = true\nsteps = {steps}\n'
    story = Story(POLICY.replace("[control]", holds + "[control]"), days=9)
    for score, held in ((7, False), (3, True)):
        [told] = asks(story.then(0.5, "nps", score=score), 0.95).run().kept.decisions("may_contact")
        assert ("held" in told["candidates"][0].get("gates", ())) == held


def test_what_is_stopped_is_stopped_for_others_and_for_previews_too() -> None:
    story = Story(days=9)
    at = BOUGHT + int(0.9 * DAY)
    story = replace(story, entries=[(at, None, stopped(at, 1, purposes=["marketing"]))])
    world = asks(story, 1).then(1.1, "preview_asked", action="offer", to="tester", at_once=True).run()
    assert answers(world) == [("", "stopped")]
    assert [one["gate"] for one in world.kept.decisions("previewed")] == ["stopped"]


def test_a_reservation_is_no_touch_of_the_customers() -> None:
    plain, told = Story(days=60).run(), asks(Story(days=60), 20, purpose="care").run()
    assert plain.kept.records == told.kept.records
    assert [one for one in told.kept.outputs if one.role == "examples"] == [
        one for one in plain.kept.outputs if one.role == "examples"
    ]


def test_nobody_is_known_by_being_asked_for() -> None:
    ours = (b'"asked_may"', b'"preview_asked"')
    story = asks(Story(days=3), 1).then(1.1, "preview_asked", action="offer", to="tester")
    log = [one for one in story.log() if one.key is None or any(kind in (one.value or b"") for kind in ours)]
    assert len(log) == 4
    kept = run_alone(log, SETTINGS, SILENCE)
    assert (kept.records, kept.decisions("may_contact"), kept.decisions("previewed")) == ({}, [], [])


# -- test customers


TRIES = {"reason": "test"}


def test_who_tries_things_out_gets_everything_at_once_and_it_counts_for_nothing() -> None:
    night = BOUGHT + 10 * HOUR
    story = Story(days=60).at(BOUGHT + HOUR, "restricted", **TRIES)
    for number in range(3):
        story = story.at(night + number * MINUTE, "cart_abandoned", amount=1)
    world = story.run()
    assert [one["test"] for one in world.kept.said("triggers")][:3] == [True] * 3
    assert [one["time"] for one in world.kept.said("triggers")][:3] == [night + n * MINUTE for n in range(3)]
    assert ("offer", "slipping") in world.triggers
    assert world.standing.outstanding == []
    assert world.standing.counts == []
    assert world.standing.once == {}
    assert world.standing.window_ends == 0
    assert all(one.get("test") for one in world.kept.decisions("decided"))


def test_a_test_customers_no_is_a_no() -> None:
    story = Story(days=9).then(0.5, "restricted", **TRIES).then(0.6, "message_unsubscribed", channel="email")
    assert story.then(1, "cart_abandoned", amount=1).run().triggers == []


# -- previews


def previewed(story: Story, days: float, **data: Any) -> Told:
    return story.then(days, "preview_asked", **{"action": "offer", "to": "tester", "by": "ada", **data}).run()


def test_a_preview_goes_to_the_test_customer_and_changes_nothing_of_the_one() -> None:
    story = Story(days=60)
    world, plain = previewed(story, 1.1), story.run()
    [sent] = [one for one in world.kept.said("triggers") if one["customer"] == "tester"]
    assert (sent["test"], sent["action"], sent["level"], sent["moment"]) == (True, "offer", "leaving", "risk")
    [said] = world.kept.decisions("previewed")
    assert (said["trigger"], said["customer"]) == (sent["id"], "c")
    assert world.kept.records == plain.kept.records
    assert unpack(b"c", world.kept.records[b"c"]).times[DUE]


def test_a_preview_whose_record_was_written_twice_is_answered_twice_by_one_id() -> None:
    story = Story(days=3).then(1.1, "preview_asked", action="offer", to="tester", by="ada")
    world = replace(story, entries=story.entries * 2).run()
    said = world.kept.decisions("previewed")
    assert [one["id"] for one in said] == [said[0]["id"]] * 2


@pytest.mark.parametrize(("at_once", "gate"), [(False, "bad_experience"), (True, "")])
def test_what_ends_by_itself_is_passed_where_that_is_asked(at_once: bool, gate: str) -> None:
    world = previewed(Story(days=9).then(1, "complaint"), 1.4, at_once=at_once)
    [said] = world.kept.decisions("previewed")
    assert said.get("gate", "") == gate
    assert said["candidates"][0]["gates"] == ["bad_experience"]
    assert ("tester" in {one["customer"] for one in world.kept.said("triggers")}) == at_once


@pytest.mark.parametrize(
    ("story", "action", "gate"),
    [
        (Story(days=9).then(1, "message_unsubscribed", channel="email"), "offer", "refused_channel"),
        (Story(days=9), "none_such", "no_action"),
    ],
)
def test_what_does_not_end_is_told(story: Story, action: str, gate: str) -> None:
    world = previewed(story, 1.1, action=action, at_once=True)
    assert [one["gate"] for one in world.kept.decisions("previewed")] == [gate]
    assert world.triggers == []
