"""How good the models are is told from the learner's states: now, week by week, and by what they had predicted."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from functools import cache
from typing import Any

import pytest

from models.churn import seal
from models.learning.learner import Learning
from models.learning.schema import schema_of
from models.settings import DAY, WEEK
from models.simulation.rehearsal import rehearse
from streams.kafka.partition_facts import LogFacts
from streams.learner.model_registry import ModelRegistry
from streams.learner.starts import STARTS, Starts, name_of_start
from streams.operations.model_story import model_story
from streams.shard.meta import SCHEMA, ShardBody, creation_of, pack_body
from streams.store.fake import FakeStore
from streams.store.port import LEARNER, Write
from tests.support.logs import synthetic
from tests.unit.models.simulation.test_rehearsal import VARIANTS

SETTINGS = replace(VARIANTS["live"], boundary=7 * DAY, challengers="adagrad")


@cache
def learned(weeks: int) -> Learning:
    """By one log, up to so many weeks."""
    [log] = synthetic(5, partitions=1, customers=120, days=250)
    until = log[0].timestamp + weeks * WEEK
    found = rehearse([[one for one in log if one.timestamp < until]], SETTINGS).learning
    assert isinstance(found, Learning)
    return found


def told(*earlier: Learning, now: Learning, schema: str = schema_of(SETTINGS)) -> dict[str, Any]:
    async def look() -> dict[str, Any]:
        store, starts = FakeStore(), Starts()
        creation = creation_of(LogFacts(0, 0, "topic-id", 1, None), "live", SETTINGS)
        state = rehearse([[]], SETTINGS).shards[0].state
        await store.create("0", pack_body(ShardBody(SCHEMA, creation, state)))
        version = now.version()
        values = ModelRegistry.values_to_write([version], schema_of(SETTINGS), version.boundary, version.boundary)
        for one in earlier:
            assert one.boundary is not None
            sealed = seal(one.state(), schema)
            starts.add(one.boundary, len(sealed))
            values.append((name_of_start(one.boundary), sealed))
        body = seal(now.state(), schema)
        await store.create(LEARNER, body)
        await store.mint(LEARNER, b"t")
        await store.commit(LEARNER, Write(b"t", 0, b"n", body, values=[*values, (STARTS, starts.packed())]))
        return await model_story(store, "shop")

    return asyncio.run(look())


def test_a_week_is_what_became_known_in_it_and_the_weeks_add_up() -> None:
    early, middle, late = learned(20), learned(28), learned(35)
    data = told(early, middle, now=late)
    assert [(one["from"], one["until"]) for one in data["weeks"]] == [
        (early.boundary, middle.boundary),
        (middle.boundary, late.boundary),
    ]
    quality = late.model.watches["adagrad"].quality
    before = early.model.watches["adagrad"].quality
    weeks = [one["models"]["adagrad"] for one in data["weeks"]]
    assert sum(one["labels"] for one in weeks) == quality.count - before.count > 50
    losses = sum(one["labels"] * one["log_loss"] for one in weeks)
    assert losses == pytest.approx(quality.log_loss_sum - before.log_loss_sum)
    assert data["standing"]["models"].keys() == {"mixture", "adagrad"}


def test_calibration_and_thresholds_count_every_outcome() -> None:
    late = learned(35)
    data = told(now=late)
    assert data["weeks"] == []
    quality = late.model.watches["mixture"].quality
    bins = data["calibration"]["mixture"]
    assert sum(one["labels"] for one in bins) == quality.count
    assert sum(one["labels"] * one["churned"] for one in bins) == pytest.approx(quality.churned)
    predicted = sum(one["labels"] * one["predicted"] for one in bins)
    assert predicted == pytest.approx(quality.predicted_sum, abs=0.006 * quality.count)
    half = next(one for one in data["thresholds"]["mixture"] if one["at"] == 0.5)
    reached = sum(quality.positives[50:]) + sum(quality.negatives[50:])
    assert half["reached"] == reached / quality.count
    assert half["left"] == sum(quality.positives[50:]) / reached
    assert half["found"] == sum(quality.positives[50:]) / quality.churned


def test_states_of_another_release_are_left_out() -> None:
    data = told(learned(20), now=learned(35), schema="another")
    assert data["weeks"] == []
    assert data["calibration"] == {}
    assert data["standing"]["champion"] == "mixture"
