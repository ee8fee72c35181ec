"""Conditions of a policy: what they may name, and whether one holds."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from functools import cache
from operator import ge, gt, le, lt
from typing import Annotated, Any, Final, Literal, get_args, get_origin

from msgspec import Meta, structs

from models.decisions.policy.parts import Condition
from models.decisions.policy.wording import bare
from models.loyalty.loop import MOST, Stage
from models.touchpoints.fields import CustomerClass
from models.touchpoints.kinds import RESERVED, Kind
from models.touchpoints.union import EVENTS

Lookup = Callable[[str], Any]
"""What is known under the name of a field; None: nothing."""

Told = Literal["channels", "topics", "rewards", "language", "country", "time_zone", "frequency"]
"""What a customer may have told of themselves, or not (`missing`)."""
TOUCHPOINTS: Final = tuple(kind.type for kind in Kind if kind not in RESERVED)
"""The types of touchpoints that a policy may name."""

PERSON_FIELDS: Final[Mapping[str, Any]] = {
    "customer_class": CustomerClass,
    "country": str,
    "language": str,
    "programme": str,
    "plan": str,
    "contract_state": Literal["active", "paused", "ends", "ended"],
    "purchase_days": int,
    "spent": float,
    "days_since_purchase": float,
    "days_known": float,
    "risk": float,
    "open_cases": int,
    "topics": tuple[str, ...],
    "interests": tuple[str, ...],
    "rewards": tuple[str, ...],
    "role": str,
    "time_zone": str,
    "value": float,
    "tier": str,
    "points": int,
    "points_pending": int,
    "points_expiring": int,
    "days_to_points_expiry": float,
    "stage": Stage,
    "loyalty_index": Annotated[float, Meta(ge=-MOST, le=MOST)],
    "spoke_well": int,
    "missing": tuple[Told, ...],
    "membership_level": str,
    "to_next_level": float,
    "days_to_level_end": float,
    "paid_membership": str,
}
"""What an action's condition may ask of a customer, with the type of its answer."""
OF_POINTS: Final = ("points", "points_pending", "points_expiring", "days_to_points_expiry")
"""Those of the ledger of points."""
OF_MEMBERSHIP: Final = ("membership_level", "to_next_level", "days_to_level_end", "paid_membership")
"""Those of the levels of the loyalty programme."""

_ORDER: Final[Mapping[str, Callable[[Any, Any], bool]]] = {"<": lt, "<=": le, ">": gt, ">=": ge}


def named_in(condition: Condition) -> Iterator[str]:
    """The fields that a condition names."""
    for one in (*(condition.all or ()), *(condition.any or ()), *filter(None, (condition.not_,))):
        yield from named_in(one)
    if condition.field is not None:
        yield condition.field


def holds(condition: Condition, lookup: Lookup) -> bool:
    """Whether a condition is true.

    A comparison with what is not known is false, so `not` of one is true.

    Args:
        condition: of a policy that was read (`models.decisions.policy.reading`).
        lookup: gives the fields.
    """
    if condition.all is not None:
        return all(holds(one, lookup) for one in condition.all)
    if condition.any is not None:
        return any(holds(one, lookup) for one in condition.any)
    if condition.not_ is not None:
        return not holds(condition.not_, lookup)
    found = lookup(condition.field or "")
    return found is not None and _compares(found, condition.op or "==", condition.value)


def _compares(found: Any, op: str, value: Any) -> bool:
    if op == "==":
        return bool(found == value)
    if op == "!=":
        return bool(found != value)
    if op == "contains":
        return isinstance(found, Collection) and value in found
    if op in ("in", "not in"):
        return (found in value) is (op == "in")
    try:
        return _ORDER[op](found, value)
    except TypeError:  # a person's field that is not of the type that it says
        return False


def of_data(data: object) -> Lookup:
    """The fields of a touchpoint's data."""
    return lambda field: getattr(data, field, None)


@cache
def fields_of(touchpoint: str) -> Mapping[str, Any]:
    """The fields of a type of touchpoint that a condition may name, with their types."""
    data = next(field.type for field in structs.fields(EVENTS[touchpoint]) if field.name == "data")
    found = {field.encode_name: bare(field.type)[0] for field in structs.fields(data)}
    return {name: wanted for name, wanted in found.items() if sort_of(wanted) is not None}


def sort_of(wanted: Any) -> str | None:
    """How a field compares: as text, number, truth, or as a list of texts; None: it can't be compared.

    >>> sort_of(tuple[str, ...])
    'list'
    """
    inner, _ = bare(wanted)
    if inner is bool:
        return "truth"
    if inner in (int, float):
        return "number"
    if inner is str or (get_origin(inner) is Literal and all(isinstance(one, str) for one in get_args(inner))):
        return "text"
    if get_origin(inner) is tuple and sort_of(get_args(inner)[0]) == "text":
        return "list"
    return None
