"""Posterior of an online Newton learner's weights by feature, and validation of its inputs.

A Gaussian: means, and the packed root of their covariance (models.churn.newton.kernels). Features come in the order in
which they were first met; each adds a mean of zero and its prior variance. Everything from outside is checked before
anything is changed: a value refused leaves no trace.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from math import nan, sqrt
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from river.utils import dataframe

from models.churn.newton import kernels as kernels
from models.churn.snapshot import SnapshotRefused

Floats = NDArray[np.float64]

NO_OFFSETS: Floats = np.empty(0)
ONCE: Floats = np.ones(1)


class Posterior:
    """A Gaussian over the weights of the features met so far.

    Attributes:
        names: features in order.
        slots: the position of each in `names`.
        intercept: 1 with an intercept, 0 without.
        weights: means, shape (size,), the intercept's before the features' if there is one.
        root: packed root of the covariance, shape (size · (size + 1) / 2,).
    """

    __slots__ = ("intercept", "names", "root", "slots", "weights")

    def __init__(self, intercept_variance: float | None) -> None:
        """intercept_variance: prior variance of the intercept's weight; None for no intercept."""
        first = [] if intercept_variance is None else [sqrt(intercept_variance)]
        self.intercept = len(first)
        self.names: list[Hashable] = []
        self.slots: dict[Hashable, int] = {}
        self.weights: Floats = np.zeros(len(first))
        self.root: Floats = np.array(first)

    def admit(self, priors: Mapping[Hashable, float]) -> None:
        """New features, in order, each with the prior variance of its weight."""
        for name, variance in priors.items():
            self.slots[name] = len(self.names)
            self.names.append(name)
            size = len(self.weights)
            self.weights = np.concatenate([self.weights, [0.0]])
            self.root = np.concatenate([self.root, np.zeros(size), [sqrt(variance)]])

    def restore(self, names: Any, weights: Any, root: Any) -> None:
        """Take over a stored state.

        Args:
            names: features in order.
            weights: shape (size,).
            root: shape (size · (size + 1) / 2,).

        Raises:
            SnapshotRefused: one of them is damaged; nothing has changed.
        """
        if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
            raise SnapshotRefused("names must be a list of strings")
        if len(set(names)) < len(names):
            raise SnapshotRefused("names holds one feature twice")
        size = self.intercept + len(names)
        means = _plain("weights", weights, size)
        packed = _plain("root", root, size * (size + 1) // 2)
        if any(packed[j * (j + 3) // 2] < 0.0 for j in range(size)):
            raise SnapshotRefused("root has a number below zero on its diagonal")
        self.names, self.weights, self.root = names.copy(), means, packed
        self.slots = {name: slot for slot, name in enumerate(names)}

    def covariance(self) -> Floats:
        """Covariance of the weights, shape (size, size)."""
        out = np.empty((len(self.weights), len(self.weights)))
        kernels.square(self.root, out)
        return out

    def ordered(self, names: Sequence[Hashable], columns: Floats) -> Floats:
        """Columns of shape (n, any) in the order of the state, shape (n, names); unknown ones left out."""
        if self.names == names:
            return columns
        met = [(column, self.slots[name]) for column, name in enumerate(names) if name in self.slots]
        out = np.zeros((len(columns), len(self.names)))
        out[:, [slot for _, slot in met]] = columns[:, [column for column, _ in met]]
        return out

    def learn(self, link: int, rows: Floats, labels: Floats, offsets: Floats, shares: Floats) -> None:
        """Learn examples, one after the other.

        Args:
            link: `kernels.LOGIT` or `kernels.CLOGLOG`.
            rows: features in the order of `names`, shape (n, names), without the intercept's one.
            labels: 0 or 1, shape (n,).
            offsets: added to w·x, shape (n,), or `NO_OFFSETS`.
            shares: how much of each example is learned, above zero, shape (n,), or (1,) for all; 1 learns it once.
        """
        kernels.learn_rows(link, self.weights, self.root, rows, self.intercept, labels, offsets, shares)

    def linear(self, rows: Floats, offsets: Floats) -> Floats:
        """w·x and the offset of each row, shape (n,); arguments as of `learn`."""
        out = np.empty(len(rows))
        kernels.linear_rows(self.weights, rows, self.intercept, offsets, out)
        return out

    def variance(self, rows: Floats) -> Floats:
        """Variance of w·x of each row under the posterior, shape (n,)."""
        out = np.empty(len(rows))
        kernels.variance_rows(self.root, rows, self.intercept, len(self.weights), out)
        return out


def within(what: str, value: float, least: float, most: float) -> None:
    if not least <= value <= most:
        raise ValueError(f"{what} is {value!r}; it must be between {least:g} and {most:g}")


def refusal(what: str, value: object) -> ValueError:
    return ValueError(
        f"{what} is {value!r}; it must be a finite number of at most {kernels.MOST:g} in size: impute it, encode it or "
        "leave it out before the learner"
    )


def number_of(what: str, value: Any) -> float:
    """`value` as a float. Raises ValueError where it is none, or too large to calculate with."""
    number = _float(value)
    if not -kernels.MOST <= number <= kernels.MOST:
        raise refusal(what, value)
    return number


def numbers_of(x: Mapping[Any, Any]) -> tuple[list[Hashable], Floats]:
    """The names of one example's features, and their values, shape (1, names)."""
    names, row = list(x), np.array([[_float(value) for value in x.values()]], np.float64)
    if (slot := kernels.first_refused(row.reshape(-1))) >= 0:
        raise refusal(f"feature {names[slot]!r}", x[names[slot]])
    return names, row


def columns_of(frame: Any) -> tuple[list[Hashable], Floats]:
    """The names of a data frame's columns, and its values, shape (n, names)."""
    wrapped = dataframe.into_frame(frame)
    names: list[Hashable] = list(wrapped.columns)
    if all(dtype.is_numeric() for dtype in wrapped.schema.values()):
        return names, checked(laid(dataframe.to_numpy(wrapped)), names)
    rows = [numbers_of(row)[1] for row in wrapped.iter_rows(named=True)]
    return names, np.array(rows, np.float64).reshape(len(rows), len(names))


def laid(values: ArrayLike) -> Floats:
    """As the kernels are compiled for: contiguous float64 that may be written (numba compiles anew for others)."""
    found = np.ascontiguousarray(values, np.float64)
    return found if found.flags.writeable else found.copy()


def checked(rows: Floats, names: Sequence[Hashable]) -> Floats:
    """Rows of shape (n, names). Raises ValueError for a value that can't be calculated with."""
    if (slot := kernels.first_refused(rows.reshape(-1))) >= 0:
        row, column = divmod(slot, len(names))
        raise refusal(f"feature {names[column]!r} in row {row}", float(rows[row, column]))
    return rows


def labels_of(labels: ArrayLike) -> Floats:
    """Labels as zeros and ones. Raises ValueError for anything but booleans, 0 and 1."""
    found = np.asarray(labels)
    if odd := [label for label in found.reshape(-1).tolist() if label not in (0, 1)]:
        raise ValueError(f"label {odd[0]!r} is neither true nor false; a label must be a boolean, 0 or 1")
    return laid(found)


def offsets_of(offsets: Floats | None, count: int) -> Floats:
    """One offset a row, or none at all."""
    if offsets is None:
        return NO_OFFSETS
    found = _one_a_row("offsets", offsets, count)
    if (slot := kernels.first_refused(found)) >= 0:
        raise refusal(f"the offset of row {slot}", float(found[slot]))
    return found


def shares_of(weights: Floats | None, count: int) -> Floats:
    """How often each row counts, above zero; None: all count once."""
    if weights is None:
        return ONCE
    found = _one_a_row("weights", weights, count)
    if not ((found > 0.0) & (found <= kernels.MOST)).all():
        raise ValueError(f"weights go from {found.min()!r} to {found.max()!r}; each must be a finite number above 0")
    return found


def _one_a_row(name: str, values: Floats, count: int) -> Floats:
    found = laid(values)
    if found.shape != (count,):
        raise ValueError(f"{name} have shape {found.shape}; there must be one a row: ({count},)")
    return found


def _float(value: Any) -> float:
    """nan where it is no number."""
    try:
        return nan if isinstance(value, str) else float(value)
    except (TypeError, ValueError, OverflowError):
        return nan


def _plain(what: str, values: Any, count: int) -> Floats:
    if not isinstance(values, list) or len(values) != count:
        raise SnapshotRefused(f"{what} must be a list of {count} numbers")
    if not all(isinstance(v, int | float) and -kernels.MOST <= v <= kernels.MOST for v in values):
        raise SnapshotRefused(f"{what} holds something that is not a finite number")
    return np.array(values, np.float64)
