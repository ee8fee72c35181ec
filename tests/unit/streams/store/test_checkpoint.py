"""One write in flight, its outcome always known, and every refusal named."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from streams.errors import EngineError, Fenced, MetaMissing, StoreWentBack
from streams.retry import retry_while_unavailable
from streams.store.checkpoint import Checkpoint
from streams.store.fake import FakeStore, Snapshot
from streams.store.port import Outcome, StoreChanges, StoreUnavailable, Write
from tests.support.workers import until

PLACE = "3"


class HeldStore(FakeStore):
    """Commits wait for `go`; notes the nonces it was asked with."""

    def __init__(self) -> None:
        super().__init__()
        self.go = asyncio.Event()
        self.go.set()
        self.nonces: list[bytes] = []

    async def commit(self, place: str, write: Write) -> Outcome:
        self.nonces.append(write.nonce)
        await self.go.wait()
        return await super().commit(place, write)


async def owned(store: FakeStore, rejected: Callable[[str], None] = lambda reason: None) -> Checkpoint:
    checkpoint = Checkpoint(store, PLACE, rejected)
    assert await checkpoint.mint() is None or checkpoint.number >= 0
    if checkpoint.number < 0:
        await checkpoint.create(b"body-0")
    return checkpoint


def scenario(test: Callable[[HeldStore], Awaitable[None]]) -> Callable[[], None]:
    def run() -> None:
        async def whole() -> None:
            await asyncio.wait_for(test(HeldStore()), 60)

        asyncio.run(whole())

    run.__name__, run.__doc__ = test.__name__, test.__doc__
    return run


@scenario
async def test_a_write_stands_and_is_counted(store: HeldStore) -> None:
    checkpoint = await owned(store)
    await checkpoint.write(b"body-1", StoreChanges(values=[(b"c:a", b"1")], outbox=[b"e"]))
    assert checkpoint.number == 1
    assert store.snapshot(PLACE).values == {b"c:a": b"1"}


@scenario
async def test_another_namespaces_checkpoint_has_a_token_of_its_own_and_the_same_listener(store: HeldStore) -> None:
    told: list[str] = []
    checkpoint = await owned(store, told.append)
    other = checkpoint.of_namespace("elsewhere")
    await other.create(b"theirs")
    await other.write(b"theirs-1")
    assert (checkpoint.number, other.number) == (0, 1)
    [mine, theirs] = [store.snapshot(place).meta for place in (PLACE, "elsewhere")]
    assert mine is not None
    assert theirs is not None
    assert (mine.body, theirs.body) == (b"body-0", b"theirs-1")
    assert mine.token != theirs.token
    await Checkpoint(store, "elsewhere").mint()
    with pytest.raises(Fenced):
        await other.write(b"theirs-2")
    assert told == ["token"]


@scenario
async def test_a_write_cancelled_in_flight_is_finished_before_the_cancellation_goes_on(store: HeldStore) -> None:
    checkpoint = await owned(store)
    store.go.clear()
    writing = asyncio.create_task(checkpoint.write(b"body-1", StoreChanges(outbox=[b"e"])))
    await until(lambda: store.nonces)
    for _ in range(3):  # however often
        writing.cancel()
        await asyncio.sleep(0.001)
        assert not writing.done()
    store.go.set()
    with pytest.raises(asyncio.CancelledError):
        await writing
    assert checkpoint.number == 1
    assert store.snapshot(PLACE).outbox == (b"e",)


@pytest.mark.parametrize("before", [True, False])
def test_a_write_that_was_not_answered_is_tried_again_under_the_same_nonce_and_done_once(before: bool) -> None:
    async def whole() -> None:
        store = HeldStore()
        checkpoint = await owned(store)
        store.fail_next(3, before=before)
        await checkpoint.write(b"body-1", StoreChanges(outbox=[b"e"]))
        assert checkpoint.number == 1
        assert len(store.nonces) == 4
        assert len(set(store.nonces)) == 1
        assert store.snapshot(PLACE).outbox == (b"e",)
        await checkpoint.write(b"body-2", StoreChanges(outbox=[b"f"]))
        assert store.nonces[-1] != store.nonces[0]
        assert store.snapshot(PLACE).outbox == (b"e", b"f")

    asyncio.run(whole())


@scenario
async def test_a_write_cancelled_while_the_store_is_away_ends_with_the_try_in_flight(store: HeldStore) -> None:
    checkpoint = await owned(store)
    store.go.clear()
    store.fail_next(1_000_000)
    writing = asyncio.create_task(checkpoint.write(b"body-1"))
    await until(lambda: store.nonces)
    writing.cancel()
    store.go.set()
    with pytest.raises(asyncio.CancelledError):
        await writing
    assert len(store.nonces) == 1
    assert checkpoint.number == 0


@scenario
async def test_a_write_cancelled_between_two_tries_ends_at_once(store: HeldStore) -> None:
    checkpoint = await owned(store)
    store.fail_next(1_000_000)
    writing = asyncio.create_task(checkpoint.write(b"body-1"))
    await asyncio.sleep(0.02)
    writing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asyncio.wait_for(writing, 30)


async def _another_mints(store: HeldStore) -> None:
    await store.mint(PLACE, b"another")


async def _meta_vanishes(store: HeldStore) -> None:
    store.restore(PLACE, Snapshot(None, {}, {}, ()))


async def _goes_back(store: HeldStore) -> None:
    meta = store.snapshot(PLACE).meta
    assert meta is not None
    store.restore(PLACE, Snapshot(type(meta)(meta.token, 0, b"", b"body-0"), {}, {}, ()))


async def _somebody_wrote(store: HeldStore) -> None:
    meta = store.snapshot(PLACE).meta
    assert meta is not None
    assert await FakeStore.commit(store, PLACE, Write(meta.token, 1, b"not ours", b"body-x")) is Outcome.OK


@pytest.mark.parametrize(
    ("happens", "error", "reason"),
    [
        (_another_mints, Fenced, "token"),
        (_meta_vanishes, MetaMissing, "missing"),
        (_goes_back, StoreWentBack, "number"),
        (_somebody_wrote, StoreWentBack, "number"),
    ],
)
def test_a_refused_write_is_named_counted_and_not_tried_again(
    happens: Callable[[HeldStore], Awaitable[None]], error: type[EngineError], reason: str
) -> None:
    async def whole() -> None:
        reasons: list[str] = []
        store = HeldStore()
        checkpoint = await owned(store, reasons.append)
        await checkpoint.write(b"body-1")
        await happens(store)
        before, tries = store.snapshot(PLACE), len(store.nonces)
        with pytest.raises(error, match=rf"3: commit 1 was refused \({reason}\).*remedy: ") as raised:
            await checkpoint.write(b"body-2", StoreChanges(values=[(b"c:a", b"1")]))
        assert type(raised.value) is error
        assert reasons == [reason]
        assert store.snapshot(PLACE) == before
        assert len(store.nonces) == tries + 1
        assert checkpoint.number == 1

    asyncio.run(whole())


@scenario
async def test_each_owner_has_a_token_of_its_own(store: HeldStore) -> None:
    first, second = await owned(store), await owned(store)
    with pytest.raises(Fenced):
        await first.write(b"x")
    await second.write(b"y")


@scenario
async def test_creating_again_after_a_lost_reply_finds_what_was_created(store: HeldStore) -> None:
    checkpoint = Checkpoint(store, PLACE)
    store.fail_next(1, before=False)
    with pytest.raises(StoreUnavailable):
        await checkpoint.create(b"body-0")
    meta = await checkpoint.create(b"body-0")
    assert (meta.body, checkpoint.number) == (b"body-0", 0)
    await checkpoint.write(b"body-1")


@scenario
async def test_reading_waits_for_a_store_that_is_away_and_can_be_cancelled_meanwhile(store: HeldStore) -> None:
    await store.create(PLACE, b"body")
    store.fail_next(3)
    told: list[str] = []
    meta = await retry_while_unavailable("reading", lambda: store.read_meta(PLACE), told.append)
    assert meta is not None
    assert len(told) == 3
    assert all(detail.startswith("reading: ") for detail in told), told
    store.fail_next(1_000_000)
    reading = asyncio.create_task(retry_while_unavailable("reading", lambda: store.read_meta(PLACE), told.append))
    await asyncio.sleep(0.01)
    reading.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asyncio.wait_for(reading, 30)


@scenario
async def test_a_takeover_that_was_overtaken_mints_nothing(store: HeldStore) -> None:
    """A worker that was stopped between reading the meta and minting wakes up after another took the place over."""
    await owned(store)
    sleeper, other = Checkpoint(store, PLACE), Checkpoint(store, PLACE)
    await sleeper.read()
    await other.read()
    await other.mint()
    before = store.snapshot(PLACE)
    with pytest.raises(Fenced, match="another worker took it over"):
        await sleeper.mint()
    assert store.snapshot(PLACE) == before
    await other.write(b"still mine")


@scenario
async def test_a_place_that_another_worker_created_meanwhile_is_left_to_it(store: HeldStore) -> None:
    sleeper, other = Checkpoint(store, PLACE), Checkpoint(store, PLACE)
    assert await sleeper.read() is None
    await other.create(b"body")
    with pytest.raises(Fenced, match="created by another worker"):
        await sleeper.mint()
    await other.write(b"still mine")


@scenario
async def test_an_owner_knows_whether_the_place_is_still_its_own(store: HeldStore) -> None:
    reasons: list[str] = []
    checkpoint = await owned(store, reasons.append)
    assert await checkpoint.holds()
    await store.mint(PLACE, b"another")
    assert not await checkpoint.holds()
    assert reasons == ["producer"]
