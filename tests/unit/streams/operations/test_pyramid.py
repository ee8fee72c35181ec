"""The pyramid of the running application: the shards' counts together, cut as the learner cuts them."""

from __future__ import annotations

import asyncio

import msgspec
import pytest

from models.decisions.policy.in_force import PolicyInForce
from models.settings import EngineSettings
from models.timeline.shard_state import PolicyName, ShardState, Values
from models.value.pyramid import bucket_of, value_of
from streams.kafka.partition_facts import LogFacts
from streams.operations.choices import NoShard
from streams.operations.pyramid import ALL, LiveTier, NoValues, live_pyramid
from streams.shard.meta import SCHEMA, ShardBody, creation_of, pack_body
from streams.shard.stored_policy import POLICY
from streams.store import Meta
from streams.store.fake import FakeStore, Snapshot
from tests.unit.models.decisions.policy.test_reading import SMALL

VALUED = """[value]
margin = 0.5
fewest = 10
rest = "others"
tiers = [{ name = "best", share = 0.1 }, { name = "good", share = 0.5 }]
"""
LOW, MIDDLE, HIGH = bucket_of(1.0), bucket_of(10.0), bucket_of(100.0)


def application(text: str, *counts: Values) -> FakeStore:
    """With a shard for each."""
    store, policy = FakeStore(), PolicyInForce.of(1, text)
    creation = creation_of(LogFacts(0, 0, "topic-id", len(counts), None), "live", EngineSettings())
    for shard, values in enumerate(counts):
        state = ShardState(shard, len(counts), 0)
        named = PolicyName(policy.number, policy.sha256)
        state = msgspec.structs.replace(state, policy=named, values=values or msgspec.UNSET)
        body = pack_body(ShardBody(SCHEMA, creation, state))
        store.restore(str(shard), Snapshot(Meta(b"", 0, b"", body), {POLICY: text.encode()}, {}, ()))
    return store


def test_the_shards_counts_are_added_up_and_cut_by_the_policys_shares_class_by_class() -> None:
    one: Values = {"consumer": {LOW: 3, MIDDLE: 2}, "business": {HIGH: 9}}
    other: Values = {"consumer": {LOW: 2, MIDDLE: 2, HIGH: 1}}
    found = asyncio.run(live_pyramid(application(f"{SMALL}\n{VALUED}", one, {}, other), "shop"))
    assert found.horizon_days == EngineSettings().horizon / 86_400_000
    assert found.classes == {
        "business": [LiveTier(ALL, 0.0, 9, round(9 * value_of(HIGH) / 2, 2))],
        "consumer": [
            LiveTier("best", value_of(MIDDLE + 1), 1, round(value_of(HIGH) / 2, 2)),
            LiveTier("good", value_of(LOW + 1), 4, round(4 * value_of(MIDDLE) / 2, 2)),
            LiveTier("others", 0.0, 5, round(5 * value_of(LOW) / 2, 2)),
        ],
    }
    assert found.as_data()["classes"]["consumer"]["customers"] == 10


def test_without_a_value_table_or_a_shard_there_is_none_by_name() -> None:
    with pytest.raises(NoValues, match=r"app 'shop' has no policy with a \[value\]"):
        asyncio.run(live_pyramid(application(SMALL, {}), "shop"))
    with pytest.raises(NoShard):
        asyncio.run(live_pyramid(FakeStore(), "shop"))
