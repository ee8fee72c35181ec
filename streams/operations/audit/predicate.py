"""Conditions of the policy file, judged as far as the auditor knows the fields."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from streams.operations.audit.person import Person
from streams.operations.audit.policies import Table
from streams.operations.audit.records import DAY

UNKNOWN: Final = object()
"""A field of which the topics do not tell."""
Lookup = Callable[[str], Any]

_COMPARED: Final[dict[str, Callable[[Any, Any], bool]]] = {
    "==": lambda a, b: a == b,
    "!=": lambda a, b: a != b,
    "<": lambda a, b: a < b,
    "<=": lambda a, b: a <= b,
    ">": lambda a, b: a > b,
    ">=": lambda a, b: a >= b,
    "in": lambda a, b: a in b,
    "not in": lambda a, b: a not in b,
    "contains": lambda a, b: b in a,
}


def holds(condition: Table, lookup: Lookup) -> bool | None:
    """Whether a condition holds; None: the auditor cannot tell. Of a field that is not known a comparison is false."""
    if "all" in condition or "any" in condition:
        several = "all" if "all" in condition else "any"
        found = [holds(part, lookup) for part in condition[several]]
        decides = several == "any"
        if decides in found:
            return decides
        return None if None in found else not decides
    if "not" in condition:
        inner = holds(condition["not"], lookup)
        return None if inner is None else not inner
    value = lookup(condition["field"])
    if value is UNKNOWN:
        return None
    if value is None or value == "":
        return False
    values = value if isinstance(value, _Either) else (value,)
    try:
        answers = {_COMPARED[condition["op"]](one, condition["value"]) for one in values}
    except TypeError:
        return False
    return answers.pop() if len(answers) == 1 else None


class _Either(tuple[Any, Any]):
    """One of two values."""


class _Between(_Either):
    """A number that may have been rounded down."""


def of_person(person: Person, now: int, risk: float | None) -> Lookup:
    """The fields of a customer, at a log time in ms."""

    def days_since(time: int) -> Any:
        if not time:
            return None
        days = (now - time) / DAY
        return _Between((days, float(int(days))))

    def field(name: str) -> Any:
        match name:
            case "customer_class":
                return person.customer_class or "consumer"
            case "language" | "country" | "programme" | "role":
                return getattr(person, name)
            case "time_zone":
                return person.zone
            case "topics" | "rewards":
                return getattr(person, name)
            case "open_cases":
                return len(person.cases)
            case "purchase_days" | "days_since_purchase" if not person.buys:
                return None
            case "purchase_days":
                return UNKNOWN if person.unsure else person.days_bought
            case "spent":
                return person.spent
            case "days_since_purchase":
                return days_since(person.bought_last)
            case "days_known":
                return days_since(person.first_touch)
            case "risk":
                return UNKNOWN if risk is None else risk
            case "value" | "tier":
                return UNKNOWN
            case "points" | "points_pending" | "points_expiring" | "days_to_points_expiry":
                return _of_points(person, name, now)
            case "stage" | "loyalty_index" | "spoke_well":
                return _of_loop(person, name)
            case "missing":
                return _missing(person)
            case "membership_level" | "to_next_level" | "days_to_level_end" | "paid_membership":
                return person.levels.of(name, now) if person.levels is not None else None
        return UNKNOWN

    return field


def _of_loop(person: Person, name: str) -> Any:
    """The stage as it was said, which it is wherever something is decided; the index is not judged here."""
    loop = person.loop
    if loop is None or loop.unsure or name == "loyalty_index":
        return UNKNOWN
    return loop.stage if name == "stage" else len(loop.praise)


def _missing(person: Person) -> Any:
    """What they have not told; a consent may have told channels."""
    told = {
        "topics": person.topics,
        "rewards": person.rewards,
        "language": person.language,
        "country": person.country,
        "time_zone": person.zone,
        "frequency": person.max_per_week is not None,
    }
    missing = tuple(name for name, found in told.items() if not found)
    return _Either((missing, (*missing, "channels")))


def _of_points(person: Person, name: str, now: int) -> Any:
    account = person.points
    if account is None:
        return None if name == "days_to_points_expiry" else 0
    match name:
        case "points":
            return account.balance
        case "points_pending":
            return account.pending
        case "points_expiring":
            return account.expiring
    return (account.next_expiry - now) / DAY if account.next_expiry else None


def of_data(data: object) -> Lookup:
    """The fields of a touchpoint's data."""
    return lambda name: getattr(data, name, None)
