"""Logarithm and exponential of our own: as exact as the library's, and the same compiled or not."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.numerics.compiled import compiled
from models.numerics.maths import exp, exp2, ln
from models.numerics.normal import upper_tail
from tests.reference import maths as plain

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


EDGES = [0.0, -0.0, math.inf, -math.inf, math.nan, 5e-324, -5e-324, 2.0**-1022, 709.78, 709.79, 710.0, -745.13, -745.14]
EDGES += [-746.0, 1023.5, 1024.0, 1025.0, -1021.5, -1022.5, -1074.5, -1075.0, -1076.0]


def same(found: float, wanted: float) -> bool:
    return found.hex() == wanted.hex()


@pytest.mark.parametrize("name", ["ln", "exp", "exp2"])
def test_the_bits_are_those_of_the_plain_form_at_every_exponent(name: str) -> None:
    random = np.random.default_rng(1)
    exponents = np.repeat(np.arange(2047, dtype=np.uint64), 4)  # the first: the numbers below the normal ones
    fractions = random.integers(0, 2**52, len(exponents), dtype=np.uint64)
    fractions[::4], fractions[1::4] = 0, 2**52 - 1
    of_ln = ((exponents << np.uint64(52)) | fractions).view(np.float64)
    of_exp = np.concatenate([random.uniform(-747.0, 711.0, 4_000), random.uniform(-1.0, 1.0, 500)])
    of_exp2 = np.concatenate([np.arange(-1077.0, 1026.0, 0.5), random.uniform(-1_077.0, 1_025.0, 4_000)])
    numbers = {"ln": of_ln, "exp": of_exp, "exp2": of_exp2}[name]
    function, wanted = {"ln": ln, "exp": exp, "exp2": exp2}[name], getattr(plain, name)
    wrong = [x for x in [*numbers.tolist(), *EDGES] if not same(function(x), wanted(x))]
    assert wrong == []


@compiled
def _side_by_side(x: Any, logarithms: Any, exponentials: Any, tails: Any) -> None:
    for i in range(x.shape[0]):
        logarithms[i] = ln(x[i])
    for i in range(x.shape[0]):
        exponentials[i] = exp(x[i])
    for i in range(x.shape[0]):
        tails[i] = upper_tail(x[i])


@given(st.lists(st.floats(width=64), min_size=1, max_size=40))
def test_a_loop_over_many_numbers_gives_each_the_bits_that_it_has_alone(numbers: list[float]) -> None:
    x = np.array(numbers)
    found = np.empty((3, len(x)))
    _side_by_side(x, *found)
    for row, function in zip(found.tolist(), (ln, exp, upper_tail), strict=True):
        assert [value.hex() for value in row] == [function(one).hex() for one in numbers]
