"""Intervals that may be watched: how often they are ever wrong, and what they are made of."""

from __future__ import annotations

from math import inf, isclose, log, sqrt
from random import Random

import pytest

from models.proof.difference import LEAST_EACH, Difference
from models.proof.intervals import Running, of_difference, of_share, radius, smallest_visible
from models.proof.sample_ratio import SampleRatio
from tests.support.families import slow_but

ALPHA = 0.05


def test_mean_and_variance_are_those_of_all_that_came() -> None:
    random, running = Random(1), Running()
    values = [random.gauss(3.0, 2.0) for _ in range(500)]
    for value in values:
        running.add(value)
    mean = sum(values) / len(values)
    assert isclose(running.mean, mean)
    assert isclose(running.variance, sum((value - mean) ** 2 for value in values) / len(values))


def test_the_asymptotic_sequence_is_narrowest_where_it_is_tuned_for() -> None:
    """Beside a fixed interval at that one moment it is about 1.5 times as wide; and before any data infinitely wide."""
    assert radius(1, 1.0, ALPHA) == inf
    tuned = {units: radius(10_000, 1.0, ALPHA, units) for units in (100, 1_000, 10_000, 100_000, 1_000_000)}
    assert min(tuned, key=lambda units: tuned[units]) == 10_000
    assert 1.4 < tuned[10_000] / (1.96 / sqrt(10_000)) < 1.7


@pytest.mark.parametrize("rate", slow_but((0.5, 0.1), (0.5,)))
def test_looked_at_all_the_time_a_comparison_of_alikes_is_seldom_ever_wrong(rate: float) -> None:
    wrong, runs = 0, 60
    for seed in range(runs):
        random, difference = Random(seed), Difference()
        for unit in range(1_200):
            difference.add(random.random() < 0.2, 0.2, random.random() < rate, 0.0)
            if unit % 5:
                continue
            interval = difference.rates(ALPHA).interval
            if interval is not None and (interval.above_zero or interval.below_zero):
                wrong += 1
                break
    assert wrong <= 0.05 * runs


def test_a_share_is_within_its_sequence_from_the_first_unit_on() -> None:
    wrong = 0
    for seed in range(200):
        random, yes = Random(seed), 0
        truth = random.choice((0.02, 0.3, 0.9))
        for count in range(1, 400):
            yes += random.random() < truth
            if count > 20 and count % 5:
                continue
            found = of_share(count, yes, ALPHA)
            if not found.low <= truth <= found.high:
                wrong += 1
                break
    assert wrong <= 0.05 * 200


def test_of_a_share_nothing_is_known_before_a_unit_and_the_edges_are_where_it_is_refused() -> None:
    assert of_share(0, 0, ALPHA)[:2] == (0.0, 1.0)
    assert of_share(50, 0, ALPHA).low == 0.0
    assert of_share(50, 50, ALPHA).high == 1.0
    found = of_share(50, 0, ALPHA)
    # Of no yes in n the likelihood of a share p is (1 - p)^n, and the mixture's 1 / (n + 1).
    assert isclose(50 * log(1 - found.high), log(ALPHA / 51), rel_tol=1e-9)


def test_a_difference_of_shares_lies_between_those_of_its_arms() -> None:
    found = of_difference((400, 200), (100, 30), ALPHA)
    assert found.low < 0.2 < found.high
    assert found.kind == "beta-binomial"
    more = of_difference((40_000, 20_000), (10_000, 3_000), ALPHA)
    assert more.above_zero
    assert more.high - more.low < found.high - found.low


def test_the_asymptotic_one_begins_when_each_arm_has_enough_with_and_without() -> None:
    difference, kinds = Difference(), []
    for n in range(2 * 10 * LEAST_EACH):
        difference.add(n % 10 == 0, 0.1, n % 20 < 10, 0.0)
        found = difference.rates(ALPHA).interval
        kinds.append(found.kind if found else "")
    first = kinds.index("asymptotic")
    assert kinds[0] == ""  # one arm is empty
    assert set(kinds[1:first]) == {"beta-binomial"}
    assert set(kinds[first:]) == {"asymptotic"}
    assert first == 2 * 10 * LEAST_EACH - 10  # the fiftieth of the control group without it


def test_a_true_lift_is_found_and_its_size_is_right() -> None:
    random, difference = Random(7), Difference()
    for _ in range(20_000):
        control = random.random() < 0.1
        yes = random.random() < (0.30 if control else 0.38)
        difference.add(control, 0.1, yes, 20.0 * yes)
    rates, money = difference.rates(ALPHA), difference.money(ALPHA)
    assert rates.interval is not None
    assert rates.interval.above_zero
    assert abs(rates.lift - 0.08) < 0.02
    assert money.interval is not None
    assert abs(money.lift - 1.6) < 0.4


def test_of_money_nothing_is_shown_before_enough_of_it_has_moved() -> None:
    difference = Difference()
    for n in range(500):
        difference.add(n % 10 == 0, 0.1, True, 5.0)
    assert difference.control.moved == 50
    assert difference.money(ALPHA).interval is None


def test_the_smallest_lift_that_would_be_seen_shrinks() -> None:
    assert smallest_visible(1, 1.0, ALPHA) == inf
    seen = [smallest_visible(n, 1.0, ALPHA) for n in (100, 1_000, 10_000)]
    assert seen == sorted(seen, reverse=True)
    assert seen[-1] > radius(10_000, 1.0, ALPHA)


def test_a_control_group_of_the_right_size_is_seldom_doubted_and_another_soon() -> None:
    doubted = 0
    for seed in range(200):
        random, ratio = Random(seed), SampleRatio()
        for _ in range(2_000):
            ratio.add(random.random() < 0.05, 0.05)
        doubted += ratio.warns
    assert doubted <= 0.05 * 200
    random, ratio = Random(1), SampleRatio()
    while not ratio.blanks:
        ratio.add(random.random() < 0.08, 0.05)
        assert ratio.units < 10_000
    for _ in range(20_000):
        ratio.add(random.random() < 0.05, 0.05)
    assert ratio.blanks  # what was broken stays so
