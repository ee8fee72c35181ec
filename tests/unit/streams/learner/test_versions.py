"""Model versions as the scorers find them: waited for, checked, kept, and let go of at once."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence

import pytest

from models.churn import Version, seal
from models.learning.adoption import VersionName
from models.learning.learner import initial_version
from models.learning.schema import schema_of
from models.settings import EngineSettings
from models.timeline.boundaries import UNTRAINED
from streams.learner.model_registry import NEWEST, ORIGIN, name_of
from streams.learner.versions import KEPT, Versions, unheard
from streams.store import StoreChanges
from streams.store.checkpoint import Checkpoint
from streams.store.fake import FakeStore
from streams.store.port import LEARNER
from tests.support.ownership import PATIENCE_S, until

SETTINGS = EngineSettings()
SCHEMA = schema_of(SETTINGS)


class CountingStore(FakeStore):
    loads = 0

    async def load(self, place: str, names: Sequence[bytes]) -> list[bytes | None]:
        self.loads += 1
        return await super().load(place, names)


def version(boundary: int) -> Version:
    return Version(boundary, boundary, initial_version(SETTINGS).model, initial_version(SETTINGS).quality)


async def learner_of(store: FakeStore) -> Checkpoint:
    checkpoint = Checkpoint(store, LEARNER)
    await checkpoint.create(b"state")
    return checkpoint


async def put(learner: Checkpoint, *boundaries: int, schema: str = SCHEMA, origin: int = 0) -> None:
    values = [(name_of(b), seal(version(b), schema)) for b in boundaries]
    newest = b"%d" % max(boundaries)
    await learner.write(b"state", StoreChanges([*values, (ORIGIN, b"%d" % origin), (NEWEST, newest)]))


def test_a_version_is_waited_for_as_long_as_it_takes_with_an_alarm(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("streams.learner.versions.ALARM_EVERY_S", 0.01)

    async def scenario() -> None:
        store = FakeStore()
        learner = await learner_of(store)
        versions = Versions(store, SETTINGS)
        waiting = asyncio.create_task(versions.at(700, unheard))
        await until(lambda: "model version 700 is not there" in caplog.text)
        assert not waiting.done()
        await put(learner, 700)
        assert (await asyncio.wait_for(waiting, PATIENCE_S)).version == version(700)

    asyncio.run(scenario())


def test_before_the_learners_origin_the_untrained_model_is_in_force_and_not_before_the_origin_is_known() -> None:
    async def scenario() -> None:
        store = FakeStore()
        learner = await learner_of(store)
        versions = Versions(store, SETTINGS)
        waiting = asyncio.create_task(versions.at(100, unheard))
        await asyncio.sleep(0.02)
        assert not waiting.done()
        await put(learner, 500, origin=500)
        assert (await asyncio.wait_for(waiting, PATIENCE_S)).version == initial_version(SETTINGS)
        assert (await versions.at(500, unheard)).version == version(500)
        at_origin = asyncio.create_task(versions.at(600, unheard))
        await asyncio.sleep(0.02)
        assert not at_origin.done()
        at_origin.cancel()

    asyncio.run(scenario())


def test_the_untrained_version_is_known_without_looking() -> None:
    async def scenario() -> None:
        store = CountingStore()
        found = await Versions(store, SETTINGS).named(VersionName(UNTRAINED), unheard)
        assert found.version == initial_version(SETTINGS)
        assert store.loads == 0

    asyncio.run(scenario())


def damaged(boundary: int) -> bytes:
    whole = seal(version(boundary), SCHEMA)
    return whole.replace(b'"learned":700', b'"learned":701')


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (b"garbage", "not a sealed Version"),
        (b"\xff\xfe", "not a sealed Version"),
        (damaged(700), "checksum"),
        (seal(version(700), "another"), "schema is 'another'"),
        (seal(version(700), SCHEMA)[:-9], "not a sealed Version"),
        (seal(version(600), SCHEMA), "is the version of 600"),
    ],
)
def test_a_version_that_is_damaged_or_foreign_is_refused_and_waited_for(
    value: bytes, said: str, caplog: pytest.LogCaptureFixture
) -> None:
    async def scenario() -> None:
        store = FakeStore()
        learner = await learner_of(store)
        await learner.write(b"state", StoreChanges([(name_of(700), value), (ORIGIN, b"0")]))
        versions = Versions(store, SETTINGS)
        waiting = asyncio.create_task(versions.at(700, unheard))
        await until(lambda: "model version 700 is refused" in caplog.text)
        assert not waiting.done()
        await put(learner, 700)
        assert (await asyncio.wait_for(waiting, PATIENCE_S)).version == version(700)

    with caplog.at_level(logging.ERROR):
        asyncio.run(scenario())
    refusals = [record.getMessage() for record in caplog.records if "model version 700 is refused" in record.message]
    assert refusals
    assert said in refusals[0]


def test_an_origin_that_is_no_time_is_refused_and_waited_for(caplog: pytest.LogCaptureFixture) -> None:
    async def scenario() -> None:
        store = FakeStore()
        learner = await learner_of(store)
        await learner.write(b"state", StoreChanges([(ORIGIN, b"soon")]))
        waiting = asyncio.create_task(Versions(store, SETTINGS).at(100, unheard))
        await until(lambda: "the learner's origin is b'soon'" in caplog.text)
        assert not waiting.done()
        await learner.write(b"state", StoreChanges([(ORIGIN, b"500")]))
        assert (await asyncio.wait_for(waiting, PATIENCE_S)).version == initial_version(SETTINGS)

    asyncio.run(scenario())


@pytest.mark.parametrize(("name", "said"), [(ORIGIN, "the learner's origin"), (NEWEST, "the learner's cut")])
def test_of_a_newest_version_that_is_no_time_there_is_none_and_the_shard_goes_on(
    name: bytes, said: str, caplog: pytest.LogCaptureFixture
) -> None:
    async def scenario() -> None:
        store = FakeStore()
        learner = await learner_of(store)
        await put(learner, 500, 600, origin=500)
        await learner.write(b"state", StoreChanges([(NEWEST, b"600"), (name, b"soon")]))
        assert await Versions(store, SETTINGS).newest(600, unheard) is None

    asyncio.run(scenario())
    assert f"{said} is b'soon'" in caplog.text


def test_only_some_versions_are_kept_and_those_without_another_look() -> None:
    async def scenario() -> None:
        store = CountingStore()
        await put(await learner_of(store), *range(3 * KEPT))
        versions = Versions(store, SETTINGS)
        for boundary in range(3 * KEPT):
            await versions.at(boundary, unheard)
        looked = store.loads
        assert (await versions.at(3 * KEPT - 1, unheard)).version == version(3 * KEPT - 1)
        assert store.loads == looked
        assert len(versions._kept) == KEPT
        await versions.at(0, unheard)
        assert store.loads == looked + 1

    asyncio.run(scenario())


def test_a_store_that_is_away_is_waited_for() -> None:
    async def scenario() -> None:
        store = FakeStore()
        await put(await learner_of(store), 700)
        store.fail_next(3)
        assert (await asyncio.wait_for(Versions(store, SETTINGS).at(700, unheard), PATIENCE_S)).version == version(700)

    asyncio.run(scenario())


@pytest.mark.parametrize("state", ["missing", "refused", "away"])
def test_every_wait_ends_at_once_when_it_is_cancelled(state: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("learner.versions.FIRST_LOOK_S", "learner.versions.REFUSED_PAUSE_S", "retry.FIRST_PAUSE_S"):
        monkeypatch.setattr(f"streams.{name}", 30.0)

    async def scenario() -> None:
        store = FakeStore()
        learner = await learner_of(store)
        if state == "refused":
            await learner.write(b"state", StoreChanges([(name_of(700), b"garbage"), (ORIGIN, b"0")]))
        if state == "away":
            store.fail_next(1_000)
        waiting = asyncio.create_task(Versions(store, SETTINGS).at(700, unheard))
        await asyncio.sleep(0.01)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asyncio.wait_for(waiting, 15)

    asyncio.run(scenario())


def test_the_newest_version_that_is_cut_is_given_without_waiting() -> None:
    async def scenario() -> None:
        store = FakeStore()
        versions = Versions(store, SETTINGS)
        assert await versions.newest(700, unheard) is None
        learner = await learner_of(store)
        await put(learner, 500, 600, origin=500)
        await learner.write(b"state", StoreChanges([(NEWEST, b"600")]))
        for most, found in ((700, 600), (600, 600), (500, 500), (400, None)):
            newest = await versions.newest(most, unheard)
            assert (newest.version.boundary if newest else None) == found, most
        await put(learner, 700, origin=500)
        await learner.write(b"state", StoreChanges([(NEWEST, b"700")]))
        late = await versions.newest(700, unheard)
        assert late is not None
        assert late.version == version(700)

    asyncio.run(scenario())
