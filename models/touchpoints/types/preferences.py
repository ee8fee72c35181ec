"""Event types: a customer's own preferences, profile, consent and erasure request, and restrictions."""

from __future__ import annotations

from datetime import date
from math import nan
from typing import Annotated, ClassVar

from msgspec import Meta, Struct

from models.touchpoints import limits
from models.touchpoints.envelope import CustomerEvent
from models.touchpoints.fields import (
    ActionPurposes,
    Basis,
    Channels,
    ConsentPurpose,
    Country,
    CustomerClass,
    Language,
    Moment,
    Name,
    Reason,
    Reference,
    RestrictionReason,
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
    """What the customer wants from us; what is left out stays as it was, an empty list takes a preference back.

    channels: preferred ones, the best first; a preference for a channel is no consent to it. max_per_week: 0 means no
    marketing. silent_until: no marketing before; a moment that has passed takes it back.
    """

    channels: Channels | None = None
    topics: Topics | None = None
    max_per_week: Annotated[int, Meta(ge=0, le=limits.MAX_PER_WEEK)] | None = None
    quiet_hours: QuietHours | None = None
    time_zone: TimeZone | None = None
    rewards: Rewards | None = None
    silent_until: Moment | None = None


class ProfileUpdatedData(Payload, frozen=True, kw_only=True):
    """Who the customer is; what is left out stays as it was.

    account: the business or household that the customer belongs to, role: as what. Of a birthday the engine keeps only
    until when the customer is not of age.
    """

    customer_class: CustomerClass | None = None
    name: Name | None = None
    language: Language | None = None
    country: Country | None = None
    birthday: date | None = None
    account: Reference | None = None
    role: Name | None = None


class ConsentChangedData(Payload, frozen=True, kw_only=True):
    """The customer allowed (`marketing` true) or forbade a purpose, on the channels named or in general.

    A grant lifts a refusal on the channels that it names, and on no other. basis: on what it rests. source: where it
    was given. wording: id of the text that was shown. evidence: reference to its proof. confirmed: by a second step.
    expires: from then on it counts no more.
    """

    marketing: bool
    channels: Channels | None = None
    purpose: ConsentPurpose = "marketing"
    basis: Basis | None = None
    source: Name | None = None
    wording: Reference | None = None
    evidence: Reference | None = None
    confirmed: bool = False
    expires: Moment | None = None

    def numbers(self) -> Numbers:
        return float(self.marketing and self.purpose == "marketing"), 0.0, nan


class RestrictedData(Payload, frozen=True, kw_only=True):
    """The customer must be left alone: for these purposes (without any: all but legal), until then (without: for good).

    The newest word on a reason counts; one that has ended (`until`) lifts it. `by` names who said so.
    """

    reason: RestrictionReason
    purposes: ActionPurposes | None = None
    until: Moment | None = None
    by: Name | None = None


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


class Restricted(CustomerEvent, frozen=True, tag="restricted"):
    kind: ClassVar[Kind] = Kind.RESTRICTED
    data: RestrictedData
