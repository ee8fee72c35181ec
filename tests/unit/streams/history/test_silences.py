"""The silences of a log, held against a plain look at each customer's days."""

from __future__ import annotations

from itertools import pairwise
from random import Random

import numpy as np
import pytest

from models.settings import DAY, EngineSettings
from models.simulation.evaluation import Predictions, evaluate
from models.simulation.thresholds import NEVER
from streams.history.evaluation.outcomes import Signs
from streams.history.evaluation.silences import silences_of
from streams.history.events import TimedEvent
from streams.history.replay import logs, tape
from tests.support.logs import DATA, START, touchpoint

SETTINGS = EngineSettings(
    horizon=28 * DAY, anchor=START, phase="aligned", boundary=7 * DAY, version_delay=0, lateness=0, challengers=""
)


def purchases(seed: int, customers: int, days: int) -> list[TimedEvent]:
    """Of many rhythms; some twice a day, some once and never again."""
    random = Random(seed)
    found = []
    for number in range(customers):
        name, day, gap = f"c-{number}", random.uniform(0, days / 2), random.choice([0.3, 4.0, 20.0, 500.0])
        while day < days:
            time = START + int(day * DAY)
            data = DATA["purchase"](random)
            value = touchpoint("purchase", name, time, data, id=f"p-{number}-{time}")
            found.append(TimedEvent(time, name.encode(), value))
            day += gap * random.uniform(0.2, 1.8)
    return sorted(found, key=lambda event: event.time)


@pytest.mark.parametrize("seed", range(3))
def test_each_tick_of_a_silence_tells_its_days_and_its_end(seed: int) -> None:
    events = purchases(seed, customers=25, days=140)
    signs = Signs(events, SETTINGS)
    predicted: list[Predictions] = []
    evaluate(logs(tape(events, 2, SETTINGS), 2), SETTINGS, predicted.append)
    found = silences_of([one for one in predicted if one.customers], signs, SETTINGS)
    expected, silences = [], []
    for told in predicted:
        for name, risk in zip(told.customers, told.probabilities, strict=True):
            times = [event.time for event in events if event.key == name]
            since = max(time for time in times if time < told.tick)
            if told.tick - since > SETTINGS.silence:
                continue
            before = sorted({time // DAY for time in times if time < told.tick})
            after = [time // DAY * DAY for time in times if time // DAY > since // DAY]
            gaps = [b - a for a, b in pairwise(before)]
            gap = sum(gaps) / len(gaps) if gaps else float("nan")
            decided = told.tick + SETTINGS.horizon <= signs.end
            silences.append((name, since // DAY))
            expected.append((told.tick, risk, since, min(after, default=NEVER), len(before), gap, decided))
    assert len(expected) > 100
    columns = [np.array(column) for column in zip(*expected, strict=True)]
    for name, column in zip(found._fields[1:], columns, strict=True):
        assert np.array_equal(getattr(found, name), column, equal_nan=column.dtype == np.float64), name
    numbers = found.silence.tolist()
    assert len(set(zip(numbers, silences, strict=True))) == len(set(numbers)) == len(set(silences)), "one number each"
