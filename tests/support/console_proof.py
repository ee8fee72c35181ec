"""A made-up programme, as `retention lift` tells it: what the console's page of proof shows."""

from __future__ import annotations

from functools import cache
from random import Random
from typing import Any

from models.proof.draws import Draw
from models.proof.programme import HARMS, Seen, Unit
from models.settings import DAY, WEEK
from streams.operations.lift import Terms, report_of
from streams.operations.lift.held import Span
from streams.operations.lift.reading import Found

BEGIN = 1_770_000_000_000
ARMS = {"": 0.3, "useful": 0.4, "offer": 0.3}


@cache
def lift_data(many: int = 12_000, lift: float = 0.08, control: float = 0.1, dropped: float = 0.0) -> dict[str, Any]:
    """many: customers in half a year. dropped: share of control's that something drops."""
    random, found = Random(11), Found(first=BEGIN, last=BEGIN + 26 * WEEK)
    ages = found.ages["2026"] = (28 * DAY, 56 * DAY, 364 * DAY)
    for number in range(many):
        at, held = BEGIN + number * 26 * WEEK // many, random.random() < control
        if held and random.random() < dropped:
            continue
        rate = 0.45 if held else 0.45 + lift
        seen = [
            Seen(random.random() < rate, random.choice((0.0, 20.0, 45.0)), (random.random() < 0.01,) + (False,) * 2)
            if at + age < found.last
            else None
            for age in ages
        ]
        before = Seen(random.random() < 0.5, 20.0, (False,) * len(HARMS))
        found.units.append(("2026", Unit(at, held, control, random.random() < control, before, tuple(seen))))
    for number in range(many // 3):
        action = random.choices(list(ARMS), list(ARMS.values()))[0]
        kept = random.random() < (0.3 if not action else 0.36)
        found.draws.append(Draw(BEGIN + number, action, ARMS, kept, 12.0 * kept, "at_risk"))
    found.open_draws, found.exempt = 310, 12
    found.held = [Span("stop of marketing", BEGIN + 3 * WEEK, BEGIN + 3 * WEEK + DAY)]
    return report_of(found, Terms()).data()
