"""Event types reserved for the engine's own doors: another sender asks for room, somebody asks for a preview."""

from __future__ import annotations

from typing import Annotated, ClassVar

from msgspec import Meta

from models.touchpoints.envelope import CustomerEvent
from models.touchpoints.fields import ActionPurpose, Channel, CustomerId, Moment, Name
from models.touchpoints.kinds import Kind
from models.touchpoints.payload import Payload

LONGEST_RESERVATION = 14 * 86_400_000
"""ms."""


class AskedMayData(Payload, frozen=True, kw_only=True):
    """Another sender asks whether a customer may be contacted, and reserves the contact if so.

    promotion: it offers something, until `until`. lasts: ms; without a word by then it counts as delivered. `by` names
    who asks. The event's id names the reservation.
    """

    purpose: ActionPurpose
    channel: Channel
    promotion: bool = False
    until: Moment | None = None
    lasts: Annotated[int, Meta(ge=1_000, le=LONGEST_RESERVATION)] = 3_600_000
    by: Name | None = None


class PreviewAskedData(Payload, frozen=True, kw_only=True):
    """Decide on an action as for this customer, and send it to a test customer.

    action: of the policy in force. to: the test customer. at_once: what ends by itself (hours, caps, rests) is passed.
    `by` names who asks.
    """

    action: Name
    to: CustomerId
    at_once: bool = False
    by: Name | None = None


class AskedMay(CustomerEvent, frozen=True, tag="asked_may"):
    kind: ClassVar[Kind] = Kind.ASKED_MAY
    data: AskedMayData


class PreviewAsked(CustomerEvent, frozen=True, tag="preview_asked"):
    kind: ClassVar[Kind] = Kind.PREVIEW_ASKED
    data: PreviewAskedData
