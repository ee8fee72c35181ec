"""A dialogue of any length: whatever is reserved, said and let pass, a standing keeps its rules."""

from __future__ import annotations

from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from models.decisions.contact import (
    MARKETING,
    Settled,
    reserve,
    settle,
    withdraw,
)
from models.decisions.limits import contacts
from models.decisions.reports import report
from models.decisions.rule_types import Limit
from models.decisions.standing import (
    IN_FLIGHT,
    MAX_COUNTS,
    MAX_OUTSTANDING,
    Stage,
    Standing,
)
from models.decisions.standing_stored import pack_standing, unpack_standing
from models.settings import DAY, HOUR
from models.touchpoints.kinds import Kind
from models.touchpoints.times import moment
from models.touchpoints.types.campaign import (
    CampaignReceivedData,
    CouponRedeemedData,
    OfferData,
)
from tests.unit.models.decisions.test_contact import A_WEEK, NOW, POLICY, name

WORDS = (
    Kind.OFFER_SENT,
    Kind.OFFER_DELIVERED,
    Kind.OFFER_OPENED,
    Kind.OFFER_ACCEPTED,
    Kind.OFFER_DECLINED,
    Kind.OFFER_EXPIRED,
    Kind.OFFER_WITHDRAWN,
    Kind.EXPIRED_UNSENT,
    Kind.COUPON_REDEEMED,
    Kind.SPAM_REPORTED,
    Kind.CAMPAIGN_RECEIVED,
)


class Dialogue(RuleBasedStateMachine):
    """Triggers and what is said of them, beside a model of what may be said once."""

    def __init__(self) -> None:
        super().__init__()
        self.standing = Standing()
        self.now = NOW
        self.made = 0
        self.contact: dict[int, str] = {}
        """Of each trigger: reserved, presumed, delivered, given_back, late."""
        self.promotion: dict[int, bool] = {}
        """Of each promotion: whether it is open."""
        self.arrived: dict[int, int] = {}

    def heard(self, settled: list[Settled], presumed: bool = False) -> None:
        for one in settled:
            was = self.contact.get(one.id, "by others")
            if one.what == "delivered":
                assert was == "reserved"
                self.contact[one.id] = "presumed" if presumed else "delivered"
            elif one.what == "given_back":
                assert was in ("reserved", "presumed")
                self.contact[one.id] = "given_back"
                self.promotion.pop(one.id, None)
            elif one.what == "late":
                assert was == "given_back"
                self.contact[one.id] = "late"
                if one.entry.until > self.now:
                    self.promotion[one.id] = True
            elif one.what == "refused":
                assert was in ("delivered", "late", "presumed")
            else:
                assert one.what in ("declined", "redeemed", "unused")
                if one.id:
                    assert self.promotion.pop(one.id)

    @rule(action=st.sampled_from(("offer", "reward", "something_useful", "say_sorry", "update_payment")))
    def reserve(self, action: str) -> None:
        self.made += 1
        settled = reserve(self.standing, POLICY, action, "email", self.made, self.now)
        self.heard(settled)
        self.contact[self.made] = "reserved"
        if action in ("offer", "reward"):
            self.promotion[self.made] = True

    @precondition(lambda self: self.made)
    @rule(kind=st.sampled_from(WORDS), back=st.integers(0, 9))
    def said(self, kind: Kind, back: int) -> None:
        self.say(kind, back)

    def say(self, kind: Kind, back: int) -> None:
        number = max(1, self.made - back)
        before = self.contact[number]
        data: Any = OfferData(trigger_id=name(number))
        if kind == Kind.COUPON_REDEEMED:
            data = CouponRedeemedData(coupon_id=name(number))
        elif kind == Kind.CAMPAIGN_RECEIVED:
            data = CampaignReceivedData(campaign_id="c", trigger_id=name(number))
        self.heard(report(self.standing, POLICY, kind, data, self.now))
        if before == "presumed" and any(
            one.id == number and one.stage == Stage.DELIVERED for one in self.standing.outstanding
        ):
            self.contact[number] = "delivered"

    @rule(until=st.integers(0, 30))
    def others(self, until: int) -> None:
        data = CampaignReceivedData(
            campaign_id="c", promotion=until > 0, until=moment(f"2026-11-{until:02}T00:00:00Z") if until else None
        )
        self.heard(report(self.standing, POLICY, Kind.CAMPAIGN_RECEIVED, data, self.now))

    @precondition(lambda self: self.made)
    @rule(back=st.integers(0, 9))
    def withdraw(self, back: int) -> None:
        counted = contacts(self.standing, A_WEEK, self.now)
        withdraw(self.standing, max(1, self.made - back))
        assert contacts(self.standing, A_WEEK, self.now) == counted

    @rule(hours=st.sampled_from((1, 12, 48, 400)))
    def waits(self, hours: int) -> None:
        self.wait(hours)

    def wait(self, hours: int) -> None:
        until = self.now + hours * HOUR
        while 0 < (timer := self.standing.next_timer()) <= until:
            self.now = timer
            self.heard(settle(self.standing, timer), presumed=True)
            assert not 0 < self.standing.next_timer() <= timer
        self.now = until
        self.heard(settle(self.standing, until), presumed=True)

    @rule(back=st.integers(0, 9))
    def give_back_and_wait(self, back: int) -> None:
        if self.made:
            self.say(Kind.EXPIRED_UNSENT, back)
            self.wait(400)

    @invariant()
    def nothing_is_forgotten(self) -> None:
        """What stands in the record is what was said."""
        assert len(self.standing.outstanding) <= MAX_OUTSTANDING
        assert len(self.standing.counts) <= MAX_COUNTS
        assert unpack_standing(pack_standing(self.standing)).outstanding == self.standing.outstanding
        for entry in self.standing.outstanding:
            if entry.id:
                assert (entry.stage in IN_FLIGHT) == (self.contact[entry.id] == "reserved")
                assert (entry.stage == Stage.GIVEN_BACK) == (self.contact[entry.id] == "given_back")
                if entry.stage != Stage.GIVEN_BACK:
                    assert bool(entry.until) == self.promotion.get(entry.id, False)
        here = {entry.id for entry in self.standing.outstanding}
        for number, state in self.contact.items():
            assert number in here or state != "reserved"
        assert all(number in here for number in self.promotion)

    @invariant()
    def who_was_reached_is_counted(self) -> None:
        reached = sum(
            1
            for entry in self.standing.outstanding
            if entry.purpose == MARKETING and entry.stage != Stage.GIVEN_BACK and entry.time > self.now - 92 * DAY
        )
        assert contacts(self.standing, Limit(1, 92 * DAY, MARKETING), self.now) >= reached


TestEveryReservationEndsOnce = Dialogue.TestCase
TestEveryReservationEndsOnce.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
