"""Event types: a customer's own preferences, profile, consent and erasure request."""

from __future__ import annotations

from datetime import date
from math import nan
from typing import Annotated, ClassVar

from msgspec import Meta, Struct

from models.touchpoints import limits
from models.touchpoints.envelope import CustomerEvent
from models.touchpoints.fields import (
    Channels,
    Country,
    CustomerClass,
    Language,
    Name,
    Reason,
    Rewards,
    TimeOfDay,
    TimeZone,
    Topics,
)
from models.touchpoints.kinds import Kind
from models.touchpoints.payload import Numbers, Payload


class QuietHours(Struct, frozen=True, gc=False):
    """Local time in which the customer wants no message; across midnight when end < start, none when they are equal."""

    start: TimeOfDay
    end: TimeOfDay


class PreferencesUpdatedData(Payload, frozen=True, kw_only=True):
    """What the customer wants from us; what is left out stays as it was, an empty list takes a preference back."""

    channels: Channels | None = None
    topics: Topics | None = None
    max_per_week: Annotated[int, Meta(ge=0, le=limits.MAX_PER_WEEK)] | None = None
    quiet_hours: QuietHours | None = None
    time_zone: TimeZone | None = None
    rewards: Rewards | None = None


class ProfileUpdatedData(Payload, frozen=True, kw_only=True):
    """Who the customer is; what is left out stays as it was."""

    customer_class: CustomerClass | None = None
    name: Name | None = None
    language: Language | None = None
    country: Country | None = None
    birthday: date | None = None


class ConsentChangedData(Payload, frozen=True, kw_only=True):
    """The customer allowed or forbade marketing, on the channels named or on all."""

    marketing: bool
    channels: Channels | None = None

    def numbers(self) -> Numbers:
        return float(self.marketing), 0.0, nan


class EraseRequestedData(Payload, frozen=True, kw_only=True):
    """The customer asked to be forgotten."""

    reason: Reason | None = None


class PreferencesUpdated(CustomerEvent, frozen=True, tag="preferences_updated"):
    kind: ClassVar[Kind] = Kind.PREFERENCES_UPDATED
    data: PreferencesUpdatedData


class ProfileUpdated(CustomerEvent, frozen=True, tag="profile_updated"):
    kind: ClassVar[Kind] = Kind.PROFILE_UPDATED
    data: ProfileUpdatedData


class ConsentChanged(CustomerEvent, frozen=True, tag="consent_changed"):
    kind: ClassVar[Kind] = Kind.CONSENT_CHANGED
    data: ConsentChangedData


class EraseRequested(CustomerEvent, frozen=True, tag="erase_requested"):
    kind: ClassVar[Kind] = Kind.ERASE_REQUESTED
    data: EraseRequestedData = EraseRequestedData()
