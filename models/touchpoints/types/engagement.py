"""Event types: visits, searches, content, messages, attended events."""

from __future__ import annotations

from math import nan
from typing import ClassVar

from models.touchpoints.envelope import CustomerEvent
from models.touchpoints.fields import Channel, Name, Query, Reference, Seconds, Topic
from models.touchpoints.kinds import Kind
from models.touchpoints.payload import Numbers, Payload


class VisitData(Payload, frozen=True, kw_only=True):
    """The customer visited a shop, site or app."""

    channel: Channel | None = None
    seconds: Seconds | None = None

    def numbers(self) -> Numbers:
        return self.seconds or 0.0, 0.0, nan


class SearchData(Payload, frozen=True, kw_only=True):
    """The customer searched."""

    query: Query
    topic: Topic | None = None


class ContentViewedData(Payload, frozen=True, kw_only=True):
    """The customer looked at a page, product, article or film."""

    content_id: Reference
    topic: Topic | None = None


class MessageData(Payload, frozen=True, kw_only=True):
    """The customer opened, clicked or unsubscribed from a message of ours."""

    channel: Channel
    message_id: Reference | None = None


class EventAttendedData(Payload, frozen=True, kw_only=True):
    """The customer attended an event."""

    name: Name


class Visit(CustomerEvent, frozen=True, tag="visit"):
    kind: ClassVar[Kind] = Kind.VISIT
    data: VisitData = VisitData()


class Search(CustomerEvent, frozen=True, tag="search"):
    kind: ClassVar[Kind] = Kind.SEARCH
    data: SearchData


class ContentViewed(CustomerEvent, frozen=True, tag="content_viewed"):
    kind: ClassVar[Kind] = Kind.CONTENT_VIEWED
    data: ContentViewedData


class MessageOpened(CustomerEvent, frozen=True, tag="message_opened"):
    """The customer opened a message of ours."""

    kind: ClassVar[Kind] = Kind.MESSAGE_OPENED
    data: MessageData


class MessageClicked(CustomerEvent, frozen=True, tag="message_clicked"):
    """The customer clicked in a message of ours."""

    kind: ClassVar[Kind] = Kind.MESSAGE_CLICKED
    data: MessageData


class MessageUnsubscribed(CustomerEvent, frozen=True, tag="message_unsubscribed"):
    """The customer unsubscribed in a message of ours."""

    kind: ClassVar[Kind] = Kind.MESSAGE_UNSUBSCRIBED
    data: MessageData


class EventAttended(CustomerEvent, frozen=True, tag="event_attended"):
    kind: ClassVar[Kind] = Kind.EVENT_ATTENDED
    data: EventAttendedData
