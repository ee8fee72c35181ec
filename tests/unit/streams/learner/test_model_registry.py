"""What the learner writes of its versions is found again under the same names."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest

from models.churn import SnapshotRefused, Version, seal
from models.learning.learner import initial_version
from models.learning.schema import schema_of
from models.settings import EngineSettings
from streams.learner.model_registry import NEWEST, ORIGIN, ModelRegistry, Stored, VersionMissing, name_of
from streams.store import Write
from streams.store.fake import FakeStore
from streams.store.port import LEARNER

SETTINGS = EngineSettings()
SCHEMA = schema_of(SETTINGS)


def version(boundary: int) -> Version:
    first = initial_version(SETTINGS)
    return Version(boundary, 5, first.model, first.quality)


def written(values: Sequence[tuple[bytes, bytes]]) -> ModelRegistry:
    async def write() -> ModelRegistry:
        store = FakeStore()
        await store.create(LEARNER, b"")
        await store.mint(LEARNER, b"t")
        await store.commit(LEARNER, Write(b"t", 0, b"n", b"", values=values))
        return ModelRegistry(store, SCHEMA)

    return asyncio.run(write())


def read(registry: ModelRegistry, boundary: int) -> Stored:
    return asyncio.run(registry.read(boundary))


def test_names_and_values_are_those_that_earlier_releases_wrote() -> None:
    values = ModelRegistry.values_to_write([version(8_000), version(9_000)], SCHEMA, 7_000, 9_000)
    assert values == [
        (b"v:8000", seal(version(8_000), SCHEMA)),
        (b"v:9000", seal(version(9_000), SCHEMA)),
        (b"origin", b"7000"),
        (b"cut", b"9000"),
    ]


def test_what_is_written_is_read_with_the_bounds_and_the_newest_by_itself() -> None:
    registry = written(ModelRegistry.values_to_write([version(8_000), version(9_000)], SCHEMA, 7_000, 9_000))
    found = read(registry, 8_000)
    assert (found.version, found.origin, found.newest) == (version(8_000), 7_000, 9_000)
    missing = read(registry, 7_000)
    assert (missing.version, missing.origin, missing.newest) == (None, 7_000, 9_000)
    bounds = asyncio.run(registry.bounds())
    assert (bounds.version, bounds.origin, bounds.newest) == (None, 7_000, 9_000)
    assert asyncio.run(registry.read_newest()) == version(9_000)


def test_before_the_first_version_there_is_nothing() -> None:
    registry = written([])
    found = read(registry, 7_000)
    assert (found.version, found.origin, found.newest) == (None, None, None)
    assert asyncio.run(registry.read_newest()) is None


def test_a_version_under_the_name_of_another_is_refused() -> None:
    registry = written([(name_of(8_000), seal(version(9_000), SCHEMA))])
    with pytest.raises(SnapshotRefused, match=r"stored under b'v:8000' is the version of 9000"):
        read(registry, 8_000)


def test_bounds_that_are_no_time_are_refused_where_they_are_asked_for_and_nowhere_else() -> None:
    registry = written([(name_of(8_000), seal(version(8_000), SCHEMA)), (ORIGIN, b"soon"), (NEWEST, b"later")])
    found = read(registry, 8_000)
    assert found.version == version(8_000)
    with pytest.raises(SnapshotRefused, match="the learner's origin is b'soon'"):
        _ = found.origin
    with pytest.raises(SnapshotRefused, match="the learner's cut is b'later'"):
        _ = found.newest


def test_a_newest_version_that_is_let_go_is_named() -> None:
    with pytest.raises(VersionMissing, match="newest model version is 9000"):
        asyncio.run(written([(NEWEST, b"9000")]).read_newest())
