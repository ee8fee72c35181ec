"""Touchpoints beyond commerce: what they do is found, in a world where it is known; and they cost nothing elsewhere."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from math import log

import numpy as np
import pytest

from models.churn import Version
from models.churn.mixture.scorer import MixtureScorer
from models.features import FEATURES
from models.features.basis import TOUCH_COLUMNS
from models.settings import DAY, EngineSettings
from models.simulation.evaluation import Predictions, evaluate
from models.simulation.rehearsal import Rehearsal, rehearse
from models.timeline.batch import LogRecord
from tests.support.logs import START, log_of
from tests.support.shop import WEEK, Shop

SETTINGS = EngineSettings(
    horizon=42 * DAY, anchor=START, phase="aligned", boundary=WEEK, version_delay=0, lateness=0, enter=0.99, exit=0.5
)
EFFECTS = {"complaint": -1.2, "payment_failed": -1.0, "visit": 0.5, "return": -0.6}
OTHERS = {"message_unsubscribed": -1.2, "message_opened": 0.6, "presence": 0.6, "campaign_received": -0.6}
COLUMN = {
    "complaint": "complaints",
    "payment_failed": "payment_failures",
    "visit": "visits",
    "return": "returns",
    "message_unsubscribed": "unsubscribes",
    "message_opened": "opens",
    "presence": "presence",
    "campaign_received": "campaigns",
}


def world(shop: Shop) -> Rehearsal:
    return rehearse(shop.logs(), SETTINGS, keep=lambda said: False)


def weight(version: Version, name: str) -> float:
    """Of a feature on the log of the weekly hazard of a purchase."""
    return float(MixtureScorer.of(version.model, SETTINGS).mixture.hazard[1 + FEATURES.index(name)])


@pytest.mark.slow
@pytest.mark.parametrize("effects", [EFFECTS, OTHERS], ids=["service", "messages"])
def test_effects_are_found_with_their_signs_and_how_fast(effects: dict[str, float]) -> None:
    found = world(Shop(customers=500, weeks=52, effects=effects, often=0.12, seed=3))
    last = found.versions[max(found.versions)]
    for kind, effect in effects.items():
        assert weight(last, COLUMN[kind]) * effect > 0.01, kind
    # Never told, never weighed.
    told = {COLUMN[kind] for kind in effects}
    for name in set(TOUCH_COLUMNS) - told:
        assert weight(last, name) == 0.0
    # Three of four have their sign from 4,000 weekly examples on.
    early = min((v for v in found.versions.values() if v.learned >= 4_000), key=lambda version: version.boundary)
    for version in found.versions.values():
        if version.boundary >= early.boundary:
            right = sum(weight(version, COLUMN[kind]) * effect > 0 for kind, effect in effects.items())
            assert right >= 3, version.boundary
    # And they go on moving towards what is true.
    moved = [sum(abs(weight(version, column)) for column in told) for version in (early, last)]
    assert moved[1] > moved[0]


@pytest.mark.slow
def test_an_open_case_and_what_customers_sound_like_are_found() -> None:
    found = world(Shop(customers=500, weeks=52, often=0.12, trouble=-1.0, mood=0.8, seed=3))
    last = found.versions[max(found.versions)]
    assert weight(last, "open_cases") + weight(last, "oldest_case_days") < -0.1, "the two share what a case does"
    assert weight(last, "sentiment") > 0.1


def log_losses(logs: Sequence[Sequence[LogRecord]], shop: Shop, *periods: tuple[int, int]) -> list[float]:
    """Of the predictions from one week to another, of customers active within the horizon, for each period."""
    bought: defaultdict[str, list[int]] = defaultdict(list)
    for time, kind, customer, _ in shop.events():
        if kind == "purchase":
            bought[customer].append(time)
    losses: list[list[float]] = [[] for _ in periods]

    def said(told: Predictions) -> None:
        week = (told.tick - START) // WEEK
        for row in np.flatnonzero(told.recency <= SETTINGS.horizon).tolist():
            times = bought[told.customers[row].decode()]
            stayed = any(told.tick <= time < told.tick + SETTINGS.horizon for time in times)
            p = float(told.probabilities[row])
            for (first, last), found in zip(periods, losses, strict=True):
                if first <= week <= last:
                    found.append(-log(1.0 - p if stayed else p))

    evaluate(logs, SETTINGS, said)
    return [float(np.mean(found)) for found in losses]


@pytest.mark.slow
def test_predictions_are_better_for_them_soon_and_later() -> None:
    shop = Shop(customers=500, weeks=52, effects=EFFECTS, often=0.12, seed=3)
    purchases = [[entry for entry in log if b'"purchase"' in entry.value or not entry.key] for log in shop.logs()]
    soon, later = (6, 15), (16, 45)
    without = log_losses([log_of((e.timestamp, e.key, e.value) for e in log) for log in purchases], shop, soon, later)
    for found, plain in zip(log_losses(shop.logs(), shop, soon, later), without, strict=True):
        assert found < plain - 0.007


def test_where_there_are_none_they_change_no_bit() -> None:
    found = world(Shop(customers=60, weeks=20))
    for version in found.versions.values():
        assert all(weight(version, name) == 0.0 for name in TOUCH_COLUMNS)
