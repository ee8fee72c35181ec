"""Event types: chats, calls, presence and other conversations with customers."""

from __future__ import annotations

from math import nan
from typing import ClassVar, Literal

from models.touchpoints.envelope import CustomerEvent
from models.touchpoints.fields import Channel, Participants, Reference, Seconds, Sentiment, Text, Topic
from models.touchpoints.kinds import Kind
from models.touchpoints.payload import Numbers, Payload, or_nan


class PresenceData(Payload, frozen=True, kw_only=True):
    """The customer came online on a channel, or left it."""

    state: Literal["online", "offline"]
    channel: Channel

    def numbers(self) -> Numbers:
        return (1.0 if self.state == "online" else 0.0), 0.0, nan


class ChatData(Payload, frozen=True, kw_only=True):
    """A chat in which the customer took part. text: what the customer said, not the others."""

    participants: Participants
    channel: Channel | None = None
    topic: Topic | None = None
    sentiment: Sentiment | None = None
    text: Text | None = None

    def numbers(self) -> Numbers:
        return float(len(self.participants)), 0.0, or_nan(self.sentiment)


class SharedData(Payload, frozen=True, kw_only=True):
    """The customer shared content."""

    content_id: Reference | None = None
    channel: Channel | None = None


class CallData(Payload, frozen=True, kw_only=True):
    """A call: inbound when the customer called us, outbound when we called. text: what the customer said."""

    direction: Literal["inbound", "outbound"]
    seconds: Seconds | None = None
    topic: Topic | None = None
    sentiment: Sentiment | None = None
    text: Text | None = None

    def numbers(self) -> Numbers:
        return self.seconds or 0.0, (1.0 if self.direction == "inbound" else 0.0), or_nan(self.sentiment)


class EmailReceivedData(Payload, frozen=True, kw_only=True):
    """We received an e-mail from the customer."""

    topic: Topic | None = None
    sentiment: Sentiment | None = None
    text: Text | None = None

    def numbers(self) -> Numbers:
        return 0.0, 0.0, or_nan(self.sentiment)


class ReplySentData(Payload, frozen=True, kw_only=True):
    """The customer replied to a message of ours."""

    channel: Channel
    sentiment: Sentiment | None = None
    text: Text | None = None

    def numbers(self) -> Numbers:
        return 0.0, 0.0, or_nan(self.sentiment)


class Presence(CustomerEvent, frozen=True, tag="presence"):
    kind: ClassVar[Kind] = Kind.PRESENCE
    data: PresenceData


class Chat(CustomerEvent, frozen=True, tag="chat"):
    kind: ClassVar[Kind] = Kind.CHAT
    data: ChatData


class Shared(CustomerEvent, frozen=True, tag="shared"):
    kind: ClassVar[Kind] = Kind.SHARED
    data: SharedData = SharedData()


class Call(CustomerEvent, frozen=True, tag="call"):
    kind: ClassVar[Kind] = Kind.CALL
    data: CallData


class EmailReceived(CustomerEvent, frozen=True, tag="email_received"):
    kind: ClassVar[Kind] = Kind.EMAIL_RECEIVED
    data: EmailReceivedData = EmailReceivedData()


class ReplySent(CustomerEvent, frozen=True, tag="reply_sent"):
    kind: ClassVar[Kind] = Kind.REPLY_SENT
    data: ReplySentData
