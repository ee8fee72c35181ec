"""Sums by tier: nobody is left out, nobody counts twice, a margin is of what is to come."""

from __future__ import annotations

from math import inf

import numpy as np
import pytest

from models.value.pyramid import Histogram, bucket_of, tier_of
from models.value.tiers import Worth, tiers_of

VALUES = np.concatenate([np.full(80, 10.0), np.full(15, 100.0), np.full(4, 1_000.0), [10_000.0]])
RISKS = np.linspace(0.1, 0.9, len(VALUES))
CUTS = Histogram.of(VALUES.tolist()).cuts()
PLACED = np.array([tier_of(bucket_of(value), CUTS) for value in VALUES.tolist()])
WORTH = Worth(PLACED, VALUES, VALUES / (1.0 - RISKS), RISKS, 2.0 * VALUES)


def test_tiers_hold_the_customers_by_value_from_the_top() -> None:
    found = tiers_of(WORTH, CUTS)
    assert [tier.customers for tier in found] == [1, 4, 15, 80]
    assert [tier.value for tier in found] == [10_000.0, 4_000.0, 1_500.0, 800.0]
    assert [tier.spent for tier in found] == [20_000.0, 8_000.0, 3_000.0, 1_600.0]
    assert found[-1].from_value == 0.0
    for below, tier in zip((1_000.0, 100.0, 10.0), found, strict=False):
        assert below < tier.from_value < 1.03 * below, "just above those who no longer fit"


def test_what_stays_and_what_is_at_risk_are_what_they_are_worth_if_kept() -> None:
    for tier, found in enumerate(tiers_of(WORTH, CUTS)):
        rows = tier == PLACED
        assert found.value + found.at_risk == pytest.approx(WORTH.if_kept[rows].sum())
        assert found.churn == pytest.approx(RISKS[rows].sum())


def test_a_margin_is_of_what_is_to_come_and_not_of_what_was_spent() -> None:
    for whole, part in zip(tiers_of(WORTH, CUTS), tiers_of(WORTH, CUTS, 0.3), strict=True):
        assert part.value == pytest.approx(0.3 * whole.value)
        assert part.at_risk == pytest.approx(0.3 * whole.at_risk)
        assert (part.spent, part.customers, part.churn) == (whole.spent, whole.customers, whole.churn)


def test_a_tier_that_begins_beyond_all_values_is_empty() -> None:
    cuts = Histogram.of([1e12, 1e12]).cuts((0.01,))
    found = tiers_of(Worth(np.array([1, 1]), *(np.ones(2) for _ in range(4))), cuts)
    assert (found[0].from_value, found[0].customers, found[0].value) == (inf, 0, 0.0)
