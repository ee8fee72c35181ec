"""Predictions of an evaluation: no leak from what came later, and the same as the engine's own estimates."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from models.customer.layout import RISK
from models.customer.record import unpack
from models.settings import DAY, HOUR, EngineSettings
from models.simulation.evaluation import GONE, Predictions, evaluate
from models.simulation.quality import quality
from models.simulation.rehearsal import Rehearsal, rehearse
from models.timeline.batch import LogRecord
from tests.support.logs import START, log_of, ticking
from tests.support.logs import told as happened
from tests.support.shop import WEEK, Shop

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


@pytest.mark.slow
@pytest.mark.parametrize(
    "changed",
    [{"version_delay": WEEK}, {"boundary": DAY, "version_delay": 3 * DAY}, {"boundary": DAY}, {"boundary": 2 * WEEK}],
    ids=str,
)
def test_whatever_the_versions_a_tick_knows_nothing_of_what_comes_after(changed: dict[str, int]) -> None:
    """With a delay a shard runs ahead of the version that is cut."""
    settings = replace(SETTINGS, **changed)
    end = START + 10 * WEEK
    whole_log = told(logs(), settings)
    cut = told([[entry for entry in log if entry.timestamp <= end] for log in logs()], settings)
    assert max(cut) == end
    for tick, said in cut.items():
        assert bits(said) == bits(whole_log[tick])
        assert (said.customers, said.recency.tolist()) == (whole()[tick].customers, whole()[tick].recency.tolist())


def test_what_is_told_is_the_ticks_whatever_versions_lie_between_and_those_are_not_kept() -> None:
    daily = replace(SETTINGS, boundary=DAY)
    found: list[int] = []
    world = evaluate(logs(), daily, lambda said: found.append(said.tick))
    assert found == sorted(whole())
    assert set(world.versions) - set(found) <= set(sorted(world.versions)[-2:])


def test_who_has_left_is_told_as_gone_until_they_come_back_and_who_is_forgotten_is_not_told() -> None:
    contract = replace(SETTINGS, alive="contract")
    entries = [
        happened("subscription_started", "back", START + DAY),
        happened("subscription_started", "gone", START + DAY),
        happened("subscription_started", "forgotten", START + DAY),
        happened("subscription_cancelled", "never", START + DAY),
        happened("subscription_cancelled", "back", START + WEEK + HOUR),
        happened("subscription_cancelled", "gone", START + WEEK + HOUR),
        happened("erase_requested", "forgotten", START + 2 * WEEK),
        happened("subscription_renewed", "back", START + 2 * WEEK + HOUR),
        happened("subscription_renewed", "forgotten", START + 2 * WEEK + HOUR),
    ]
    clocks = [ticking(START + week * WEEK) for week in range(5)]
    log = log_of(sorted([*clocks, *entries], key=lambda entry: (entry[0], entry[1] is not None)))
    states = {
        (tick - START) // WEEK: {
            name.decode(): (left, probability == GONE)
            for name, left, probability in zip(said.customers, said.left, said.probabilities, strict=True)
        }
        for tick, said in told([log], contract).items()
    }
    here, away = (False, False), (True, True)
    assert states == {
        0: {},
        1: {"back": here, "gone": here, "forgotten": here},
        2: {"back": away, "gone": away, "forgotten": here},
        3: {"back": here, "gone": away},
        4: {"back": here, "gone": away},
    }


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


def test_an_evaluation_keeps_the_version_of_every_tick_and_no_outputs() -> None:
    world = evaluate(logs(), SETTINGS, lambda said: None)
    assert sorted(world.versions) == sorted(whole())
    assert [shard.outputs for shard in world.shards] == [[]] * len(logs())


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
