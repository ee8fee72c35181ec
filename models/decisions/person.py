"""A customer as decisions see them: what the record knows of the person, opened only where it is asked for."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from msgspec import Struct

from models.customer.consent import Register, unpack_register
from models.customer.contract import Contract, runs_until, unpack_contract
from models.customer.flags import may_be_profiled
from models.customer.interests import unpack_interests
from models.customer.layout import ERASED
from models.customer.moments import whole
from models.customer.restrictions import TEST, Restrictions, restricted, unpack_restrictions
from models.customer.tail import NOT_STATED, Tail
from models.decisions.membership_rules import LevelRules
from models.decisions.policy.conditions import PERSON_FIELDS as FIELDS
from models.decisions.policy.conditions import Told
from models.decisions.policy.membership_types import PaidMembership
from models.loyalty.account import Account
from models.loyalty.loop import Facts, Loop, LoopRules, Stage, index_at, stage_of, unpack_loop
from models.loyalty.membership import Membership
from models.loyalty.membership_stored import unpack_membership
from models.loyalty.stored import unpack_account
from models.settings import DAY, HOUR, SECOND

CLASS_NOT_STATED: Final = "consumer"
"""Who states no class is treated as a consumer: rules protect no other class more."""
_LEAST_STAY: Final = 1e-9
ONLINE_FOR: Final = HOUR
"""So long after a `presence` that says so a customer counts as online, unless one says otherwise."""


class Person(Struct, eq=False, gc=False):
    """What the record knows of a customer. Read only, but for the account of points and the membership, in which the
    ledger books: where the record changes otherwise it needs a new one.

    customer: the id. flags: of the record. last_purchase, first_touch, first_sign and last_sign (of staying): log time
    in ms, 0: never, or not known. purchase_days: days with a purchase; None: not known. spent: money in all. risk: last
    estimate of churn; None: there is none. value: net spend that is expected within the horizon; None: not known. tier:
    of value, by its name. level_tier: that by whose levels of risk they are asked, by its number in records; 0: none.
    level_stage: the same of the loyalty loop (`models.loyalty.loop.level_stage_in`), as it was before this step.
    loyal: what stage and index go by; None: the policy keeps none. levels: of the loyalty programme, by the policy;
    None: it keeps none.
    """

    customer: bytes
    tail: Tail
    flags: int = 0
    last_purchase: int = 0
    purchase_days: int | None = 0
    spent: float = 0.0
    risk: float | None = None
    first_touch: int = 0
    last_sign: int = 0
    value: float | None = None
    tier: str | None = None
    first_sign: int = 0
    loyal: tuple[LoopRules, Facts] | None = None
    levels: LevelRules | None = None
    level_tier: int = 0
    level_stage: int = 0
    _register: Register | None = None
    _restrictions: Restrictions | None = None
    _contract: Contract | None = None
    _interests: tuple[str, ...] | None = None
    _points: Account | None = None
    _loop: Loop | None = None
    _membership: Membership | None = None

    @property
    def erased(self) -> bool:
        """Asked to be forgotten, and has not come back."""
        return bool(self.flags & ERASED)

    @property
    def if_kept(self) -> float | None:
        """What they are worth if they buy again within the horizon: value / (1 - risk); without an estimate of risk the
        value itself, which is less. None: it is not known."""
        if self.value is None or self.risk is None:
            return self.value
        return self.value / max(1.0 - self.risk, _LEAST_STAY)

    @property
    def customer_class(self) -> str:
        return self.tail.customer_class or CLASS_NOT_STATED

    @property
    def register(self) -> Register:
        """What was said of consent."""
        found = self._register
        if found is None:
            found = self._register = unpack_register(self.tail.consents)
        return found

    @property
    def restrictions(self) -> Restrictions:
        found = self._restrictions
        if found is None:
            found = self._restrictions = unpack_restrictions(self.tail.restrictions)
        return found

    @property
    def contract(self) -> Contract | None:
        """None: none was ever told."""
        if self._contract is None and self.tail.contract:
            self._contract = unpack_contract(self.tail.contract)
        return self._contract

    @property
    def interests(self) -> tuple[str, ...]:
        """Topics of what they bought and looked at, the strongest first."""
        found = self._interests
        if found is None:
            found = self._interests = tuple(unpack_interests(self.tail.interests)[1])
        return found

    @property
    def points(self) -> Account:
        """Their account in the ledger; empty where none is kept."""
        found = self._points
        if found is None:
            found = self._points = unpack_account(self.tail.points)
        return found

    @property
    def loop(self) -> Loop:
        """What is kept of their place in the loyalty loop."""
        found = self._loop
        if found is None:
            found = self._loop = unpack_loop(self.tail.loyalty)
        return found

    def loyal_at(self, now: int) -> tuple[LoopRules, Facts] | None:
        """What stage and index go by at `now`, ms; None: none is kept, by the policy or of them."""
        return self.loyal if self.loyal and may_be_profiled(self.tail, self.flags, now) else None

    def stage(self, now: int) -> Stage | None:
        """Of the loyalty loop, as of `now`, ms; None: nobody has one, or they do not."""
        loyal = self.loyal_at(now)
        return None if loyal is None else stage_of(self.loop, loyal[1], loyal[0], now)

    def loyalty_index(self, now: int) -> float | None:
        """As of `now`, ms; None: nothing was weighed, or nothing is."""
        loyal = self.loyal_at(now)
        return None if loyal is None else index_at(self.loop, loyal[0], now)

    @property
    def missing(self) -> tuple[str, ...]:
        """What they have not told of themselves."""
        return tuple(name for name, found in _TOLD.items() if not found(self.tail))

    @property
    def membership(self) -> Membership:
        """What counts towards their level of the loyalty programme, and the level that they have earned."""
        found = self._membership
        if found is None:
            found = self._membership = unpack_membership(self.tail.membership)
        return found

    def plan_at(self, now: int) -> str:
        """The plan of their contract, if it runs at `now`, ms; empty: none does, or it is not stated."""
        contract = self.contract if now < runs_until(self.tail.contract) else None
        return contract.plan if contract is not None else ""

    def paid(self, now: int) -> PaidMembership | None:
        """The membership that they have paid for."""
        return self.levels.paid_by(self.contract, now) if self.levels is not None and self.levels.paid else None

    def restricted(self, purpose: str, now: int) -> str:
        """The first reason for which nothing may be sent for a purpose; empty: there is none."""
        return restricted(self.restrictions, purpose, now) if self.tail.restrictions else ""

    def is_test(self, now: int) -> bool:
        """Whether they are no customer but try things out: they get everything, and count for nothing."""
        said = self.restrictions.get(TEST) if self.tail.restrictions else None
        return said is not None and not said.over(now)

    def online(self, now: int) -> str:
        """The channel on which they are online; empty: on none that is known."""
        return self.tail.presence if now < self.online_until else ""

    @property
    def online_until(self) -> int:
        """Until when they count as online, ms, a whole second; over where they are not."""
        return whole(self.tail.presence_at + ONLINE_FOR + SECOND - 1)


def value_of(person: Person, field: str, now: int) -> Any:
    """The value of one of `FIELDS` as of `now`, log time in ms; None: it is not known."""
    return _VALUES[field](person, now)


def _days(since: int, now: int) -> float | None:
    return (now - since) / DAY if since else None


def _days_to(time: int, now: int) -> float | None:
    return (time - now) / DAY if time else None


def _plan(person: Person, now: int) -> str | None:
    contract = person.contract
    return (contract.plan or None) if contract is not None else None


def _contract_state(person: Person, now: int) -> str | None:
    contract = person.contract
    return contract.state if contract is not None else None


_TOLD: Final[dict[Told, Callable[[Tail], object]]] = {
    "channels": lambda tail: tail.channels,
    "topics": lambda tail: tail.topics,
    "rewards": lambda tail: tail.rewards,
    "language": lambda tail: tail.language,
    "country": lambda tail: tail.country,
    "time_zone": lambda tail: tail.time_zone,
    "frequency": lambda tail: tail.max_per_week != NOT_STATED,
}
"""What makes a record less thin, by what conditions call it."""


def _level(person: Person, now: int) -> str | None:
    levels = person.levels
    if levels is None:
        return None
    return levels.steps.named(levels.level(person.membership, person.paid(now))) or None


def _to_next(person: Person, now: int) -> float | None:
    levels = person.levels
    if levels is None:
        return None
    return levels.amount(person.membership.to_next(levels.steps)) or None


def _level_end(person: Person, now: int) -> float | None:
    levels = person.levels
    return _days_to(person.membership.ends(levels.steps), now) if levels is not None else None


def _paid(person: Person, now: int) -> str | None:
    paid = person.paid(now)
    return paid.name if paid is not None else None


_VALUES: Final[dict[str, Callable[[Person, int], Any]]] = {
    "customer_class": lambda person, now: person.customer_class,
    "country": lambda person, now: person.tail.country or None,
    "language": lambda person, now: person.tail.language or None,
    "programme": lambda person, now: person.tail.programme or None,
    "plan": _plan,
    "contract_state": _contract_state,
    "purchase_days": lambda person, now: person.purchase_days,
    "spent": lambda person, now: person.spent,
    "days_since_purchase": lambda person, now: _days(person.last_purchase, now),
    "days_known": lambda person, now: _days(person.first_touch, now),
    "risk": lambda person, now: person.risk,
    "open_cases": lambda person, now: len(person.tail.cases) + person.tail.more_cases,
    "topics": lambda person, now: person.tail.topics,
    "interests": lambda person, now: person.interests,
    "rewards": lambda person, now: person.tail.rewards,
    "role": lambda person, now: person.tail.role or None,
    "time_zone": lambda person, now: person.tail.time_zone or None,
    "value": lambda person, now: person.value,
    "tier": lambda person, now: person.tier,
    "points": lambda person, now: person.points.balance,
    "points_pending": lambda person, now: person.points.pending,
    "points_expiring": lambda person, now: person.points.lots.get(person.points.next_expiry, 0),
    "days_to_points_expiry": lambda person, now: _days_to(person.points.next_expiry, now),
    "stage": lambda person, now: person.stage(now),
    "loyalty_index": lambda person, now: person.loyalty_index(now),
    "spoke_well": lambda person, now: None if person.loyal_at(now) is None else person.loop.praised,
    "missing": lambda person, now: person.missing,
    "membership_level": _level,
    "to_next_level": _to_next,
    "days_to_level_end": _level_end,
    "paid_membership": _paid,
}
if _VALUES.keys() != FIELDS.keys():
    raise ImportError(f"fields without a value, or the other way round: {sorted(_VALUES.keys() ^ FIELDS.keys())}")
