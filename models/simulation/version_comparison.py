"""Compares what two model versions say of the same newest labels."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from models.churn import Scorer
from models.learning.learner import outcomes_of
from models.learning.newest_labels import Label
from models.outputs import CHURNED
from models.simulation.quality import quality

Column = NDArray[np.float64]


class Side(NamedTuple):
    """What one version says. log_loss: over the labels. mean: of the probabilities. over: customers at or over the
    threshold at their newest label."""

    log_loss: float
    mean: float
    over: int


class Foretold(NamedTuple):
    """Log-loss of what was said of the labels before they were known, by whoever decided then and by the learning that
    was run now; of those labels of which both are known."""

    labels: int
    in_force: float
    relearned: float


class Compared(NamedTuple):
    """The comparison.

    Attributes:
        labels, customers: how many there were.
        first, last: the times (ms) at which the first and the last became known.
        churn_rate: of the labels.
        threshold: at or over which an episode opens.
        relearned: of the version that was learned again.
        in_force: of the version in force; None where it can't be scored with.
        difference: mean absolute difference of the probability.
        newly_over, no_longer_over: customers, by their newest label.
        foretold: None where no label says what was predicted.
    """

    labels: int
    customers: int
    first: int
    last: int
    churn_rate: float
    threshold: float
    relearned: Side
    in_force: Side | None
    difference: float | None
    newly_over: int | None
    no_longer_over: int | None
    foretold: Foretold | None


def compare(labels: Sequence[Label], in_force: Scorer | None, relearned: Scorer, threshold: float) -> Compared:
    """Raises ValueError without labels.

    Args:
        labels: in the order in which they became known.
        in_force: None where this release can't score with it.
        relearned: the other one.
        threshold: in force.
    """
    if not labels:
        raise ValueError("there is no label to compare on")
    outcomes = outcomes_of([label.example for label in labels], CHURNED)
    truths = outcomes.truths.astype(np.float64)
    newest = np.array(sorted({name: row for row, name in enumerate(outcomes.customers)}.values()), dtype=np.int64)
    after = relearned.score(outcomes.bases)
    before = None if in_force is None else in_force.score(outcomes.bases)
    over_after = after[newest] >= threshold
    over_before = None if before is None else before[newest] >= threshold
    return Compared(
        labels=len(labels),
        customers=len(newest),
        first=min(label.example.label_time for label in labels),
        last=max(label.example.label_time for label in labels),
        churn_rate=float(truths.mean()),
        threshold=threshold,
        relearned=_side(truths, after, over_after),
        in_force=None if before is None or over_before is None else _side(truths, before, over_before),
        difference=None if before is None else float(np.abs(after - before).mean()),
        newly_over=None if over_before is None else int((over_after & ~over_before).sum()),
        no_longer_over=None if over_before is None else int((over_before & ~over_after).sum()),
        foretold=_foretold(labels),
    )


def _side(truths: Column, probabilities: Column, over: NDArray[np.bool_]) -> Side:
    return Side(_log_loss(truths, probabilities), float(probabilities.mean()), int(over.sum()))


def _foretold(labels: Sequence[Label]) -> Foretold | None:
    told = [(label.example.truth, label.told, label.foretold) for label in labels if label.told is not None]
    if not told:
        return None
    truths, before, after = np.array(told, dtype=np.float64).T
    return Foretold(len(told), _log_loss(truths, before), _log_loss(truths, after))


def _log_loss(truths: Column, probabilities: Column) -> float:
    return quality(np.zeros(len(truths)), truths, probabilities).log_loss
