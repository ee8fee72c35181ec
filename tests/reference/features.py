"""Features and probability, plainly, of one basis."""

from __future__ import annotations

from array import array

from models.churn import LogisticScorer
from models.features import COLUMNS, FEATURES
from models.maths import exp, ln


def features(basis: array[float]) -> list[float]:
    """The features by name, in the order of FEATURES."""
    of = dict(zip(COLUMNS, basis, strict=True))
    recency = ln(of["recency_days"] / 7.0 + 0.5)
    overdue = recency - ln((of["gap_sum"] + 28.0) / (7.0 * of["purchase_days"]))
    found = {
        "recency": recency,
        "tenure": ln(of["tenure_days"] / 7.0 + 0.5),
        "frequency": ln(of["purchase_days"]),
        "single_purchase": 1.0 if of["purchase_days"] <= 1.0 else 0.0,
        "overdue": overdue,
        "overdue_late": max(overdue - 0.5, 0.0),
        **{name: ln(of[name] + 0.05) for name in COLUMNS if name.startswith("purchases_")},
        "amount_trend": of["amount_last"] - of["amount_ewma"],
        "amount": of["amount_ewma"],
        **{name: ln(1.0 + of[name]) for name in ("engagement", "conversation", "service")},
        "open_cases": of["open_cases"],
        "sentiment": of["sentiment"],
    }
    return [found[name] for name in FEATURES]


def probability(scorer: LogisticScorer, basis: array[float]) -> float:
    """Probability of churn: what every feature adds to the logit, against the average customer."""
    intercept, *rest = scorer.parameters.tolist()
    means, slopes = rest[: len(FEATURES)], rest[len(FEATURES) :]
    logit = intercept
    for value, mean, slope in zip(features(basis), means, slopes, strict=True):
        logit += (value - mean) * slope
    return 1.0 / (1.0 + exp(-max(min(logit, 30.0), -30.0)))
