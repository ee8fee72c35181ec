"""What the page of dead letters says: which records could not be applied, why, and the records themselves."""

from __future__ import annotations

from base64 import b64decode
from collections import Counter
from collections.abc import Sequence
from typing import Any, Final

from models.outputs import DeadLetter
from streams.text import moment, printable

SHOWN: Final = 2_000
"""Characters of a record."""


def dead_page(found: Sequence[DeadLetter], records: bool) -> dict[str, Any]:
    """The template's values. found: the newest, oldest first. records: whether they are shown, with their reasons: both
    may name a customer."""
    codes = Counter(one.code for one in found)
    many = len(found)
    return {
        "title": "Dead letters",
        "headline": f"{many:,} newest records that could not be applied" if many else "Every record could be applied",
        "lead": "Nothing is lost: mend them, and publish them again under the same ids."
        if many
        else "A record that is no touchpoint, comes from too far ahead, or fails while it is applied, would be here.",
        "codes": codes.most_common(),
        "letters": [_letter(one) for one in reversed(found)] if records else [],
    }


def _letter(one: DeadLetter) -> dict[str, Any]:
    value = b64decode(one.value)
    cut = f", of {one.size:,} bytes the first {len(value):,}" if one.size > len(value) else ""
    return {
        "time": moment(one.timestamp),
        "place": f"{one.topic}[{one.partition}]@{one.offset}{cut}",
        "code": one.code,
        "reason": printable(one.reason),
        "customer": one.customer or "",
        "type": one.event_type or "",
        "value": printable(value.decode("utf-8", "backslashreplace")[:SHOWN]),
    }
