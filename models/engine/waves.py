"""Waves: every lane to its next score, then all these scores side by side, and on with the lanes.

Sixteen customers that are scored together cost little more than one, and none waits for another's result, since they do
not see each other inside a piece. A scorer that is not compiled takes the same way: it is asked between two calls.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from models.churn.crossing import Ahead, foresee, looks_for
from models.churn.mixture.probability import Mixture
from models.customer.layout import BASIS, TICK
from models.engine.arrivals import Arrivals
from models.engine.customer_loop import walk
from models.engine.lanes import State
from models.engine.valued import appraise
from models.numerics.compiled import compiled, linked
from models.value.appraisal import Appraisal

_ASKING, _SCORED = int(State.ASKING), int(State.SCORED)


@compiled
def waves(
    records: Any,
    lanes: Any,
    order: Any,
    arrivals: Arrivals,
    bound: float,
    rules: Any,
    mixture: Mixture,
    appraisal: Appraisal,
    asks: bool,
    single: bool,
    probabilities: Any,
    crossings: Any,
    counts: Any,
    effects: Any,
) -> int:
    """Take lanes as far as they go. A lane also stops when the buffer of effects is full.

    Args:
        records, lanes: a block's rows and their lanes, dtypes SLAB and LANE, shape (lanes,).
        order: which lanes, in which order, shape (any,).
        bound: where the piece ends.
        mixture: the compiled scorer. appraisal: what customers are worth by.
        asks: the scorer is another one: stop before every score.
        single: one step a lane.
        probabilities, crossings: what the scorer says of the lanes (crossings: s since the epoch), shape (lanes,).
        counts: by `Count`, counted up. effects: room for what is reported, dtype EFFECT.

    Returns:
        How many `effects` were written.
    """
    looks = looks_for(mixture)
    going, left, n = order.copy(), order.shape[0], 0
    while left:
        n = walk(
            records, lanes, going[:left], arrivals, bound, rules, single, probabilities, crossings, counts, effects, n
        )
        asking = 0
        for i in range(left):
            if lanes[going[i]].state == _ASKING:
                going[asking] = going[i]
                asking += 1
        left = 0 if asks else asking
        if left:
            _estimate(records, lanes, going[:left], rules, mixture, appraisal, looks, probabilities, crossings)
    return n


@linked
def _estimate(
    records: Any,
    lanes: Any,
    asking: Any,
    rules: Any,
    mixture: Mixture,
    appraisal: Appraisal,
    looks: Any,
    probabilities: Any,
    crossings: Any,
) -> None:
    """What the mixture says of the lanes that ask, and foresees; and what they are worth."""
    size = asking.shape[0]
    appraise(records, lanes, asking, rules, appraisal)
    ahead = Ahead(
        np.empty((size, BASIS), dtype=np.float32),
        np.empty(size, dtype=np.int64),
        np.empty(size, dtype=np.int64),
        np.empty(size),
        np.empty(size),
        np.empty(size, dtype=np.int64),
    )
    for i in range(size):
        lane, record = lanes[asking[i]], records[asking[i]]
        for k in range(BASIS):
            ahead.bases[i, k] = lane.basis[k]
        ahead.nows[i], ahead.ticks[i] = lane.now, int(record.times[TICK])
        ahead.reached[i], ahead.exits[i], ahead.ladders[i] = lane.reached, rules.exits[lane.ladder], lane.ladder
        lane.state = _SCORED
    risks, times = np.empty(size), np.empty(size, dtype=np.int64)
    foresee(ahead, rules.ladders, mixture, looks, risks, times)
    for i in range(size):
        probabilities[asking[i]], crossings[asking[i]] = risks[i], times[i]
