"""Event types: reviews, referrals and other public statements."""

from __future__ import annotations

from math import nan
from typing import Annotated, ClassVar, Literal

from msgspec import Meta

from models.touchpoints.envelope import CustomerEvent
from models.touchpoints.fields import Channel, CustomerId, Likelihood, Sentiment, Text
from models.touchpoints.kinds import Kind
from models.touchpoints.payload import Numbers, Payload, or_nan


class MentionData(Payload, frozen=True, kw_only=True):
    """The customer spoke about us in public."""

    channel: Channel | None = None
    sentiment: Sentiment | None = None
    text: Text | None = None

    def numbers(self) -> Numbers:
        return 0.0, 0.0, or_nan(self.sentiment)


class ReviewData(Payload, frozen=True, kw_only=True):
    """The customer rated a product or us."""

    rating: Annotated[int, Meta(ge=1, le=5)]
    text: Text | None = None
    sentiment: Sentiment | None = None

    def numbers(self) -> Numbers:
        given = self.sentiment
        return float(self.rating), 0.0, (self.rating - 3) / 2 if given is None else given


class RecommendationData(Payload, frozen=True, kw_only=True):
    """The customer recommended us, or said how likely they are to (a probability, 0 to 1)."""

    likelihood: Likelihood | None = None
    to: CustomerId | None = None

    def numbers(self) -> Numbers:
        likelihood = self.likelihood
        return (0.0, 0.0, nan) if likelihood is None else (likelihood, 1.0, nan)


class ReferralData(Payload, frozen=True, kw_only=True):
    """Somebody came to us through the customer."""

    referred: CustomerId | None = None


class CommunityHelpData(Payload, frozen=True, kw_only=True):
    """The customer helped another customer, or was helped by one."""

    role: Literal["given", "received"]

    def numbers(self) -> Numbers:
        return (1.0 if self.role == "given" else 0.0), 0.0, nan


class Mention(CustomerEvent, frozen=True, tag="mention"):
    kind: ClassVar[Kind] = Kind.MENTION
    data: MentionData = MentionData()


class Review(CustomerEvent, frozen=True, tag="review"):
    kind: ClassVar[Kind] = Kind.REVIEW
    data: ReviewData


class Recommendation(CustomerEvent, frozen=True, tag="recommendation"):
    kind: ClassVar[Kind] = Kind.RECOMMENDATION
    data: RecommendationData = RecommendationData()


class Referral(CustomerEvent, frozen=True, tag="referral"):
    kind: ClassVar[Kind] = Kind.REFERRAL
    data: ReferralData = ReferralData()


class CommunityHelp(CustomerEvent, frozen=True, tag="community_help"):
    kind: ClassVar[Kind] = Kind.COMMUNITY_HELP
    data: CommunityHelpData
