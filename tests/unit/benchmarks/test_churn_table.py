"""The churn peers' table: decisions as by definition, nothing of the future in a row, refits when they are due."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from benchmarks.churn_btyd import silent_if_geometric
from benchmarks.churn_engine import predicted, write
from benchmarks.churn_refits import NOTHING_KNOWN, refitted
from benchmarks.churn_river import river_default
from benchmarks.churn_table import Table, first_customers, table
from models.settings import DAY
from streams.history.datasets import LogRow, read_log

HORIZON = 21
FIRST = 10_000


def rows(customers: int = 40, days: int = 150) -> list[LogRow]:
    random = np.random.default_rng(5)
    found = []
    for customer in range(customers):
        day = int(random.integers(0, 60)) if customer else 0
        while day < days:
            found.append(LogRow(f"c{customer}", (FIRST + day) * DAY, "purchase", float(random.integers(1, 90)), 1.0))
            day += int(random.geometric(0.02 + 0.1 * random.random()))
    found.append(LogRow("visitor", FIRST * DAY, "visit", 0.0, 0.0))
    return sorted(found, key=lambda row: row.ts)


@pytest.fixture(scope="module")
def made() -> Table:
    return table(rows(), HORIZON)


def test_decisions_are_those_of_the_definition(made: Table) -> None:
    bought: dict[str, set[int]] = {}
    for row in rows():
        if row.type == "purchase":
            bought.setdefault(row.customer_id, set()).add(row.ts // DAY - FIRST)
    end = max(max(days) for days in bought.values()) + 1 - HORIZON
    wanted = {}
    for name, days in bought.items():
        for tick in range(7, end + 1, 7):
            past = [day for day in days if day < tick]
            if past and tick - max(past) <= HORIZON:
                wanted[name, tick] = not any(tick <= day < tick + HORIZON for day in days)
    found = {
        (made.names[made.customers[row]], int(made.ticks[row])): bool(made.churned[row])
        for row in np.flatnonzero(made.due)
    }
    assert found == wanted
    assert 0 < sum(wanted.values()) < len(wanted)


@pytest.mark.parametrize("cut", [70, 105])
def test_a_row_knows_nothing_of_its_future(made: Table, cut: int) -> None:
    early = table([row for row in rows() if row.ts // DAY - FIRST < cut], HORIZON)
    kept = made.ticks <= early.ticks.max()
    assert [made.names[i] for i in made.customers[kept]] == [early.names[i] for i in early.customers]
    for whole, part in zip(
        (made.ticks, made.x, made.last, made.age, made.features),
        (early.ticks, early.x, early.last, early.age, early.features),
        strict=True,
    ):
        assert np.array_equal(whole[kept], part)
    until = made.due & kept
    assert np.array_equal(river_default(made).probabilities[until], river_default(early).probabilities[early.due])


def test_a_label_is_known_a_horizon_later(made: Table) -> None:
    assert not made.known(HORIZON + 6).any()
    assert set(made.ticks[made.known(HORIZON + 7)].tolist()) == {7}


def test_a_peer_is_fitted_weekly_at_first_and_then_every_four_weeks(made: Table) -> None:
    asked: list[int] = []

    def fit(tick: int) -> None:
        asked.append(tick)

    assert set(refitted(made, fit).probabilities[made.due].tolist()) == {NOTHING_KNOWN}
    assert asked == made.due_ticks()
    asked.clear()
    told = refitted(made, lambda tick: asked.append(tick) or (lambda some: np.full(len(some), tick / 1000)))
    assert asked == [*range(7, 64, 7), 91, 119]
    assert told.probabilities[made.at(112)].tolist() == [0.091] * int(made.at(112).sum())
    assert np.isnan(told.probabilities[~made.due]).all()


def test_who_is_gone_is_silent_and_who_is_alive_is_a_poisson_customer() -> None:
    x, age = np.array([0.0, 2.0]), np.array([3.0, 5.0])
    assert silent_if_geometric(np.zeros(2), x, age, 4.0, 0.5, 6.0).tolist() == [1.0, 1.0]
    random = np.random.default_rng(1)
    rates = random.gamma(0.5 + x, 1.0 / (6.0 + age), size=(400_000, 2))
    assert silent_if_geometric(np.ones(2), x, age, 4.0, 0.5, 6.0) == pytest.approx(
        np.exp(-4.0 * rates).mean(0), abs=2e-3
    )


def test_the_first_customers_are_those_who_purchase_first() -> None:
    assert {row.customer_id for row in first_customers(rows(), 1)} == {"c0"}
    assert len({row.customer_id for row in first_customers(rows(), 7)}) == 7


def test_the_engine_is_given_the_same_log_and_every_decision_must_have_its_prediction(
    made: Table, tmp_path: Path
) -> None:
    write(rows(), tmp_path / "log.csv")
    assert list(read_log(tmp_path / "log.csv")) == rows()
    out = tmp_path / "out.csv"
    out.write_text("customer_id,tick,probability\n")
    with pytest.raises(KeyError):
        predicted(made, out)
