"""Two versions compared on the same labels."""

from __future__ import annotations

from math import log

import numpy as np
import pytest
from numpy.typing import NDArray

from models.customer.layout import BASIS
from models.learning.newest_labels import Label
from models.outputs import CHURNED, Example
from models.simulation.version_comparison import Side, compare


class Says:
    """A scorer that says what stands in the first number of the basis, times a factor."""

    def __init__(self, factor: float) -> None:
        self._factor = factor

    def score(self, bases: NDArray[np.float32]) -> NDArray[np.float64]:
        return bases[:, 0].astype(np.float64) * self._factor


def label(customer: str, time: int, truth: bool, says: float, told: float | None = 0.5) -> Label:
    basis = np.zeros(BASIS, dtype="<f2")
    basis[0] = says
    return Label(Example(customer, CHURNED, time, time - 10, basis.tobytes(), truth, told), told, 0.25)


LABELS = [
    label("anna", 100, True, 0.5),
    label("bert", 110, False, 0.25, told=None),
    label("anna", 120, False, 0.75),
    label("carl", 130, True, 1.0),
]


def test_both_sides_and_how_far_apart_they_are() -> None:
    found = compare(LABELS, Says(0.5), Says(0.75), threshold=0.5)
    assert (found.labels, found.customers, found.first, found.last, found.churn_rate) == (4, 3, 100, 130, 0.5)
    assert found.difference == pytest.approx(0.25 * (0.5 + 0.25 + 0.75 + 1.0) / 4)
    assert found.in_force is not None
    assert found.in_force.log_loss == pytest.approx(-(log(0.25) + log(0.875) + log(0.625) + log(0.5)) / 4)
    assert found.relearned.mean == pytest.approx(0.75 * 2.5 / 4)


def test_a_customer_counts_once_by_their_newest_label() -> None:
    found = compare(LABELS, Says(0.5), Says(0.75), threshold=0.5)
    assert found.in_force is not None
    assert (found.in_force.over, found.relearned.over) == (1, 2)  # carl; anna at .5625, too
    assert (found.newly_over, found.no_longer_over) == (1, 0)
    back = compare(LABELS, Says(0.75), Says(0.5), threshold=0.5)
    assert (back.newly_over, back.no_longer_over) == (0, 1)


def test_what_was_foretold_is_compared_where_both_are_known() -> None:
    found = compare(LABELS, Says(0.5), Says(0.75), threshold=0.5).foretold
    assert found is not None
    assert found.labels == 3
    assert found.in_force == pytest.approx(-log(0.5))
    assert found.relearned == pytest.approx(-(2 * log(0.25) + log(0.75)) / 3)
    assert compare([LABELS[1]], Says(0.5), Says(0.75), threshold=0.5).foretold is None


def test_where_the_version_in_force_can_not_be_scored_only_the_other_side_is_given() -> None:
    found = compare(LABELS, None, Says(0.75), threshold=0.5)
    assert isinstance(found.relearned, Side)
    assert (found.in_force, found.difference, found.newly_over, found.no_longer_over) == (None, None, None, None)


def test_without_labels_there_is_nothing_to_compare() -> None:
    with pytest.raises(ValueError, match="no label"):
        compare([], None, Says(0.75), threshold=0.5)
