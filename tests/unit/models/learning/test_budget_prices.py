"""The prices of budgets: they rise while draws want more than a step may take, and come down where less is wanted."""

from __future__ import annotations

import json
from typing import Any

import pytest

from models.churn import SnapshotRefused
from models.decisions.purse import WHOLE_UNIT
from models.learning.budget_prices import MOST_WANTED, RATE, BudgetPrices
from models.outputs import BudgetPulse, ChoicePulse
from models.settings import DAY, WEEK

WORTH = 50.0
CALLS = BudgetPulse("calls", 400, 0, 0, 4 * WEEK, 0, 0)
GIFTS = BudgetPulse("gifts", 100_000, 0, 0, 4 * WEEK, 0, 0, lot=500)


def wanting(**units: float) -> ChoicePulse:
    return ChoicePulse((), 0.3, WEEK, 0.02, wanted={name: round(one * WHOLE_UNIT) for name, one in units.items()})


def prices(*budgets: BudgetPulse) -> BudgetPrices:
    found = BudgetPrices()
    found.under(budgets or (CALLS,))
    return found


def test_what_is_wanted_twice_costs_more_and_what_is_not_wanted_comes_down_to_nothing() -> None:
    found = prices()
    found.hear([wanting(calls=120.0), wanting(calls=80.0)])
    found.step(WEEK, WORTH)
    assert found.money == {"calls": pytest.approx(RATE * WORTH)}
    assert found.last == {"calls": pytest.approx(2.0)}
    found.hear([wanting(calls=50.0)])
    found.step(WEEK, WORTH)
    assert found.money == {"calls": pytest.approx(RATE * WORTH / 2)}
    for _ in range(2):
        found.step(WEEK, WORTH)
    assert found.money == {"calls": 0.0}


def test_what_a_step_may_take_is_by_the_time_that_it_took() -> None:
    found = prices()
    found.hear([wanting(calls=150.0)])
    found.step(10 * DAY + DAY // 2, WORTH)
    assert found.money == {"calls": 0.0}
    assert found.last == {"calls": pytest.approx(1.0)}


def test_what_counts_money_has_a_price_that_moves_alike_for_what_a_trigger_takes() -> None:
    found = prices(CALLS, GIFTS)
    found.hear([wanting(calls=200.0, gifts=50_000.0)])
    found.step(WEEK, WORTH)
    told = found.money
    assert told["gifts"] * 500 == pytest.approx(told["calls"])


def test_no_demand_however_great_lets_a_price_jump() -> None:
    found = prices()
    found.hear([wanting(calls=1e6)])
    found.step(WEEK, WORTH)
    assert found.money["calls"] == pytest.approx(RATE * WORTH * (MOST_WANTED - 1.0))
    assert found.last["calls"] == pytest.approx(10_000.0)


def test_of_a_budget_of_nothing_nothing_has_a_price() -> None:
    found = prices(BudgetPulse("calls", 0, 0, 0, WEEK, 0, 0))
    found.hear([wanting(calls=5.0)])
    found.step(WEEK, WORTH)
    assert found.money == {"calls": 0.0}


def test_before_anything_is_known_of_what_is_at_stake_no_price_moves() -> None:
    found = prices()
    found.hear([wanting(calls=500.0)])
    found.step(WEEK, 0.0)
    assert found.money == {"calls": 0.0}


def test_another_policy_keeps_the_price_of_a_budget_that_it_names() -> None:
    found = prices(CALLS, GIFTS)
    found.hear([wanting(calls=200.0, gifts=50_000.0)])
    found.step(WEEK, WORTH)
    before = found.money["calls"]
    found.hear([wanting(gifts=50_000.0, unknown=3.0)])
    found.under([CALLS])
    assert found.money == {"calls": before}
    found.under([CALLS, GIFTS])
    assert found.money == {"calls": before, "gifts": 0.0}
    assert found.last.keys() == {"calls"}
    found.under([])
    assert (found.state(), found.money) == (None, {})


def test_it_goes_on_from_its_state_to_the_bit() -> None:
    found = prices(CALLS, GIFTS)
    found.hear([wanting(calls=170.0, gifts=9.0)])
    found.step(WEEK, WORTH)
    found.hear([wanting(calls=33.25)])
    again = BudgetPrices.of(json.loads(json.dumps(found.state())))
    for one in (found, again):
        one.hear([wanting(calls=99.5)])
        one.step(WEEK, WORTH)
    assert again.state() == found.state()
    assert BudgetPrices.of(None).state() is None


@pytest.mark.parametrize(
    ("broken", "told"),
    [
        ({"price": {"calls": -1.0}}, r"price of budget 'calls' is -1\.0"),
        ({"price": {}}, r"prices of \[\] are kept"),
        ({"wanted": {"gifts": 1}}, "are kept, of the budgets"),
        ({"allowed": {"calls": [1, 0, 1]}}, "period and lot are above 0"),
        ({"wanted": 3}, "can't be read"),
    ],
)
def test_a_damaged_state_is_refused(broken: dict[str, Any], told: str) -> None:
    state = prices().state()
    assert state is not None
    with pytest.raises(SnapshotRefused, match=told):
        BudgetPrices.of({**state, **broken})
