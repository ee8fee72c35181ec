"""A newer release takes over a shard of the older one, and hands it back, without a difference in what is said."""

from __future__ import annotations

import pytest

from models.customer.layout import PREVIOUS, VERSION
from models.customer.versions import STEPS
from streams.errors import NewerRelease, StateUnreadable
from streams.shard import meta
from streams.shard.meta import MIGRATIONS, pack_body
from streams.store.fake import FakeStore
from streams.store.port import Write
from tests.support.logs import synthetic
from tests.support.older_records import OLDER, STEP
from tests.support.workers import Site, Worker, play, records_in


def site() -> Site:
    store = FakeStore()
    return Site(store, store.snapshot, synthetic(3, partitions=2, customers=12, days=60))


def versions_of(whole: Site) -> set[int]:
    return {value[0] for n in range(2) for value in records_in(whole.dump(str(n))).values()}


async def first_half(whole: Site, version: int) -> None:
    """By a worker that writes records of this version."""
    whole.record_version = version
    worker = Worker(whole)
    life = worker.start()
    log = whole.logs[0]
    await worker.work_up_to(log[len(log) // 2].timestamp)
    await worker.stop(life)
    assert worker.error is None
    assert versions_of(whole) == {version}


older_versions = pytest.mark.parametrize("older", [OLDER, PREVIOUS])


@older_versions
def test_records_of_the_release_before_are_migrated_where_they_are_read(
    older: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(STEPS, OLDER, STEP)

    async def scenario() -> None:
        whole = site()
        await first_half(whole, older)
        whole.record_version = VERSION
        await whole.live("commit.b.written:3", "commit.a.computed:2")
        assert VERSION in versions_of(whole)

    play(scenario)


@older_versions
def test_a_newer_release_that_writes_for_the_one_before_can_be_followed_by_it(
    older: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(STEPS, OLDER, STEP)

    async def scenario() -> None:
        whole = site()
        await first_half(whole, VERSION)
        whole.record_version = older
        await whole.live("commit.b.written:3")
        assert versions_of(whole) == {older}

    play(scenario)


def test_a_record_that_no_step_reads_ends_the_worker_and_the_release_that_wrote_it_goes_on(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def scenario() -> None:
        whole = site()
        with monkeypatch.context() as patch:
            patch.setitem(STEPS, OLDER, STEP)
            await first_half(whole, OLDER)
        worker = Worker(whole)
        await worker.run()
        assert isinstance(worker.error, StateUnreadable)
        assert f"schema version {OLDER}; this release reads {OLDER + 1} to {VERSION}" in str(worker.error)
        assert "remedy: run the release that wrote it" in str(worker.error)
        with monkeypatch.context() as patch:
            patch.setitem(STEPS, OLDER, STEP)
            await whole.live()

    play(scenario)


def test_the_meta_of_an_older_schema_is_migrated_by_whoever_takes_the_shard_over(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The invented schema calls the shard's time otherwise."""

    async def scenario() -> None:
        whole = site()
        await first_half(whole, VERSION)
        with monkeypatch.context() as patch:
            oldest = min(MIGRATIONS, default=meta.SCHEMA) - 1
            patch.setitem(
                MIGRATIONS,
                oldest,
                lambda body: {**body, "state": {**body["state"], "time": body["state"].pop("shard_time")}},
            )
            for n in range(2):
                found = whole.dump(str(n)).meta
                assert found is not None
                body = meta.unpack_body(str(n), found.body)
                value = pack_body(body).replace(b'"time":', b'"shard_time":')
                value = value.replace(b'{"schema":%d' % stored_schema(value), b'{"schema":%d' % oldest)
                await write_as_is(whole, n, value)
            await whole.live()

    play(scenario)


def test_the_meta_of_a_newer_schema_ends_the_older_release_and_the_newer_one_goes_on(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def scenario() -> None:
        whole = site()
        await first_half(whole, VERSION)
        found = whole.dump("1").meta
        assert found is not None
        schema = stored_schema(found.body)
        newer = found.body.replace(b'{"schema":%d' % schema, b'{"schema":%d' % (meta.SCHEMA + 1))
        await write_as_is(whole, 1, newer)
        worker = Worker(whole)
        await worker.run()
        assert isinstance(worker.error, NewerRelease)
        assert f"meta of shard 1 has schema {meta.SCHEMA + 1}" in str(worker.error)
        assert "remedy: run the newer release" in str(worker.error)
        with monkeypatch.context() as patch:
            patch.setitem(MIGRATIONS, meta.SCHEMA, lambda body: body)
            patch.setattr(meta, "SCHEMA", meta.SCHEMA + 1)
            await whole.live()

    play(scenario)


def stored_schema(value: bytes) -> int:
    return int(value.removeprefix(b'{"schema":').split(b",")[0])


async def write_as_is(whole: Site, shard: int, value: bytes) -> None:
    """Another body, as the one who owns the shard would write it."""
    found = await whole.store.read_meta(str(shard))
    assert found is not None
    write = Write(found.token, found.number, b"nonce", value)
    assert (await whole.store.commit(str(shard), write)).stands
