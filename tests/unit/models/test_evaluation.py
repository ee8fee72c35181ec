"""Predictions of an evaluation: no leak from what came later, and the same as the engine's own estimates."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from models.batch import LogRecord
from models.churn import scorer_of
from models.churn.quality import quality
from models.customer import RISK, unpack
from models.evaluation import Predictions, evaluate
from models.rehearsal import Rehearsal, rehearse
from models.settings import DAY, EngineSettings
from tests.logs import START
from tests.shop import WEEK, Shop

SETTINGS = EngineSettings(
    horizon=28 * DAY, anchor=START, phase="aligned", boundary=WEEK, version_delay=0, lateness=0, enter=0.8, exit=0.6
)
SHOP = Shop(customers=150, weeks=30, effects={"complaint": -1.0, "visit": 0.3})


@cache
def logs() -> list[list[LogRecord]]:
    return SHOP.logs()


def told(partitions: list[list[LogRecord]], settings: EngineSettings = SETTINGS) -> dict[int, Predictions]:
    found: dict[int, Predictions] = {}
    evaluate(partitions, settings, lambda said: found.update({said.tick: said}))
    return found


@cache
def whole() -> dict[int, Predictions]:
    return told(logs())


def bits(said: Predictions) -> tuple[list[bytes], bytes, bytes]:
    return said.customers, said.probabilities.tobytes(), said.recency.tobytes()


@pytest.mark.parametrize("week", [3, 9, 17])
def test_what_comes_after_a_tick_changes_nothing_up_to_it(week: int) -> None:
    end = START + week * WEEK
    cut = told([[entry for entry in log if entry.timestamp <= end] for log in logs()])
    assert max(cut) == end
    for tick, said in cut.items():
        assert bits(said) == bits(whole()[tick])


def test_labels_that_arrive_later_change_predictions_from_then_on_only() -> None:
    """A week of lateness holds every label back by a week: the first is known three weeks after the beginning."""
    delayed = told(logs(), replace(SETTINGS, lateness=WEEK))
    ticks = sorted(whole())
    same = [bits(delayed[tick]) == bits(whole()[tick]) for tick in ticks]
    first = ticks[same.index(False)]
    assert first == START + 2 * WEEK, "snapshots of the first tick are labelled at the second"
    assert all(same[: ticks.index(first)])


def test_portions_and_partitions_change_nothing() -> None:
    other = told(SHOP.logs(partitions=3))
    for tick, said in whole().items():
        one = dict(zip(said.customers, said.probabilities.tolist(), strict=True))
        two = dict(zip(other[tick].customers, other[tick].probabilities.tolist(), strict=True))
        assert one == two


def test_a_tick_of_the_engine_estimates_what_the_evaluation_says() -> None:
    """Whoever had no touchpoint since the last tick has that tick's estimate in the record."""
    end = START + 20 * WEEK
    partitions = [[entry for entry in log if entry.timestamp <= end + DAY] for log in logs()]
    world: Rehearsal = rehearse(partitions, SETTINGS)
    said = whole()[end]
    expected = dict(zip(said.customers, said.probabilities.astype(np.float32).tolist(), strict=True))
    active = dict(zip(said.customers, (said.recency <= SETTINGS.silence).tolist(), strict=True))
    touched = {entry.key for log in partitions for entry in log if entry.timestamp >= end and entry.key}
    compared = 0
    for shard in world.shards:
        for customer, value in shard.records.items():
            if customer in expected and customer not in touched and active[customer]:
                record = unpack(customer, value)
                # A crossing within the day has estimated anew.
                if record.numbers[RISK] != expected[customer]:
                    assert record.numbers[RISK] >= SETTINGS.enter > expected[customer]
                compared += 1
    assert compared > 50


def test_a_versions_scorer_says_what_was_told_at_its_boundary() -> None:
    world = evaluate(logs(), SETTINGS, lambda said: None)
    assert sorted(world.versions) == sorted(whole())
    assert all(not shard.outputs for shard in world.shards), "an evaluation keeps no outputs"
    last = world.versions[max(world.versions)]
    assert scorer_of(last, SETTINGS).score(np.ones((1, 28), dtype=np.float32)).shape == (1,)


def test_the_predictions_are_worth_having() -> None:
    days: dict[bytes, list[int]] = {}
    for time, kind, customer, _ in SHOP.events():
        if kind == "purchase":
            days.setdefault(customer.encode(), []).append(time)
    ticks, labels, predicted = [], [], []
    for tick, said in whole().items():
        if START + 8 * WEEK <= tick <= START + SHOP.weeks * WEEK - SETTINGS.horizon:
            for customer, p, recency in zip(said.customers, said.probabilities, said.recency, strict=True):
                if recency <= SETTINGS.horizon:
                    ticks.append(tick)
                    labels.append(not any(tick <= time < tick + SETTINGS.horizon for time in days[customer]))
                    predicted.append(float(p))
    found = quality(ticks, labels, predicted)
    assert found.decisions > 800
    assert found.auc > 0.65
    assert found.ece < 0.12
    rate = found.churn_rate
    assert found.log_loss < -(rate * np.log(rate) + (1 - rate) * np.log(1 - rate)) - 0.02
