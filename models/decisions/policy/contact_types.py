"""Tables of a policy file that say when and how customers may be contacted."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from models.decisions.policy.parts import ActionKind, Duration, Identifier, Money, Part, WallTime
from models.touchpoints.fields import ActionPurpose, Channel, Country, CustomerClass, TimeOfDay, TimeZone


class ChannelRules(Part, frozen=True, kw_only=True):
    """A channel of ours; its name is the one that consent, preferences and touchpoints use.

    cost: money, of one contact. presence: a customer who is online there is reached there first, if the action may use
    it. presence_expires: how long marketing that goes there while they are online is worth sending; without it as long
    as its action says. lead: how long a contact takes to arrive, such as a letter: what goes there expires, and can be
    used, from then on, and a date asks so much earlier where all of its channels take so long. withdrawable: false
    where nothing can be taken back once it is triggered. rest: of marketing on this channel alone, after an offer that
    went there was declined.
    """

    cost: Money = 0.0
    presence: bool = False
    presence_expires: Duration | None = None
    lead: Duration = "0s"
    withdrawable: bool = True
    rest: Duration | None = None


class Span(Part, frozen=True, kw_only=True):
    """A part of the day, local time; across midnight where the end is before the start.

    start: its first minute. end: the first minute after it.
    """

    start: TimeOfDay
    end: TimeOfDay


HolidayDate = Annotated[
    str,
    Meta(
        pattern="^([0-9]{4}-)?[0-9]{2}-[0-9]{2}$",
        max_length=10,
        description='a day of every year such as "12-25", or of one such as "2027-03-26"',
    ),
]


class Holidays(Part, frozen=True, kw_only=True):
    """Days on which people are left in peace, such as those of a country; their name is what rows of hours call them.

    dates: each of every year, or of one.
    """

    dates: Annotated[tuple[HolidayDate, ...], Meta(min_length=1, max_length=400)]


class Hours(Part, frozen=True, kw_only=True):
    """When contacts are allowed: outside the spans of the rows that fit there are none. Without a row that fits, at any
    time.

    Rows with the same countries and channels are alternatives; rows of different ones must all allow. Contract and care
    are bound by rows that name countries or channels, marketing by all, legal by none.

    spans: of the day, local time; one across midnight is of the day on which it begins; without any the whole day.
    countries, channels: that it is for; without any, for all. days: of the week, 1 is Monday and 7 Sunday. holidays: on
    their days there is no contact that the row is for, whatever others allow. most: contacts of marketing on each of
    its channels. within: in a rolling time of so long, at most 92 days. rest: of marketing on one of its channels,
    after an offer that went there was declined. The last three also hold for customers whose country is not known; a
    row with none but these says nothing of hours.
    """

    spans: Annotated[tuple[Span, ...], Meta(max_length=8)] = ()
    countries: tuple[Country, ...] = ()
    channels: tuple[Channel, ...] = ()
    days: tuple[Annotated[int, Meta(ge=1, le=7)], ...] = (1, 2, 3, 4, 5, 6, 7)
    holidays: tuple[Identifier, ...] = ()
    most: Annotated[int, Meta(ge=0, le=255)] | None = None
    within: Duration | None = None
    rest: Duration | None = None


class Cap(Part, frozen=True, kw_only=True):
    """At most so many contacts within a rolling time.

    most: contacts. within: at most 92 days. purpose: of contacts that it counts. channel: that it counts; without it
    all. kind: of actions that it counts; without it all. countries: of customers whom it is for; without any all.
    It is also for those whose country is not known. reserve: of `most` so many are kept for actions of at least the
    priority `reserve_for`. reserve_for: that priority.
    """

    most: Annotated[int, Meta(ge=0, le=255)]
    within: Duration
    purpose: Literal["care", "marketing"] = "marketing"
    channel: Channel | None = None
    kind: ActionKind | None = None
    countries: tuple[Country, ...] = ()
    reserve: Annotated[int, Meta(ge=0, le=255)] = 0
    reserve_for: Annotated[int, Meta(ge=1, le=9)] = 7


class Rest(Part, frozen=True, kw_only=True):
    """Rest of marketing after what a customer did, or what became of a trigger.

    declined: after an offer was declined. spam: after a message was called spam. soft_failure: after a message could
    not be delivered for now. bad_experience: after a complaint, a severe case, a low rating, a failed
    payment, a late delivery.
    """

    declined: Duration = "14d"
    spam: Duration = "90d"
    soft_failure: Duration = "1d"
    bad_experience: Duration = "7d"


class Contact(Part, frozen=True, kw_only=True):
    """Limits of contact.

    caps: how many contacts there may be. quiet_hours: no marketing then, unless the customer states hours of their
    own. hours: when contacts are allowed, by country and channel. cool_down: least time between two marketing
    contacts. outranking: marketing that only lacks room under a cap takes back what is on its way with less priority,
    and waits for its place. rest: after what went wrong. discounts: how many discounts a policy may let a customer
    have in 12 months; `policy check` refuses one that lets more.
    """

    caps: Annotated[tuple[Cap, ...], Meta(max_length=16)] = ()
    quiet_hours: Span | None = None
    hours: tuple[Hours, ...] = ()
    cool_down: Duration = "0s"
    outranking: bool = False
    rest: Rest = Rest()
    discounts: Annotated[int, Meta(ge=0, le=1_000_000_000)] = 12


class Basis(Part, frozen=True, kw_only=True):
    """On what a contact rests. The first row that fits counts. Without one marketing needs consent; legal, contract
    and care need nothing.

    needs: what there must be; a refusal always closes. purpose: of the contact. countries, classes, channels: that it
    is for; without any, for all. lasts: of `existing_customer`, how long after the last purchase.
    """

    needs: Literal["consent", "confirmed_consent", "existing_customer", "nothing"]
    purpose: Literal["contract", "care", "marketing"] = "marketing"
    countries: tuple[Country, ...] = ()
    classes: tuple[CustomerClass, ...] = ()
    channels: tuple[Channel, ...] = ()
    lasts: Duration | None = None


class AdFree(Part, frozen=True, kw_only=True):
    """Who gets no marketing at all, since that is what they have bought or earned.

    plans: of contracts that have not ended. programmes: of loyalty.
    """

    plans: tuple[Annotated[str, Meta(min_length=1, max_length=64)], ...] = ()
    programmes: tuple[Annotated[str, Meta(min_length=1, max_length=64)], ...] = ()


class Conversation(Part, frozen=True, kw_only=True):
    """No marketing while somebody talks with us.

    touchpoints: types after which a customer is in a conversation. lasts: for so long after each. channels: whoever is
    online there is in one, too; they need be no channels of the policy.
    """

    touchpoints: tuple[Identifier, ...] = ("chat", "call")
    lasts: Duration = "2h"
    channels: tuple[Channel, ...] = ()


class BestHour(Part, frozen=True, kw_only=True):
    """Marketing waits for the part of the day in which a customer answers best, a day at most. What they opened,
    accepted or redeemed tells it, beside what is usual. Whoever is online on a channel with `presence` is reached at
    once.

    population: how often people answer in each three hours of the day, the first those after midnight; only how these
    compare counts. weight: as many answers of a customer's own the usual counts as. moments: that wait so; without any
    the risk moment.
    """

    population: Annotated[tuple[Annotated[float, Meta(ge=0, le=1e6)], ...], Meta(min_length=8, max_length=8)] = (
        0.0,
        0.0,
        1.0,
        2.0,
        2.0,
        2.0,
        3.0,
        1.0,
    )
    weight: Annotated[float, Meta(ge=0, le=100)] = 4.0
    moments: tuple[Identifier, ...] = ()


class Freeze(Part, frozen=True, kw_only=True):
    """A time in which nothing goes out.

    from: its first moment. until: the first moment after it. zone: in which the two are meant; without it the policy's.
    purposes: that it stops. kinds: of actions; without any, all. countries: of customers; without any, all. then: what
    asked before its end waits for it (`defer`), or ends (`drop`). spread: what has waited comes back within so long
    after it, each customer at their own time.
    """

    from_: WallTime = msgspec.field(name="from")
    until: WallTime
    zone: TimeZone | None = None
    purposes: Annotated[tuple[ActionPurpose, ...], Meta(min_length=1)] = ("marketing",)
    kinds: tuple[ActionKind, ...] = ()
    countries: tuple[Country, ...] = ()
    then: Literal["defer", "drop"] = "defer"
    spread: Duration = "6h"
