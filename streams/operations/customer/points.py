"""A customer's points for people: balance, lots, what is pending, what can be undone."""

from __future__ import annotations

from typing import Any

from models.customer.record import Record
from models.loyalty.account import NEVER_EXPIRES
from models.loyalty.stored import unpack_account
from streams.operations.customer.person import iso


def points_view(record: Record) -> dict[str, Any] | None:
    """JSON types only; None: nothing is booked, or not any more. What has expired is there until it is booked, half an
    hour at most."""
    if not record.tail.points:
        return None
    account = unpack_account(record.tail.points)
    pending = [one for one in account.earned if one.active_at]
    return {
        "balance": account.balance,
        "pending": account.pending,
        "owed": account.owed,
        "next_expiry": iso(account.next_expiry),
        "lots": [f"{points:,} {_until(expires)}" for expires, points in sorted(account.lots.items())],
        "becoming_active": [f"{one.points:,} on {iso(one.active_at)}, {_until(one.expires)}" for one in pending],
        "rewards_that_can_be_cancelled": [
            f"{sum(points for _, points in one.parts):,} until {iso(one.until)}" for one in account.drawn
        ],
    }


def _until(expires: int) -> str:
    return "for good" if expires == NEVER_EXPIRES else f"until {iso(expires)}"
