"""What a customer has spent and sent back, as the value model reads it."""

from __future__ import annotations

from models.customer.layout import PURCHASE_DAYS, RETURNED, SPENT
from models.customer.record import Record
from tests.reference.maths import ln


def money_of(record: Record) -> list[float]:
    """log1p of gross spend, and of what was returned, a purchase day."""
    days = max(record.numbers[PURCHASE_DAYS], 1.0)
    return [ln(1.0 + max(record.numbers[which], 0.0) / days) for which in (SPENT, RETURNED)]
