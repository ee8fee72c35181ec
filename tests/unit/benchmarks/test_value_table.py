"""The value peers' table: decisions and spend as by definition, nothing of the future in a row, honest differences."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from benchmarks.value import difference, predicted, weeks
from benchmarks.value_peers import spend_lately
from benchmarks.value_table import ValueTable, value_table
from models.settings import DAY
from streams.history.datasets import LogRow

HORIZON = 21
FIRST = 10_000


def rows(customers: int = 40, days: int = 150) -> list[LogRow]:
    random = np.random.default_rng(5)
    found = []
    for customer in range(customers):
        day = int(random.integers(0, 60)) if customer else 0
        while day < days:
            amount = float(random.integers(1, 90))
            found.append(LogRow(f"c{customer}", (FIRST + day) * DAY, "purchase", amount, 1.0))
            if customer % 4 == 0:
                found.append(LogRow(f"c{customer}", (FIRST + day + 3) * DAY, "return", -amount / 2, 1.0))
            day += int(random.geometric(0.02 + 0.1 * random.random()))
    found.append(LogRow("visitor", FIRST * DAY, "visit", 0.0, 0.0))
    return sorted(found, key=lambda row: row.ts)


@pytest.fixture(scope="module")
def made() -> ValueTable:
    return value_table(rows(), HORIZON)


def net(log: list[LogRow], name: str, first: int, end: int) -> float:
    return sum(
        abs(row.amount) * (1 if row.type == "purchase" else -1)
        for row in log
        if row.customer_id == name and first <= row.ts // DAY - FIRST < end
    )


def test_decisions_and_spend_are_those_of_the_definition(made: ValueTable) -> None:
    log, found = rows(), made.rows
    assert made.rows.due.any()
    assert not made.rows.due.all()
    for row in range(0, len(found.ticks), 7):
        name, tick = found.names[found.customers[row]], int(found.ticks[row])
        before = [r for r in log if r.customer_id == name and r.ts // DAY - FIRST < tick and r.type == "purchase"]
        days = {r.ts // DAY - FIRST for r in before}
        assert made.rows.due[row] == (tick - max(days) <= 2 * HORIZON)
        assert made.actual[row] == pytest.approx(net(log, name, tick, tick + HORIZON))
        assert made.lately[row] == pytest.approx(net(log, name, tick - HORIZON, tick))
        assert made.gross[row] == pytest.approx(sum(r.amount for r in before) / len(days))
    assert (made.net < 1.0).any()
    assert ((made.net > 0.0) & (made.net <= 1.0)).all()


def test_a_row_knows_nothing_of_what_comes(made: ValueTable) -> None:
    """All that comes after the first ten weeks is another: rows of these weeks are the same but for what came."""
    end = 70
    log = [row for row in rows() if row.ts // DAY - FIRST < end]
    log += [LogRow(f"c{n}", (FIRST + end + n % 30) * DAY, "purchase", 1e6, 1.0) for n in range(40)]
    log.append(LogRow("c0", (FIRST + 149) * DAY, "purchase", 1.0, 1.0))
    other = value_table(sorted(log, key=lambda row: row.ts), HORIZON)
    names = [
        {
            (found.names[who], tick): row
            for row, (who, tick) in enumerate(zip(found.customers, found.ticks, strict=True))
        }
        for found in (made.rows, other.rows)
    ]
    alike = [(names[0][key], names[1][key]) for key in names[0] if key[1] <= end]
    assert len(alike) > 100
    a, b = (np.array(column) for column in zip(*alike, strict=True))
    assert (made.features[a] == other.features[b]).all()
    assert (made.gross[a] == other.gross[b]).all()
    assert (made.net[a] == other.net[b]).all()
    assert not (made.actual[a] == other.actual[b]).all()


def test_values_are_read_by_customer_and_day(made: ValueTable, tmp_path: Path) -> None:
    found = made.rows
    lines = ["customer_id,tick,value,if_kept"]
    for row in np.flatnonzero(found.due).tolist():
        day = np.datetime64(FIRST + int(found.ticks[row]), "D")
        lines.append(f"{found.names[found.customers[row]]},{day},{row}.5,0")
    path = tmp_path / "values.csv"
    path.write_text("\n".join(lines) + "\n")
    values = predicted(made, path)
    due = np.flatnonzero(found.due)
    assert values[due].tolist() == [row + 0.5 for row in due.tolist()]
    assert np.isnan(values[~found.due]).all()
    path.write_text("\n".join(lines[:-1]) + "\n")
    with pytest.raises(KeyError):
        predicted(made, path)


def test_a_worse_forecast_has_a_difference_above_nothing_and_none_to_itself(made: ValueTable) -> None:
    chosen = weeks(made, 4, None)
    best = np.where(chosen, np.maximum(made.actual, 0.0) + 1.0, np.nan)
    lately = spend_lately(made).probabilities
    more, by_customer, two_way = difference(made, chosen, best, lately)
    assert more > 3 * two_way > 0.0
    assert two_way >= by_customer > 0.0
    assert difference(made, chosen, lately, lately)[0] == 0.0
