"""What the policy's table [points] says: what a touchpoint earns, and when points expire. Read from docs/loyalty.md."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction
from typing import Any, NamedTuple

from models.touchpoints import Kind, Touch
from streams.operations.audit.person import Person
from streams.operations.audit.policies import Policy, Table, span
from streams.operations.audit.predicate import holds, of_data, of_person
from streams.operations.audit.records import SECOND
from streams.operations.audit.wall_time import zone

FOR_GOOD = (2**32 - 1) * SECOND
STRETCHES = 14


class Earns(NamedTuple):
    """What one rule says of a touchpoint. points: None where it cannot be told. cents: money that can be refunded.
    owed: it earns something in any case."""

    rule: str
    points: int | None
    active_at: int
    until: int
    expires: int
    cents: int
    owed: bool = True


def cents(amount: float | None) -> int:
    """Money in hundredths, the nearest, by its digits.

    >>> cents(19.99), cents(0.615)
    (1999, 62)
    """
    return int((Decimal(str(amount or 0.0)) * 100).quantize(Decimal(1), ROUND_HALF_UP))


def earns(policy: Policy, points: Table, touch: Touch, person: Person, now: int) -> Iterator[Earns]:
    """What each rule says that fits. now: log time, ms."""
    data: Any = touch.data
    kind, time = Kind(touch.kind).type, min(touch.time // SECOND * SECOND, now)
    times = _times(points, person, now)
    money = cents(getattr(data, "amount", None))
    for name, rule in points["earn"].items():
        if kind not in rule["touchpoints"] or ("when" in rule and not holds(rule["when"], of_data(data))):
            continue
        share = Fraction(money, cents(rule["per"])) if "per" in rule else Fraction(1)
        found = None if times is None else int(rule["points"] * share * times)
        if found == 0:
            continue
        active_at = time + span(rule.get("pending", "0s"))
        back = money if kind == "purchase" else 0
        until = max(time + span(points.get("returns_within", "30d")), active_at) if back else active_at
        owed = int(rule["points"] * share * (_least(points, person, now) if times is None else times)) > 0
        yield Earns(name, found, active_at, until, expiry(policy, points, time, active_at), back, owed)


def expiry(policy: Policy, points: Table, time: int, active_at: int = 0) -> int:
    """When points expire, ms."""
    if "expires" not in points:
        return FOR_GOOD
    lasts = span(points["expires"])
    where = zone(policy.zone) or UTC
    day = datetime.fromtimestamp(max(time + lasts, active_at) // SECOND, where).date()
    match points.get("expires_at", "rolling"):
        case "year":
            end = date(day.year + 1, 1, 1)
        case "month":
            end = date(day.year + day.month // 12, day.month % 12 + 1, 1)
        case _:
            days = max(-(-lasts // (STRETCHES * 86_400_000)), 1)
            since = (day - date(1970, 1, 1)).days
            end = date(1970, 1, 1) + timedelta(days=since - since % days + days)
    return int(datetime(end.year, end.month, end.day, tzinfo=where).timestamp()) * SECOND


def _times(points: Table, person: Person, now: int) -> Fraction | None:
    """By how much the customer's points are multiplied; None: it cannot be told."""
    by_level = _of_level(person, now)
    for row in points.get("multiply", []):
        fits = holds(row["when"], of_person(person, now, None))
        if fits is None:
            return None
        if fits:
            return by_level * Fraction(cents(row["times"]), 100)
    return by_level


def _least(points: Table, person: Person, now: int) -> Fraction:
    """The same at the least, whichever row fits, or none."""
    rows = (Fraction(cents(row["times"]), 100) for row in points.get("multiply", []))
    return _of_level(person, now) * min((Fraction(1), *rows))


def _of_level(person: Person, now: int) -> Fraction:
    return Fraction(person.levels.times(now), 100) if person.levels is not None else Fraction(1)
