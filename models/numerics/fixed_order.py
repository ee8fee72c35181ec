"""Sums, a quadratic form and an inverse whose additions have one fixed order: the same bits whatever stands beside.

A library's matrix product takes other orders for other shapes, so that a row's result may depend on the rows beside it.
Here a sum runs from the first term to the last. Every function takes numbers, or columns of rows: a column holds one
term of all rows, and each row's result is, to the bit, that of the numbers alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.numerics.compiled import compiled
from models.numerics.maths import exp, ln

Floats = NDArray[np.float64]


def dot(x: Sequence[Any], weights: Sequence[float]) -> Any:
    """x0 w0 + x1 w1 + …, from left to right. x: numbers, or columns of shape (rows,).

    >>> dot([1.0, 2.0], [3.0, 4.0])
    11.0
    """
    terms = zip(x, weights, strict=True)
    one, weight = next(terms)
    total = one * weight
    for one, weight in terms:
        total = total + one * weight
    return total


def quadratic(x: Sequence[Any], matrix: Sequence[Sequence[float]]) -> Any:
    """x' M x, row of M by row. x: numbers, or columns of shape (rows,).

    >>> quadratic([1.0, 2.0], [[1.0, 0.5], [0.5, 1.0]])
    7.0
    """
    terms = zip(x, matrix, strict=True)
    one, row = next(terms)
    total = one * dot(x, row)
    for one, row in terms:
        total = total + one * dot(x, row)
    return total


@compiled
def quadratic_of(x: Floats, matrix: Floats) -> float:
    """`quadratic` of numbers, with its bits. Shapes (n,) and (n, n)."""
    total = 0.0
    for row in range(x.shape[0]):
        inner = x[0] * matrix[row, 0]
        for column in range(1, x.shape[0]):
            inner = inner + x[column] * matrix[row, column]
        total = x[row] * inner if row == 0 else total + x[row] * inner
    return total


def inverse(matrix: Floats) -> Floats:
    """Inverse of a positive definite matrix, shape (n, n): Gauss-Jordan elimination without pivoting, n³ operations.

    No pivoting is needed where every pivot is positive, which they are then and only then; raises ValueError where one
    is not.
    """
    return inverse_and_log_determinant(matrix)[0]


def inverse_and_log_determinant(matrix: Floats) -> tuple[Floats, float]:
    """`inverse`, and the logarithm of the determinant: the product of the pivots. Raises ValueError as well."""
    found = matrix.copy()
    log_determinant = 0.0
    for k in range(len(found)):
        pivot = float(found[k, k])
        if not pivot > 0.0:
            raise ValueError(f"pivot {k} of the matrix is {pivot:g}: it is not positive definite")
        log_determinant += ln(pivot)
        column, row = found[:, k].copy(), found[k] / pivot
        found -= column[:, None] * row[None, :]
        found[k] = row
        found[:, k] = -column / pivot
        found[k, k] = 1.0 / pivot
    return found, log_determinant


def times(matrix: Floats, vector: Floats) -> Floats:
    """Matrix times vector, column of the matrix by column. Shapes (n, m) and (m,)."""
    total: Floats = matrix[:, 0] * vector[0]
    for place in range(1, len(vector)):
        total = total + matrix[:, place] * vector[place]
    return total


@compiled
def _exps(values: Any, out: Any) -> None:
    for row in range(values.shape[0]):
        out[row] = exp(values[row])


def exps(values: Floats) -> Floats:
    """e^x of each, with the bits of `models.numerics.maths.exp`. Any shape."""
    flat = np.ascontiguousarray(values, dtype=np.float64).reshape(-1)
    out = np.empty_like(flat)
    _exps(flat, out)
    return out.reshape(values.shape)
