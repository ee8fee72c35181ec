"""What is said of triggers and of contacts by others, and what becomes of them."""

from __future__ import annotations

import pytest

from models.decisions.contact import (
    KEPT,
    MARKETING,
    remember,
    reserve,
    settle,
)
from models.decisions.limits import contacts, promotion_ends
from models.decisions.policy.in_force import PolicyInForce
from models.decisions.reports import report
from models.decisions.rule_types import RESTS
from models.decisions.standing import (
    OTHERS,
    DayCount,
    Stage,
    Standing,
    number_of,
)
from models.settings import DAY, HOUR, SECOND, WEEK
from models.touchpoints.kinds import Kind
from models.touchpoints.times import moment
from models.touchpoints.types.campaign import (
    CampaignReceivedData,
    OfferData,
)
from tests.unit.models.decisions.test_contact import A_WEEK, EMAIL, NOW, ONE, POLICY, by_others, name, standing, told


@pytest.mark.parametrize(
    ("kind", "said", "stage"),
    [
        (Kind.OFFER_SENT, [], Stage.OUT),
        (Kind.OFFER_DELIVERED, ["delivered"], Stage.DELIVERED),
        (Kind.OFFER_OPENED, ["delivered"], Stage.DELIVERED),
        (Kind.OFFER_ACCEPTED, ["delivered"], Stage.DELIVERED),
        (Kind.OFFER_DECLINED, ["delivered", "declined"], Stage.DELIVERED),
        (Kind.COUPON_REDEEMED, ["delivered", "redeemed"], Stage.DELIVERED),
        (Kind.SPAM_REPORTED, ["delivered"], Stage.DELIVERED),
        (Kind.CAMPAIGN_RECEIVED, ["delivered"], Stage.DELIVERED),
        (Kind.OFFER_EXPIRED, [], Stage.OUT),
        (Kind.OFFER_WITHDRAWN, ["given_back"], Stage.GIVEN_BACK),
        (Kind.EXPIRED_UNSENT, ["given_back"], Stage.GIVEN_BACK),
        (Kind.VISIT, [], Stage.OUT),
    ],
)
def test_a_touchpoint_tells_what_became_of_a_trigger(kind: Kind, said: list[str], stage: Stage) -> None:
    found = standing()
    assert told(found, kind) == said
    assert found.outstanding[0].stage == stage


@pytest.mark.parametrize(
    ("failure", "stage"),
    [
        ("refused_by_sender", Stage.GIVEN_BACK),
        ("hard", Stage.OUT),
        ("no_address", Stage.OUT),
        ("soft", Stage.OUT),
        ("blocked", Stage.OUT),
    ],
)
def test_of_failures_only_what_the_sender_never_tried_is_given_back(failure: str, stage: Stage) -> None:
    found = standing()
    assert told(found, Kind.OFFER_FAILED, failure=failure) == (["given_back"] if stage else [])
    assert found.outstanding[0].stage == stage
    assert found.rests_until == (NOW + HOUR + DAY if failure == "soft" else 0)


def test_what_is_not_ours_changes_nothing() -> None:
    found = standing()
    assert told(found, Kind.OFFER_DELIVERED, trigger=name(2)) == []
    assert told(found, Kind.OFFER_DELIVERED, trigger="theirs") == []
    assert found == standing()
    others = Standing()
    report(others, POLICY, Kind.CAMPAIGN_RECEIVED, CampaignReceivedData(campaign_id="c"), NOW)
    assert told(others, Kind.OFFER_WITHDRAWN, trigger=name(0)) == []


def test_a_given_back_promotion_does_not_count_and_its_action_may_come_again() -> None:
    found = standing()
    told(found, Kind.EXPIRED_UNSENT)
    assert contacts(found, A_WEEK, NOW) == 0
    assert promotion_ends(found, NOW) == 0
    assert not found.promoted
    assert found.once == {}
    assert found.next_timer() == 0


def test_what_was_given_back_does_not_end_once_more() -> None:
    found = standing()
    told(found, Kind.EXPIRED_UNSENT)
    assert settle(found, NOW + 14 * DAY) == []
    assert len(found.outstanding) == 1
    assert settle(found, NOW + 3 * DAY + KEPT) == []
    assert (found.outstanding, found.counts) == ([], [])


def test_a_give_back_forgets_its_own_time_alone() -> None:
    found = standing()
    reserve(found, POLICY, "offer", "email", 2, NOW + HOUR)
    told(found, Kind.EXPIRED_UNSENT)
    assert found.once == {number_of("offer"): NOW + HOUR}


def test_what_is_delivered_after_it_was_given_back_is_a_contact_again() -> None:
    found = standing()
    told(found, Kind.OFFER_WITHDRAWN)
    assert told(found, Kind.OFFER_DELIVERED, NOW + 2 * HOUR) == ["late"]
    assert contacts(found, A_WEEK, NOW + 3 * HOUR) == 1
    assert promotion_ends(found, NOW + 3 * HOUR) == NOW + 14 * DAY


def test_a_promotion_that_arrived_after_all_is_the_open_episodes() -> None:
    for reached in (0.0, 0.5):
        found = standing()
        found.reached = reached
        told(found, Kind.OFFER_WITHDRAWN)
        told(found, Kind.OFFER_DELIVERED)
        assert found.promoted is bool(reached)


@pytest.mark.parametrize("kind", [Kind.OFFER_DELIVERED, Kind.COUPON_REDEEMED])
def test_an_action_that_arrived_after_all_may_not_come_again_at_once(kind: Kind) -> None:
    found, had = standing(), standing().once
    told(found, Kind.EXPIRED_UNSENT)
    told(found, kind)
    assert found.once == had
    twice = standing()
    told(twice, Kind.EXPIRED_UNSENT)
    reserve(twice, POLICY, "offer", "email", 2, NOW + DAY)
    told(twice, kind, NOW + 2 * DAY)
    assert twice.once == {number_of("offer"): NOW + DAY}


def test_a_word_after_the_end_of_a_promotion_does_not_open_it_again() -> None:
    found = standing()
    told(found, Kind.OFFER_WITHDRAWN)
    assert told(found, Kind.OFFER_DELIVERED, NOW + 14 * DAY) == ["late"]
    assert promotion_ends(found, NOW) == 0


def test_what_was_delivered_is_not_given_back() -> None:
    found = standing()
    told(found, Kind.OFFER_DELIVERED)
    assert told(found, Kind.OFFER_WITHDRAWN) == ["refused"]
    assert contacts(found, A_WEEK, NOW + 2 * HOUR) == 1


def test_without_a_word_it_counts_as_delivered_until_one_is_said() -> None:
    found = standing()
    assert settle(found, NOW + 3 * DAY - 1) == []
    (settled,) = settle(found, NOW + 3 * DAY)
    assert (settled.id, settled.what, settled.entry.stage) == (1, "delivered", Stage.OUT)
    assert found.outstanding[0].time == NOW + 3 * DAY
    assert told(found, Kind.EXPIRED_UNSENT, NOW + 4 * DAY) == ["given_back"]
    assert contacts(found, A_WEEK, NOW + 4 * DAY) == 0


def test_delivery_counts_from_its_own_time() -> None:
    found = standing()
    told(found, Kind.OFFER_DELIVERED, NOW + 2 * DAY)
    told(found, Kind.OFFER_OPENED, NOW + 5 * DAY)
    assert found.outstanding[0].time == NOW + 2 * DAY
    assert told(found, Kind.OFFER_DELIVERED, NOW - DAY) == []
    assert found.outstanding[0].time == NOW + 2 * DAY


def test_a_promotion_is_open_until_it_is_over() -> None:
    found = standing()
    told(found, Kind.OFFER_ACCEPTED)
    assert promotion_ends(found, NOW + 13 * DAY) == NOW + 14 * DAY == found.next_timer()
    assert [one.what for one in settle(found, NOW + 14 * DAY)] == ["unused"]
    assert promotion_ends(found, NOW + 14 * DAY) == 0


def test_marketing_rests_after_a_decline_and_a_spam_report() -> None:
    found = standing()
    told(found, Kind.OFFER_DECLINED)
    assert found.rests_until == NOW + HOUR + 14 * DAY
    told(found, Kind.SPAM_REPORTED)
    told(found, Kind.OFFER_DECLINED)
    assert found.rests_until == NOW + HOUR + 90 * DAY
    settle(found, NOW + HOUR + 90 * DAY)
    assert found.rests_until == 0


def test_a_channel_with_a_rest_of_its_own_remembers_the_last_decline_there() -> None:
    resting = PolicyInForce.of(1, POLICY.text.replace("[channel.email]", '[channel.email]\nrest = "60d"', 1))
    email = number_of(RESTS.format("email"))
    found = standing()
    report(found, resting, Kind.OFFER_DECLINED, OfferData(trigger_id=ONE), NOW + HOUR)
    assert found.once[email] == NOW + HOUR
    report(found, resting, Kind.OFFER_DECLINED, OfferData(trigger_id=name(9), channel="email"), NOW + DAY)
    report(found, resting, Kind.OFFER_DECLINED, OfferData(trigger_id=name(9), channel="push"), NOW + WEEK)
    assert found.once[email] == NOW + DAY
    remember(found, resting, number_of("offer"), NOW + 59 * DAY)
    assert email in found.once
    remember(found, resting, number_of("offer"), NOW + 61 * DAY)
    assert email not in found.once


def test_a_decline_of_care_lets_no_marketing_rest() -> None:
    found = standing("say_sorry")
    assert told(found, Kind.OFFER_DECLINED) == ["delivered"]
    assert found.rests_until == 0


# -- contacts by others


def test_marketing_by_others_counts_and_nothing_else_does() -> None:
    found = Standing()
    by_others(found)
    by_others(found, purpose="care")
    by_others(found, trigger_id="of ours, long ago")
    assert contacts(found, A_WEEK, NOW) == 1
    assert contacts(found, A_WEEK._replace(channel=EMAIL), NOW) == 1
    assert contacts(found, A_WEEK._replace(kind=3), NOW) == 0


def test_a_promotion_by_others_is_one() -> None:
    found = Standing()
    by_others(found, promotion=True, until=moment("2026-10-10T00:00:00Z"))
    assert promotion_ends(found, NOW) == 1_791_590_400_000
    settle(found, NOW + 2 * DAY)
    assert promotion_ends(found, NOW + 2 * DAY) == 1_791_590_400_000


def test_contacts_by_others_become_a_count_after_a_day() -> None:
    found = Standing()
    by_others(found)
    by_others(found, NOW + SECOND)
    settle(found, NOW + DAY + SECOND)
    assert found.outstanding == []
    assert found.counts == [DayCount(NOW // DAY, EMAIL, OTHERS, MARKETING, 2)]


def test_beside_eight_triggers_that_are_out_one_by_others_is_counted_at_once() -> None:
    found = Standing()
    for number in range(1, 9):
        reserve(found, POLICY, "offer", "email", number, NOW)
    assert by_others(found) == []
    assert len(found.outstanding) == 8
    assert contacts(found, A_WEEK, NOW) == 9
