"""The types of the fields of `data`, with their bounds."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from msgspec import Meta

from models.touchpoints import limits

# Text, for `models.touchpoints.times.moment` to read: a batch has a faster way to milliseconds than datetime.
Time = Annotated[str, Meta(description='an RFC 3339 time with its offset, such as "2024-05-01T12:00:00Z"')]

# Of `data`: few events have one, so it is read as a datetime at once.
Moment = Annotated[datetime, Meta(tz=True)]

Amount = Annotated[float, Meta(ge=0, le=limits.MAX_AMOUNT)]
Quantity = Annotated[float, Meta(ge=0, le=limits.MAX_QUANTITY)]
Points = Annotated[float, Meta(ge=0, le=limits.MAX_POINTS)]
PointsGiven = Annotated[int, Meta(ge=-limits.MAX_POINTS_GIVEN, le=limits.MAX_POINTS_GIVEN)]
Seconds = Annotated[float, Meta(ge=0, le=limits.MAX_SECONDS)]
Sentiment = Annotated[float, Meta(ge=-1, le=1)]
Likelihood = Annotated[float, Meta(ge=0, le=1)]

# Settings of the engine: whether they fit together is the engine's to say.
Threshold = Annotated[float, Meta(ge=0, le=1)]
Milliseconds = Annotated[int, Meta(ge=0, le=limits.MAX_MILLISECONDS)]

Reference = Annotated[str, Meta(min_length=1, max_length=limits.MAX_REFERENCE)]
CustomerId = Annotated[str, Meta(min_length=1, max_length=limits.MAX_CUSTOMER)]
Channel = Annotated[str, Meta(min_length=1, max_length=limits.MAX_CHANNEL)]
Topic = Annotated[str, Meta(min_length=1, max_length=limits.MAX_TOPIC)]
Name = Annotated[str, Meta(min_length=1, max_length=limits.MAX_NAME)]
ModelName = Annotated[
    str,
    Meta(min_length=1, max_length=limits.MAX_NAME, description="the name of a model, or null to let evidence decide"),
]
Query = Annotated[str, Meta(min_length=1, max_length=limits.MAX_QUERY)]
Reason = Annotated[str, Meta(max_length=limits.MAX_REASON)]
Text = Annotated[str, Meta(max_length=limits.MAX_TEXT)]

# No pattern here: it would cost a third of the time to read a purchase, and nothing is computed from the code.
Currency = Annotated[str, Meta(min_length=3, max_length=3, description='an ISO 4217 currency code such as "EUR"')]
# `$` also matches before a final newline; max_length shuts that door.
Country = Annotated[str, Meta(pattern="^[A-Z]{2}$", max_length=2, description='an ISO 3166 country code such as "NL"')]
TimeOfDay = Annotated[
    str,
    Meta(
        pattern="^([01][0-9]|2[0-3]):[0-5][0-9]$", max_length=5, description='a time of day as "HH:MM", 00:00 to 23:59'
    ),
]
Language = Annotated[
    str,
    Meta(
        pattern="^[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8})*$",
        max_length=limits.MAX_LANGUAGE,
        description='a BCP 47 language tag such as "pt-BR"',
    ),
]
# Only the form is checked: which zones exist depends on the machine's time zone database, and reading must not.
TimeZone = Annotated[
    str,
    Meta(
        pattern="^[A-Za-z][A-Za-z0-9_+-]*(/[A-Za-z0-9_+-]+)*$",
        max_length=limits.MAX_TIME_ZONE,
        description='an IANA time zone name such as "Europe/Amsterdam"',
    ),
]

PolicyText = Annotated[str, Meta(max_length=limits.MAX_POLICY)]
PolicyFormat = Annotated[int, Meta(ge=1, le=limits.MAX_POLICY_FORMAT)]
Sha256 = Annotated[
    str, Meta(pattern="^[0-9a-f]{64}$", max_length=64, description="a SHA-256 in 64 hexadecimal digits, lower case")
]

Channels = Annotated[tuple[Channel, ...], Meta(max_length=limits.MAX_CHANNELS)]
Topics = Annotated[tuple[Topic, ...], Meta(max_length=limits.MAX_TOPICS)]
Rewards = Annotated[tuple[Reference, ...], Meta(max_length=limits.MAX_REWARDS)]
Participants = Annotated[tuple[CustomerId, ...], Meta(min_length=1, max_length=limits.MAX_PARTICIPANTS)]

StopNumbers = Annotated[tuple[Milliseconds, ...], Meta(min_length=1, max_length=limits.MAX_STOPS)]
Selected = Annotated[tuple[Name, ...], Meta(max_length=limits.MAX_SELECTED)]
Countries = Annotated[tuple[Country, ...], Meta(max_length=limits.MAX_SELECTED)]

# What a message may be for, and what consent is given for: `models.customer.restrictions` and `consent` number them.
ActionPurpose = Literal["legal", "contract", "care", "marketing"]
ActionPurposes = Annotated[tuple[ActionPurpose, ...], Meta(max_length=4)]
ConsentPurpose = Literal["marketing", "profiling", "conversation"]
Basis = Literal["consent", "existing_customer", "legitimate_interest"]
RestrictionReason = Literal[
    "minor", "vulnerable", "deceased", "dispute", "fraud", "debt", "staff", "test", "do_not_contact"
]
Term = Literal["day", "week", "month", "quarter", "half_year", "year"]

Severity = Literal["low", "normal", "high", "critical"]
CustomerClass = Literal["consumer", "business", "reseller", "partner"]
