"""What the touchpoints of a piece weigh in the loyalty loop, as a column."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.decisions.loyalty_rules import LoyaltyInForce
from models.decisions.policy.in_force import PolicyInForce
from models.decisions.rules import rules_of
from models.engine.arrivals import SEEN
from models.loyalty.experiences import ALWAYS, EXPERIENCES, SAYS, VOICES
from models.loyalty.loop import weighed
from models.timeline.batch import Batch


def felt_in(policy: PolicyInForce, batch: Batch, rows: NDArray[np.intp]) -> NDArray[np.float64] | None:
    """As in `models.engine.arrivals.Arrivals`; None: the policy keeps no loop. rows: of the batch that count in it."""
    loyalty = rules_of(policy).loyalty
    if loyalty is None:
        return None
    kinds, contents = batch.columns.kinds, batch.columns.contents
    felt = np.zeros(len(batch))
    found = felt[rows] = _of_kind(policy)[kinds[rows]]
    for row in rows[np.isnan(found)].tolist():
        felt[row] = _felt(loyalty, int(kinds[row]), contents[row].data)
    return felt


def _felt(loyalty: LoyaltyInForce, kind: int, data: Any) -> float:
    sentiment = None
    if kind in SAYS:
        sentiment = data.sentiment
        if sentiment is None and loyalty.words is not None and getattr(data, "text", None):
            return SEEN
    value = EXPERIENCES[kind].of(data, sentiment)
    return 0.0 if value is None else weighed(loyalty.loop, kind, value)


@lru_cache(maxsize=8)
def _of_kind(policy: PolicyInForce) -> NDArray[np.float64]:
    """By kind; nan: it depends on the touchpoint."""
    table, loyalty = np.zeros(256), rules_of(policy).loyalty
    if loyalty is None:
        return table
    for kind, one in EXPERIENCES.items():
        table[kind] = weighed(loyalty.loop, kind, ALWAYS[one.of]) if one.of in ALWAYS else np.nan
    table[list(VOICES)] = SEEN
    return table
