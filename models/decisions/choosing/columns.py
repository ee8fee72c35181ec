"""The choice for many rows side by side, as logs and simulations need it: to the bit that of `choose`.

Every arm has a column; a row says by `eligible` which of them are its candidates.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from models.decisions.choosing.numbers import LEAST_VARIANCE, Arm
from models.decisions.choosing.propensities import least_chances
from models.decisions.choosing.rules import ChoiceRules
from models.decisions.draw import ONE
from models.numerics.fixed_order import dot, exps, quadratic

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
Chances = NDArray[np.int64]


class Scores(NamedTuple):
    """means, sds: shape (rows, arms + 1), money; the first column is leaving alone's, zero."""

    means: Floats
    sds: Floats


def scores_of(arms: Sequence[Arm], features: Floats, worth: Floats, costs: Floats) -> Scores:
    """features: shape (rows, features). worth: (rows,). costs: (arms,), or (rows, arms)."""
    columns = [np.ascontiguousarray(features[:, place]) for place in range(features.shape[1])]
    means = np.zeros((len(features), len(arms) + 1))
    sds = np.zeros_like(means)
    wanted = np.broadcast_to(costs, (len(features), len(arms)))
    for place, arm in enumerate(arms, start=1):
        means[:, place] = worth * dot(columns, arm.effect) - wanted[:, place - 1]
        sds[:, place] = worth * np.sqrt(np.maximum(quadratic(columns, arm.covariance), LEAST_VARIANCE))
    return Scores(means, sds)


def chances_of(
    arms: Sequence[Arm],
    scores: Scores,
    eligible: Flags,
    rules: ChoiceRules,
    launched: Flags | None = None,
    stopped: Flags | None = None,
    unproven_price: float = 0.0,
) -> Chances:
    """Shape (rows, arms + 1), leaving alone first; every row sums to `ONE`.

    eligible: shape (rows, arms). launched: (rows,), without it all. stopped: (rows, arms), without it none.
    """
    halted, proven, closed = _standing(arms, scores, rules, launched, stopped)
    open_ = np.column_stack([np.ones(len(eligible), dtype=np.bool_), eligible & ~closed])
    priced = scores.means.copy()
    priced[:, 1:] = np.where(proven | halted, priced[:, 1:], priced[:, 1:] - unproven_price)
    free = np.column_stack([open_[:, :1], open_[:, 1:] & ~halted])
    shares = _shares(Scores(priced, scores.sds), free, rules.temper)
    held = _held(shares, halted, ~(proven | halted), rules.unproven_each)
    return _with_floors(held, open_, rules)


def unproven(arms: Sequence[Arm], scores: Scores, rules: ChoiceRules) -> Flags:
    """Which arms are not proven in a row, shape (rows, arms); none is stopped."""
    _, proven, _ = _standing(arms, scores, rules, None, None)
    return ~proven


def _standing(
    arms: Sequence[Arm], scores: Scores, rules: ChoiceRules, launched: Flags | None, stopped: Flags | None
) -> tuple[Flags, Flags, Flags]:
    """Which arms are stopped, proven and closed, each of shape (rows, arms)."""
    learned = np.array([arm.learned >= rules.proof_contacts for arm in arms], dtype=np.bool_)
    full = np.array(
        [rules.open_contacts is not None and a.opened - a.matured >= rules.open_contacts for a in arms], dtype=np.bool_
    )
    means, sds = scores.means[:, 1:], scores.sds[:, 1:]
    halted: Flags = np.zeros(means.shape, dtype=np.bool_) if stopped is None else stopped
    proven: Flags = ~halted & learned & (means - rules.kappa * sds > 0.0)
    closed: Flags = ~halted & ~proven & full
    if launched is not None:
        closed |= ~halted & ~proven & ~launched[:, None]
    return halted, proven, closed


def greedy(scores: Scores, eligible: Flags) -> NDArray[np.intp]:
    """The place of the best of each row; of equals the earliest, leaving alone first."""
    open_ = np.column_stack([np.ones(len(eligible), dtype=np.bool_), eligible])
    best: NDArray[np.intp] = np.where(open_, scores.means, -np.inf).argmax(axis=1)
    return best


def _shares(scores: Scores, open_: Flags, temper: float) -> Floats:
    means = np.where(open_, scores.means, -np.inf)
    best = means.argmax(axis=1)
    rows = np.arange(len(best))
    leader_sd = scores.sds[rows, best]
    gaps = scores.means[rows, best][:, None] - scores.means
    variances = np.maximum(scores.sds * scores.sds + (leader_sd * leader_sd)[:, None], LEAST_VARIANCE)
    weights = exps(-(gaps * gaps) / (2.0 * temper * temper * variances))
    weights[~open_] = 0.0
    weights[rows, best] = 1.0
    # From left to right, as the choice of one row sums; a closed arm's zero changes no bit.
    total = weights[:, 0].copy()
    for place in range(1, weights.shape[1]):
        total = total + weights[:, place]
    found: Floats = weights / total[:, None]
    return found


def _held(shares: Floats, stopped: Flags, unproven: Flags, most: float) -> Floats:
    together = np.zeros(len(shares))
    for place in range(unproven.shape[1]):
        together = together + np.where(unproven[:, place], shares[:, place + 1], 0.0)
    factor = np.where(together > most, most / np.where(together > most, together, 1.0), 1.0)
    found = shares.copy()
    contact = np.zeros(len(shares))
    for place in range(unproven.shape[1]):
        share = shares[:, place + 1]
        kept = np.where(stopped[:, place], 0.0, np.where(unproven[:, place], share * factor, share))
        found[:, place + 1] = kept
        contact = contact + kept
    found[:, 0] = np.maximum(1.0 - contact, 0.0)
    return found


def _with_floors(shares: Floats, open_: Flags, rules: ChoiceRules) -> Chances:
    counts = open_.sum(axis=1) - 1
    table = np.array(
        [least_chances(count, rules.floor, rules.hold_out) for count in range(shares.shape[1])], dtype=np.int64
    )
    alone, least = table[counts, 0], table[counts, 1]
    room = ONE - alone - least * counts
    found: Chances = (shares * room[:, None].astype(np.float64)).astype(np.int64)
    found[~open_] = 0
    rows = np.arange(len(found))
    greatest = np.where(open_, found, -1).argmax(axis=1)
    found[rows, greatest] += room - found.sum(axis=1)
    found += np.where(open_, least[:, None], 0)
    found[:, 0] += alone - least
    return found
