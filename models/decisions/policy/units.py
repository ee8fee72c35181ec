"""Budgets in units, which are whole: a contact is one, and so is a hundredth of money."""

from __future__ import annotations

from math import ceil

from models.decisions.policy.types import Action, Budget


def most_units(budget: Budget) -> int:
    """Of a whole period. Of money what is over a hundredth is left."""
    return int(budget.most) if budget.counts == "contacts" else int(_hundredths(budget.most))


def units_of(action: Action, counts: str) -> int:
    """What a trigger of an action takes at most. Of money a hundredth that is begun counts.

    counts: as `Budget.counts`.
    """
    if counts == "contacts":
        return 1
    return ceil(_hundredths(action.discount + action.cost if action.liability is None else action.liability))


def _hundredths(money: float) -> float:
    """Without what is binary only: 0.29 is 29 hundredths, not 28.999."""
    return round(money * 100.0, 6)
