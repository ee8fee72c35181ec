"""What the value model reads of a customer beyond the churn model's basis: what they have spent and sent back.

Two numbers, both log1p of a purchase day's: so that a pending example may keep them at float16, as it keeps the basis,
with an error of a quarter of a percent of the amount.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from models.customer.layout import BASIS, PURCHASE_DAYS, RETURNED, SPENT
from models.numerics.compiled import LANES, compiled
from models.numerics.maths import ln

MONEY_COLUMNS: Final = ("spent", "returned")
"""Names of the two numbers, in order: log1p of gross spend, and of what was returned, a purchase day so far."""
MONEY: Final = len(MONEY_COLUMNS)
SPENT_COLUMN, RETURNED_COLUMN = range(MONEY)


class Observed(NamedTuple):
    """Customers as they were looked at, in columns of shape (rows,), in the order of the log.

    bases: the churn model's raw features, shape (rows, BASIS). money: shape (rows, MONEY). observed_at: ms.
    """

    customers: Sequence[bytes]
    bases: NDArray[np.float32]
    money: NDArray[np.float32]
    observed_at: NDArray[np.int64]

    def where(self, rows: NDArray[Any]) -> Observed:
        """Some of them, by their numbers."""
        names = [self.customers[row] for row in rows.tolist()]
        return Observed(names, self.bases[rows], self.money[rows], self.observed_at[rows])


class Matured(NamedTuple):
    """Observations whose window is over, with what came in it: `net`, what was bought less what was returned, in the
    currency of the log, shape (rows,)."""

    observed: Observed
    net: NDArray[np.float64]


NOBODY: Final = Observed(
    (), np.empty((0, BASIS), dtype=np.float32), np.empty((0, MONEY), dtype=np.float32), np.empty(0, dtype=np.int64)
)
NOTHING_MATURED: Final = Matured(NOBODY, np.empty(0))


@compiled
def spent_a_day(numbers: Any) -> float:
    """log1p of gross spend a purchase day so far, at float32. numbers: of a record."""
    days = max(np.float64(numbers[PURCHASE_DAYS]), 1.0)
    found: float = np.float32(ln(1.0 + max(np.float64(numbers[SPENT]), 0.0) / days))  # type: ignore[assignment]
    return found


@compiled
def returned_a_day(numbers: Any) -> float:
    """The same of what was returned."""
    days = max(np.float64(numbers[PURCHASE_DAYS]), 1.0)
    found: float = np.float32(ln(1.0 + max(np.float64(numbers[RETURNED]), 0.0) / days))  # type: ignore[assignment]
    return found


@compiled
def _money(records: Any, rows: Any, money: Any) -> None:
    for i in range(rows.shape[0]):
        numbers = records[rows[i]].numbers
        money[i, SPENT_COLUMN], money[i, RETURNED_COLUMN] = spent_a_day(numbers), returned_a_day(numbers)


def money_of(records: NDArray[np.void], rows: NDArray[np.int64]) -> NDArray[np.float32]:
    """The money of some rows of a block's records, shape (rows, MONEY)."""
    money = np.empty((len(rows), MONEY), dtype=np.float32)
    _money(records, rows, money)
    return money


@compiled
def load_money(money: Any, first: int, used: int, m: Any) -> None:
    """Money of shape (rows, MONEY), from row `first` on, into the lanes of `m`, shape (MONEY, LANES); lanes that are
    not in use have the last row's."""
    for lane in range(LANES):
        row = first + min(lane, used - 1)
        for i in range(MONEY):
            m[i, lane] = money[row, i]
