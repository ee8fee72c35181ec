"""Event types: purchases, returns, payments, subscriptions."""

from __future__ import annotations

from math import nan
from typing import ClassVar

from models.touchpoints.envelope import CustomerEvent
from models.touchpoints.fields import (
    Amount,
    Channel,
    Currency,
    Moment,
    Name,
    Quantity,
    Reason,
    Reference,
    Term,
    Topic,
)
from models.touchpoints.kinds import Kind
from models.touchpoints.payload import Numbers, Payload


class PurchaseData(Payload, frozen=True, kw_only=True):
    """The customer bought something. amount: what was paid, so after coupons; `coupon_redeemed` tells what they took
    off."""

    amount: Amount
    quantity: Quantity = 1.0
    currency: Currency | None = None
    order_id: Reference | None = None
    channel: Channel | None = None
    topic: Topic | None = None

    def numbers(self) -> Numbers:
        return self.amount, self.quantity, nan


class ReturnData(Payload, frozen=True, kw_only=True):
    """The customer brought something back; the amount is what was refunded."""

    amount: Amount
    quantity: Quantity = 1.0
    order_id: Reference | None = None

    def numbers(self) -> Numbers:
        return self.amount, self.quantity, nan


class CartAbandonedData(Payload, frozen=True, kw_only=True):
    """A filled cart was left behind."""

    amount: Amount
    topic: Topic | None = None

    def numbers(self) -> Numbers:
        return self.amount, 0.0, nan


class SubscriptionData(Payload, frozen=True, kw_only=True):
    """A subscription began, went on, was changed, paused or ended; what is left out stays as it was.

    amount: the price of a term. renews_at: when the next term begins. cancel_by: the last moment to cancel before that.
    """

    plan: Name | None = None
    amount: Amount | None = None
    reason: Reason | None = None
    term: Term | None = None
    renews_at: Moment | None = None
    cancel_by: Moment | None = None
    auto_renews: bool | None = None

    def numbers(self) -> Numbers:
        return self.amount or 0.0, 0.0, nan


class PaymentFailedData(Payload, frozen=True, kw_only=True):
    """A payment of the customer was refused."""

    amount: Amount | None = None
    reason: Reason | None = None

    def numbers(self) -> Numbers:
        return self.amount or 0.0, 0.0, nan


class PaymentRecoveredData(Payload, frozen=True, kw_only=True):
    """A payment that was refused has been made."""

    amount: Amount | None = None

    def numbers(self) -> Numbers:
        return self.amount or 0.0, 0.0, nan


class CancelStartedData(Payload, frozen=True, kw_only=True):
    """The customer began to cancel: opened the form, asked how."""

    plan: Name | None = None
    reason: Reason | None = None


class DeliveryDelayedData(Payload, frozen=True, kw_only=True):
    """What the customer bought comes later than was promised.

    amount: of the order. promised_for: when it should have come. expected_at: when it is expected now.
    """

    order_id: Reference | None = None
    amount: Amount | None = None
    promised_for: Moment | None = None
    expected_at: Moment | None = None
    reason: Reason | None = None

    def numbers(self) -> Numbers:
        return self.amount or 0.0, 0.0, nan


class PriceChangeAnnouncedData(Payload, frozen=True, kw_only=True):
    """The customer was told that a price of theirs changes.

    amount: the new price of a term. former_amount: the one until then. effective_at: from when on.
    """

    plan: Name | None = None
    amount: Amount | None = None
    former_amount: Amount | None = None
    effective_at: Moment | None = None

    def numbers(self) -> Numbers:
        return self.amount or 0.0, 0.0, nan


class Purchase(CustomerEvent, frozen=True, tag="purchase"):
    kind: ClassVar[Kind] = Kind.PURCHASE
    data: PurchaseData


class Return(CustomerEvent, frozen=True, tag="return"):
    kind: ClassVar[Kind] = Kind.RETURN
    data: ReturnData


class CartAbandoned(CustomerEvent, frozen=True, tag="cart_abandoned"):
    kind: ClassVar[Kind] = Kind.CART_ABANDONED
    data: CartAbandonedData


class SubscriptionStarted(CustomerEvent, frozen=True, tag="subscription_started"):
    """A subscription began."""

    kind: ClassVar[Kind] = Kind.SUBSCRIPTION_STARTED
    data: SubscriptionData = SubscriptionData()


class SubscriptionRenewed(CustomerEvent, frozen=True, tag="subscription_renewed"):
    """A subscription went on for another term."""

    kind: ClassVar[Kind] = Kind.SUBSCRIPTION_RENEWED
    data: SubscriptionData = SubscriptionData()


class SubscriptionCancelled(CustomerEvent, frozen=True, tag="subscription_cancelled"):
    """A subscription was cancelled."""

    kind: ClassVar[Kind] = Kind.SUBSCRIPTION_CANCELLED
    data: SubscriptionData = SubscriptionData()


class PaymentFailed(CustomerEvent, frozen=True, tag="payment_failed"):
    kind: ClassVar[Kind] = Kind.PAYMENT_FAILED
    data: PaymentFailedData = PaymentFailedData()


class SubscriptionPaused(CustomerEvent, frozen=True, tag="subscription_paused"):
    """A subscription was paused."""

    kind: ClassVar[Kind] = Kind.SUBSCRIPTION_PAUSED
    data: SubscriptionData = SubscriptionData()


class SubscriptionResumed(CustomerEvent, frozen=True, tag="subscription_resumed"):
    """A paused subscription goes on."""

    kind: ClassVar[Kind] = Kind.SUBSCRIPTION_RESUMED
    data: SubscriptionData = SubscriptionData()


class SubscriptionChanged(CustomerEvent, frozen=True, tag="subscription_changed"):
    """A subscription has other terms now."""

    kind: ClassVar[Kind] = Kind.SUBSCRIPTION_CHANGED
    data: SubscriptionData = SubscriptionData()


class PaymentRecovered(CustomerEvent, frozen=True, tag="payment_recovered"):
    kind: ClassVar[Kind] = Kind.PAYMENT_RECOVERED
    data: PaymentRecoveredData = PaymentRecoveredData()


class CancelStarted(CustomerEvent, frozen=True, tag="cancel_started"):
    kind: ClassVar[Kind] = Kind.CANCEL_STARTED
    data: CancelStartedData = CancelStartedData()


class DeliveryDelayed(CustomerEvent, frozen=True, tag="delivery_delayed"):
    kind: ClassVar[Kind] = Kind.DELIVERY_DELAYED
    data: DeliveryDelayedData = DeliveryDelayedData()


class PriceChangeAnnounced(CustomerEvent, frozen=True, tag="price_change_announced"):
    kind: ClassVar[Kind] = Kind.PRICE_CHANGE_ANNOUNCED
    data: PriceChangeAnnouncedData = PriceChangeAnnouncedData()
