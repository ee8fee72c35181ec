"""Whether MBG/NBD may set the level: it loses its say for gross and lasting errors only."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from models.churn.mixture.trust import FEW, Trust
from models.churn.snapshot import SnapshotRefused
from models.settings import DAY

HORIZON = 28 * DAY
WEEK = 7 * DAY
BEGIN = 3_000 * WEEK


def churned(rate: float, rows: int = 200) -> NDArray[np.bool_]:
    return np.arange(rows) < rate * rows


def after(weeks: int, anchor: float, own: float, came: float, trust: Trust | None = None, first: int = 0) -> Trust:
    """Weeks of the same levels, with the outcomes of those that are a horizon old."""
    found = Trust(HORIZON) if trust is None else trust
    for week in range(first, first + weeks):
        boundary = BEGIN + week * WEEK
        found.learn(np.full(200, boundary - HORIZON), churned(came))
        found.note(boundary, anchor, own)
    return found


def test_who_has_said_nothing_yet_is_trusted() -> None:
    assert Trust(HORIZON).lost == 0.0
    assert after(4, 0.9, 0.1, 0.1).lost == 0.0, "no outcome is known yet"


@pytest.mark.parametrize("off", [0.0, 0.05, 0.09])
def test_an_error_as_a_season_makes_it_costs_no_say(off: float) -> None:
    assert after(60, 0.3 + off, 0.3, 0.3).lost == 0.0
    assert after(60, 0.3 - off, 0.3, 0.3).lost == 0.0


def test_a_gross_and_lasting_error_costs_all_of_it() -> None:
    told = [after(weeks, 0.45, 0.15, 0.13).lost for weeks in (4, 6, 8, 40)]
    assert told == sorted(told)
    assert told[0] == 0.0
    assert told[-1] == 1.0
    assert after(40, 0.13 - 0.30, 0.13, 0.13).lost == 1.0, "to whichever side"


def test_who_errs_no_more_than_the_learners_keeps_it() -> None:
    assert after(60, 0.6, 0.6, 0.1).lost == 0.0
    assert after(60, 0.3, 0.9, 0.1).lost == 0.0


def test_an_error_is_forgiven_in_time() -> None:
    trust = after(20, 0.5, 0.1, 0.1)
    assert trust.lost == 1.0
    assert after(60, 0.1, 0.1, 0.1, trust, first=20).lost == 0.0


def test_an_error_known_from_a_few_is_hardly_known() -> None:
    trust = Trust(HORIZON)
    trust.note(BEGIN, 0.9, 0.1)
    trust.learn(np.full(int(FEW / 10), BEGIN), churned(0.0, int(FEW / 10)))
    assert trust.lost == 0.0


def test_no_more_is_kept_than_outcomes_can_ask_for() -> None:
    trust = after(400, 0.3, 0.3, 0.3)
    assert len(trust.state()["boundaries"]) <= (2 * HORIZON) // WEEK + 5


def test_it_goes_through_plain_data() -> None:
    straight = after(30, 0.45, 0.2, 0.13)
    half = after(15, 0.45, 0.2, 0.13)
    again = Trust(HORIZON)
    again.restore(json.loads(json.dumps(half.state())))
    assert after(15, 0.45, 0.2, 0.13, again, first=15).state() == straight.state()


@pytest.mark.parametrize(
    "wrong",
    [
        {"boundaries": None},
        {"boundaries": [1.5]},
        {"anchor": []},
        {"labels": -1.0},
        {"own_off": 1e9},
        {"anchor": ["x"]},
    ],
)
def test_what_is_no_trust_is_refused(wrong: dict[str, Any]) -> None:
    trust = after(5, 0.3, 0.3, 0.3)
    before = trust.state()
    with pytest.raises(SnapshotRefused):
        trust.restore({**before, **wrong})
    assert trust.state() == before
