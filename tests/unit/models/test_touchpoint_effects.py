"""Touchpoints beyond commerce: what they do is found, in a world where it is known; and they cost nothing elsewhere."""

from __future__ import annotations

import pytest

from models.churn import Version
from models.churn.mixture_scorer import MixtureScorer
from models.features import FEATURES
from models.features.basis import TOUCH_COLUMNS
from models.rehearsal import Rehearsal, rehearse
from models.settings import DAY, EngineSettings
from tests.logs import START
from tests.shop import WEEK, Shop

SETTINGS = EngineSettings(
    horizon=42 * DAY, anchor=START, phase="aligned", boundary=WEEK, version_delay=0, lateness=0, enter=0.99, exit=0.5
)
EFFECTS = {"complaint": -1.2, "payment_failed": -1.0, "visit": 0.5, "return": -0.6}
COLUMN = {"complaint": "complaints", "payment_failed": "payment_failures", "visit": "visits", "return": "returns"}


def world(shop: Shop) -> Rehearsal:
    return rehearse(shop.logs(), SETTINGS, keep=lambda said: False)


def weight(version: Version, name: str) -> float:
    """Of a feature on the log of the weekly hazard of a purchase."""
    return float(MixtureScorer.of(version.model, SETTINGS).mixture.hazard[1 + FEATURES.index(name)])


@pytest.mark.slow
def test_effects_are_found_with_their_signs_and_how_fast() -> None:
    found = world(Shop(customers=500, weeks=52, effects=EFFECTS, often=0.12, seed=3))
    last = found.versions[max(found.versions)]
    for kind, effect in EFFECTS.items():
        assert weight(last, COLUMN[kind]) * effect > 0.01, kind
    # Never told, never weighed.
    for name in set(TOUCH_COLUMNS) - set(COLUMN.values()):
        assert weight(last, name) == 0.0
    # Three of four have their sign from 4,000 weekly examples on.
    early = min((v for v in found.versions.values() if v.learned >= 4_000), key=lambda version: version.boundary)
    for version in found.versions.values():
        if version.boundary >= early.boundary:
            right = sum(weight(version, COLUMN[kind]) * effect > 0 for kind, effect in EFFECTS.items())
            assert right >= 3, version.boundary
    # And they go on moving towards what is true.
    moved = [sum(abs(weight(version, column)) for column in COLUMN.values()) for version in (early, last)]
    assert moved[1] > moved[0]


def test_where_there_are_none_they_change_no_bit() -> None:
    found = world(Shop(customers=60, weeks=20))
    for version in found.versions.values():
        assert all(weight(version, name) == 0.0 for name in TOUCH_COLUMNS)
