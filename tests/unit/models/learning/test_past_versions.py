"""What the models said in the past: asked by the time of a snapshot, kept for as long as it may be asked for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from models.churn.port import Outcomes
from models.churn.snapshot import SnapshotRefused
from models.customer.layout import BASIS
from models.learning.past_versions import Past
from models.settings import DAY, HOUR, WEEK, EngineSettings
from models.timeline.boundaries import UNTRAINED

SETTINGS = EngineSettings(horizon=28 * DAY)
BEGIN = 3_000 * WEEK


class Says:
    """A scorer that says the number of its version."""

    def __init__(self, model: Mapping[str, Any]) -> None:
        self.number = model["number"]

    def score(self, bases: NDArray[np.float32]) -> NDArray[np.float64]:
        return np.full(len(bases), float(self.number))


def past() -> Past:
    return Past(SETTINGS, {"one": {"number": UNTRAINED}}, Says)


def taken(*times: int) -> Outcomes:
    rows = len(times)
    truths = np.zeros(rows, dtype=np.bool_)
    return Outcomes([b"c"] * rows, np.zeros((rows, BASIS), dtype=np.float32), np.array(times, dtype=np.int64), truths)


def note(world: Past, boundary: int) -> None:
    world.note(boundary, lambda: {"one": {"number": boundary}})


@given(st.lists(st.integers(0, 40 * 24), max_size=30), st.lists(st.integers(-24, 40 * 24), min_size=1, max_size=5))
def test_an_outcome_is_foretold_by_the_newest_kept_version_that_is_not_younger_than_its_snapshot(
    boundaries: list[int], snapshots: list[int]
) -> None:
    world, kept = past(), [UNTRAINED]
    for boundary in sorted({BEGIN + hour * HOUR for hour in boundaries}):
        note(world, boundary)
        if boundary // WEEK != kept[-1] // WEEK:
            kept.append(boundary)
    times = [BEGIN + hour * HOUR for hour in snapshots]
    oldest = max(kept) - SETTINGS.horizon - SETTINGS.lateness
    asked = [time for time in times if time >= oldest]  # older ones have their outcome
    told = world.expected(taken(*asked))["one"]
    assert told.tolist() == [max(boundary for boundary in kept if boundary <= time) for time in asked]


def test_it_keeps_no_more_than_the_weeks_of_a_horizon() -> None:
    world = past()
    for hour in range(0, 60 * 7 * 24, 5):
        note(world, BEGIN + hour * HOUR)
    boundaries = world.state()["boundaries"]
    assert len(boundaries) <= SETTINGS.horizon // WEEK + 4
    assert boundaries[0] <= BEGIN + 60 * WEEK - SETTINGS.horizon - SETTINGS.lateness - WEEK


def test_it_goes_through_plain_data() -> None:
    world = past()
    for week in range(20):
        note(world, BEGIN + week * WEEK)
    again = past()
    again.restore(msgspec.json.decode(msgspec.json.encode(world.state())))
    assert again.state() == world.state()
    outcomes = taken(BEGIN + 17 * WEEK, BEGIN + 18 * WEEK + DAY)
    assert again.expected(outcomes)["one"].tolist() == [BEGIN + 17 * WEEK, BEGIN + 18 * WEEK]


@pytest.mark.parametrize(
    "state",
    [
        None,
        {"boundaries": [], "versions": []},
        {"boundaries": [2, 1], "versions": [{"one": {"number": 1}}] * 2},
        {"boundaries": [1], "versions": []},
        {"boundaries": [1], "versions": [{"two": {"number": 1}}]},
    ],
)
def test_what_is_no_past_is_refused(state: object) -> None:
    world = past()
    before = world.state()
    with pytest.raises(SnapshotRefused):
        world.restore(state)
    assert world.state() == before
