"""How the contest stands in the store, and what is refused before anything is written."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from models.churn import Version, seal
from models.learning.learner import initial_version
from models.learning.schema import schema_of
from models.settings import EngineSettings
from models.timeline.shard_state import ShardState
from streams.errors import StateUnreadable
from streams.kafka.security import KafkaConnection
from streams.learner.model_registry import NEWEST, VersionMissing, name_of
from streams.operations.champion import ChoiceRefused, ModelUnknown, Standing, choose, standing
from streams.operations.choices import NoShard
from streams.shard.meta import SCHEMA, Creation, ShardBody, pack_body
from streams.store.fake import FakeStore
from streams.store.port import LEARNER, Write

SETTINGS = EngineSettings(challengers="adagrad, forest", piece_items=7)
NOWHERE = "127.0.0.1:1"


def body(mode: str = "live", time: int = -1, **other: Any) -> ShardBody:
    creation = Creation("id", 3, mode, {**SETTINGS.deciding(), **other})
    return ShardBody(SCHEMA, creation, ShardState(0, 3, 0, time=time))


def seen(*values: tuple[bytes, bytes], of: ShardBody | None = None) -> Standing:
    """What is found in a store with shard 0 and these values of the learner."""

    async def look() -> Standing:
        store = FakeStore()
        await store.create("0", pack_body(of or body()))
        await store.create(LEARNER, b"")
        await store.mint(LEARNER, b"t")
        await store.commit(LEARNER, Write(b"t", 0, b"n", b"", values=values))
        return await standing(store, "shop")

    return asyncio.run(look())


def version(settings: EngineSettings = SETTINGS) -> Version:
    first = initial_version(settings)
    return Version(9_000, 5, first.model, first.quality)


def test_the_newest_version_is_read_by_the_settings_that_the_shards_were_created_with() -> None:
    found = seen((NEWEST, b"9000"), (name_of(9_000), seal(version(), schema_of(SETTINGS))))
    assert found.version == version()
    assert found.names == ["mixture", "adagrad", "forest"]


def test_before_the_first_version_the_names_are_known() -> None:
    assert seen()[1:] == (None, ["mixture", "adagrad", "forest"], None)


def test_a_version_of_another_release_is_read_where_this_one_can_score_with_it_and_named_where_not() -> None:
    stored = seal(version(), "another")
    found = seen((NEWEST, b"9000"), (name_of(9_000), stored))
    assert found.version == version()
    assert str(found.learning).startswith("versions of another model: relearning, at the beginning of 1970-01-01")
    otherwise = seal(version(), "another", "otherwise")
    with pytest.raises(StateUnreadable, match=r"version 9000: it is scored by otherwise .*remedy: run the release"):
        seen((NEWEST, b"9000"), (name_of(9_000), otherwise))


def test_a_newest_version_that_is_not_stored_is_named() -> None:
    with pytest.raises(VersionMissing, match=r"model version is 9000, and the store does not hold it .*remedy: wait"):
        seen((NEWEST, b"9000"))


def test_a_version_that_a_newer_one_replaces_between_two_looks_is_looked_for_no_more() -> None:
    class Learning(FakeStore):
        """Another version is cut, and the one before let go of, after each look."""

        cut = 8_995

        async def load(self, place: str, names: Sequence[bytes]) -> list[bytes | None]:
            if list(names) == [NEWEST]:
                self.cut += 1
                return [b"%d" % self.cut]
            stored = {name_of(9_000): seal(version(), schema_of(SETTINGS))}
            return [stored.get(name) for name in names]

    async def look(store: Learning) -> Standing:
        await store.create("0", pack_body(body()))
        return await standing(store, "shop")

    assert asyncio.run(look(Learning())).version == version()
    never = Learning()
    never.cut = 9_000
    with pytest.raises(VersionMissing):
        asyncio.run(look(never))


def test_a_newest_version_that_is_no_time_is_named() -> None:
    with pytest.raises(StateUnreadable, match=r"the learner's cut is b'soon', not a time in ms"):
        seen((NEWEST, b"soon"))


def test_shards_of_another_release_are_named() -> None:
    with pytest.raises(StateUnreadable, match=r"settings that this release has not: unheard_of = 1"):
        seen(of=body(unheard_of=1))


def test_an_application_without_shards_is_named() -> None:
    with pytest.raises(NoShard, match="app 'shop' has no shards"):
        asyncio.run(standing(FakeStore(), "shop"))


def choosing(model: str | None, by: str | None = None, of: ShardBody | None = None) -> Callable[[], object]:
    return lambda: choose(
        KafkaConnection(NOWHERE), "touchpoints", Standing(of or body(), None, ["mixture", "adagrad"]), model, by
    )


@pytest.mark.parametrize(
    ("made", "error", "told"),
    [
        (choosing("best"), ModelUnknown, "there is no model 'best'; those that learn are mixture, adagrad"),
        (choosing("adagrad", by="x" * 201), ChoiceRefused, "data.by is .*a string of 1 to 200 characters"),
        (choosing("adagrad", of=body("replay")), NoShard, "the replay has not begun"),
    ],
)
def test_what_no_shard_would_take_is_refused_before_kafka_is_asked(
    made: Callable[[], object], error: type[Exception], told: str
) -> None:
    with pytest.raises(error, match=told):
        made()
