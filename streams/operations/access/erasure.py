"""What an erasure would do to a customer, before anybody asks for it: from their record and what is in force."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from models.customer.consent import EVERY, unpack_register
from models.customer.kept import kept_of
from models.customer.layout import ERASED
from models.customer.merged import is_merged
from models.customer.record import Record
from models.decisions.moments import take_all_back
from models.decisions.policy.in_force import PolicyInForce
from models.decisions.standing import id_of
from models.decisions.standing_stored import unpack_standing
from streams.operations.access.places import Told
from streams.text import as_words


def erasure_preview(
    customer: str, record: Record | None, policy: PolicyInForce | None, places: list[Told]
) -> dict[str, Any]:
    """JSON types only. places: in English (`streams.operations.access.places`)."""
    taken_back: list[dict[str, str]] = []
    outlasts: list[str] = []
    merged = record is not None and is_merged(record.flags)
    if record is not None and not record.flags & ERASED:
        standing = unpack_standing(record.tail.standing)
        named = policy.named if policy is not None else {}
        actions = {one.id: named.get(one.action, "an action of another policy") for one in standing.outstanding}
        said = [] if policy is None else take_all_back(standing, policy, "erased")
        taken_back = [{"trigger": one.trigger, "action": actions[id_of(one.trigger)]} for one in said]
        register = unpack_register(kept_of(record.tail, erased=True).consents)
        outlasts = [
            f"{purpose} refused {'in general' if channel == EVERY else f'by {as_words(channel)}'}"
            for purpose, channel in sorted(register)
        ]
    return {
        "customer": customer,
        "known": record is not None,
        "erased": record is not None and bool(record.flags & ERASED) and not merged,
        "merged_into": record.tail.merged if record is not None and merged else None,
        "taken_back": taken_back,
        "outlasts": outlasts,
        "places": [one._asdict() for one in places],
    }


def erasure_lines(told: dict[str, Any]) -> Iterator[str]:
    """The preview as text."""
    if told["merged_into"]:
        yield f"{told['customer']} is another id of {told['merged_into']}: an `erase_requested` goes on to them"
    elif told["erased"]:
        yield f"{told['customer']} was erased: what is left, and until when"
    elif told["known"]:
        yield f"an `erase_requested` of {told['customer']} would do this"
        yield from (f"  take back {one['action']}, trigger {one['trigger']}" for one in told["taken_back"])
        yield f"  keep of what they refused: {'; '.join(told['outlasts']) or 'nothing'}"
    else:
        yield f"there is no record of {told['customer']}: what topics may still hold, and until when"
    for one in told["places"]:
        yield f"  {one['where']}: {one['what']}"
        yield f"    at the erasure: {one['erasure']}; until: {one['until']}"
