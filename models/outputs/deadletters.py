"""Records that could not be applied."""

from __future__ import annotations

import base64

import msgspec

KEPT_OF_OVERSIZE = 4096


class DeadLetter(msgspec.Struct, frozen=True, gc=False, tag="deadletter", omit_defaults=True):
    """A record that could not be applied: where it was, why, and the record itself (base64), so nothing is lost.

    Of an oversize value only the first 4 KiB are kept, of any key the first 512 bytes; `size` and the coordinates tell
    where the rest is.
    """

    code: str
    reason: str
    topic: str
    partition: int
    offset: int
    timestamp: int
    size: int
    value: str = ""
    key: str = ""
    customer: str | None = None
    event_type: str | None = None
    event_id: str | None = None
    due: int | None = None


def as_text(value: bytes | None, limit: int | None = None) -> str:
    """base64 of a record's bytes, or of its first `limit`."""
    return base64.b64encode((value or b"")[:limit]).decode()
