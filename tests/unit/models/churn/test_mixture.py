"""The mixture: rolled forward as time would, summed as week by week, at the level it is told."""

from __future__ import annotations

from itertools import pairwise
from random import Random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.churn.mbg.fit import MbgParameters, silent_probability
from models.churn.mixture.level import LEAST_SHARE, Shares, shares, shift_to_level
from models.churn.mixture.probability import quadrature
from models.churn.mixture.scorer import MixtureScorer
from models.customer.layout import HALF_LIVES_TOUCH
from models.customer.record import Record
from models.features import COLUMNS
from models.features.silence import rolled
from models.numerics.float16 import float16_bits, from_float16, to_float16
from models.numerics.normal import ln_upper_tail
from models.settings import DAY, EngineSettings
from models.touchpoints import Touch, read
from tests.support.logs import DATA, START, touchpoint
from tests.support.one import basis_of, update
from tests.unit.models.churn.test_crossing import customer, mixture

SETTINGS = EngineSettings(phase="aligned", anchor=START, lateness=0)


# -- silence


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 10**6), st.floats(0.0, 200.0), st.floats(0.0, 100.0))
def test_a_basis_rolled_forward_is_the_basis_of_the_later_moment(seed: int, after: float, silence: float) -> None:
    random, record, day = Random(seed), Record(b"c"), 0.0
    for _ in range(random.randint(1, 12)):
        kind = random.choice(["purchase", "purchase", "visit", "complaint", "return", "campaign_received", "presence"])
        time = START + int(day * DAY)
        outcome = read(touchpoint(kind, "c", time, DATA[kind](random)), None, time)
        assert isinstance(outcome, Touch)
        update(record, outcome, SETTINGS, late=False)
        day += random.expovariate(0.1)
    if not record.times[1]:
        return
    now = START + int((day + after) * DAY)
    later = now + int(silence * DAY)
    found = rolled(np.array([basis_of(record, now)], dtype=np.float32), np.array([(later - now) / DAY]))[0]
    wanted = np.array(basis_of(record, later), dtype=np.float32)
    for name, one, other in zip(COLUMNS, found.tolist(), wanted.tolist(), strict=True):
        assert one == pytest.approx(other, rel=2e-5, abs=1e-30), name


def test_decays_of_the_columns_are_those_of_the_record() -> None:
    basis = np.ones((1, len(COLUMNS)), dtype=np.float32)
    sorts = ("complaints", "payment_failures", "unsubscribes", "visits", "opens", "presence", "returns", "campaigns")
    for name, half_life in zip(sorts, HALF_LIVES_TOUCH, strict=True):
        assert rolled(basis, np.array([half_life]))[0, COLUMNS.index(name)] == 0.5, name
    for half_life in (14, 28, 56, 112, 224):
        assert rolled(basis, np.array([float(half_life)]))[0, COLUMNS.index(f"purchases_{half_life}")] == 0.5


# -- the sum over the weeks ahead


@pytest.mark.parametrize("horizon", [7.0, 14.0, 28.0, 42.0, 91.0, 180.0, 364.0])
def test_the_groups_cover_the_horizon_and_their_middles_rise(horizon: float) -> None:
    widths, rolls = quadrature(horizon)
    assert widths.sum() == pytest.approx(horizon / 7)
    assert rolls[0] == 0.0
    assert all(before < after for before, after in pairwise(rolls.tolist()))
    assert len(quadrature(horizon, 1.0)[0]) <= 4 + horizon / 8


@pytest.mark.parametrize("tick", [7.0, 1.0])
@pytest.mark.parametrize("horizon", [28.0, 91.0, 182.0])
def test_the_groups_sum_equals_that_of_all_ticks(horizon: float, tick: float) -> None:
    """With weights of the size that learners find; the hazards of single ticks are far from equal here."""
    ticks = np.arange(horizon / tick)
    worst, moved = 0.0, 0.0
    for seed in range(200):
        widths, rolls = quadrature(horizon, tick)
        few = mixture(seed, 0.08, horizon)._replace(widths=widths, rolls=rolls)
        few.blend[:] = 0.0, 0.0, 1.0, horizon / 7
        few.hazard[0] += np.log(tick / 7)  # as many purchases in all
        many = few._replace(widths=np.ones(len(ticks)), rolls=tick * ticks)
        one = few._replace(widths=np.array([horizon / tick]), rolls=np.array([0.0]))
        basis = customer(seed)[None]
        exact = MixtureScorer(many).score(basis)[0]
        worst = max(worst, abs(MixtureScorer(few).score(basis)[0] - exact))
        moved = max(moved, abs(MixtureScorer(one).score(basis)[0] - exact))
    assert worst < 0.012 < 0.05 < moved


# -- MBG/NBD and the level


@pytest.mark.slow
@given(st.integers(0, 10**6))
def test_while_nothing_is_learned_it_is_mbg_alone(seed: int) -> None:
    version, basis = mixture(seed), customer(seed)
    version.blend[:] = 1.0, 0.0, 0.0, 4.0
    recency, tenure, days = (float(number) for number in basis[:3])
    wanted = silent_probability(
        days - 1, max(tenure - recency, 0.0) / 7, tenure / 7, 4.0, MbgParameters(*version.mbg.tolist())
    )
    found = MixtureScorer(version).score(basis[None])[0]
    assert found == pytest.approx(min(max(wanted, 1e-4), 1 - 1e-4), rel=1e-9)


@given(st.floats(0.0, 5_000.0), st.floats(1.0, 500.0))
def test_shares_are_shares(age: float, horizon: float) -> None:
    found = shares(age, horizon)
    assert LEAST_SHARE <= found.mbg <= 1.0
    assert 0.0 <= found.own <= 0.5


def test_the_older_the_log_the_less_counts_mbg() -> None:
    found = [shares(age, 91.0) for age in (0.0, 30.0, 91.0, 300.0, 3_000.0)]
    assert [share.mbg for share in found] == sorted((share.mbg for share in found), reverse=True)
    assert found[0] == Shares(1.0, 0.0)
    assert found[2] == Shares(0.5, 0.25)
    assert found[-1].own < 0.01
    assert shares(3_000.0, 14.0).own > 0.45


@settings(deadline=None)
@given(
    st.lists(st.tuples(st.floats(-6.0, 6.0), st.floats(0.01, 0.99)), min_size=1, max_size=30),
    st.floats(0.0, 1.0),
    st.floats(0.0, 1.0),
)
def test_the_shift_gives_the_level_wanted(rows: list[tuple[float, float]], mbg: float, own: float) -> None:
    learners, anchor = (np.array(column) for column in zip(*rows, strict=True))
    shift = shift_to_level(learners, anchor, Shares(mbg, own))
    z = (1 - mbg) * learners + mbg * np.log(anchor / (1 - anchor)) + shift
    wanted = (1 - own) * anchor.mean() + own * (1 / (1 + np.exp(-learners))).mean()
    if abs(shift) < 6.0:  # eight steps of one at most
        assert (1 / (1 + np.exp(-z))).mean() == pytest.approx(wanted, abs=2e-3)


def test_without_customers_there_is_no_shift() -> None:
    assert shift_to_level(np.empty(0), np.empty(0), Shares(0.5, 0.25)) == 0.0


# -- numbers


@given(st.floats(-40.0, 40.0))
def test_the_normal_tail_is_as_exact_as_it_says(x: float) -> None:
    wanted = _ln_upper_tail(x)
    assert ln_upper_tail(x) == pytest.approx(wanted, rel=1e-9, abs=1e-9)


def _ln_upper_tail(x: float) -> float:
    """By the standard library where it does not underflow, by the asymptotic series beyond."""
    from math import erfc, log, log1p, pi, sqrt

    if x < 20.0:
        tail = 0.5 * erfc(x / sqrt(2.0))
        return log(tail) if x > -5.0 else log1p(-0.5 * erfc(-x / sqrt(2.0)))
    series = 1.0 - 1.0 / x**2 + 3.0 / x**4 - 15.0 / x**6 + 105.0 / x**8
    return -0.5 * x * x - log(x * sqrt(2.0 * pi)) + log(series)


@given(st.floats(-1e9, 1e9, width=32))
def test_a_half_is_the_nearest_one_as_numpy_finds_it(value: float) -> None:
    assert float16_bits(value) == to_float16(np.array([value], dtype=np.float32))[0] or value == 0.0
    assert float16_bits(0.0) == 0


def test_every_half_comes_back() -> None:
    bits = np.arange(0x7C00, dtype=np.uint16)
    assert [float16_bits(float(value)) for value in from_float16(bits).tolist()] == bits.tolist()
