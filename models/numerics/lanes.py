"""Logarithm and exponential for loops over lanes: the functions of `models.numerics.maths`, put into the loop.

Only there: each call takes the compiler a quarter of a second.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

from models.numerics import maths
from models.numerics.compiled import inlined


def _put_into_loops(function: Callable[[float], float]) -> Callable[[float], float]:
    return inlined(cast(Any, function).py_func)  # type: ignore[no-any-return]


ln, exp, exp2 = map(_put_into_loops, (maths.ln, maths.exp, maths.exp2))
