"""A worker whose settings or release do not fit the shards that exist is refused before it joins its group."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import msgspec
import pytest

from models.settings import EngineSettings
from models.timeline.shard_state import ShardState
from streams.bootstrap.stored_shards import check_stored_shards
from streams.errors import NewerRelease, SettingsChanged
from streams.kafka.partition_facts import LogFacts
from streams.shard.meta import SCHEMA, ShardBody, creation_of, pack_body
from streams.store.fake import FakeStore

SETTINGS = EngineSettings()
CREATION = creation_of(LogFacts(0, 0, "topic-id", 3, None), "live", SETTINGS)
BODY = ShardBody(SCHEMA, CREATION, ShardState(2, 3, 10))


def looked(
    bodies: dict[str, bytes], settings: EngineSettings = SETTINGS, partitions: int = 3, mode: str = "live"
) -> EngineSettings:
    async def look() -> EngineSettings:
        store = FakeStore()
        for shard, body in bodies.items():
            await store.create(shard, body)
        return await check_stored_shards(store, partitions, mode, settings)

    return asyncio.run(look())


def test_where_no_shard_is_and_where_all_fit_a_worker_may_join() -> None:
    looked({}, replace(SETTINGS, tick=SETTINGS.boundary))
    looked({"0": pack_body(BODY), "2": pack_body(BODY)})


def test_what_an_operator_may_change_is_as_the_shards_were_created_with() -> None:
    told = replace(SETTINGS, enter=0.7, exit=0.3, piece_items=3)
    assert looked({}, told) == told
    assert looked({"1": pack_body(BODY)}, told) == replace(SETTINGS, piece_items=3)


@pytest.mark.parametrize("shard", ["0", "2"])
def test_a_setting_that_differs_from_any_shard_is_refused(shard: str) -> None:
    with pytest.raises(SettingsChanged, match=rf"shard {shard}: horizon is 1, at creation"):
        looked({shard: pack_body(BODY)}, replace(SETTINGS, horizon=1))


def test_a_worker_of_another_mode_is_refused() -> None:
    with pytest.raises(SettingsChanged, match="mode is 'replay', at creation 'live'"):
        looked({"1": pack_body(BODY)}, mode="replay")


def test_an_older_release_than_a_shard_is_refused() -> None:
    newer_setting = msgspec.structs.replace(BODY, creation=msgspec.structs.replace(CREATION, settings={"new": 1}))
    newer_schema = pack_body(BODY).replace(b'"schema":1', b'"schema":%d' % (SCHEMA + 1))
    for body in (pack_body(newer_setting), newer_schema):
        with pytest.raises(NewerRelease, match="remedy: run the newer release"):
            looked({"1": body})


def test_a_damaged_shard_keeps_no_worker_from_the_others(caplog: pytest.LogCaptureFixture) -> None:
    looked({"0": b"nonsense", "1": pack_body(BODY)})
    assert "meta of shard 0, 8 bytes" in caplog.text
    with pytest.raises(SettingsChanged):
        looked({"0": b"nonsense", "1": pack_body(BODY)}, replace(SETTINGS, horizon=1))
