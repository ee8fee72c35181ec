"""The level of all values: one factor, so that their sum is the one that is to be expected of all customers together.

Ranking needs many labels, a level needs few and moves with the season. MBG/NBD, with the shop's own pace as its prior
(models.value.counts), knows it without labels and from the first weeks on: so the sum over a sample of the customers is
(1 - λ) times that of MBG/NBD's count times spend, and λ, a week's share of the horizon, times the model's own.
"""

from __future__ import annotations

from typing import Any, Final

from models.numerics.compiled import compiled
from models.value.scoring import ValueParts, unlevelled

MOST_OWN: Final = 0.5
OWN_DAYS: Final = 7.0
SHARE: Final = 0.8
"""Of the correction, in an old log."""


def own_share(horizon_days: float) -> float:
    """λ: the share of the model's own sum in the level.

    >>> round(own_share(91.0), 4), own_share(7.0)
    (0.0769, 0.5)
    """
    return min(MOST_OWN, OWN_DAYS / horizon_days)


def correction_share(age_days: float, horizon_days: float) -> float:
    """How much of the correction counts: none until a first label of it can be known.

    >>> correction_share(91.0, 91.0), round(correction_share(182.0, 91.0), 4), round(correction_share(9100.0, 91.0), 4)
    (0.0, 0.4, 0.7999)
    """
    beyond = max(age_days / horizon_days - 1.0, 0.0)
    return SHARE * (1.0 - 1.0 / (1.0 + beyond * beyond))


@compiled
def level_of(parts: ValueParts, factors: Any, own: float) -> float:
    """The factor; 1 for nobody.

    Args:
        parts: of the sample's customers.
        factors: share and lift, as of `models.value.scoring.Valuation`.
        own: λ.
    """
    by_model, by_mbg = 0.0, 0.0
    for row in range(parts.base.shape[0]):
        by_model += unlevelled(parts.base[row], parts.corrections[row], factors)
        by_mbg += parts.by_mbg[row]
    return own + (1.0 - own) * by_mbg / by_model if by_model > 0.0 else 1.0
