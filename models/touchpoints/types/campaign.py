"""Event types: campaigns, coupons, and what became of offers."""

from __future__ import annotations

from math import nan
from typing import ClassVar, Literal

from models.touchpoints.envelope import CustomerEvent
from models.touchpoints.fields import ActionPurpose, Amount, Channel, Moment, Reference
from models.touchpoints.kinds import Kind
from models.touchpoints.payload import Numbers, Payload


class CampaignReceivedData(Payload, frozen=True, kw_only=True):
    """A campaign outside this engine reached the customer.

    promotion: it offered something, until `until`. trigger_id: it is what became of this trigger of the engine.
    """

    campaign_id: Reference
    channel: Channel | None = None
    purpose: ActionPurpose = "marketing"
    promotion: bool = False
    until: Moment | None = None
    trigger_id: Reference | None = None


class CouponRedeemedData(Payload, frozen=True, kw_only=True):
    """The customer redeemed a coupon; the amount is the discount."""

    coupon_id: Reference
    amount: Amount | None = None

    def numbers(self) -> Numbers:
        return self.amount or 0.0, 0.0, nan


class OfferData(Payload, frozen=True, kw_only=True):
    """What became of a trigger, as told by the messaging service."""

    trigger_id: Reference
    channel: Channel | None = None


class OfferFailedData(Payload, frozen=True, kw_only=True):
    """A trigger did not reach the customer on this channel.

    failure: ``hard`` and ``no_address`` will fail again, ``soft`` may not, ``blocked`` was stopped on its way,
    ``refused_by_sender`` was never tried.
    """

    trigger_id: Reference
    channel: Channel
    failure: Literal["hard", "soft", "blocked", "no_address", "refused_by_sender"]


class SpamReportedData(Payload, frozen=True, kw_only=True):
    """The customer called a message of ours spam."""

    channel: Channel
    trigger_id: Reference | None = None


class CampaignReceived(CustomerEvent, frozen=True, tag="campaign_received"):
    kind: ClassVar[Kind] = Kind.CAMPAIGN_RECEIVED
    data: CampaignReceivedData


class CouponRedeemed(CustomerEvent, frozen=True, tag="coupon_redeemed"):
    kind: ClassVar[Kind] = Kind.COUPON_REDEEMED
    data: CouponRedeemedData


class OfferDelivered(CustomerEvent, frozen=True, tag="offer_delivered"):
    """A trigger's message arrived."""

    kind: ClassVar[Kind] = Kind.OFFER_DELIVERED
    data: OfferData


class OfferOpened(CustomerEvent, frozen=True, tag="offer_opened"):
    """The customer opened a trigger's message."""

    kind: ClassVar[Kind] = Kind.OFFER_OPENED
    data: OfferData


class OfferAccepted(CustomerEvent, frozen=True, tag="offer_accepted"):
    """The customer took what a trigger offered."""

    kind: ClassVar[Kind] = Kind.OFFER_ACCEPTED
    data: OfferData


class OfferDeclined(CustomerEvent, frozen=True, tag="offer_declined"):
    """The customer declined what a trigger offered."""

    kind: ClassVar[Kind] = Kind.OFFER_DECLINED
    data: OfferData


class OfferExpired(CustomerEvent, frozen=True, tag="offer_expired"):
    """A trigger came to its end before it was sent, or its offer did."""

    kind: ClassVar[Kind] = Kind.OFFER_EXPIRED
    data: OfferData


class OfferSent(CustomerEvent, frozen=True, tag="offer_sent"):
    """A trigger's message was handed to its channel."""

    kind: ClassVar[Kind] = Kind.OFFER_SENT
    data: OfferData


class OfferFailed(CustomerEvent, frozen=True, tag="offer_failed"):
    kind: ClassVar[Kind] = Kind.OFFER_FAILED
    data: OfferFailedData


class OfferWithdrawn(CustomerEvent, frozen=True, tag="offer_withdrawn"):
    """A trigger was dropped before it was sent."""

    kind: ClassVar[Kind] = Kind.OFFER_WITHDRAWN
    data: OfferData


class SpamReported(CustomerEvent, frozen=True, tag="spam_reported"):
    kind: ClassVar[Kind] = Kind.SPAM_REPORTED
    data: SpamReportedData
