"""When a contact may go out: quiet hours and allowed hours, in the customer's own time.

Policies and customers speak of times of day on a clock on the wall. Here they become spans on the log's time: where a
change of the clock skips a time of day, the first moment after it is meant; where it repeats one, the first of both.
"""

from __future__ import annotations

from datetime import datetime
from functools import lru_cache
from importlib.resources import files
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

from models.customer.tail import Tail
from models.decisions.person import Person
from models.decisions.policy.in_force import PolicyInForce
from models.decisions.rule_types import MOST_LOOKED_UP, Rules
from models.decisions.rules import rules_of
from models.decisions.weeks import ALWAYS, NEVER, Week
from models.decisions.zones import moment_of, zone_of
from models.settings import MINUTE, SECOND

LEAST_LIFE: Final = 15 * MINUTE
"""So long before a span ends nothing of marketing is decided: it could hardly be sent."""
FARTHEST_DAYS: Final = 15
"""An hour that is farther away is none."""
_DAY: Final = 86_400
_COMPARED: Final = range(946_684_800, 2**32, 7 * _DAY)
"""From 2000 on: whether two zones of a country have the same time is looked at once a week."""


class Opening(NamedTuple):
    """at: the earliest moment at which a contact may go out, ms: now, or a whole second. until: when that span ends,
    ms; 0: at no time. zone: which time zone counts, and why, in words."""

    at: int
    until: int
    zone: str


def opening(policy: PolicyInForce, person: Person, purpose: str, channel: str, now: int) -> Opening | None:
    """The next span of time in which a contact may go out. None: there is none within 15 days.

    Quiet hours bind marketing: the customer's own in place of the policy's. Allowed hours bind marketing, contract and
    care, the latter two only where a row names channels or countries. Legal goes out at any time.

    Args:
        now: log time in ms.
    """
    return opening_by(rules_of(policy), person, purpose, channel, now)


class _Found(NamedTuple):
    """What was found last for one way of reaching customers of one place: asked at any second from `asked` on to before
    `end` the answer is the span from `start` to `end`. end 0: any moment is allowed."""

    asked: int
    start: int
    end: int
    zone: str


def opening_by(rules: Rules, person: Person, purpose: str, channel: str, now: int) -> Opening | None:
    """`opening`, by a policy's rules."""
    tail = person.tail
    key = (purpose, channel, tail.country, tail.time_zone, tail.quiet)
    at = now // SECOND  # spans begin and end with seconds
    found = rules.openings.get(key)
    if found is None or not (found.asked <= at < found.end or not found.end):
        found = _found(rules, purpose, channel, tail, at)
        if found is None:
            return None
        if len(rules.openings) >= MOST_LOOKED_UP:
            rules.openings.clear()
        rules.openings[key] = found
    start = found.start * SECOND
    return Opening(start if start > now else now, found.end * SECOND, found.zone)


def _found(rules: Rules, purpose: str, channel: str, tail: Tail, asked: int) -> _Found | None:
    zones, words = zones_of(tail.time_zone, tail.country, rules.policy.zone or "", rules.policy.markets)
    week = rules.week(purpose, tail.country, channel, tail.quiet)
    if week == ALWAYS:
        return _Found(0, 0, 0, words)
    if week == NEVER:
        return None
    at, last = asked, asked + FARTHEST_DAYS * _DAY
    while at <= last:
        start, end = 0, 2**63
        for zone in zones:
            span = _next(zone, week, at)
            if span is None:
                return None
            start, end = max(start, span[0]), min(end, span[1])
        if start <= at:
            return _Found(asked, at, end, words)
        at = start
    return None


@lru_cache(4096)
def zones_of(
    stated: str, country: str, of_policy: str, markets: tuple[str, ...] = ()
) -> tuple[tuple[ZoneInfo, ...], str]:
    """The zones in all of which an hour must be right, and why these, in words.

    The customer's own; without one the only one of their country, else the policy's, else all of the country; where
    the country is not known all of the policy's markets, else UTC. A zone that does not exist counts as not stated.
    """
    own = zone_of(stated) if stated else None
    if own is not None:
        return (own,), f"{stated}, as the customer says"
    of_country = _zones_in((country,))
    if len(of_country) == 1:
        return of_country, f"{of_country[0].key}, the only one of {country}"
    fallback = zone_of(of_policy) if of_policy else None
    if fallback is not None:
        return (fallback,), f"{of_policy}, the policy's"
    if of_country:
        return of_country, f"all {len(of_country)} of {country}"
    of_markets = _zones_in(markets)
    if of_markets:
        return of_markets, f"all {len(of_markets)} of the policy's markets"
    utc = zone_of("UTC")
    if utc is None:
        raise LookupError("the package tzdata has no zone UTC")
    return (utc,), "UTC, for want of a better"


@lru_cache(512)
def _zones_in(countries: tuple[str, ...]) -> tuple[ZoneInfo, ...]:
    """The zones of countries that differ since 2000."""
    found: dict[tuple[object, ...], ZoneInfo] = {}
    for name in (name for country in countries for name in _names_by_country().get(country, ())):
        zone = zone_of(name)
        if zone is not None:
            found.setdefault(tuple(datetime.fromtimestamp(at, zone).utcoffset() for at in _COMPARED), zone)
    return tuple(found.values())


@lru_cache(1)
def _names_by_country() -> dict[str, tuple[str, ...]]:
    """From the table that comes with the zones: country, place, zone, remark; with tabs between them."""
    found: dict[str, tuple[str, ...]] = {}
    for line in files("tzdata.zoneinfo").joinpath("zone.tab").read_text(encoding="utf-8").splitlines():
        if line and not line.startswith("#"):
            country, _, zone = line.split("\t")[:3]
            found[country] = (*found.get(country, ()), zone)
    return found


def _next(zone: ZoneInfo, week: Week, at: int) -> tuple[int, int] | None:
    """The first open span that ends after `at`, in seconds. Nights of two open days are no end of a span."""
    first = datetime.fromtimestamp(at, zone).toordinal()
    start = end = 0
    for day in range(first, first + FARTHEST_DAYS + 9):  # the last span that may count ends at most a week behind
        for opens, closes in week.open(day):
            since, until = moment_of(zone, day, opens), moment_of(zone, day, closes)
            if until <= at or until == since:
                continue
            if not end:
                start, end = since, until
            elif since <= end:
                end = max(end, until)
            else:
                return start, end
    return (start, end) if end else None
