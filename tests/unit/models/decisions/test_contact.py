"""Reservations: made with a trigger, and ended once; what caps count of them."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.customer.restrictions import ACTION_PURPOSES
from models.decisions.contact import (
    CARE,
    KEPT,
    MARKETING,
    Settled,
    make_room,
    release,
    remember,
    reserve,
    settle,
    withdraw,
)
from models.decisions.experience import suffered
from models.decisions.limits import contacts, frees_at, full_until, promotion_ends
from models.decisions.policy.in_force import PolicyInForce
from models.decisions.reports import report
from models.decisions.rule_types import ANY, Limit
from models.decisions.standing import (
    IN_FLIGHT,
    MAX_COUNTS,
    MAX_OUTSTANDING,
    DayCount,
    Outstanding,
    Spent,
    Stage,
    Standing,
    channel_number,
    id_of,
    number_of,
)
from models.decisions.standing_stored import pack_standing, unpack_standing
from models.settings import DAY, HOUR, SECOND, WEEK
from models.touchpoints.kinds import Kind
from models.touchpoints.types.campaign import (
    CampaignReceivedData,
    CouponRedeemedData,
    OfferData,
    OfferFailedData,
    SpamReportedData,
)
from models.touchpoints.types.reserved import ExpiredUnsentData
from models.touchpoints.types.service import CaseOpenedData, ComplaintData, CsatData, NpsData
from models.touchpoints.types.social import ReviewData
from tests.unit.models.decisions.policy.test_reading import EXAMPLE

POLICY = PolicyInForce.of(1, EXAMPLE)
NOW = 1_791_000_000_000
EMAIL = channel_number("email")
A_WEEK = Limit(2, WEEK, MARKETING)
ONE = f"{1:032x}"


def name(number: int) -> str:
    return f"{number:032x}"


def standing(action: str = "offer", number: int = 1) -> Standing:
    """With one trigger that is out."""
    found = Standing()
    assert reserve(found, POLICY, action, "email", number, NOW, in_episode=True) == []
    return found


def told(found: Standing, kind: Kind, time: int = NOW + HOUR, trigger: str = ONE, **more: Any) -> list[str]:
    data: Any = OfferData(trigger_id=trigger)
    if kind == Kind.OFFER_FAILED:
        data = OfferFailedData(trigger_id=trigger, channel="email", **more)
    elif kind == Kind.COUPON_REDEEMED:
        data = CouponRedeemedData(coupon_id=trigger)
    elif kind == Kind.SPAM_REPORTED:
        data = SpamReportedData(channel="email", trigger_id=trigger)
    elif kind == Kind.EXPIRED_UNSENT:
        data = ExpiredUnsentData(trigger_id=trigger)
    elif kind == Kind.CAMPAIGN_RECEIVED:
        data = CampaignReceivedData(campaign_id="c", channel="email", trigger_id=trigger)
    return [one.what for one in report(found, POLICY, kind, data, time)]


def by_others(found: Standing, time: int = NOW, **more: Any) -> list[Settled]:
    data = CampaignReceivedData(campaign_id="c", **{"channel": "email", **more})
    return report(found, POLICY, Kind.CAMPAIGN_RECEIVED, data, time)


def test_a_reservation_is_one_entry_with_the_policys_times() -> None:
    (entry,) = standing().outstanding
    assert entry == Outstanding(
        1, NOW, NOW + 3 * DAY, NOW + 14 * DAY, EMAIL, number_of("offer"), 3, MARKETING, Stage.OUT
    )
    assert standing().promoted
    assert standing().once == {number_of("offer"): NOW}
    assert standing("say_sorry").outstanding[0].purpose == CARE
    assert not standing("win_back").promoted


def test_times_are_whole_seconds_rounded_up_so_that_nothing_ends_too_early() -> None:
    found = Standing()
    reserve(found, POLICY, "offer", "email", 1, NOW + 1, expires=NOW + 1_001, until=NOW + 2_001)
    assert found.outstanding[0][1:4] == (NOW + SECOND, NOW + 2 * SECOND, NOW + 3 * SECOND)
    assert unpack_standing(pack_standing(found)) == found


def test_outside_an_episode_a_promotion_is_no_episodes() -> None:
    found = Standing()
    reserve(found, POLICY, "offer", "email", 1, NOW)
    assert not found.promoted


def test_a_withdrawal_by_us_gives_nothing_back() -> None:
    found = standing()
    assert withdraw(found, 1)
    assert not withdraw(found, 1)
    assert not withdraw(found, 2)
    assert contacts(found, A_WEEK, NOW) == 1
    assert promotion_ends(found, NOW) == NOW + 14 * DAY
    assert [one.what for one in settle(found, NOW + 3 * DAY)] == ["delivered"]


@pytest.mark.parametrize(
    ("kind", "data", "bad"),
    [
        (Kind.COMPLAINT, ComplaintData(), True),
        (Kind.PAYMENT_FAILED, None, True),
        (Kind.CASE_OPENED, CaseOpenedData(case_id="1", severity="high"), True),
        (Kind.CASE_OPENED, CaseOpenedData(case_id="1"), False),
        (Kind.NPS, NpsData(score=6), True),
        (Kind.NPS, NpsData(score=7), False),
        (Kind.CSAT, CsatData(score=2), True),
        (Kind.CSAT, CsatData(score=3), False),
        (Kind.REVIEW, ReviewData(rating=2), True),
        (Kind.REVIEW, ReviewData(rating=3), False),
        (Kind.VISIT, None, False),
    ],
)
def test_marketing_rests_after_a_bad_experience(kind: Kind, data: Any, bad: bool) -> None:
    found = Standing()
    assert suffered(POLICY, found, kind, data, NOW) is bad
    assert found.harmed_until == (NOW + WEEK if bad else 0)


# -- what is old, and what has no room


def test_settled_marketing_is_kept_for_two_weeks_and_then_counted_by_the_day() -> None:
    found = standing()
    told(found, Kind.COUPON_REDEEMED, NOW)
    settle(found, NOW + KEPT - 1)
    assert len(found.outstanding) == 1
    settle(found, NOW + KEPT)
    assert (found.outstanding, found.counts) == ([], [DayCount(NOW // DAY, EMAIL, 3, MARKETING, 1)])
    settle(found, (NOW // DAY + 93) * DAY - 1)
    assert found.counts
    settle(found, (NOW // DAY + 93) * DAY)
    assert found.counts == []


def test_care_of_which_nobody_has_spoken_is_kept_for_two_weeks() -> None:
    found = standing("say_sorry")
    settle(found, NOW + DAY)
    assert told(found, Kind.OFFER_DELIVERED, NOW + 3 * DAY) == []
    assert contacts(found, A_WEEK._replace(purpose=CARE), NOW + 9 * DAY) == 1
    settle(found, NOW + 3 * DAY)
    assert found.outstanding == []


def test_what_has_ended_is_no_timer_any_more() -> None:
    found = standing()
    found.window_ends = NOW + 20 * DAY
    while timer := found.next_timer():
        settle(found, timer)
        assert found.next_timer() == 0 or found.next_timer() > timer
    assert found.window_ends == 0


def test_care_is_a_count_as_soon_as_it_has_arrived_and_contract_is_none() -> None:
    care, contract = standing("say_sorry"), standing("update_payment")
    for found in (care, contract):
        told(found, Kind.OFFER_DELIVERED)
        settle(found, NOW + HOUR)
        assert found.outstanding == []
    assert [one.purpose for one in care.counts] == [CARE]
    assert contract.counts == []
    assert contacts(care, A_WEEK, NOW) == 0


def test_a_full_list_drops_what_was_given_back_then_the_oldest_that_is_settled() -> None:
    found = Standing()
    for number in range(1, 9):
        reserve(found, POLICY, "something_useful", "email", number, NOW + number * SECOND)
    assert full_until(found, NOW) == NOW + SECOND + 3 * DAY
    for number, kind in ((5, Kind.OFFER_DELIVERED), (3, Kind.OFFER_DELIVERED), (7, Kind.EXPIRED_UNSENT)):
        told(found, kind, NOW + number * SECOND, trigger=name(number))
    assert full_until(found, NOW) == 0
    for number in (9, 10, 11):
        assert reserve(found, POLICY, "something_useful", "email", number, NOW + HOUR) == []
    assert [one.id for one in found.outstanding] == [1, 2, 4, 6, 8, 9, 10, 11]
    assert found.counts == [DayCount(NOW // DAY, EMAIL, 1, MARKETING, 2)]


def test_what_must_go_out_finds_room_beside_eight_that_are_out() -> None:
    found = standing()
    for number in range(2, 9):
        reserve(found, POLICY, "something_useful", "email", number, NOW + number * SECOND)
    (settled,) = reserve(found, POLICY, "update_payment", "email", 9, NOW + HOUR)
    assert (settled.id, settled.what) == (2, "delivered")
    assert len(found.outstanding) == MAX_OUTSTANDING


def test_days_of_one_sort_become_one_where_there_are_too_many() -> None:
    found = Standing(counts=[DayCount(20_000 + n, EMAIL + n % 2, 1, MARKETING, 1) for n in range(MAX_COUNTS)])
    by_others(found, (20_000 + MAX_COUNTS) * DAY - DAY)
    settle(found, (20_000 + MAX_COUNTS) * DAY)
    assert len(found.counts) == MAX_COUNTS
    assert found.counts[0] == DayCount(20_001, EMAIL + 1, 1, MARKETING, 1)
    assert found.counts[1] == DayCount(20_002, EMAIL, 1, MARKETING, 2)
    assert sum(one.contacts for one in found.counts) == MAX_COUNTS + 1


def test_only_what_may_not_come_yet_is_remembered() -> None:
    found = Standing(once={number_of("gone"): NOW, number_of("reward"): NOW - 89 * DAY, number_of("cart"): NOW - WEEK})
    remember(found, POLICY, number_of("offer"), NOW + 1)
    assert found.once == {number_of("reward"): NOW - 89 * DAY, number_of("offer"): NOW + SECOND}


def test_a_promotion_that_was_given_back_leaves_room() -> None:
    found = Standing()
    for number in range(1, 9):
        reserve(found, POLICY, "offer", "email", number, NOW)
    assert full_until(found, NOW) == NOW + 14 * DAY
    told(found, Kind.EXPIRED_UNSENT, trigger=name(4))
    assert full_until(found, NOW) == 0


# -- caps


def test_a_contact_leaves_a_window_when_it_is_as_old_as_that() -> None:
    found = standing()
    told(found, Kind.OFFER_DELIVERED, NOW)
    one = A_WEEK._replace(most=1)
    assert frees_at(found, one, NOW + WEEK - 1) == NOW + WEEK
    assert frees_at(found, one, NOW + WEEK) == contacts(found, one, NOW + WEEK) == 0


ENTRIES = st.builds(
    Outstanding,
    st.integers(0, 99),
    st.integers(-30, 0).map(lambda days: NOW + days * DAY),
    st.integers(1, 5).map(lambda days: NOW + days * DAY),
    st.just(0),
    st.integers(1, 2),
    st.just(1),
    st.integers(0, 2),
    st.sampled_from((CARE, MARKETING)),
    st.sampled_from(Stage),
)
DAYS = st.builds(
    DayCount,
    st.integers(-60, -14).map(lambda days: NOW // DAY + days),
    st.integers(1, 2),
    st.integers(0, 2),
    st.sampled_from((CARE, MARKETING)),
    st.integers(1, 3),
)
LIMITS = st.builds(
    Limit,
    st.integers(0, 4),
    st.integers(1, 92).map(lambda days: days * DAY),
    st.sampled_from((CARE, MARKETING)),
    st.sampled_from((ANY, 1, 2)),
    st.sampled_from((ANY, 0, 1)),
)


@given(st.lists(ENTRIES, max_size=8), st.lists(DAYS, max_size=6), LIMITS)
def test_a_limit_frees_when_one_more_contact_fits_and_not_before(
    entries: list[Outstanding], days: list[DayCount], limit: Limit
) -> None:
    found = Standing(outstanding=entries, counts=days)
    frees = frees_at(found, limit, NOW)
    if limit.most == 0 or contacts(found, limit, NOW) < limit.most:
        assert frees == 0
    else:
        assert frees > NOW
        assert contacts(found, limit, frees) < limit.most <= contacts(found, limit, frees - 1)


@given(st.lists(ENTRIES, max_size=8), LIMITS)
def test_what_may_yet_arrive_counts_in_every_window(entries: list[Outstanding], limit: Limit) -> None:
    mine = [one for one in entries if one.stage in IN_FLIGHT and one.purpose == limit.purpose]
    anywhere = limit._replace(channel=ANY, kind=ANY, within=SECOND)
    assert contacts(Standing(outstanding=entries), anywhere, NOW) >= len(mine)


def test_a_triggers_id_names_its_entry() -> None:
    assert id_of(name(7)) == 7
    assert ACTION_PURPOSES[MARKETING] == "marketing"


def test_what_is_no_marketing_and_still_out_leaves_the_list_last() -> None:
    legal, sold = ACTION_PURPOSES.index("legal"), ACTION_PURPOSES.index("marketing")
    out = Outstanding(1, NOW, NOW + DAY, 0, 1, 2, 3, legal)
    later = [out._replace(id=n, time=NOW + n * SECOND, purpose=sold, until=NOW + DAY) for n in range(2, 9)]
    standing = Standing(outstanding=[out, *later])
    make_room(standing, forced=True)
    assert [one.id for one in standing.outstanding] == [1, *range(3, 9)]


def test_what_is_reserved_for_no_trigger_yet_never_leaves_the_list() -> None:
    """It is to be given back, or sent: what it has taken would stay taken."""
    sold = ACTION_PURPOSES.index("marketing")
    held = Outstanding(1, NOW, NOW + DAY, NOW + DAY, 1, 2, 3, sold, Stage.HELD, (Spent(5, NOW, 1, False),))
    later = [held._replace(id=n, stage=Stage.OUT, purpose=ACTION_PURPOSES.index("legal")) for n in range(2, 9)]
    standing = Standing(outstanding=[held, *later])
    make_room(standing, forced=True)
    assert [one.id for one in standing.outstanding] == [1, *range(3, 9)]
    assert release(standing, 1) == held.spent
