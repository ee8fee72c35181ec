"""Event types of identities: two ids are one customer, and what moves from the one's shard to the other's."""

from __future__ import annotations

from typing import Annotated, ClassVar

from msgspec import Meta

from models.touchpoints import limits
from models.touchpoints.envelope import CustomerEvent
from models.touchpoints.fields import CustomerId, Name
from models.touchpoints.kinds import Kind
from models.touchpoints.payload import Payload

_BASE64 = "in base64"


class IdentityMergedData(Payload, frozen=True, kw_only=True):
    """The subject, an anonymous or second id, is the customer `into`: what is known of it moves there, and what comes
    at it later is theirs. `by` names who found it out."""

    into: CustomerId
    by: Name | None = None


class LoopbackData(Payload, frozen=True, kw_only=True):
    """What every record has that one shard sends to another.

    sender: the shard. line: the number of its line, which nobody knows who may not read the topic
    (`models.timeline.received`). count: of its records to this partition, from 1 on without a gap. path: the ids that
    it comes from, the first one first; hops: where those are more than a path has room for
    (`models.customer.merged.onward`).
    """

    sender: Annotated[int, Meta(ge=0)]
    line: Annotated[int, Meta(ge=0)]
    count: Annotated[int, Meta(ge=1)]
    path: Annotated[tuple[CustomerId, ...], Meta(min_length=1, max_length=limits.MAX_PATH)]
    hops: Annotated[int, Meta(ge=0)] = 0


class IdentityMovedData(LoopbackData, frozen=True, kw_only=True):
    """What was known of another id of the customer. record: as it was stored, in base64. control: it was of the
    control group."""

    record: Annotated[str, Meta(max_length=limits.MAX_EVENT_BYTES, description=_BASE64)]
    control: bool = False


class TouchpointForwardedData(LoopbackData, frozen=True, kw_only=True):
    """A touchpoint that came at another id of the customer. event: as it came, in base64."""

    event: Annotated[str, Meta(max_length=limits.MAX_FORWARDED_BYTES, description=_BASE64)]


class IdentityMerged(CustomerEvent, frozen=True, tag="identity_merged"):
    kind: ClassVar[Kind] = Kind.IDENTITY_MERGED
    data: IdentityMergedData


class IdentityMoved(CustomerEvent, frozen=True, tag="identity_moved"):
    kind: ClassVar[Kind] = Kind.IDENTITY_MOVED
    data: IdentityMovedData


class TouchpointForwarded(CustomerEvent, frozen=True, tag="touchpoint_forwarded"):
    kind: ClassVar[Kind] = Kind.TOUCHPOINT_FORWARDED
    data: TouchpointForwardedData
