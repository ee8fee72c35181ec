"""How often an example of churn counts, beside what the learned choice did meanwhile."""

from __future__ import annotations

from models.decisions.treated import MOST
from models.outputs import Example


def weight_of(example: Example) -> float:
    """0.0: it is left out, since something was done in its window. 1.0: nothing was to be done.

    Else one over the chance that nothing was (`models.decisions.treated`).
    """
    if example.treated:
        return 0.0
    return 1.0 if example.untreated is None else 1.0 / max(example.untreated, 1.0 / MOST)
