"""A verification replays customers from the log and finds what was damaged, and nothing else."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest
from msgspec import UNSET

from models.churn import scorer_of
from models.customer.record import unpack
from models.engine.step import InForce
from models.learning.adoption import Lockstep, VersionName
from models.learning.learner import initial_version
from models.settings import DAY
from models.timeline.partitioning import partition_of
from models.timeline.shard_state import ShardState
from streams.kafka.partition_facts import LogFacts
from streams.kafka.security import KafkaConnection
from streams.kafka.topics import OUTPUTS
from streams.learner.example_reader import LearnerSettings
from streams.operations.rebuild.history import PastLog
from streams.operations.rebuild.log_rounds import LogRounds, Rounds
from streams.operations.rebuild.public_outputs import PublicOutputs
from streams.operations.verify import stored
from streams.operations.verify.replayed import ShardReplay, SharedByAll
from streams.operations.verify.run import Verification, Verified, VerifySettings
from streams.operations.verify.stored import Chosen
from streams.shard.meta import ShardBody, pack_body, unpack_body
from streams.store.fake import FakeStore, Snapshot
from streams.store.port import Meta
from tests.support.backfills import Backfiller
from tests.support.families import slow_but
from tests.support.logs import START, synthetic
from tests.support.rebuilds import SiteConsumer
from tests.support.workers import SETTINGS, TOPIC, MemoryConsumer, Site, Worker, play
from tests.unit.models.engine.test_by_policy import log_with
from tests.unit.streams.history.test_backfill import world as backfilled_world
from tests.unit.streams.learner.test_new_release import (
    FIRST_DAYS,
    TOGETHER,
    began,
    between_two_timers,
    lose_versions,
    trained,
    work,
)
from tests.unit.streams.shard.test_shard_policy import site as with_policies

CONNECTION = KafkaConnection("")


class LookedAt:
    """A fake store with the looks of the real one."""

    def __init__(self, store: FakeStore) -> None:
        self._store = store
        self.read_meta, self.outbox = store.read_meta, store.outbox

    async def load_at(self, namespace: str, names: Sequence[bytes]) -> tuple[Meta | None, list[bytes | None]]:
        snapshot = self._store.snapshot(namespace)
        return snapshot.meta, [snapshot.values.get(name) for name in names]

    async def all_names(self, beginning: bytes) -> AsyncIterator[tuple[str, bytes]]:
        for namespace in ("0", "1", "learner"):
            for name in self._store.snapshot(namespace).values:
                if name.startswith(beginning):
                    yield namespace, name


def _site(mode: str, seed: int = 3, days: int = 60) -> tuple[Site, FakeStore]:
    store = FakeStore()
    return Site(store, store.snapshot, synthetic(seed, partitions=2, customers=10, days=days), mode=mode), store


async def _verified(
    site: Site,
    store: FakeStore,
    chosen: Chosen,
    starts: Mapping[int, int] | None = None,
    past: PastLog | None = None,
    took_over: bool = False,
    hears: bool = False,
) -> Verified:
    partitions = len(site.logs)

    def ends(n: int) -> int:
        return site.logs[n][-1].offset + 1

    facts = {n: LogFacts((starts or {}).get(n, 0), ends(n), "topic-id", partitions, None) for n in range(partitions)}

    async def decisions(shard: int) -> list[bytes]:
        outputs = PublicOutputs(CONNECTION, SiteConsumer(site), {role: role for role in OUTPUTS}, shard)
        await outputs.open()
        said = site.said("decisions", shard)
        return await outputs.adoptions(said[-1].sequence) if said else []

    def log(begin: Mapping[int, int]) -> LogRounds:
        return LogRounds(CONNECTION, SiteConsumer(site), TOPIC, begin, {n: ends(n) for n in begin})

    async def rounds(begin: Mapping[int, int]) -> Rounds:
        return log(begin) if past is None else past.before(begin, log)

    examples = LearnerSettings(site.settings, CONNECTION, "examples", partitions, site.schema, "read_committed")
    settings = VerifySettings(
        TOPIC,
        facts,
        lambda body: examples,
        decisions,
        rounds,
        lambda settings: MemoryConsumer(site.public),
        past,
        took_over,
    )
    return await Verification(settings, LookedAt(store), chosen, hears=hears).run()


def _customers(store: FakeStore) -> list[str]:
    names = [name for n in ("0", "1") for name in store.snapshot(n).values if name.startswith(b"c:")]
    return [name.removeprefix(b"c:").decode() for name in names]


async def _everybody(site: Site, store: FakeStore) -> Verified:
    return await _verified(site, store, await stored.everybody(LookedAt(store), len(site.logs)))


@pytest.mark.parametrize("mode", ["replay", "live"])
def test_an_undamaged_state_is_as_the_log_gives_it_for_all_and_for_each_one_alone(mode: str) -> None:
    async def scenario() -> None:
        site, store = _site(mode)
        await site.live(check=False)
        whole = await _everybody(site, store)
        assert whole.compared == len(_customers(store)) > 0
        assert whole.differences == []
        for customer in _customers(store):
            alone = await _verified(site, store, stored.named([customer], 2))
            assert (alone.compared, alone.differences, alone.unverified) == (1, [], {})

    play(scenario)


@pytest.mark.parametrize("mode", ["replay", "live"])
def test_who_has_left_the_store_by_rule_is_no_difference(mode: str) -> None:
    async def scenario() -> None:
        store = FakeStore()
        leaving = replace(SETTINGS, horizon=7 * DAY, forget_after=DAY)
        logs = synthetic(3, partitions=2, customers=10, days=60)
        site = Site(store, store.snapshot, logs, mode=mode, settings=leaving)
        await site.live(check=False)
        assert (await _everybody(site, store)).differences == []
        ever = {
            record.key.decode() for log in logs for record in log if record.key and not record.key.startswith(b"st")
        }
        assert ever > set(_customers(store)), "nobody has left"
        for customer in sorted(ever):
            assert (await _verified(site, store, stored.named([customer], 2))).differences == []

    play(scenario)


def test_a_policy_is_in_force_in_the_replay_of_one_customer_as_of_all() -> None:
    async def scenario() -> None:
        site, store = with_policies()
        await site.live()
        assert (await _everybody(site, store)).differences == []
        replay = ShardReplay(
            ShardState(0, 2, 0), site.settings, TOPIC, Lockstep(site.settings), _untrained, customers=[b"nobody"]
        )
        await replay.apply(site.logs[0])
        body = site.body(0)
        assert body is not None
        assert replay.state.policy == body.state.policy != UNSET

    async def _untrained(name: VersionName) -> InForce:
        version = initial_version(SETTINGS)
        return InForce(version, scorer_of(version, SETTINGS))

    play(scenario)


def test_a_few_are_not_replayed_alone_where_a_policy_lets_customers_share_a_budget() -> None:
    async def scenario() -> None:
        [log, _] = log_with("with budgets", customers=12, days=40)
        replay = ShardReplay(
            ShardState(0, 2, 0), SETTINGS, TOPIC, Lockstep(SETTINGS), _untrained, customers=[b"nobody"]
        )
        with pytest.raises(SharedByAll):
            await replay.apply(log)

    async def _untrained(name: VersionName) -> InForce:
        version = initial_version(SETTINGS)
        return InForce(version, scorer_of(version, SETTINGS))

    play(scenario)


def test_a_version_that_came_into_force_between_two_timers_does_so_there_for_all_and_for_some() -> None:
    async def scenario() -> None:
        store, site = began(settings=TOGETHER)
        await trained(site)
        await between_two_timers(site)
        lose_versions(store)
        # Without a learner, which would have made the version again before the shards look for it, or not.
        alone = Worker(site, learns=False)
        life = alone.start()
        await alone.work_up_to(START + (FIRST_DAYS + 10) * DAY)
        await alone.stop(life)
        assert any(d.timer for said in site.decisions() for d in said)
        await work(site, None)
        assert (await _everybody(site, store)).differences == []
        assert (await _verified(site, store, stored.named(_customers(store)[::3], 2))).differences == []

    play(scenario)


@pytest.mark.parametrize("mode", ["replay", "live"])
@pytest.mark.parametrize("nth", slow_but((1, 4, 9, 14, 19, 23, 28, 31, 36), (4, 19, 31)))
def test_wherever_a_worker_was_killed_between_two_timers_say_the_state_is_as_the_log_gives_it(
    mode: str, nth: int
) -> None:
    async def scenario() -> None:
        site, store = _site(mode)
        worker = Worker(site, f"commit.b.written:{nth}")
        await worker.run()
        assert worker.crashed
        verified = await _everybody(site, store)
        assert verified.differences == []
        some = _customers(store)[::3]
        if some:
            assert (await _verified(site, store, stored.named(some, 2))).differences == []

    play(scenario)


def test_versions_that_were_late_are_obeyed_for_one_customer_too() -> None:
    async def scenario() -> None:
        store = FakeStore()
        site = Site(store, store.snapshot, synthetic(3, partitions=2, customers=20, days=90), mode="live")
        for days, learns in ((45, False), (60, True), (75, False), (91, True)):
            worker = Worker(site, learns=learns)
            life = worker.start()
            await worker.work_up_to(START + days * DAY)
            if learns:
                await worker.until(site.versions)
            await worker.stop(life)
        assert (await _everybody(site, store)).differences == []
        for customer in _customers(store)[::4]:
            assert (await _verified(site, store, stored.named([customer], 2))).differences == []

    play(scenario)


def test_a_damaged_field_is_named_with_what_stands_there_and_what_the_log_gives() -> None:
    async def scenario() -> None:
        site, store = _site("replay")
        await site.live()
        before = store.snapshot("1")
        name = sorted(name for name in before.values if name.startswith(b"c:"))[2]
        customer = name.removeprefix(b"c:")
        record = unpack(customer, before.values[name])
        spent, record.band = record.band, record.band ^ 1
        store.restore("1", Snapshot(before.meta, {**before.values, name: record.pack()}, before.dues, before.outbox))
        found = await _everybody(site, store)
        assert [tuple(one) for one in found.differences] == [(1, customer.decode(), "band", spent ^ 1, spent)]
        sample = await stored.sampled(LookedAt(store), 1_000)
        assert (await _verified(site, store, sample)).differences == found.differences

    play(scenario)


def test_a_record_that_is_gone_cut_or_one_too_many_is_told() -> None:
    async def scenario() -> None:
        site, store = _site("replay")
        await site.live()
        before = store.snapshot("0")
        gone, cut = sorted(name for name in before.values if name.startswith(b"c:"))[:2]
        extra = next(f"nobody-{n}" for n in range(99) if partition_of(f"nobody-{n}", 2) == 0)
        values = {**before.values, cut: before.values[cut][:-3], b"c:" + extra.encode(): before.values[cut]}
        del values[gone]
        store.restore("0", Snapshot(before.meta, values, before.dues, before.outbox))
        told = {
            one.customer: (one.field, one.stored, one.replayed) for one in (await _everybody(site, store)).differences
        }
        assert told[gone.removeprefix(b"c:").decode()] == ("record", "missing", "there")
        assert told[extra] == ("record", "there", "missing")
        assert "unreadable: " in told[cut.removeprefix(b"c:").decode()][1]
        assert len(told) == 3

    play(scenario)


def test_a_shard_whose_log_begins_later_is_not_verified_and_the_others_are() -> None:
    async def scenario() -> None:
        site, store = _site("replay")
        await site.live()
        chosen = await stored.everybody(LookedAt(store), 2)
        found = await _verified(site, store, chosen, starts={0: 7})
        assert found.unverified == {
            0: "its input partition starts at offset 7: the 7 records before are gone from Kafka"
        }
        assert found.compared == len(chosen.customers[1])
        assert found.differences == []

    play(scenario)


def test_a_shard_made_by_a_backfill_or_without_state_is_not_verified() -> None:
    async def scenario() -> None:
        site, store = _site("replay")
        await site.live()
        before = store.snapshot("0")
        assert before.meta is not None
        body = unpack_body("0", before.meta.body)
        quiet = ShardBody(body.schema, msgspec.structs.replace(body.creation, quiet_until=5), body.state)
        meta = Meta(before.meta.token, before.meta.number, before.meta.nonce, pack_body(quiet))
        store.restore("0", Snapshot(meta, before.values, before.dues, before.outbox))
        store.restore("1", Snapshot(None, {}, {}, ()))
        found = await _everybody(site, store)
        assert found.unverified == {
            0: "it was made by a backfill, whose history is not in Kafka: give its log (--history LOG)",
            1: "the store has no state of it",
        }

    play(scenario)


@pytest.mark.parametrize("mode", ["replay", "live"])
def test_what_a_backfill_began_is_as_its_log_and_kafka_s_give_it(mode: str, tmp_path: Path) -> None:
    async def scenario() -> None:
        site, past = backfilled_world(tmp_path, mode=mode)
        store = site.store
        assert isinstance(store, FakeStore)
        assert await Backfiller(site, past).backfill() is not None
        await site.live(check=False)
        everybody = await stored.everybody(LookedAt(store), 2)
        found = await _verified(site, store, everybody, past=past.again)
        assert (found.compared, found.differences, found.unverified) == (len(_customers(store)), [], {})
        some = await _verified(site, store, stored.named(_customers(store)[::3], 2), past=past.again)
        assert (some.differences, some.unverified) == ([], {})
        other = replace(past.again, until=past.again.until + 1)
        assert set((await _verified(site, store, everybody, past=other)).unverified) == {0, 1}
        gone = await _verified(site, store, everybody, starts={1: 18}, past=past.again)
        assert gone.unverified == {
            1: "its input partition starts at offset 18: the 1 records before are gone from Kafka"
        }

    play(scenario)


def test_who_took_over_from_another_application_is_not_verified() -> None:
    async def scenario() -> None:
        site, store = _site("replay")
        await site.live()
        found = await _verified(site, store, stored.named(_customers(store), 2), took_over=True)
        assert set(found.unverified) == {0, 1}
        assert all("took over from another application" in why for why in found.unverified.values())

    play(scenario)
