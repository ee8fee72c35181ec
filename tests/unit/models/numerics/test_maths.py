"""Logarithm and exponential of our own: as exact as the library's, and the same compiled or not."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.numerics.maths import exp, exp2, ln

positive = st.floats(min_value=0.0, exclude_min=True, allow_infinity=False)
ULPS = 1.5


def ulps(found: float, wanted: float) -> float:
    """Distance in units of the last place."""
    return abs(found - wanted) / float(np.spacing(abs(wanted))) if found != wanted else 0.0


@given(positive)
def test_ln_is_within_one_unit_of_the_last_place(x: float) -> None:
    assert ulps(ln(x), math.log(x)) <= ULPS


@given(st.floats(-745.0, 709.7))
def test_exp_is_within_one_unit_of_the_last_place(x: float) -> None:
    assert ulps(exp(x), math.exp(x)) <= ULPS


@given(st.floats(-1074.0, 1023.9))
def test_exp2_is_within_one_unit_of_the_last_place(x: float) -> None:
    assert ulps(exp2(x), 2.0**x) <= ULPS


def test_exp2_of_a_whole_number_is_exact() -> None:
    assert all(exp2(float(k)) == 2.0**k for k in range(-1074, 1024))


@pytest.mark.parametrize(
    ("function", "x", "wanted"),
    [
        (ln, 0.0, -math.inf),
        (ln, math.inf, math.inf),
        (ln, 1.0, 0.0),
        (exp, 0.0, 1.0),
        (exp, math.inf, math.inf),
        (exp, -math.inf, 0.0),
        (exp2, math.inf, math.inf),
        (exp2, -math.inf, 0.0),
        (exp2, 1024.0, math.inf),
    ],
)
def test_the_ends_of_the_scale(function: Callable[[float], float], x: float, wanted: float) -> None:
    assert function(x) == wanted


@pytest.mark.parametrize("function", [ln, exp, exp2])
def test_what_is_no_number_stays_none(function: Callable[[float], float]) -> None:
    assert math.isnan(function(math.nan))
    assert math.isnan(ln(-1.0))


@given(st.floats(-700.0, 700.0))
def test_compiled_code_and_python_give_the_same_bits(x: float) -> None:
    for function, argument in ((ln, abs(x) + 1e-9), (exp, x), (exp2, x)):
        assert function(argument) == function.py_func(argument)  # type: ignore[attr-defined]  # of numba
