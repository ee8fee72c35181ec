"""What decisions read of a policy's points: times in ms, money in hundredths, kinds by number."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from models.decisions.policy.parts import Condition, Duration, ms_of
from models.decisions.policy.points_types import Earns
from models.decisions.policy.types import Policy
from models.decisions.zones import moment_of, zone_of
from models.loyalty.account import NEVER_EXPIRES
from models.settings import DAY, SECOND
from models.touchpoints.kinds import Kind

OWN_KINDS: Final = frozenset({Kind.RETURN, Kind.REWARD_REDEEMED, Kind.REWARD_CANCELLED, Kind.POINTS_ADJUSTED})
"""Kinds that the ledger reads by itself."""
HUNDRED: Final = 100
_PARTS: Final = 14
"""Ends of lots within the time that points last: with the edges a record has room for all."""
_EPOCH: Final = date(1970, 1, 1).toordinal()


@dataclass(frozen=True, slots=True)
class EarnRules:
    """A rule. kinds: by number. per: cents; 0: a fixed number. pending: ms."""

    name: str
    kinds: frozenset[int]
    points: int
    per: int
    pending: int
    when: Condition | None


@dataclass(frozen=True, slots=True)
class Ends:
    """When something is over that lasts so long, and then to the end of a stretch. lasts: ms. days: of a rolling
    stretch; 0: it is by `ends`, month or year."""

    lasts: int
    days: int
    ends: str
    zone: ZoneInfo | None

    @classmethod
    def of(cls, policy: Policy, lasts: Duration, ends: str) -> Ends:
        """Of rolling stretches there are no more than `_PARTS` in the time that it lasts."""
        time = ms_of(lasts)
        days = max(-(-time // (_PARTS * DAY)), 1) if ends == "rolling" else 0
        return cls(time, days, ends, zone_of(policy.zone) if policy.zone else None)

    def after(self, time: int, least: int = 0) -> int:
        """The end of what began at a time, and lasts until `least` in any case: ms, a whole second. Never before
        `lasts` is over."""
        day = datetime.fromtimestamp(max(time + self.lasts, least) // SECOND, self.zone or UTC).date()
        if self.ends == "year":
            first = date(day.year + 1, 1, 1)
        elif self.ends == "month":
            first = (day.replace(day=1) + timedelta(days=31)).replace(day=1)
        else:
            number = day.toordinal() - _EPOCH
            first = date.fromordinal(_EPOCH + (number // self.days + 1) * self.days)
        return min(self._begins(first), NEVER_EXPIRES - SECOND)

    def _begins(self, day: date) -> int:
        if self.zone is None:
            return (day.toordinal() - _EPOCH) * DAY
        return moment_of(self.zone, day.toordinal(), 0) * SECOND


@dataclass(frozen=True, slots=True)
class PointsRules:
    """All of them. multiply: conditions on the customer, each with hundredths. ends: when points expire; None: never.
    returns_within, cancels_within: ms. kinds: that the ledger reads, by number. reaches: moments, each with the balance
    at which it asks, and its condition."""

    earn: tuple[EarnRules, ...]
    multiply: tuple[tuple[Condition, int], ...]
    ends: Ends | None
    returns_within: int
    may_owe: bool
    cancels_within: int
    kinds: frozenset[int]
    reaches: tuple[tuple[str, int, Condition | None], ...]

    def reached(self, before: int, after: int) -> list[tuple[str, Condition | None]]:
        """Moments that a balance asks which rises from one to another, each with its condition on the customer."""
        found = {name: when for name, at, when in self.reaches if before < at <= after}
        return list(found.items())

    def expiry(self, time: int, active_at: int = 0) -> int:
        """When points expire that were earned at a time, and can be spent from `active_at` on: ms, a whole second.
        Never before `lasts` is over."""
        return NEVER_EXPIRES if self.ends is None else self.ends.after(time, active_at)


def points_rules(policy: Policy) -> PointsRules | None:
    """Of a policy; None: it keeps no points."""
    points = policy.points
    if points is None:
        return None
    earn = tuple(_earn(name, one) for name, one in points.earn.items())
    return PointsRules(
        earn,
        tuple((row.when, round(row.times * HUNDRED)) for row in points.multiply),
        None if points.expires is None else Ends.of(policy, points.expires, points.expires_at),
        ms_of(points.returns_within),
        points.returns == "owed",
        ms_of(points.cancels_within),
        OWN_KINDS.union(*(one.kinds for one in earn)),
        tuple(_reaches(policy)),
    )


def _reaches(policy: Policy) -> Iterator[tuple[str, int, Condition | None]]:
    """By a moment's own balance, or by what each reward of the catalogue costs."""
    prices = sorted({one.points for one in policy.reward.values()})
    for name, one in policy.moment.items():
        if one.sort == "points":
            yield from ((name, at, one.when) for at in ([one.reaches] if one.reaches is not None else prices))


def _earn(name: str, rule: Earns) -> EarnRules:
    kinds = frozenset(int(Kind[one.upper()]) for one in rule.touchpoints)
    per = 0 if rule.per is None else round(rule.per * HUNDRED)
    return EarnRules(name, kinds, rule.points, per, ms_of(rule.pending), rule.when)
