"""Families of cases that are exhaustive by nature: a few of each in `make check`, all of them in `make test`."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import TypeVar

import pytest
from _pytest.mark import ParameterSet

Case = TypeVar("Case")


def slow_but(cases: Iterable[Case], quick: Collection[Case]) -> list[Case | ParameterSet]:
    """The cases of one argument, all but the quick ones marked as slow. Raises ValueError for a quick one that is no
    case: nobody would miss it."""
    cases = list(cases)
    if missing := [case for case in quick if case not in cases]:
        raise ValueError(f"no cases of this family: {missing}")
    return [case if case in quick else pytest.param(case, marks=pytest.mark.slow) for case in cases]
