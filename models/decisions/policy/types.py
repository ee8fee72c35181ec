"""Types of the policy file: which levels of risk, moments, actions, limits and rules decide about customers.

One TOML file, read as a whole (`models.decisions.policy.reading`). Durations are text such as ``"36h"`` or ``"14d"``;
money is in one currency, the one of the purchases. Field names are the file's keys; `retention policy example` prints a
commented file, docs/policy.md is made from the docstrings here.
"""

from __future__ import annotations

from datetime import datetime
from functools import cache
from typing import Annotated, Any, Final, Literal

import msgspec
from msgspec import Meta, Struct

from models.touchpoints.fields import (
    ActionPurpose,
    Channel,
    Country,
    CustomerClass,
    Language,
    TimeOfDay,
    TimeZone,
    Topic,
)

FORMAT: Final = 1
"""Format of the policy file. A worker that cannot read a policy's format decides nothing."""

Duration = Annotated[
    str, Meta(pattern="^[0-9]{1,6}(s|m|h|d|w)$", max_length=7, description='a duration such as "90m", "36h" or "14d"')
]
LONGEST_DURATION: Final = 3_650 * 86_400_000
"""ms: ten years. A customer's record keeps times as seconds in 32 bits."""
Identifier = Annotated[
    str,
    Meta(
        pattern="^[a-z][a-z0-9_]*$", min_length=1, max_length=40, description="a name in lower case, such as win_back"
    ),
]
Share = Annotated[float, Meta(ge=0, le=1)]
Risk = Annotated[float, Meta(gt=0, lt=1)]
Money = Annotated[float, Meta(ge=0, le=1e9)]
Effect = Annotated[float, Meta(ge=-1e9, le=1e9)]
ActionKind = Literal["care", "useful", "reward", "offer", "onboarding", "ask", "win_back", "service"]
KINDS: Final[tuple[ActionKind, ...]] = ("care", "useful", "reward", "offer", "onboarding", "ask", "win_back", "service")
"""Kinds of actions, by their number in the record: never renumber."""
Operator = Literal["==", "!=", "<", "<=", ">", ">=", "in", "not in", "contains"]
Value = str | bool | int | float | tuple[str | bool | int | float, ...]


class Part(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, omit_defaults=True):
    """A table of the policy file."""


class Condition(Part, frozen=True, kw_only=True):
    """What must be true: one comparison (`field`, `op` and `value`), or one of `all`, `any` and `not`. Of a touchpoint
    moment it asks the touchpoint's `data`, of an action the customer. What is not known makes a comparison false.

    field: what is compared. op: how; `in` and `not in` take a list, `contains` asks a list or a text. value: with
    what. all: every one of these. any: at least one of these. not: this must not be true.
    """

    field: str | None = None
    op: Operator | None = None
    value: Value | None = None
    all: tuple[Condition, ...] | None = None
    any: tuple[Condition, ...] | None = None
    not_: Condition | None = msgspec.field(default=None, name="not")


class Level(Part, frozen=True, kw_only=True):
    """A level of risk: an episode opens at the lowest, and asks again when it reaches a higher one.

    name: what other tables call it. at: the risk from which on a customer stands on it.
    """

    name: Identifier
    at: Risk


Levels = Annotated[tuple[Level, ...], Meta(min_length=1, max_length=6)]


class RiskOfClasses(Part, frozen=True, kw_only=True):
    """Other levels for some classes of customers.

    classes: whose. levels: of the same names as those of `risk.levels`, in the same order. exit: without it that of
    `risk`.
    """

    classes: tuple[CustomerClass, ...]
    levels: Levels
    exit: Risk | None = None


class Ladder(Part, frozen=True, kw_only=True):
    """The levels of risk. `retention thresholds LOG` shows what a level would have done on a log of your own.

    levels: lowest first. exit: the risk below which an episode is over. for_classes: other levels for some classes.
    """

    levels: Levels
    exit: Risk
    for_classes: tuple[RiskOfClasses, ...] = ()


class Moment(Part, frozen=True, kw_only=True):
    """What asks for a decision.

    sort: `risk` (a level is reached; one moment at most) or `touchpoint`. levels: of a risk moment, which levels ask;
    without any all of them. touchpoints: of a touchpoint moment, the types that ask. when: a condition on the
    touchpoint's data. within: how long a touchpoint moment lives; what it waits for must end before. once_per: at most
    one trigger, or final end, in so long.
    """

    sort: Literal["risk", "touchpoint"]
    levels: tuple[Identifier, ...] = ()
    touchpoints: tuple[Identifier, ...] = ()
    when: Condition | None = None
    within: Duration = "3d"
    once_per: Duration | None = None


class ChannelRules(Part, frozen=True, kw_only=True):
    """A channel of ours; its name is the one that consent, preferences and touchpoints use.

    cost: money, of one contact. presence: a customer who is online there is reached there first, if the action may use
    it. presence_expires: how long marketing that goes there while they are online is worth sending; without it as long
    as its action says.
    """

    cost: Money = 0.0
    presence: bool = False
    presence_expires: Duration | None = None


class Span(Part, frozen=True, kw_only=True):
    """A part of the day, local time; across midnight where the end is before the start.

    start: its first minute. end: the first minute after it.
    """

    start: TimeOfDay
    end: TimeOfDay


class Hours(Part, frozen=True, kw_only=True):
    """When contacts are allowed: outside the spans of the rows that fit there are none. Without a row that fits, at any
    time.

    Rows with the same countries and channels are alternatives; rows of different ones must all allow. Contract and care
    are bound by rows that name countries or channels, marketing by all, legal by none.

    spans: of the day, local time; one across midnight is of the day on which it begins. countries, channels: that it is
    for; without any, for all. days: of the week, 1 is Monday and 7 Sunday.
    """

    spans: Annotated[tuple[Span, ...], Meta(min_length=1, max_length=8)]
    countries: tuple[Country, ...] = ()
    channels: tuple[Channel, ...] = ()
    days: tuple[Annotated[int, Meta(ge=1, le=7)], ...] = (1, 2, 3, 4, 5, 6, 7)


class Cap(Part, frozen=True, kw_only=True):
    """At most so many contacts within a rolling time.

    most: contacts. within: at most 92 days. purpose: of contacts that it counts. channel: that it counts; without it
    all. kind: of actions that it counts; without it all. reserve: of `most` so many are kept for actions of at least
    the priority `reserve_for`. reserve_for: that priority.
    """

    most: Annotated[int, Meta(ge=0, le=255)]
    within: Duration
    purpose: Literal["care", "marketing"] = "marketing"
    channel: Channel | None = None
    kind: ActionKind | None = None
    reserve: Annotated[int, Meta(ge=0, le=255)] = 0
    reserve_for: Annotated[int, Meta(ge=1, le=9)] = 7


class Rest(Part, frozen=True, kw_only=True):
    """Rest of marketing after what a customer did, or what became of a trigger.

    declined: after an offer was declined. spam: after a message was called spam. soft_failure: after a message could
    not be delivered for now. bad_experience: after a complaint, a low rating, a failed payment.
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
    and waits for its place. rest: after what went wrong.
    """

    caps: Annotated[tuple[Cap, ...], Meta(max_length=16)] = ()
    quiet_hours: Span | None = None
    hours: tuple[Hours, ...] = ()
    cool_down: Duration = "0s"
    outranking: bool = False
    rest: Rest = Rest()


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


WallTime = Annotated[
    datetime,
    Meta(description="a time such as 2026-12-24T00:00:00, by the clocks of the zone, or one with its offset"),
]


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


class Control(Part, frozen=True, kw_only=True):
    """The lasting control group: customers who get no marketing of ours, so that it can be seen what marketing does.

    share: of all customers, by hash of salt and customer. salt: another one draws the group anew. care: whether care
    reaches them. exempt: classes that are never in it.
    """

    share: Share = 0.05
    salt: Annotated[str, Meta(min_length=1, max_length=64)] = "1"
    care: bool = True
    exempt: tuple[CustomerClass, ...] = ()


class Choice(Part, frozen=True, kw_only=True):
    """The draw among the actions that a risk moment may have, and leaving alone.

    floor: least chance of each. hold_out: least chance of leaving alone. window: after a draw nothing is drawn for so
    long.
    """

    floor: Annotated[float, Meta(ge=0, le=0.1)] = 0.01
    hold_out: Share = 0.05
    window: Duration = "28d"


class Budget(Part, frozen=True, kw_only=True):
    """What the marketing of all customers together may take in a period. It is never passed: what has no room waits.

    counts: `contacts` (a trigger is one) or `money` (the most that a trigger can cost, its action's `liability`, until
    it is known that its promotion was not used). most: contacts, or money, of a period. per: the period, a day, a week
    or a month of the policy's `zone`. tranche: so much of the period is handed out ahead to each shard.
    """

    counts: Literal["contacts", "money"]
    most: Money
    per: Literal["day", "week", "month"] = "month"
    tranche: Duration = "1d"


class AlarmRules(Part, frozen=True, kw_only=True):
    """When marketing waits because something may be wrong with what we are told: nothing is learned from such a time
    either. What is usual is known by the part of the week, after two weeks of it.

    excess: how far episodes must have been above the usual, summed up over version boundaries, each in standard
    deviations of a count. slack: what is taken from that sum at each boundary. arrivals: below this share of the usual
    touchpoints it is too quiet. least: usual touchpoints or episodes below which nothing is said. unlearned: the share
    of an outcome's window in such a time from which on it is not learned.
    """

    excess: Annotated[float, Meta(gt=0, le=1000)] = 12.0
    slack: Annotated[float, Meta(ge=0, le=100)] = 1.0
    arrivals: Annotated[float, Meta(ge=0, lt=1)] = 0.3
    least: Annotated[int, Meta(ge=1, le=1_000_000)] = 50
    unlearned: Share = 0.1


class Action(Part, frozen=True, kw_only=True):
    """What may be done at a moment.

    purpose: `legal`, `contract` (what was bought, earned, promised or asked for), `care` (putting a wrong right,
    nothing sold) or `marketing`. kind: what sort of action. moments: at which it is a candidate. levels: of a risk
    moment, at which; without any at all of them. classes: of customers who may get it; without any all. channels: best
    first; without any those of the policy. when: a condition on the customer. effect: money expected from it above
    leaving alone, before its cost. cost: money, beside that of the channel. discount: money that it gives away.
    liability: the most money that a trigger
    can cost; without it its discount and cost. budgets: what it is taken from. promotion: it offers something; never
    two at a time, and one an episode. content: key of the text. languages: of
    the text; without any it is in every language. topic: what it is about. expires: how long its trigger is worth
    sending. valid: how long a promotion can be used, from its trigger on; without it until that expires. priority: the
    highest first where several moments ask at one time. once_per: at most one in so long. mode: `off` keeps it from
    being a candidate. rollout: the share of customers who may get it, by hash. from: no candidate before. until: no
    candidate from then on. withdraw_when: types of touchpoints that take it back before it is sent; without any, the
    defaults of its purpose. parameters: are handed to the sender. notices: are handed to the sender.
    """

    purpose: ActionPurpose = "marketing"
    kind: ActionKind
    moments: Annotated[tuple[Identifier, ...], Meta(min_length=1)]
    content: Annotated[str, Meta(min_length=1, max_length=100)]
    levels: tuple[Identifier, ...] = ()
    classes: tuple[CustomerClass, ...] = ()
    channels: tuple[Channel, ...] = ()
    when: Condition | None = None
    effect: Effect = 0.0
    cost: Money = 0.0
    discount: Money = 0.0
    liability: Money | None = None
    budgets: Annotated[tuple[Identifier, ...], Meta(max_length=3)] = ()
    promotion: bool = False
    languages: tuple[Language, ...] = ()
    topic: Topic | None = None
    expires: Duration = "3d"
    valid: Duration | None = None
    priority: Annotated[int, Meta(ge=1, le=9)] = 5
    once_per: Duration | None = None
    mode: Literal["live", "off"] = "live"
    rollout: Share = 1.0
    from_: datetime | None = msgspec.field(default=None, name="from")
    until: datetime | None = None
    withdraw_when: tuple[Identifier, ...] | None = None
    parameters: dict[Identifier, str | int | float | bool] = {}
    notices: tuple[Identifier, ...] = ()


class Policy(Part, frozen=True, kw_only=True):
    """The policy as a whole.

    format: of the file. risk: the levels. moment: what asks for a decision. action: what may be done. channel: those
    that we have. contact: limits. basis: on what a contact rests. ad_free: who gets no marketing. conversation: no
    marketing while one lasts. best_hour: the hour at which marketing goes out. freeze: times in which nothing goes
    out. control: the lasting control group. choice: the draw. budget: what marketing may take in a period. alarm: when
    it waits because something may be wrong. zone: the time zone of whoever states none, and whose country has more than
    one. protected: fields of customers and touchpoints that no condition may name.
    """

    format: Literal[1]
    risk: Ladder
    moment: Annotated[dict[Identifier, Moment], Meta(min_length=1, max_length=64)]
    action: Annotated[dict[Identifier, Action], Meta(min_length=1, max_length=64)]
    channel: Annotated[dict[Channel, ChannelRules], Meta(min_length=1, max_length=32)]
    contact: Contact = Contact()
    basis: tuple[Basis, ...] = ()
    ad_free: AdFree = AdFree()
    conversation: Conversation | None = None
    best_hour: BestHour | None = None
    freeze: Annotated[tuple[Freeze, ...], Meta(max_length=32)] = ()
    control: Control = Control()
    choice: Choice = Choice()
    budget: Annotated[dict[Identifier, Budget], Meta(max_length=16)] = {}
    alarm: AlarmRules | None = None
    zone: TimeZone | None = None
    protected: tuple[str, ...] = ()


Table = dict[str, Any]
_UNITS: Final = {"s": 1_000, "m": 60_000, "h": 3_600_000, "d": 86_400_000, "w": 604_800_000}


@cache
def ms_of(duration: str) -> int:
    """A duration in ms.

    >>> ms_of("36h")
    129600000
    """
    return int(duration[:-1]) * _UNITS[duration[-1]]
