"""Where records leave the store, a customer of whom nothing but another id is known leaves as a visitor does; the other
id's record stays, so that what comes at it finds its way."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from models.customer.merged import is_merged
from models.engine.apply import apply as compiled
from models.engine.step import Engine
from models.settings import DAY
from tests.reference.engine import apply as plainly
from tests.support.identities import Shards
from tests.support.logs import START, clock, told
from tests.unit.models.engine.test_identities import home, records_of
from tests.unit.models.simulation.test_rehearsal import VARIANTS

MONTHS = 30


def months(shards: Shards, first: int, last: int) -> None:
    """Time passes, from one month to another."""
    for month in range(first, last):
        for partition in range(2):
            shards.tell(partition, (START + month * 30 * DAY, None, clock(START + month * 30 * DAY)))
        shards.come_to_rest()


def tells(shards: Shards, month: int, kind: str, who: str, **data: Any) -> None:
    time = START + month * 30 * DAY + 1
    shards.tell(home(who), told(kind, who, time, data, id=f"{kind}-{who}-{month}"))
    shards.come_to_rest()


@pytest.mark.parametrize("apply", [compiled, plainly])
@pytest.mark.parametrize(
    "story",
    [
        [(0, "identity_merged", "old", {"into": "new"})],
        [(0, "purchase", "old", {"amount": 1}), (0, "identity_merged", "old", {"into": "new"})],
        pytest.param(
            [(0, "identity_merged", "old", {"into": "new"}), (30, "identity_merged", "old", {"into": "new"})],
            marks=pytest.mark.slow,
        ),
        pytest.param(
            [(0, "identity_merged", "old", {"into": "new"}), (30, "identity_merged", "old", {"into": "other"})],
            marks=pytest.mark.slow,
        ),
        [(0, "identity_merged", "new", {"into": "new"})],
    ],
    ids=["unknown", "known", "again", "refused", "into itself"],
)
def test_only_the_other_ids_record_stays(apply: Engine, story: list[tuple[int, str, str, dict[str, Any]]]) -> None:
    shards = Shards(2, replace(VARIANTS["live"], forget_after=30 * DAY), apply)
    months(shards, 0, 1)
    reached, seen = 0, set[str]()
    for month, kind, who, data in story:
        months(shards, reached + 1, month + 1)
        reached = max(month, reached)
        tells(shards, month, kind, who, **data)
        seen |= records_of(shards).keys()
    assert "new" in seen
    months(shards, reached + 1, reached + MONTHS)
    olds = {who for _, _, who, _ in story} - {"new"}
    assert {name: is_merged(record.flags) for name, record in records_of(shards).items()} == dict.fromkeys(olds, True)
