"""What stays in memory is what the last commit that stands has left, whatever comes between two commits."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from faust.types import TP

from streams.consumer.ownership import PartitionOwner
from streams.errors import Fenced, StoreWentBack
from streams.shard.owner import Shard
from streams.store.fake import FakeStore, Snapshot
from streams.store.port import Meta
from tests.support.logs import synthetic
from tests.support.workers import Site, Worker, play, records_in

COMPUTED = "commit.a.computed"
AT = 8
"""The commit to which something happens."""


class Watched(Worker):
    """A worker of one shard that compares memory with the store whenever a piece has been computed.

    accident: what happens at the `AT`-th time.
    """

    def __init__(self, site: Site, store: FakeStore, accident: Callable[[Watched], None] = lambda it: None) -> None:
        super().__init__(site)
        self.store, self.accident = store, accident
        self.stayed = 0
        self.copies: list[Snapshot] = []

    def _owner(self, tp: TP, generation: int) -> PartitionOwner:
        owner = super()._owner(tp, generation)
        if isinstance(owner, Shard):
            self.shard = owner
        return owner

    def passed(self, name: str) -> None:
        if name == COMPUTED:
            self.copies.append(self.store.snapshot("0"))
            memory = self.memory()
            assert memory.items() <= records_in(self.copies[-1]).items()
            self.stayed += len(memory)
            if len(self.copies) == AT:
                self.accident(self)
        super().passed(name)

    def memory(self) -> dict[bytes, bytes]:
        """What is in memory of the shard's records."""
        cache = self.shard._cache
        names = [*cache._old, *cache._young]
        return {name: value for name, value in zip(names, cache.find(names), strict=True) if value is not None}


def _site(**more: object) -> tuple[Site, FakeStore]:
    store = FakeStore()
    log = synthetic(3, partitions=1, customers=8, days=50)
    return Site(store, store.snapshot, log, **more), store  # type: ignore[arg-type]  # Site's own fields


@pytest.mark.parametrize(("most", "batch"), [(6, 1), (6, 40), (160_000, 7)])
def test_memory_is_what_the_store_has_whenever_a_piece_is_computed(most: int, batch: int) -> None:
    async def scenario() -> None:
        faults = {call: bool(call % 2) for call in range(20, 400, 9)}
        site, store = _site(cache_records=most, batch=lambda offset: batch, faults=faults)
        worker = Watched(site, store)
        await worker.run()
        site.check()
        assert worker.stayed >= 2 * len(worker.copies) > 20, "hardly anything stayed"

    play(scenario)


def newer_owner(worker: Watched) -> None:
    now = worker.copies[-1]
    assert now.meta is not None
    taken = Meta(b"newer" * 6, now.meta.number, now.meta.nonce, now.meta.body)
    worker.store.restore("0", Snapshot(taken, now.values, now.dues, now.outbox))


def went_back(worker: Watched) -> None:
    worker.store.restore("0", worker.copies[-3])


def lose_replies(worker: Watched, number: int) -> None:
    """Of the worker's own next calls of the store, not of those by which the test looks at it."""
    site = worker.site
    site.faults.update(dict.fromkeys(range(site.calls, site.calls + number), False))


def reply_lost(worker: Watched) -> None:
    lose_replies(worker, 3)


def killed(worker: Watched) -> None:
    worker.die()


def stopped_before_any_answer(worker: Watched) -> None:
    """The write stands, and the worker is told to stop before it knows."""
    lose_replies(worker, 10_000)
    worker.over.set()


@pytest.mark.parametrize(
    ("accident", "error"),
    [
        (newer_owner, Fenced),
        (went_back, StoreWentBack),
        (reply_lost, None),
        (killed, None),
        (stopped_before_any_answer, None),
    ],
)
def test_what_was_not_committed_does_not_show(
    accident: Callable[[Watched], None], error: type[Exception] | None
) -> None:
    async def scenario() -> None:
        site, store = _site(cache_records=6)
        first = Watched(site, store, accident)
        await first.run()
        site.faults.clear()
        assert (type(first.error) if first.error else None) is error
        if accident is not reply_lost:
            assert len(first.copies) == AT
            assert first.memory().items() <= records_in(first.copies[-1]).items(), "as the last commit left it"
            assert first.memory()
        await Watched(site, store).run()
        site.check()

    play(scenario)
