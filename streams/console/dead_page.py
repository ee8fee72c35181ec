"""What the page of dead letters says: which records could not be applied, why, and the records themselves."""

from __future__ import annotations

from base64 import b64decode
from collections import Counter
from typing import Any, Final

from models.outputs import DeadLetter
from streams.console.sources import DeadLetters
from streams.text import moment, printable

SHOWN: Final = 2_000
"""Characters of a record."""
ERASED: Final = "not shown: the customer was erased, or the store does not say"


def dead_page(dead: DeadLetters, records: bool) -> dict[str, Any]:
    """The template's values. records: whether they are shown, with their reasons: both may name a customer."""
    codes = Counter(one.code for one in dead.found)
    many = len(dead.found)
    return {
        "title": "Dead letters",
        "headline": f"{many:,} newest records that could not be applied" if many else "Every record could be applied",
        "lead": "Nothing is lost: mend them, and publish them again under the same ids."
        if many
        else "A record that is no touchpoint, comes from too far ahead, or fails while it is applied, would be here.",
        "codes": codes.most_common(),
        "letters": [_letter(one, one.customer in dead.erased) for one in reversed(dead.found)] if records else [],
    }


def _letter(one: DeadLetter, erased: bool) -> dict[str, Any]:
    """erased: what the customer wrote, which a reason may quote, is not shown."""
    value = b64decode(one.value)
    cut = f", of {one.size:,} bytes the first {len(value):,}" if one.size > len(value) else ""
    return {
        "time": moment(one.timestamp),
        "place": f"{one.topic}[{one.partition}]@{one.offset}{cut}",
        "code": one.code,
        "reason": ERASED if erased else printable(one.reason),
        "customer": one.customer or "",
        "type": one.event_type or "",
        "value": ERASED if erased else printable(value.decode("utf-8", "backslashreplace")[:SHOWN]),
    }
