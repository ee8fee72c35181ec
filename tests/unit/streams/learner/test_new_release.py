"""A release that changes the model: live shards go on with what is in force, beside a learner that learns all anew."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import msgspec
import pytest

import models.churn.mixture.learner as mixture
import models.learning.schema
from models.churn import Version
from models.learning.adoption import Recorded, VersionName
from models.outputs import IN_FORCE, Decision
from models.settings import DAY, EngineSettings
from models.simulation.rehearsal import rehearse
from models.timeline.boundaries import UNTRAINED
from models.timeline.order import Stage, stage_of
from streams.errors import VersionUnreadable
from streams.learner.lineage import namespace_of
from streams.shard.commit import MODEL_VERSION
from streams.store.fake import FakeStore, Snapshot
from streams.store.port import LEARNER
from tests.support.logs import START, synthetic
from tests.support.workers import SETTINGS, TOPIC, Site, Worker, decision_of, play, records_in

SHARDS = (0, 1)
FIRST_DAYS = 32
UNEXPIRED = replace(SETTINGS, trigger_life=100_000 * DAY)
"""So that triggers of a log of long ago are sent."""


@contextmanager
def released(scores_otherwise: bool = False) -> Iterator[None]:
    """Within it the release is another: one constant of learning differs, and where asked what scores a version."""
    with pytest.MonkeyPatch.context() as change:
        change.setattr(mixture, "MEMORY", mixture.MEMORY + 1.0)
        if scores_otherwise:
            change.setattr(models.learning.schema, "SCORING", models.learning.schema.SCORING + 1)
        yield


def began(mode: str = "live", settings: EngineSettings = UNEXPIRED) -> tuple[FakeStore, Site]:
    store = FakeStore()
    logs = synthetic(3, partitions=2, customers=20, days=90)
    return store, Site(store, store.snapshot, logs, settings, mode)


async def work(site: Site, days: int | None) -> Worker:
    """A worker until the log stands at a day and the learner has come as far."""
    worker = Worker(site)
    life = worker.start()
    await worker.work_up_to(None if days is None else START + days * DAY)
    await worker.stop(life)
    return worker


async def trained(site: Site) -> None:
    """The first release works until a version that was learned is in force everywhere."""
    await work(site, FIRST_DAYS - 8)
    worker = Worker(site)  # what the learner had published by then comes into force with the next batch
    life = worker.start()
    await worker.until(lambda: len(site.dump(LEARNER).values) > 2)
    await worker.work_up_to(START + FIRST_DAYS * DAY)
    await worker.stop(life)
    assert all(in_force(site, n) > UNTRAINED for n in SHARDS), "the test shows nothing"


def lose_versions(store: FakeStore, copies: bool = True) -> None:
    """The learner's keys are deleted, and the shards' copies of the version in force."""
    store.restore(LEARNER, Snapshot(None, {}, {}, ()))
    for n in SHARDS if copies else ():
        there = store.snapshot(str(n))
        values = {name: value for name, value in there.values.items() if name != MODEL_VERSION}
        store.restore(str(n), Snapshot(there.meta, values, there.dues, there.outbox))


def in_force(site: Site, shard: int) -> int:
    body = site.body(shard)
    assert body is not None
    return body.state.version


def changes(site: Site, shard: int) -> list[Decision]:
    told = [decision_of(entry.value) for entry in site.said("decisions", shard)]
    return [decision for decision in told if decision.what == IN_FORCE]


def newest_of(site: Site, lineage: str) -> int:
    return int(site.dump(namespace_of(lineage)).values.get(b"cut", b"-1"))


async def until_learned(site: Site, lineage: str, boundary: int) -> None:
    """The learner alone, on the examples that are out."""
    worker = Worker(site, partitions=[])
    life = worker.start()
    await worker.until(lambda: newest_of(site, lineage) >= boundary)
    await worker.stop(life)


def check(site: Site, lineage: str) -> None:
    """All is public once, in order, as the engine in memory makes of the changes of version that were written down."""
    with released():
        learned = rehearse(site.logs, site.settings, TOPIC).versions

    def of_the_new_release(name: VersionName) -> Version | None:
        assert name.lineage == lineage
        return msgspec.structs.replace(learned[name.boundary], lineage=lineage)

    rules = [Recorded(decision_of(entry.value) for entry in site.said("decisions", n)) for n in SHARDS]
    site.expected = rehearse(site.logs, site.settings, TOPIC, adoptions=rules, others=of_the_new_release)
    site.check_outputs()
    for n in SHARDS:
        body = site.body(n)
        assert body is not None
        assert body.state == site.expected.shards[n].state


def test_live_shards_go_on_with_the_version_in_force_until_the_new_release_has_learned_as_much() -> None:
    async def scenario() -> None:
        store, site = began()
        await trained(site)
        before = [in_force(site, n) for n in SHARDS]
        learner = store.snapshot(LEARNER)
        with released():
            lineage = site.schema
            worker = await work(site, FIRST_DAYS + 10)
            assert worker.error is None
            assert worker.troubles == []
            assert [in_force(site, n) >= before[n] for n in SHARDS] == [True, True]
            await until_learned(site, lineage, max(before) + site.settings.boundary)
            worker = await work(site, None)
            assert worker.error is None
            assert all(changes(site, n)[-1].lineage == lineage for n in SHARDS)
            assert all(site.body(n).state.lineage == lineage for n in SHARDS)  # type: ignore[union-attr]
        assert store.snapshot(LEARNER) == learner, "what the first release left was touched"
        for n in SHARDS:
            told = changes(site, n)
            assert [d.model_version for d in told] == sorted(d.model_version or 0 for d in told)
            assert not any(d.lineage for d in told if d.model_version is not None and d.model_version <= before[n])
        check(site, lineage)

    play(scenario)


def test_where_the_new_release_can_not_score_with_what_is_in_force_it_says_what_comes_into_force_instead() -> None:
    async def scenario() -> None:
        _, site = began()
        await trained(site)
        told = [len(changes(site, n)) for n in SHARDS]
        with released(scores_otherwise=True):
            lineage = site.schema
            worker = await work(site, FIRST_DAYS + 10)
            assert worker.error is None
            instead = [changes(site, n)[told[n]] for n in SHARDS]
            assert all(d.model_version == UNTRAINED or d.lineage == lineage for d in instead)
            await until_learned(site, lineage, START)
            worker = await work(site, None)
            assert worker.error is None
            assert all(changes(site, n)[-1].lineage == lineage for n in SHARDS)
        check(site, lineage)

    play(scenario)


TOGETHER = replace(UNEXPIRED, phase="aligned")
"""All customers are scored at the same moments, five of them a commit."""


async def between_two_timers(site: Site) -> list[int]:
    """Workers that die after one commit each, until there is a shard whose last ended between two scores of a tick."""
    while True:
        states = [body.state for n in SHARDS if (body := site.body(n)) is not None]
        if found := [state.partition for state in states if stage_of(state.commit_position) == Stage.SCORES]:
            return found
        worker = Worker(site, "commit.b.written")
        await worker.run()
        assert worker.crashed, "the test shows nothing"


def test_what_comes_into_force_between_two_timers_says_so_and_a_replay_puts_it_there() -> None:
    async def scenario() -> None:
        _, site = began(settings=TOGETHER)
        await trained(site)
        shards = await between_two_timers(site)
        with released(scores_otherwise=True):
            lineage = site.schema
            worker = await work(site, None)
            assert worker.error is None
        assert [n for n in SHARDS for d in changes(site, n) if d.timer] == shards
        check(site, lineage)
        assert [records_in(site.dump(str(n))) for n in SHARDS] == [shard.records for shard in site.expected.shards]

    play(scenario)


def test_a_store_that_goes_back_behind_such_a_change_comes_to_it_between_the_same_timers() -> None:
    async def scenario() -> None:
        store, site = began(settings=TOGETHER)
        await trained(site)
        copies = [store.snapshot(str(n)) for n in SHARDS]
        shards = await between_two_timers(site)
        lose_versions(store)
        alone = Worker(site, learns=False)
        life = alone.start()
        await alone.work_up_to(START + (FIRST_DAYS + 10) * DAY)
        await alone.stop(life)
        assert alone.error is None
        assert [n for n in SHARDS for d in changes(site, n) if d.timer] == shards
        for n, copied in enumerate(copies):
            store.restore(str(n), copied)
        await work(site, None)
        await until_learned(site, "", max(site.expected.versions))
        check(site, lineage="")
        assert [records_in(site.dump(str(n))) for n in SHARDS] == [shard.records for shard in site.expected.shards]

    play(scenario)


def test_a_store_that_goes_back_behind_the_new_release_finds_its_versions_again_by_their_lineage() -> None:
    async def scenario() -> None:
        store, site = began()
        await trained(site)
        with released():
            lineage = site.schema
            await work(site, FIRST_DAYS + 4)
            copies = [store.snapshot(str(n)) for n in SHARDS]
            await until_learned(site, lineage, max(in_force(site, n) for n in SHARDS) + site.settings.boundary)
            await work(site, FIRST_DAYS + 24)
            assert all(changes(site, n)[-1].lineage == lineage for n in SHARDS), "the test shows nothing"
            for n, copied in enumerate(copies):
                store.restore(str(n), copied)
            worker = await work(site, None)
            assert worker.error is None
        check(site, lineage)

    play(scenario)


@pytest.mark.parametrize("kept", [True, False], ids=["with the shards' copies", "without"])
def test_shards_go_on_where_the_learners_keys_were_deleted_so_that_it_learns_again(kept: bool) -> None:
    async def scenario() -> None:
        store, site = began()
        await trained(site)
        before = [in_force(site, n) for n in SHARDS]
        lose_versions(store, copies=not kept)
        alone = Worker(site, learns=False)  # nobody learns meanwhile
        life = alone.start()
        await alone.work_up_to(START + (FIRST_DAYS + 10) * DAY)
        await alone.stop(life)
        assert alone.error is None
        assert [in_force(site, n) for n in SHARDS] == (before if kept else [UNTRAINED, UNTRAINED])
        await work(site, None)
        await until_learned(site, "", max(site.expected.versions))
        if kept:
            site.check()
        check(site, lineage="")

    play(scenario)


def test_in_a_replay_shards_wait_for_the_new_releases_own_versions() -> None:
    async def scenario() -> None:
        _, site = began("replay")
        await work(site, FIRST_DAYS)
        with released():
            lineage = site.schema
            waiting = Worker(site, learns=False)
            site.reach = None
            life = waiting.start()
            await waiting.until(lambda: {(0, "version"), (1, "version")} <= set(waiting.watcher.waits))
            await waiting.stop(life)
            assert waiting.error is None
            worker = Worker(site)
            site.reach = None
            life = worker.start()
            await worker.until(worker.resting)
            await worker.stop(life)
            assert worker.error is None
            assert all(changes(site, n)[-1].lineage == lineage for n in SHARDS)
        check(site, lineage)

    play(scenario)


def test_in_a_replay_a_version_that_can_not_be_scored_with_any_more_is_named() -> None:
    async def scenario() -> None:
        _, site = began("replay")
        await work(site, FIRST_DAYS)
        with released(scores_otherwise=True):
            worker = Worker(site)
            await worker.run()
            assert isinstance(worker.error, VersionUnreadable)
            assert "it is scored by the first format of mixture" in str(worker.error)

    play(scenario)
