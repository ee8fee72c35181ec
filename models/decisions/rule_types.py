"""The form in which decisions read a policy: times in ms, names as numbers, sets."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

from models.customer.restrictions import ACTION_PURPOSES, MARKETING
from models.decisions.dated_rules import DatedRules
from models.decisions.loyalty_rules import LoyaltyInForce
from models.decisions.membership_rules import LevelRules
from models.decisions.points_rules import PointsRules
from models.decisions.policy.parts import Condition, ms_of
from models.decisions.policy.types import AlarmRules, Policy
from models.decisions.weeks import Week, week_of
from models.settings import WEEK

RESTS: Final = "an offer declined on {}"
"""What `Standing.once` calls the last offer that was declined on a channel: no name of a policy has spaces."""
ANY: Final = -1
"""In place of a channel or kind of a cap: all of them."""
MOST_LOOKED_UP: Final = 10_000
"""Answers that are kept of what depends on what a customer says of themselves."""


class Limit(NamedTuple):
    """A cap: at most so many contacts within a time (ms) for a purpose, of a channel or kind or of `ANY`, by number.
    countries: of customers whom it is for; empty: all."""

    most: int
    within: int
    purpose: int
    channel: int = ANY
    kind: int = ANY
    countries: tuple[str, ...] = ()

    def is_for(self, country: str) -> bool:
        """Whether it is for customers of a country; empty, of one that is not known: it is."""
        return not self.countries or not country or country in self.countries


class RestsOn(NamedTuple):
    """Where marketing rests after an offer was declined. key: in `once_per`. rests: how long (ms), for customers of
    which countries (empty: all)."""

    key: int
    rests: tuple[tuple[int, tuple[str, ...]], ...]

    def lasts(self, country: str) -> int:
        """For customers of a country, ms; 0: not at all. Empty, of one that is not known: the longest."""
        fits = (ms for ms, countries in self.rests if not countries or not country or country in countries)
        return max(fits, default=0)


def a_week(most: int) -> Limit:
    """What a customer wants at most in a week."""
    return Limit(most, WEEK, ACTION_PURPOSES.index(MARKETING))


class Needed(NamedTuple):
    """What a contact must rest on: `Basis.needs`, and for how long after a purchase (ms, 0: for good)."""

    needs: str
    lasts: int = 0


_NOT_LOOKED_UP: Final = Needed("")


class Frozen(NamedTuple):
    """A time in which nothing goes out: from its start to before its end, ms. kinds: by number; empty, like
    countries: all. drop: what asks in it ends. spread: within so long after it comes back what waited, ms."""

    starts: int
    ends: int
    purposes: frozenset[str]
    kinds: frozenset[int]
    countries: frozenset[str]
    drop: bool
    spread: int


@dataclass(frozen=True, slots=True)
class BudgetRules:
    """A budget. most, tranche: units of a period, and what of them is handed out ahead, ms. zone: of its days. lot:
    units that the dearest trigger takes."""

    name: str
    number: int
    money: bool
    most: int
    per: str
    zone: str | None
    tranche: int
    lot: int


@dataclass(frozen=True, slots=True)
class ActionRules:
    """An action. starts, ends: log time in ms, 0: none. channels: empty: the customer's, else the policy's."""

    name: str
    number: int
    purpose: str
    kind: int
    promotion: bool
    off: bool
    shadow: bool
    rollout: float
    starts: int
    ends: int
    levels: frozenset[str]
    classes: frozenset[str]
    when: Condition | None
    channels: tuple[str, ...]
    topic: str | None
    languages: tuple[str, ...]
    once_per: int
    expires: int
    valid: int
    limits: tuple[Limit, ...]
    """Caps of all channels that count it."""
    limits_on: dict[str, tuple[Limit, ...]]
    """Caps of one channel that count it, by channel."""
    budgets: tuple[tuple[str, int], ...] = ()
    """What a trigger takes at most, units by budget."""
    human: bool = False
    reward: bool = False
    """It names a reward within reach."""
    liability: float = 0.0
    """The most money that a trigger can cost."""


@dataclass(frozen=True, slots=True)
class MomentRules:
    """A moment. within: how long it lives, ms; 0: as long as its level stands. purposes, channels: of its actions.
    shared_on: channels on which two who talk are offered the same; empty: it is one customer's."""

    number: int
    risk: bool
    within: int
    once_per: int
    actions: tuple[str, ...]
    purposes: frozenset[str]
    channels: tuple[str, ...]
    shared_on: frozenset[str] = frozenset()


class StepRules(NamedTuple):
    """A step of a plan. after: the plan's beginning, ms. unless: kinds of touchpoints, by number."""

    action: str
    after: int
    unless: frozenset[int]


@dataclass(frozen=True, slots=True)
class PlanRules:
    """A plan, or an action that has a second step. ends_with: kinds of touchpoints, by number. once_per: ms."""

    name: str
    number: int
    steps: tuple[StepRules, ...]
    when: Condition | None = None
    ends_with: frozenset[int] = frozenset()
    holds: bool = False
    once_per: int = 0


@dataclass(frozen=True, slots=True)
class Rules:
    """A policy's rules. channel_numbers: by name. cool_down, the rests and talk_lasts (how long a conversation lasts
    after a touchpoint of the kinds in `talks`, by number): ms."""

    policy: Policy
    actions: dict[str, ActionRules]
    moments: dict[str, MomentRules]
    channels: tuple[str, ...]
    channel_numbers: dict[str, int]
    cool_down: int
    declined: int
    spam: int
    soft_failure: int
    bad_experience: int
    frozen: tuple[Frozen, ...]
    talks: frozenset[int]
    talk_lasts: int
    once_per: dict[int, int]
    """By `number_of` a moment or action: at most one in so long, ms. By that of `RESTS`, the rest of a channel."""
    dated: tuple[DatedRules, ...] = ()
    """Moments that go by `Standing.dates`."""
    tell_dates: frozenset[int] = frozenset()
    """Kinds that may tell the date of one."""
    answers: frozenset[int] = frozenset()
    """Kinds that answer what is unanswered."""
    of_contract: bool = False
    """Whether all of them go by a contract: who has none has no date."""
    of_silence: bool = False
    """Whether one asks after a silence."""
    silences: dict[int, int] = field(default_factory=dict)
    """How long those are, ms, by `number_of`; 0: it is the day of the first sign of staying that asks."""
    lead: dict[str, int] = field(default_factory=dict)
    """By channel, how long a contact takes to arrive, ms."""
    final: frozenset[int] = frozenset()
    """Channels, by number, from which nothing is taken back."""
    rests_on: dict[int, RestsOn] = field(default_factory=dict)
    """By channel, as a number, where marketing rests after an offer was declined there."""
    cancelling: int = 0
    session: int = 0
    budgets: dict[str, BudgetRules] = field(default_factory=dict)
    alarm: AlarmRules | None = None
    plans: dict[int, PlanRules] = field(default_factory=dict)
    """By `number_of` the plan, or the action that has a second step."""
    points: PointsRules | None = None
    """How points are kept; None: they are not."""
    loyalty: LoyaltyInForce | None = None
    """The loyalty loop; None: none is kept."""
    membership: LevelRules | None = None
    """How levels of the loyalty programme are kept; None: they are not."""
    plans_of: dict[str, tuple[PlanRules, ...]] = field(default_factory=dict)
    """Those that begin at a moment."""
    _needed: dict[tuple[str, str, str, str], Needed | None] = field(default_factory=dict)
    _weeks: dict[tuple[str, str, str, tuple[str, ...]], Week] = field(default_factory=dict)
    openings: dict[tuple[str, str, str, str, tuple[str, ...]], Any] = field(default_factory=dict)
    """Kept by `models.decisions.hours`."""
    gates: dict[str, Any] = field(default_factory=dict)
    """By action, those that may hold it: kept by `models.decisions.may_hold`."""
    scores: dict[tuple[str, str], float] = field(default_factory=dict)
    """By action and channel: kept by `models.decisions.waits`."""
    does: dict[int, int] = field(default_factory=dict)
    """By kind, what a touchpoint may do: kept by `models.decisions.inert`."""

    def needed(self, purpose: str, country: str, customer_class: str, channel: str) -> Needed | None:
        """On what a contact must rest; None: on nothing, and no refusal counts."""
        key = (purpose, country, customer_class, channel)
        found = self._needed.get(key, _NOT_LOOKED_UP)
        if found is _NOT_LOOKED_UP:
            if len(self._needed) >= MOST_LOOKED_UP:
                self._needed.clear()
            found = self._needed[key] = _needed(self.policy, *key)
        return found

    def week(self, purpose: str, country: str, channel: str, quiet: tuple[str, ...]) -> Week:
        """When contacts are allowed; quiet: the customer's own hours (`models.decisions.weeks.week_of`)."""
        key = (purpose, country, channel, quiet)
        found = self._weeks.get(key)
        if found is None:
            if len(self._weeks) >= MOST_LOOKED_UP:
                self._weeks.clear()
            found = self._weeks[key] = week_of(self.policy, *key)
        return found


def _needed(policy: Policy, purpose: str, country: str, customer_class: str, channel: str) -> Needed | None:
    for row in policy.basis:
        if (
            row.purpose == purpose
            and (not row.countries or country in row.countries)
            and (not row.classes or customer_class in row.classes)
            and (not row.channels or channel in row.channels)
        ):
            if row.needs == "nothing" and purpose != MARKETING:
                return None
            return Needed(row.needs, 0 if row.lasts is None else ms_of(row.lasts))
    return Needed("consent") if purpose == MARKETING else None
