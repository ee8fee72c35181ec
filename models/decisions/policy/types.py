"""Types of the policy file: which levels of risk, moments, actions, limits and rules decide about customers.

One TOML file, read as a whole (`models.decisions.policy.reading`). Durations are text such as ``"36h"`` or ``"14d"``;
money is in one currency, the one of the purchases. Field names are the file's keys; `retention policy example` prints a
commented file, docs/policy.md is made from the docstrings here.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Final, Literal

import msgspec
from msgspec import Meta

from models.decisions.policy.asking_types import ContractRules, Ladder, Moment
from models.decisions.policy.contact_types import (
    AdFree,
    Basis,
    BestHour,
    ChannelRules,
    Contact,
    Conversation,
    Freeze,
    Holidays,
)
from models.decisions.policy.loyalty_types import LoyaltyRules
from models.decisions.policy.membership_types import MembershipRules
from models.decisions.policy.parts import ActionKind, Condition, Duration, Effect, Identifier, Money, Part, Share
from models.decisions.policy.people_types import Customers, People
from models.decisions.policy.plan_types import Plan, Then
from models.decisions.policy.points_types import Points, Reward
from models.decisions.policy.retention_types import Retention
from models.decisions.policy.value_types import ValueRules
from models.touchpoints.fields import ActionPurpose, Channel, Country, CustomerClass, Language, TimeZone, Topic

OF_ACCOUNTS: Final = frozenset({"business", "reseller", "partner"})
"""Classes of customers who buy for an account. Contacts are counted by customer and not yet by account, so marketing to
them is a task for a person."""


class Notice(Part, frozen=True, kw_only=True):
    """A notice that goes with a message, such as that a price is personal.

    languages: in which it is written; without any it is in every language.
    """

    languages: tuple[Language, ...] = ()


class Control(Part, frozen=True, kw_only=True):
    """The lasting control group: customers who get no marketing of ours, so that it can be seen what marketing does.

    share: of all customers, by hash of salt and customer. salt: another one draws the group anew. care: whether care
    reaches them. exempt: classes that are never in it. exempt_plans: nor is who has a contract of such a plan that
    runs. exempt_programmes: nor is who has joined one of these. exempt_tiers: nor is who is in one of these tiers of
    value. Who is exempt when marketing first asks is in no table of `retention lift`; who is exempt later gets what all
    get from then on, and stays where they are counted.
    """

    share: Share = 0.05
    salt: Annotated[str, Meta(min_length=1, max_length=64)] = "1"
    care: bool = True
    exempt: tuple[CustomerClass, ...] = ()
    exempt_plans: tuple[Annotated[str, Meta(min_length=1, max_length=64)], ...] = ()
    exempt_programmes: tuple[Annotated[str, Meta(min_length=1, max_length=64)], ...] = ()
    exempt_tiers: tuple[Identifier, ...] = ()


class Choice(Part, frozen=True, kw_only=True):
    """The draw among the actions that a risk moment may have, and leaving alone.

    floor: least chance of each; with a learned choice a fifth of it once much is known. hold_out: least chance of
    leaving alone. window: after a draw nothing is drawn for so long. learned: which action helps whom is learned from
    what came of the draws, and decides; needs `[value]`. All that follows counts with it only. unproven: the mean
    chance that actions have together whose effect is not proven. unproven_each: the most that they have in one draw.
    kappa: proven is an action for a customer for whom it is expected to bring so many standard deviations more than
    nothing, after 200 contacts. temper: how far from the best the draw strays, in standard deviations. forget: the
    time in which what was learned loses half of its weight. price_step: how often the prices of what is not proven
    and of budgets move, at the first version boundary from then on. launch: the share of customers that unproven
    actions are open to until 2,000 contacts have shown what came of them.
    harm: what a decline, an unsubscription, a complaint or a spam report costs, money. tolerated: the share of contacts
    after which one of the last three may follow within a week; an action above it is stopped, down to its least chance.
    """

    floor: Annotated[float, Meta(ge=0, le=0.1)] = 0.01
    hold_out: Share = 0.05
    window: Duration = "28d"
    learned: bool = False
    unproven: Annotated[float, Meta(gt=0, le=1)] = 0.3
    unproven_each: Share = 1.0
    kappa: Annotated[float, Meta(ge=0, le=10)] = 0.3
    temper: Annotated[float, Meta(ge=0.01, le=10)] = 0.15
    forget: Duration = "364d"
    price_step: Duration = "7d"
    launch: Share = 1.0
    harm: Money = 0.0
    tolerated: Annotated[float, Meta(gt=0, le=0.5)] = 0.02


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
    nothing sold) or `marketing`. kind: what sort of action. moments: at which it is a candidate; without any it is only
    a step of a plan. levels: of a risk moment, at which; without any at all of them. classes: of customers who may get
    it; without any all. channels: best first; without any those of the policy. when: a condition on the customer.
    effect: money expected from it above leaving alone, before its cost. cost: money, beside that of the channel.
    discount: money that it gives away. liability: the most money that a trigger can cost; without it its discount and
    cost. budgets: what it is taken from. promotion: it offers something; never two at a time, and one an episode.
    content: key of the text. languages: of the text; without any it is in every language. topic: what it is about.
    expires: how long its trigger is worth sending. valid: how long a promotion can be used, from its trigger on;
    without it until that expires. priority: the highest first where several moments ask at one time. then: of the risk
    moment, its second step. once_per: at most one in so long. mode: `shadow` only records what would have been chosen
    if it were live, `off` keeps it from being a candidate. rollout: the share of customers who may get it, by hash.
    from: no candidate before. until: no candidate from then on. withdraw_when: types of touchpoints that take it back
    before it is sent; without any, the defaults of its purpose. parameters: are handed to the sender. notices: are
    handed to the sender. personal_price: its price or discount is worked out for the customer, which a notice
    `personal_price` must say. significant: it ends, refuses or prices something for the customer, so a person has to do
    it. human: a person does it; there is a task and no trigger. reward: it is about a reward of the catalogue, and its
    trigger names the one that is chosen for the customer; none within reach holds it.
    """

    purpose: ActionPurpose = "marketing"
    kind: ActionKind
    moments: tuple[Identifier, ...] = ()
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
    then: Then | None = None
    once_per: Duration | None = None
    mode: Literal["live", "shadow", "off"] = "live"
    rollout: Share = 1.0
    from_: datetime | None = msgspec.field(default=None, name="from")
    until: datetime | None = None
    withdraw_when: tuple[Identifier, ...] | None = None
    parameters: dict[Identifier, str | int | float | bool] = msgspec.field(default_factory=dict)
    notices: tuple[Identifier, ...] = ()
    personal_price: bool = False
    significant: bool = False
    human: bool = False
    reward: bool = False


class Policy(Part, frozen=True, kw_only=True):
    """The policy as a whole.

    format: of the file. risk: the levels. moment: what asks for a decision. action: what may be done. plan: what is
    done in several steps. channel: those that we have. contact: limits. basis: on what a contact rests. ad_free: who
    gets no marketing. conversation: no marketing while one lasts. contract: what a contract changes. best_hour: the
    hour at which marketing goes out. holidays: calendars. freeze: times in which nothing goes out. control: the lasting
    control group. choice: the draw. budget: what marketing may take in a period. alarm: when it waits because something
    may be wrong. value: what customers are worth. points: how they earn points, and what becomes of these. reward: the
    catalogue of what may be had for points. loyalty: the loyalty loop. membership: the levels of the loyalty programme.
    zone: the time zone of whoever states none, and whose country has more than one. markets: without a zone, of
    whoever's country is not known an hour must be right in every zone of these countries. ramp: percent of the
    customers a day; whoever stands above a level when the policy comes into force asks within so many days, each at
    their own time; without it at their next estimate. protected: fields of customers and touchpoints that no condition
    may name. people: who may change the policy. max_touched: a policy that would touch more customers in its first day
    is not applied unless `--yes` says how many. notice: notices that go with messages. retention: how long topics are
    kept.
    """

    format: Literal[1]
    risk: Ladder
    moment: Annotated[dict[Identifier, Moment], Meta(min_length=1, max_length=64)]
    action: Annotated[dict[Identifier, Action], Meta(min_length=1, max_length=64)]
    plan: Annotated[dict[Identifier, Plan], Meta(max_length=32)] = msgspec.field(default_factory=dict)
    channel: Annotated[dict[Channel, ChannelRules], Meta(min_length=1, max_length=32)]
    contact: Contact = Contact()
    basis: tuple[Basis, ...] = ()
    ad_free: AdFree = AdFree()
    conversation: Conversation | None = None
    best_hour: BestHour | None = None
    contract: ContractRules = ContractRules()
    holidays: Annotated[dict[Identifier, Holidays], Meta(max_length=64)] = msgspec.field(default_factory=dict)
    freeze: Annotated[tuple[Freeze, ...], Meta(max_length=32)] = ()
    control: Control = Control()
    choice: Choice = Choice()
    budget: Annotated[dict[Identifier, Budget], Meta(max_length=16)] = msgspec.field(default_factory=dict)
    alarm: AlarmRules | None = None
    retention: Retention = Retention()
    value: ValueRules | None = None
    points: Points | None = None
    reward: Annotated[dict[Identifier, Reward], Meta(max_length=64)] = msgspec.field(default_factory=dict)
    loyalty: LoyaltyRules | None = None
    membership: MembershipRules | None = None
    zone: TimeZone | None = None
    markets: Annotated[tuple[Country, ...], Meta(max_length=64)] = ()
    ramp: Annotated[float, Meta(gt=0, le=100)] | None = None
    protected: tuple[str, ...] = ()
    people: People | None = None
    max_touched: Customers | None = None
    notice: Annotated[dict[Identifier, Notice], Meta(max_length=32)] = msgspec.field(default_factory=dict)
