"""Where the auditor's reading of the documentation and the engine's once differed: small logs without a breach."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

from models.settings import DAY, MINUTE
from streams.operations.audit import Arrival, Line, audit
from tests.support.bench import run_alone
from tests.unit.models.engine.test_life_of_a_moment import BOUGHT, POLICY, SETTINGS, SILENCE, USEFUL, Story


def moment_of(days: float) -> str:
    return f"{datetime.fromtimestamp((BOUGHT + int(days * DAY)) // 1000, UTC):%Y-%m-%dT%H:%M:%SZ}"


def test_rows_of_hours_are_alternatives_in_whatever_order_they_name_channels() -> None:
    rows = """hours = [
    { channels = ["email", "sms"], spans = [{ start = "00:00", end = "06:00" }] },
    { channels = ["sms", "email"], spans = [{ start = "06:00", end = "23:00" }] },
]
"""
    text = POLICY.replace("[contact]\n", "[contact]\n" + rows).replace(
        "[channel.email]", "[channel.email]\n[channel.sms]"
    )
    assert Story(text, days=9).then(1, "complaint").run().triggers == [("sorry", "")]


def test_what_goes_to_who_is_online_by_a_channel_with_a_lead_expires_from_its_arrival_on() -> None:
    text = POLICY.replace("[channel.email]", '[channel.email]\npresence = true\npresence_expires = "40m"\nlead = "1d"')
    story = Story(text, days=9).then(1, "presence", channel="email", state="online")
    world = story.then(1, "cart_abandoned", amount=9).run()
    assert world.first["expires_at"] - world.first["time"] == DAY + 40 * MINUTE


def test_the_second_step_of_an_action_is_part_of_its_score() -> None:
    then = 'content = "offer"\nthen = { action = "more", at = "leaving", reached = 0.5 }\nlevels = ["slipping"]'
    more = '[action.more]\nkind = "useful"\ncontent = "more"\neffect = 3.0\nchannels = ["sms"]\n'
    text = USEFUL.replace('content = "offer"', then) + more + "[channel.sms]\ncost = 0.5\n"
    [decided] = Story(text, days=40).run().kept.decisions("decided")
    assert [one["score"] for one in decided["candidates"] if one["action"] == "offer"] == [1.0 + 0.5 * (3.0 - 0.5)]


POINTS = """[points.earn.all]
touchpoints = ["purchase", "referral"]
points = 10
[loyalty]
advocate_from = 1
"""


def test_what_may_be_multiplied_by_nothing_is_not_owed() -> None:
    rows = '[[points.multiply]]\nwhen = { field = "loyalty_index", op = "<", value = 99 }\ntimes = 0\n'
    world = Story(POLICY + POINTS + rows, days=9).run()
    assert not world.kept.decisions("ledger")


def test_points_are_multiplied_by_the_stage_after_the_touchpoint() -> None:
    rows = """[[points.multiply]]
when = { field = "stage", op = "==", value = "advocate" }
times = 3
[[points.multiply]]
when = { field = "spoke_well", op = ">=", value = 1 }
times = 2
"""
    world = Story(POLICY + POINTS + rows, days=9).then(-0.5, "referral").then(2, "referral").run()
    assert [one["ledger"]["balance"] for one in world.kept.decisions("ledger")] == [20, 50, 80]


def test_whoever_is_no_advocate_any_more_earns_what_an_advocate_does_not() -> None:
    rows = '[[points.multiply]]\nwhen = { field = "stage", op = "==", value = "advocate" }\ntimes = 0\n'
    ends = POINTS.replace("advocate_from = 1", 'advocate_from = 1\nadvocate_for = "1d"')
    story = Story(POLICY + ends + rows, days=9).then(1, "referral").then(3, "purchase", amount=9)
    assert [one["ledger"]["balance"] for one in story.run().kept.decisions("ledger")] == [10, 20]


def test_where_visits_are_signs_of_staying_nothing_is_known_of_purchases() -> None:
    rows = '[[points.multiply]]\nwhen = { field = "purchase_days", op = ">=", value = 1 }\ntimes = 3\n'
    story = Story(POLICY + POINTS + rows, settings=replace(SETTINGS, alive="engagement"), days=9)
    log, kept = story.log(), run_alone(story.log(), story.settings, SILENCE)
    assert [one["ledger"]["balance"] for one in kept.decisions("ledger")] == [10]
    said = ([one.value for one in kept.outputs if one.role == role] for role in ("triggers", "decisions"))
    line = Line(0, [Arrival(one.offset, one.timestamp, one.key, one.value) for one in log], *said)
    assert audit([line], SETTINGS.lateness, alive="engagement").breaches == []


def test_a_restriction_that_is_over_does_not_stand_against_an_older_one_that_is_told_late() -> None:
    story = Story(POLICY + "[loyalty]\n", days=20).then(5, "restricted", reason="dispute", until=moment_of(5.1))
    story = story.at(BOUGHT + 4 * DAY, "restricted", BOUGHT + 6 * DAY, reason="dispute", until=moment_of(15))
    world = story.then(7, "referral").run()
    assert [one["loyalty"]["stage"] for one in world.kept.decisions("loyalty")] == ["new"]


def test_a_plan_goes_on_under_a_policy_in_which_it_begins_at_something_else() -> None:
    plan = """[plan.slowly]
moments = ["low"]
ends_with = ["subscription_cancelled"]
steps = [{ action = "sorry" }, { action = "sorry", after = "3d" }]
"""
    other = POLICY + plan.replace('"low"', '"harm"')
    world = Story(POLICY + plan, days=9).then(1, "nps", score=2).policy(2, other).run()
    assert [one["moment"] for one in world.kept.said("triggers")] == ["slowly.1", "low", "slowly.2"]
