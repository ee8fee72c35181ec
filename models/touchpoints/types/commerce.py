"""Event types: purchases, returns, payments, subscriptions."""

from __future__ import annotations

from math import nan
from typing import ClassVar

from models.touchpoints.envelope import CustomerEvent
from models.touchpoints.fields import Amount, Channel, Currency, Name, Quantity, Reason, Reference
from models.touchpoints.kinds import Kind
from models.touchpoints.payload import Numbers, Payload


class PurchaseData(Payload, frozen=True, kw_only=True):
    """The customer bought something."""

    amount: Amount
    quantity: Quantity = 1.0
    currency: Currency | None = None
    order_id: Reference | None = None
    channel: Channel | None = None

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

    def numbers(self) -> Numbers:
        return self.amount, 0.0, nan


class SubscriptionData(Payload, frozen=True, kw_only=True):
    """A subscription began, went on or ended."""

    plan: Name | None = None
    amount: Amount | None = None
    reason: Reason | None = None

    def numbers(self) -> Numbers:
        return self.amount or 0.0, 0.0, nan


class PaymentFailedData(Payload, frozen=True, kw_only=True):
    """A payment of the customer was refused."""

    amount: Amount | None = None
    reason: Reason | None = None

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
    kind: ClassVar[Kind] = Kind.SUBSCRIPTION_STARTED
    data: SubscriptionData = SubscriptionData()


class SubscriptionRenewed(CustomerEvent, frozen=True, tag="subscription_renewed"):
    kind: ClassVar[Kind] = Kind.SUBSCRIPTION_RENEWED
    data: SubscriptionData = SubscriptionData()


class SubscriptionCancelled(CustomerEvent, frozen=True, tag="subscription_cancelled"):
    kind: ClassVar[Kind] = Kind.SUBSCRIPTION_CANCELLED
    data: SubscriptionData = SubscriptionData()


class PaymentFailed(CustomerEvent, frozen=True, tag="payment_failed"):
    kind: ClassVar[Kind] = Kind.PAYMENT_FAILED
    data: PaymentFailedData = PaymentFailedData()
