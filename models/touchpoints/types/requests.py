"""Event types: what customers ask for as their right; a person has to answer each of them."""

from __future__ import annotations

from typing import ClassVar

from models.touchpoints.envelope import CustomerEvent
from models.touchpoints.fields import Moment, Reason, Reference
from models.touchpoints.kinds import Kind
from models.touchpoints.payload import Payload


class AccessRequestedData(Payload, frozen=True, kw_only=True):
    """The customer asked what is known about them, and what was decided by it.

    reference: of the request, where requests are kept.
    """

    reference: Reference | None = None


class RestrictionRequestedData(Payload, frozen=True, kw_only=True):
    """The customer asked that what is known about them is kept and not used (GDPR, article 18).

    No marketing, no estimate and no learning from then on, until then (without: until it is lifted). The newest word
    counts; one that has ended (`until`) lifts it.
    """

    reason: Reason | None = None
    until: Moment | None = None


class DecisionContestedData(Payload, frozen=True, kw_only=True):
    """The customer contests what was decided about them, and wants a person to look at it.

    decision_id, trigger_id: which decision, or what was sent; without either, all of them. reason: their point of view.
    """

    decision_id: Reference | None = None
    trigger_id: Reference | None = None
    reason: Reason | None = None


class AccessRequested(CustomerEvent, frozen=True, tag="access_requested"):
    kind: ClassVar[Kind] = Kind.ACCESS_REQUESTED
    data: AccessRequestedData = AccessRequestedData()


class RestrictionRequested(CustomerEvent, frozen=True, tag="restriction_requested"):
    kind: ClassVar[Kind] = Kind.RESTRICTION_REQUESTED
    data: RestrictionRequestedData = RestrictionRequestedData()


class DecisionContested(CustomerEvent, frozen=True, tag="decision_contested"):
    kind: ClassVar[Kind] = Kind.DECISION_CONTESTED
    data: DecisionContestedData = DecisionContestedData()
