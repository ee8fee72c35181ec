"""Names of outputs: functions of the log."""

from __future__ import annotations

import xxhash


def trigger_id(customer: bytes, opened_at: int, opener: str, step: int) -> str:
    """From customer, log time at which the episode opened, id of the touchpoint that opened it (or ``due``), step."""
    return xxhash.xxh3_128_hexdigest(b"\0".join((customer, b"%d" % opened_at, opener.encode(), b"%d" % step)))


def output_id(*parts: str | int) -> str:
    """A deterministic id from what makes the output unique."""
    return xxhash.xxh3_128_hexdigest("\0".join(map(str, parts)).encode())
