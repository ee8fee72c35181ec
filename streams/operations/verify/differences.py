"""What differs between two records of a customer, field by field."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final, NamedTuple

import msgspec

from models.customer.layout import HALF_LIVES_PURCHASE, HALF_LIVES_TOUCH, NUMBERS, SECONDS, TIMES, VERSION
from models.customer.record import Record, unpack
from models.customer.tail import UnknownRecord
from models.customer.versions import STEPS, written

_COUNTED = ("complaints", "payment_failures", "unsubscribes", "visits", "opens", "presence", "returns", "campaigns")
NAMES: Final[dict[str, tuple[str, ...]]] = {
    "times": ("newest", "last_purchase", "tick", "episode", "due"),
    "seconds": ("first_touch", "first_purchase", "oldest_case", "crossing_or_cancelled"),
    "numbers": (
        *(f"purchases_half_life_{days:g}_days" for days in HALF_LIVES_PURCHASE),
        *(f"{name}_half_life_{days:g}_days" for name, days in zip(_COUNTED, HALF_LIVES_TOUCH, strict=True)),
        "purchase_days",
        "gap_log_sum",
        "gap_log_squares",
        "gap_max",
        "gap_ewma",
        "day_amount",
        "day_quantity",
        "day_baskets",
        "amount_ewma",
        "amount_sum",
        "quantity_ewma",
        "baskets_ewma",
        "spent",
        "returned",
        "rating_ewma",
        "sentiment_ewma",
        "risk",
        "pending_risk",
    ),
    "pending_ticks": ("churned", "returned"),
    "pending_bases": ("churned", "returned"),
}
"""Of the record's arrays, what stands at each index (models/customer/layout.py)."""
if tuple(map(len, NAMES.values()))[:3] != (TIMES, SECONDS, NUMBERS):
    raise ImportError("the record's layout has changed; name its numbers here too")


class Difference(NamedTuple):
    """A field of a customer's record, as stored and as the log gives it. `field`: "record" for one that is not there or
    can't be read."""

    shard: int
    customer: str
    field: str
    stored: Any
    replayed: Any


def differences(shard: int, customer: bytes, stored: bytes | None, replayed: bytes | None) -> list[Difference]:
    """Those of one customer; None: no record. A record may be stored in the form of an older release."""
    if stored == replayed or (stored and replayed and _older_form(stored, replayed)):
        return []
    name = customer.decode(errors="backslashreplace")
    if stored is None or replayed is None:
        told = ("missing" if stored is None else "there", "missing" if replayed is None else "there")
        return [Difference(shard, name, "record", *told)]
    try:
        ours = dict(_fields(unpack(customer, stored)))
    except UnknownRecord as error:
        return [Difference(shard, name, "record", f"unreadable: {error}", "there")]
    theirs = dict(_fields(unpack(customer, replayed)))
    found = [
        Difference(shard, name, field, value, theirs[field])
        for field, value in ours.items()
        if value != theirs[field] and not (value != value and theirs[field] != theirs[field])
    ]
    # Of two byte strings that say the same, one has bits that no field reads.
    return found or [Difference(shard, name, "record", stored.hex(), replayed.hex())]


def _older_form(stored: bytes, replayed: bytes) -> bool:
    version = stored[0]
    return version < VERSION and (version in STEPS) and stored == written(replayed, version)


def _fields(record: Record) -> Iterator[tuple[str, Any]]:
    for name in ("band", "flags", "ring", "feedback", "open_cases"):
        yield name, getattr(record, name)
    for array, names in NAMES.items():
        for name, value in zip(names, getattr(record, array), strict=True):
            yield f"{array}.{name}", value if isinstance(value, int | float) else list(value)
    for n, value in enumerate(record.ids):
        yield f"recent_events.{n}", value
    for name, value in msgspec.structs.asdict(record.tail).items():
        yield f"tail.{name}", value
