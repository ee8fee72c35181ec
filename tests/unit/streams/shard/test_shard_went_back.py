"""Live, a store that went back: the shard says again what is public, with the versions that were in force then."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from models.outputs import Decision
from models.settings import DAY
from streams.errors import LogTruncated, StoreWentBack
from streams.outbox.entry import Destination
from streams.store.fake import FakeStore, Snapshot
from streams.store.port import LEARNER, Outcome, Write
from tests.support.logs import START, synthetic
from tests.support.workers import Site, Worker, decision_of, play, records_in

SHARDS = ("0", "1")


def _site() -> tuple[Site, FakeStore]:
    store = FakeStore()
    return Site(store, store.snapshot, synthetic(3, partitions=2, customers=20, days=90), mode="live"), store


async def _work(site: Site, days: int, learns: bool) -> None:
    worker = Worker(site, learns=learns)
    life = worker.start()
    await worker.work_up_to(START + days * DAY)
    assert worker.error is None, worker.error
    await worker.stop(life)


async def _learn(site: Site) -> None:
    """The learner alone: it cuts the versions for which no shard has waited."""
    learner = Worker(site, partitions=[])
    life = learner.start()
    await learner.until(site.versions)
    await learner.stop(life)


def _told(site: Site) -> list[Decision]:
    return [decision_of(entry.value) for n in range(len(SHARDS)) for entry in site.said("decisions", n)]


def _restore(store: FakeStore, copies: dict[str, Snapshot]) -> None:
    for place, copied in copies.items():
        store.restore(place, copied)


@pytest.mark.parametrize("places", [SHARDS, (*SHARDS, LEARNER)], ids=["the shards", "everything"])
@pytest.mark.parametrize("batch", [lambda offset: 20, lambda offset: 1 + offset % 7], ids=["20", "other sizes"])
def test_the_replay_obeys_the_recorded_versions_until_all_that_is_public_has_been_said_again(
    places: tuple[str, ...], batch: Callable[[int], int]
) -> None:
    async def scenario() -> None:
        site, store = _site()
        await _work(site, 25, learns=False)
        copies = {place: store.snapshot(place) for place in places}
        await _work(site, 45, learns=False)
        await _learn(site)
        await _work(site, 60, learns=True)
        changes = [d for d in _told(site) if d.what == "version_in_force"]
        assert any(d.late is not None for d in changes), "no version was late"
        said = {n: site.said("decisions", n) for n in range(len(SHARDS))}
        _restore(store, copies)
        site.batch = batch
        await site.live(check=False)
        site.obey()
        for n, wanted in enumerate(site.expected.shards):
            assert site.said("decisions", n)[: len(said[n])] == said[n]
            for role in ("decisions", "examples", "deadletters"):
                assert [(e.sequence, e.id, e.value) for e in site.said(role, n)] == [
                    (o.sequence, o.id, o.value) for o in wanted.outputs if o.role == role
                ]
            records = records_in(store.snapshot(str(n)))
            assert records == wanted.records
        site.check_adoptions()

    play(scenario)


class Remembering(FakeStore):
    """Keeps how each namespace stood when its outbox first held something."""

    def __init__(self) -> None:
        super().__init__()
        self.early: dict[str, Snapshot] = {}

    async def commit(self, namespace: str, write: Write) -> Outcome:
        outcome = await super().commit(namespace, write)
        now = self.snapshot(namespace)
        if now.outbox:
            self.early.setdefault(namespace, now)
        return outcome


class Unlucky(Worker):
    """Redis fails over to a replica that is behind, in the middle of this worker's takeover."""

    def passed(self, name: str) -> None:
        super().passed(name)
        store = self.site.store
        if name == "takeover.4.checked" and isinstance(store, Remembering):
            _restore(store, {place: store.early[place] for place in SHARDS})


def test_a_store_that_goes_back_within_a_takeover_is_named_and_the_next_takeover_goes_on() -> None:
    """Its outbox does not fit the state that was read at the mint: that is no different output."""

    async def scenario() -> None:
        store = Remembering()
        site = Site(store, store.snapshot, synthetic(3, partitions=2, customers=20, days=60), mode="live")
        await _work(site, 40, learns=False)
        unlucky = Unlucky(site)
        await unlucky.run()
        assert isinstance(unlucky.error, StoreWentBack), unlucky.error
        await site.live(check=False)
        site.obey()
        for n, wanted in enumerate(site.expected.shards):
            records = records_in(store.snapshot(str(n)))
            assert records == wanted.records

    play(scenario)


def test_a_store_that_went_back_to_before_what_the_decisions_still_hold_stops_with_a_name() -> None:
    async def scenario() -> None:
        site, store = _site()
        await _work(site, 25, learns=True)
        copies = {place: store.snapshot(place) for place in SHARDS}
        await _work(site, 60, learns=True)
        _restore(store, copies)
        decisions, letters = Destination("decisions", 0), Destination("deadletters", 0)
        del site.public.records[letters][:-1]  # these are compared as far as Kafka has them
        kept = list(site.public.records[decisions])
        del site.public.records[decisions][:-1]
        unlucky = Worker(site)
        await unlucky.run()
        assert isinstance(unlucky.error, LogTruncated), unlucky.error
        assert "which model versions were in force; restore a newer backup" in str(unlucky.error)
        site.public.records[decisions][:] = kept
        await site.live(check=False)

    play(scenario)
