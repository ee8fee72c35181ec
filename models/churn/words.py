"""What a driver of risk means, in words a marketer reads."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from models.features.basis import COLUMNS

_AT = {name: i for i, name in enumerate(COLUMNS)}


def _days(value: float) -> str:
    return f"{value:.0f} day" if round(value) == 1 else f"{value:.0f} days"


def _usual_gap(of: Callable[[str], float]) -> str:
    purchases, gaps = of("purchase_days"), of("gap_sum")
    if purchases > 1 and not gaps:  # purchases that arrived out of order have no gaps
        return f"bought on {_days(purchases)} so far"
    return f"usually buys every {_days(gaps / (purchases - 1))}" if purchases > 1 else "bought once so far"


def _trend(of: Callable[[str], float]) -> str:
    return "spends more than usual" if of("amount_last") > of("amount_ewma") else "spends less than usual"


def words(feature: str, basis: NDArray[np.float32]) -> str:
    """Words for one feature of a customer with this basis."""

    def of(name: str) -> float:
        return float(basis[_AT[name]])

    match feature:
        case "recency" | "overdue" | "overdue_late":
            return f"silent {_days(of('recency_days'))}, {_usual_gap(of)}"
        case "tenure":
            return f"customer for {_days(of('tenure_days'))}"
        case "frequency":
            return f"bought on {_days(of('purchase_days'))} so far"
        case "single_purchase":
            return "bought once so far" if of("purchase_days") <= 1 else "bought more than once"
        case "amount_trend":
            return _trend(of)
        case "amount":
            return f"spends about {np.expm1(of('amount_ewma')):.2f} on a purchase day"
        case "engagement":
            return "hardly looks at us any more" if of("engagement") < 1 else "looks around without buying"
        case "conversation":
            return "has gone quiet in conversation" if of("conversation") < 1 else "talks to us a lot"
        case "service":
            return "needed service lately" if of("service") >= 0.5 else "no recent contact with service"
        case "open_cases":
            cases = round(of("open_cases"))
            return f"{cases} open service case{'' if cases == 1 else 's'}"
        case "sentiment":
            return "sounds unhappy" if of("sentiment") < 0 else "sounds content"
        case _:
            # purchases_14 to purchases_224 mean the same to a reader: how much was bought of late
            return "hardly bought of late" if of(feature) < 1 else "bought of late"
