"""The alarm of harm, the alarm of money, and the price of a budget."""

from __future__ import annotations

import json
from math import inf
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.churn.snapshot import SnapshotRefused
from models.learning.budget_price import UnprovenPrice, stepped
from models.learning.harm import ALARM, TIMES, HarmAlarm, MoneyLoss, least_contacts


def contacts_until(rate: float, seed: int, good_before: int = 0, most: int = 20_000, cells: int = 1) -> int:
    rng = np.random.default_rng(seed)
    alarm = HarmAlarm(0.02, cells)
    for _ in range(good_before):
        alarm.add(harmed=False)
    for contact, draw in enumerate(rng.random(most), start=1):
        alarm.add(bool(draw < rate))
        if alarm.raised:
            return contact
    return most + 1


def test_a_tolerated_rate_hardly_ever_raises_it() -> None:
    assert sum(contacts_until(0.01, seed, most=1_000, cells=5) <= 1_000 for seed in range(100)) <= 2
    assert sum(contacts_until(0.02, seed, most=1_000, cells=5) <= 1_000 for seed in range(100)) <= 20


@pytest.mark.parametrize(("rate", "contacts"), [(0.15, 60), (0.06, 300), (0.035, 1_500)])
def test_harm_is_seen(rate: float, contacts: int) -> None:
    assert np.median([contacts_until(rate, seed) for seed in range(60)]) < contacts


def test_a_thousand_good_contacts_hide_no_bad_ones() -> None:
    fresh = np.median([contacts_until(0.15, seed) for seed in range(60)])
    late = np.median([contacts_until(0.15, seed, good_before=1_000) for seed in range(60)])
    assert late <= 1.5 * fresh + 5


def test_more_cells_need_more_evidence() -> None:
    assert np.median([contacts_until(0.15, seed, cells=5) for seed in range(40)]) >= np.median(
        [contacts_until(0.15, seed) for seed in range(40)]
    )


def test_the_evidence_is_the_average_of_restarted_likelihood_ratios() -> None:
    alarm = HarmAlarm(0.1, 1)
    expected = [1.0] * len(TIMES)
    for harmed in (False, True, True, False):
        alarm.add(harmed)
        for place, times in enumerate(TIMES):
            rate = min(times * 0.1, 0.9)
            expected[place] = max(expected[place], 1.0) * (rate / 0.1 if harmed else (1 - rate) / 0.9)
    assert alarm.evidence == pytest.approx(np.mean(expected))


def test_an_alarm_stays() -> None:
    alarm = HarmAlarm(0.02, 1)
    for _ in range(10):
        alarm.add(harmed=True)
    assert alarm.evidence >= ALARM
    for _ in range(5_000):
        alarm.add(harmed=False)
    assert alarm.evidence < ALARM
    assert alarm.raised


def test_its_state_passes_through_json_to_the_bit() -> None:
    one, other = HarmAlarm(0.02, 3), HarmAlarm(0.02, 3)
    for n in range(50):
        one.add(n % 9 == 0)
    other.restore(json.loads(json.dumps(one.state())))
    assert (other.state(), other.evidence, other.raised) == (one.state(), one.evidence, one.raised)


@pytest.mark.parametrize("state", [None, {"evidence": [1.0]}, {"evidence": [1.0] * 5, "raised": 1}])
def test_a_damaged_state_is_refused(state: Any) -> None:
    with pytest.raises(SnapshotRefused):
        HarmAlarm(0.02, 1).restore(state)


def test_a_rate_that_is_none_is_refused() -> None:
    with pytest.raises(ValueError, match=r"tolerated is 0\.0"):
        HarmAlarm(0.0, 1)
    with pytest.raises(ValueError, match="cells is 0"):
        HarmAlarm(0.02, 0)


def test_how_long_it_takes() -> None:
    assert least_contacts(0.02, 0.01) == inf
    assert least_contacts(0.02, 0.06) > least_contacts(0.02, 0.15)
    assert least_contacts(0.02, 0.15, cells=8) > least_contacts(0.02, 0.15)


def test_a_loss_of_money_is_proven_by_windows_and_a_gain_is_not() -> None:
    loses, gains = MoneyLoss(50.0, 0.05), MoneyLoss(50.0, 0.05)
    rng = np.random.default_rng(1)
    for difference in rng.normal(10.0, 10.0, 60).tolist():
        loses.add(-difference)
        gains.add(difference)
    assert loses.raised
    assert 0.0 < loses.loses_at_least < 10.0
    assert (gains.raised, gains.loses_at_least) == (False, 0.0)
    again = MoneyLoss(50.0, 0.05)
    again.restore(json.loads(json.dumps(loses.state())))
    assert again.loses_at_least == loses.loses_at_least


@given(st.floats(0, 100), st.floats(0, 1e6), st.floats(0.1, 1e6), st.floats(0.01, 10))
def test_a_price_rises_where_more_is_used_than_allowed(price: float, used: float, allowed: float, rate: float) -> None:
    after = stepped(price, used, allowed, rate)
    assert after >= 0.0
    assert after >= price if used >= allowed else after <= price


def test_a_price_settles_where_the_allowance_is_used() -> None:
    price = 0.0
    for _ in range(400):
        price = stepped(price, 1_000 * max(1.0 - price / 4.0, 0.0), 150.0, 0.1)
    assert price == pytest.approx(4.0 * 0.85, abs=0.05)


@pytest.mark.parametrize(("used", "allowed", "rate"), [(1.0, 0.0, 1.0), (-1.0, 1.0, 1.0), (1.0, 1.0, 0.0), (inf, 1, 1)])
def test_no_allowance_is_refused(used: float, allowed: float, rate: float) -> None:
    with pytest.raises(ValueError, match="used is"):
        stepped(1.0, used, allowed, rate)


def test_the_price_of_unproven_contact_keeps_its_share() -> None:
    rng = np.random.default_rng(1)
    price = UnprovenPrice(0.3)
    used = []
    for _ in range(200):
        hopes = rng.normal(0.05, 0.05, 100)
        used.append(float((hopes > price.price).sum()))
        price.step(used[-1], 100)
    assert np.mean(used[20:]) == pytest.approx(30, abs=1.5)
    before = price.price
    price.step(0.0, 0)
    assert price.price == before
    other = UnprovenPrice(0.3)
    other.restore(json.loads(json.dumps(price.state())))
    assert other.price == price.price


def test_a_damaged_price_is_refused() -> None:
    with pytest.raises(SnapshotRefused, match="price is -1"):
        UnprovenPrice(0.3).restore({"price": -1.0, "settled": True})
    with pytest.raises(SnapshotRefused, match="is no price"):
        UnprovenPrice(0.3).restore(None)
    with pytest.raises(ValueError, match=r"share is 0\.0"):
        UnprovenPrice(0.0)
