"""Reasons for a score: the change in risk when one aspect of a customer is set back to their usual.

For each theme the basis is changed back to the customer's own usual state in that theme alone, and scored anew; the
driver's contribution is the difference of the two logits. So the reasons are the model's own, whatever model it is, and
they are about what has changed: not "bought seldom", but "silent 24 days, usually buys every 9".
"""

from __future__ import annotations

from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from models.churn.mixture.probability import Mixture, logit, write_probabilities
from models.churn.mixture.scorer import MixtureScorer
from models.churn.port import Scorer
from models.churn.usual import AT_FIRST, COMING_OFTEN, STATES, THEMES, usual_states, write_states
from models.customer.layout import BASIS
from models.features.basis import COLUMNS
from models.numerics.compiled import compiled
from models.settings import Alive

_AT: Final = {name: index for index, name in enumerate(COLUMNS)}

LEAST_CONTRIBUTION = 0.01
"""Logits: what adds less is no reason."""
NEARLY_NOTHING = 0.1
"""Logits: when all that has changed adds less, it is not why somebody is at risk."""


class Driver(NamedTuple):
    """One reason for a score: its theme, what it adds to the logit against the customer's own usual state, in words."""

    feature: str
    contribution: float
    text: str


def drivers(scorer: Scorer, basis: NDArray[np.float32], alive: Alive, most: int | None = None) -> list[Driver]:
    """What adds to this customer's risk, largest contribution first; the first `most`, or all.

    Somebody with whom nearly all is as usual can be at risk for who they are. Then the silence as a whole is a reason,
    against the day of their last sign, or the habit, against that of somebody who comes every 28 days: the larger one.
    """
    changes = _changes(scorer, basis)
    parts = [*zip(changes[1:AT_FIRST], THEMES, strict=True)]
    if -min(parts)[0] < NEARLY_NOTHING:
        whole = min((changes[AT_FIRST], "silence"), (changes[COMING_OFTEN], "habit"))
        parts = [whole, *(part for part in parts if part[1] != whole[1])]
    parts = sorted([part for part in parts if -part[0] >= LEAST_CONTRIBUTION])
    values = basis.tolist()
    return [Driver(theme, -part, _text(theme, values, alive)) for part, theme in parts[:most]]


def _changes(scorer: Scorer, basis: NDArray[np.float32]) -> list[float]:
    """Of the logit, from the basis as it is to each of its usual states. The main model's in one call: it is asked of
    one customer at a time, and what a call costs comes to more than what is calculated in it."""
    changes = np.empty(STATES)
    if isinstance(scorer, MixtureScorer):
        _write_changes_of_mixture(basis, scorer.mixture, changes)
    else:
        _write_changes(scorer.score(usual_states(basis)), changes)
    found: list[float] = changes.tolist()
    return found


@compiled
def _write_changes_of_mixture(basis: Any, mixture: Mixture, changes: Any) -> None:
    rows, probabilities = np.empty((STATES, BASIS), dtype=np.float32), np.empty(STATES)
    write_states(basis, rows)
    write_probabilities(rows, mixture, probabilities)
    _write_changes(probabilities, changes)


@compiled
def _write_changes(probabilities: Any, changes: Any) -> None:
    for i in range(probabilities.shape[0]):
        changes[i] = logit(probabilities[i])
    now = changes[0]
    for i in range(probabilities.shape[0]):
        changes[i] -= now


_DOES: Final[dict[Alive, tuple[str, str]]] = {
    "purchase": ("buys", "bought"),
    "engagement": ("comes", "came"),
    "contract": ("renews", "renewed"),
}


def _text(theme: str, basis: list[float], alive: Alive) -> str:
    """What a theme means for this customer, as a marketer reads it."""
    does, did = _DOES[alive]
    match theme:
        case "habit":
            return _gap(basis, does, did)
        case "silence":
            return f"silent {_days(basis[_AT['recency_days']])}, {_gap(basis, does, did)}"
        case "interest":
            return "looks at us less than before"
        case "pace":
            return f"{does} less often than before" if _slower(basis) else f"{does} more often than before"
        case "spending":
            less = basis[_AT["amount_last"]] < basis[_AT["amount_mean"]]
            return "spends less than usual" if less else "spends more than usual"
        case "open_cases":
            cases = round(basis[_AT["open_cases"]])
            oldest = _days(basis[_AT["oldest_case_days"]])
            return f"{cases} open service case{'' if cases == 1 else 's'}, the oldest for {oldest}"
        case "sentiment":
            return "sounds unhappy" if basis[_AT["sentiment"]] < 0 else "sounds content"
    return _LATELY[theme]


_LATELY: Final = {
    "complaints": "complained lately",
    "payment_failures": "a payment failed lately",
    "unsubscribes": "unsubscribed from messages lately",
    "returns": "returned goods lately",
    "campaigns": "received many campaigns lately",
}


def _days(value: float) -> str:
    return f"{value:.0f} day" if round(value) == 1 else f"{value:.0f} days"


def _gap(basis: list[float], does: str, did: str) -> str:
    days = basis[_AT["purchase_days"]]
    own = basis[_AT["tenure_days"]] - basis[_AT["recency_days"]]
    if days <= 1:
        return f"{did} once so far"
    return f"usually {does} every {_days(own / (days - 1))}" if own >= 1 else f"{did} on {_days(days)} so far"


def _slower(basis: list[float]) -> bool:
    gaps = basis[_AT["purchase_days"]] - 1.0
    return gaps > 0 and basis[_AT["gap_ewma"]] > basis[_AT["gap_log_sum"]] / gaps
