"""What the choice reads, and what a version carries for it."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.churn.snapshot import SnapshotRefused
from models.decisions.choosing import Arm, Numbers
from models.decisions.choosing.features import MOST, FeaturesRefused, frozen
from models.decisions.choosing.prior import Prior, prior_arm

NUMBERS = Numbers((0.5, 0.1), 0.6, 12.5, {"a": Arm((0.1, -0.2), ((0.04, 0.01), (0.01, 0.09)), 30, 20)})


@given(st.lists(st.floats(-MOST, MOST), max_size=20))
def test_features_are_scored_as_they_are_stored(rest: list[float]) -> None:
    row = frozen([1.0, *rest])
    assert row == tuple(np.array([1.0, *rest], dtype=np.float16).astype(float).tolist())
    assert frozen(row) == row


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ([], "0 features"),
        ([0.0, 1.0], "first feature is 0.0"),
        ([1.0, 9.0], r"tenure is 9.0; it must be a number from -8 to 8"),
        ([1.0, float("nan")], "tenure is nan"),
        ([1.0, 0.0, float("-inf")], "feature 2 is -inf"),
        ([1.0] * 65, "65 features"),
    ],
)
def test_a_row_that_is_none_is_refused_by_name(row: list[float], said: str) -> None:
    with pytest.raises(FeaturesRefused, match=said):
        frozen(row, ("one", "tenure"))


def test_numbers_of_a_version_pass_through_json_to_the_bit() -> None:
    for one in (NUMBERS, NUMBERS._replace(prices={"calls": 0.125, "gifts": 0.0})):
        assert Numbers.of(json.loads(json.dumps(one.plain()))) == one
    assert "prices" not in NUMBERS.plain()


@pytest.mark.parametrize(
    ("path", "value", "said"),
    [
        (("sigma",), 0.0, "sigma"),
        (("rows",), -1.0, "rows"),
        (("unproven_price",), -1.0, "unproven_price is -1"),
        (("unproven_price",), None, "unproven_price must be"),
        (("prices",), 3, "prices is 3"),
        (("prices",), {"calls": -1.0}, "price of budget 'calls' is -1"),
        (("prices",), {"calls": "1"}, "prices must be finite"),
        (("base",), [float("inf")], "base"),
        (("base",), [], "base has 0 numbers"),
        (("arms",), [], "holds no numbers"),
        (("arms", "a"), 3, "arm 'a'"),
        (("arms", "a", "effect"), [0.1], "arm 'a' has not the 2 features"),
        (("arms", "a", "covariance"), [0.1], "arm 'a' has not the 2 features"),
        (("arms", "a", "matured"), 31, "30 contacts opened, 31 matured"),
        (("arms", "a", "opened"), 1.5, "1.5 contacts opened"),
    ],
)
def test_damaged_numbers_are_refused_by_name(path: tuple[str, ...], value: Any, said: str) -> None:
    damaged = NUMBERS.plain()
    inner = damaged
    for name in path[:-1]:
        inner = inner[name]
    inner[path[-1]] = value
    with pytest.raises(SnapshotRefused, match=said):
        Numbers.of(damaged)


def test_what_a_version_lacks_is_the_prior() -> None:
    arm = prior_arm(Prior(), {0: -0.03, 2: 0.1}, 3)
    assert arm.effect == (-0.03, 0.0, 0.1)
    assert [arm.covariance[place][place] for place in range(3)] == [0.05**2, 0.025**2, 0.025**2]
    assert arm.covariance[0][1] == 0.0
