"""Event types: campaigns, coupons, offers (delivered, opened, accepted, declined, expired)."""

from __future__ import annotations

from math import nan
from typing import ClassVar

from models.touchpoints.envelope import CustomerEvent
from models.touchpoints.fields import Amount, Channel, Reference
from models.touchpoints.kinds import Kind
from models.touchpoints.payload import Numbers, Payload


class CampaignReceivedData(Payload, frozen=True, kw_only=True):
    """A campaign outside this engine reached the customer."""

    campaign_id: Reference
    channel: Channel | None = None


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


class CampaignReceived(CustomerEvent, frozen=True, tag="campaign_received"):
    kind: ClassVar[Kind] = Kind.CAMPAIGN_RECEIVED
    data: CampaignReceivedData


class CouponRedeemed(CustomerEvent, frozen=True, tag="coupon_redeemed"):
    kind: ClassVar[Kind] = Kind.COUPON_REDEEMED
    data: CouponRedeemedData


class OfferDelivered(CustomerEvent, frozen=True, tag="offer_delivered"):
    kind: ClassVar[Kind] = Kind.OFFER_DELIVERED
    data: OfferData


class OfferOpened(CustomerEvent, frozen=True, tag="offer_opened"):
    kind: ClassVar[Kind] = Kind.OFFER_OPENED
    data: OfferData


class OfferAccepted(CustomerEvent, frozen=True, tag="offer_accepted"):
    kind: ClassVar[Kind] = Kind.OFFER_ACCEPTED
    data: OfferData


class OfferDeclined(CustomerEvent, frozen=True, tag="offer_declined"):
    kind: ClassVar[Kind] = Kind.OFFER_DECLINED
    data: OfferData


class OfferExpired(CustomerEvent, frozen=True, tag="offer_expired"):
    kind: ClassVar[Kind] = Kind.OFFER_EXPIRED
    data: OfferData
