"""What a driver of risk means, in words a marketer reads."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import expm1

from models.features.basis import COLUMNS

(_RECENCY, _TENURE, _DAYS, _GAPS, _LAST, _EWMA, _ENGAGEMENT, _CONVERSATION, _SERVICE, _CASES, _SENTIMENT) = map(
    COLUMNS.index,
    (
        "recency_days",
        "tenure_days",
        "purchase_days",
        "gap_sum",
        "amount_last",
        "amount_ewma",
        "engagement",
        "conversation",
        "service",
        "open_cases",
        "sentiment",
    ),
)

Basis = Sequence[float]


def _days(value: float) -> str:
    return f"{value:.0f} day" if round(value) == 1 else f"{value:.0f} days"


def _silence(basis: Basis) -> str:
    return f"silent {_days(basis[_RECENCY])}, {_usual_gap(basis)}"


def _usual_gap(basis: Basis) -> str:
    purchases, gaps = basis[_DAYS], basis[_GAPS]
    if purchases > 1 and not gaps:  # purchases that arrived out of order have no gaps
        return f"bought on {_days(purchases)} so far"
    return f"usually buys every {_days(gaps / (purchases - 1))}" if purchases > 1 else "bought once so far"


def _cases(basis: Basis) -> str:
    cases = round(basis[_CASES])
    return f"{cases} open service case{'' if cases == 1 else 's'}"


def _of_late(feature: str) -> Callable[[Basis], str]:
    """How much was bought of late: the purchase counts of all half-lives mean the same to a reader."""
    column = COLUMNS.index(feature)
    return lambda basis: "hardly bought of late" if basis[column] < 1 else "bought of late"


WORDS: dict[str, Callable[[Basis], str]] = {
    "recency": _silence,
    "overdue": _silence,
    "overdue_late": _silence,
    "tenure": lambda basis: f"customer for {_days(basis[_TENURE])}",
    "frequency": lambda basis: f"bought on {_days(basis[_DAYS])} so far",
    "single_purchase": lambda basis: "bought once so far" if basis[_DAYS] <= 1 else "bought more than once",
    "amount_trend": lambda basis: "spends more than usual" if basis[_LAST] > basis[_EWMA] else "spends less than usual",
    "amount": lambda basis: f"spends about {expm1(basis[_EWMA]):.2f} on a purchase day",
    "engagement": lambda basis: (
        "hardly looks at us any more" if basis[_ENGAGEMENT] < 1 else "looks around without buying"
    ),
    "conversation": lambda basis: "has gone quiet in conversation" if basis[_CONVERSATION] < 1 else "talks to us a lot",
    "service": lambda basis: "needed service lately" if basis[_SERVICE] >= 0.5 else "no recent contact with service",
    "open_cases": _cases,
    "sentiment": lambda basis: "sounds unhappy" if basis[_SENTIMENT] < 0 else "sounds content",
    **{f"purchases_{days}": _of_late(f"purchases_{days}") for days in (14, 28, 56, 112, 224)},
}
"""By feature: its words for a customer with a given basis (as plain numbers)."""
