"""Whatever a customer does and a sender reports: the auditor finds no breach, and portions change nothing."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.settings import HOUR
from tests.unit.models.engine.test_life_of_a_moment import BOUGHT, POLICY, Story, Told

OTHER = (
    POLICY.replace("[moment.risk]", "[moment.danger]")
    .replace('moments = ["risk"]', 'moments = ["danger"]')
    .replace("at = 0.65", "at = 0.6")
    .replace('window = "20d"', 'window = "3d"')
    .replace("hold_out = 0.0", "hold_out = 0.2")
    .replace('caps = [{ most = 1, within = "10d" }]', 'cool_down = "5h"')
)
PLANNED = (
    POLICY.replace(
        "[moment.cart]", '[moment.unpaid]\nsort = "touchpoint"\ntouchpoints = ["payment_failed"]\n[moment.cart]'
    )
    .replace("format = 1", "format = 1\nramp = 10")
    .replace('content = "offer"', 'content = "offer"\nthen = { action = "basket", at = "leaving" }')
    + """
[action.remind]
purpose = "contract"
kind = "service"
content = "remind"
[action.visit_them]
kind = "useful"
moments = ["cart", "risk"]
content = "visit"
mode = "shadow"
effect = 2.0
[plan.dunning]
moments = ["unpaid", "low"]
holds = true
ends_with = ["purchase", "subscription_cancelled"]
steps = [
    { action = "remind" },
    { action = "remind", after = "2d", unless = ["case_opened"] },
    { action = "basket", after = "5d" },
]
"""
)
POLICIES = {"policy": POLICY, "other": OTHER, "planned": PLANNED}
UNTIL = "2000-03-01T00:00:00Z"
SAYS: list[tuple[str, dict[str, Any]]] = [
    ("purchase", {"amount": 5}),
    ("complaint", {}),
    ("complaint", {}),
    ("nps", {"score": 2}),
    ("payment_failed", {"amount": 5}),
    ("case_opened", {"case_id": "a"}),
    ("case_resolved", {"case_id": "a"}),
    ("cart_abandoned", {"amount": 5}),
    ("cart_abandoned", {"amount": 5}),
    ("cart_abandoned", {"amount": 5}),
    ("consent_changed", {"marketing": True, "channels": ["email"]}),
    ("consent_changed", {"marketing": False}),
    ("consent_changed", {"marketing": False, "purpose": "profiling"}),
    ("message_unsubscribed", {"channel": "email"}),
    ("restricted", {"reason": "dispute", "until": UNTIL}),
    ("restricted", {"reason": "vulnerable", "purposes": ["marketing"], "until": UNTIL}),
    ("profile_updated", {"birthday": "1990-05-01", "customer_class": "business"}),
    ("preferences_updated", {"max_per_week": 0}),
    ("preferences_updated", {"max_per_week": 1, "quiet_hours": {"start": "12:00", "end": "20:00"}}),
    ("preferences_updated", {"time_zone": "America/Los_Angeles"}),
    ("campaign_received", {"campaign_id": "x", "promotion": True, "until": UNTIL}),
    ("return", {"amount": 5}),
    ("subscription_cancelled", {}),
    ("access_requested", {}),
    ("restriction_requested", {"until": UNTIL}),
    ("restriction_requested", {}),
    ("decision_contested", {}),
    ("erase_requested", {}),
]
REPORTS = (
    "offer_sent",
    "offer_delivered",
    "offer_opened",
    "offer_declined",
    "offer_withdrawn",
    "offer_failed",
    "expired_unsent",
    "coupon_redeemed",
    "spam_reported",
)
hours = st.integers(0, 24 * 80)
steps = st.lists(
    st.tuples(hours, st.sampled_from([0, 0, 0, 2]), st.sampled_from(SAYS), st.sampled_from([1, 1, 1, 2])), max_size=25
)
reports = st.lists(
    st.tuples(st.integers(0, 5), st.sampled_from([0, 0, 1, 30, 90]), st.sampled_from(REPORTS)), max_size=8
)
changes = st.lists(st.tuples(hours, st.sampled_from(sorted(POLICIES))), max_size=2)


def story_of(steps: Any, changes: Any) -> Story:
    """What the customer says, at whole hours: some of it late, some twice; and the policies that come."""
    story = Story(days=90)
    for hour, late, (kind, data), times in steps:
        time = BOUGHT + hour * HOUR
        story = story.at(time, kind, arrives=time + late * HOUR, **data)
        story = replace(story, entries=story.entries + story.entries[-1:] * (times - 1))
    for number, (hour, name) in enumerate(sorted(changes)):
        story = story.policy(hour / 24, POLICIES[name], number + 2)
    return story


def reported(story: Story, reports: Any) -> Story:
    """What the sender tells of the triggers, one after the other, since each may change what comes behind it."""
    for number, after, kind in sorted(reports, key=lambda one: one[0]):
        sent = [one for one in story.run().kept.said("triggers") if one["type"] == "trigger"]
        if number < len(sent):
            name, time = sent[number]["id"], sent[number]["time"] + after * HOUR
            data = {"coupon_id": name} if kind == "coupon_redeemed" else {"trigger_id": name}
            data |= {"channel": "email"} if kind in ("offer_failed", "spam_reported") else {}
            data |= {"failure": "refused_by_sender"} if kind == "offer_failed" else {}
            story = story.at(time, kind, **data)
    return story


def check(story: Story, batch: int) -> None:
    whole = story.run()  # it is looked at by the auditor
    assert [one.value for one in story.run(batch=batch).kept.outputs] == [one.value for one in whole.kept.outputs]
    ends_once(whole)


def ends_once(world: Told) -> None:
    """Of a trigger is said at most once that it was delivered, given back, and what became of its promotion."""
    ends = {"delivered": "contact", "declined": "promotion", "redeemed": "promotion", "unused": "promotion"}
    said = Counter((one["trigger"], ends[one["what"]]) for one in world.kept.said("decisions") if one["what"] in ends)
    late = Counter(one["trigger"] for one in world.kept.decisions("late"))
    assert all(count <= 1 + late[trigger] for (trigger, _), count in said.items())
    assert len({one.id for one in world.kept.outputs if one.role == "decisions"}) == len(
        [one for one in world.kept.outputs if one.role == "decisions"]
    )


@pytest.mark.slow
@settings(max_examples=12, deadline=None)
@given(steps, reports, changes, st.integers(1, 4))
def test_no_story_makes_a_breach(steps: Any, reports: Any, changes: Any, batch: int) -> None:
    check(reported(story_of(steps, changes), reports), batch)
