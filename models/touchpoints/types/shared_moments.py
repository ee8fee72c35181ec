"""Event type of a shared moment: what two customers' shards say to each other before both are offered the same."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from msgspec import Meta

from models.touchpoints.envelope import CustomerEvent
from models.touchpoints.fields import Channel, CustomerId, Milliseconds, Name
from models.touchpoints.kinds import Kind
from models.touchpoints.types.identities import LoopbackData


class SharedMomentData(LoopbackData, frozen=True, kw_only=True):
    """One word of the talk between two shards (`models.decisions.shared_moments`).

    step: `proposed`, then `reserved` or `refused`; upon `reserved` either `confirmed` or `cancelled`; `failed` where
    the other's offer should not go out any more. by: who says it, and whom an answer goes to. group: names the moment.
    moment, action: of the policy; channel: on which they talked; asked, expires: when it was proposed, and until when
    it can be answered, ms; all of them of a proposal.
    """

    step: Literal["proposed", "reserved", "refused", "confirmed", "cancelled", "failed"]
    by: CustomerId
    group: Annotated[str, Meta(pattern="^[0-9a-f]{32}$", description="32 hex digits")]
    moment: Name | None = None
    action: Name | None = None
    channel: Channel | None = None
    asked: Milliseconds = 0
    expires: Milliseconds = 0


class SharedMoment(CustomerEvent, frozen=True, tag="shared_moment"):
    kind: ClassVar[Kind] = Kind.SHARED_MOMENT
    data: SharedMomentData
