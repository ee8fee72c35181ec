"""A worker in the test's own process: real ownership, shards, checkpoints, outboxes and learner; the group, the log and
the public topics are in memory, the store is the test's. A whole log runs in well under a second.

A `Site` is what outlives workers. A `Worker` may be told to die at a crash point: from there on nothing that it had
begun reaches store or topics any more, as after ``kill -9``.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Mapping, Sequence
from contextvars import ContextVar
from dataclasses import dataclass, field
from math import inf
from types import SimpleNamespace
from typing import Any, TypeVar

import msgspec
from aiokafka import TopicPartition
from faust.types import TP

from models.churn import Version, unseal
from models.customer.layout import VERSION
from models.learning.adoption import Recorded
from models.learning.schema import schema_of
from models.outputs import Decision
from models.settings import DAY, EngineSettings
from models.simulation.rehearsal import Rehearsal, rehearse
from models.timeline.batch import LogRecord
from models.timeline.shard_state import ShardState
from streams.bootstrap.stored_shards import check_stored_shards
from streams.consumer.ownership import Ownership
from streams.consumer.protocols import PartitionOwner
from streams.crash_points import at_points, point
from streams.errors import EngineError
from streams.kafka.errors import KafkaUnavailable
from streams.kafka.partition_facts import LogFacts
from streams.kafka.security import KafkaConnection
from streams.kafka.topics import OUTPUTS
from streams.learner.example_reader import LearnerSettings
from streams.learner.model_registry import NEWEST, name_of
from streams.learner.owner import LearnerOwner
from streams.learner.relearning import Relearning
from streams.learner.versions import Versions
from streams.outbox.entry import Destination, Entry
from streams.outbox.fake import Failure, FakeLog, FakePublisher
from streams.outbox.relay import Outgoing
from streams.shard.meta import ShardBody, unpack_body
from streams.shard.owner import Shard
from streams.shard.settings import ShardPorts, ShardSettings
from streams.store.checkpoint import Checkpoint
from streams.store.fake import Snapshot
from streams.store.port import LEARNER, Meta, Outcome, Store, StoreUnavailable, Write
from tests.support.adoptions import NONE, Journal, adoptions_of, check_allowed
from tests.support.logs import START, cut_at
from tests.support.stores import in_this_version

T = TypeVar("T")
TOPIC = "retention.touchpoints"
LEARNER_TP = TP("retention.learner", 0)
PATIENCE_S = 300.0
"""Only what has failed takes so long: on a busy machine a scenario of seconds has taken forty."""

POINTS = (
    "takeover.1.meta_read",
    "takeover.2.offsets_committed",
    "takeover.3.minted",
    "takeover.4.checked",
    "takeover.7.published",
    "takeover.8.trimmed",
    "takeover.9.before_seek",
    "takeover.10.after_seek",
    "commit.a.computed",
    "commit.b.written",
    "publish.1.begun",
    "publish.4.committed",
    "learner.a.learned",
    "learner.b.written",
)
"""The crash points that a worker of this module passes."""

SETTINGS = EngineSettings(
    horizon=14 * DAY,
    tick=7 * DAY,
    anchor=START,
    boundary=7 * DAY,
    version_delay=0,
    enter=0.5,
    exit=0.4,
    piece_items=5,  # so that a week's ticks take several commits
)
"""Lockstep; a log of two months crosses every kind of cut."""

_worker: ContextVar[Worker | None] = ContextVar("worker", default=None)


def play(scenario: Callable[[], Coroutine[Any, Any, T]]) -> T:
    """Run a scenario with workers in it."""

    def passed(name: str) -> None:
        worker = _worker.get()
        if worker is not None:
            worker.passed(name)

    with at_points(passed):
        return asyncio.run(asyncio.wait_for(scenario(), 2 * PATIENCE_S))


async def until(condition: Callable[[], Any]) -> None:
    """Wait for something that signals nothing when it comes true."""
    while not condition():  # noqa: ASYNC110 - there is no event for it
        await asyncio.sleep(0.001)


decision_of = msgspec.json.Decoder(Decision).decode


def records_in(shard: Snapshot) -> dict[bytes, bytes]:
    """By customer."""
    return {name[2:]: value for name, value in shard.values.items() if name.startswith(b"c:")}


class MemoryWatcher:
    """Notes what shards say they wait for."""

    def __init__(self) -> None:
        self.waits: list[tuple[int, str]] = []
        self.commits = self.idles = 0
        self.decisions = Counter[tuple[str, str]]()

    def committed(
        self, shard: int, before: ShardState, after: ShardState, records: int, seconds: float, store_seconds: float
    ) -> None:
        self.commits += 1

    def decided(self, decided: Mapping[tuple[str, str], int]) -> None:
        self.decisions.update(decided)

    def doubted(self, shard: int, unsure: int, beyond: int) -> None: ...
    def left(self, shard: int, customers: int) -> None: ...
    def taken_over(self, shard: int, state: ShardState) -> None: ...
    def working(self, shard: int, records: int, up_to: int) -> None: ...

    def waiting(self, shard: int, reason: str, detail: str) -> None:
        self.waits.append((shard, reason))

    def outbox(self, shard: int, entries: int) -> None:
        pass

    def idle(self, shard: int) -> None:
        self.idles += 1


@dataclass
class Site:
    """Store, topics and settings. `faults`: (call of a store, counted from 0) to whether it fails before its effect.

    send_faults: the same for transactions. batch: records of a batch that begins at an offset. reach: timestamp beyond
    which no record is handed out yet. gate: while it is there and not set, no transaction comes to an end. quiet_until:
    the cut of a backfill that came before. record_version: of what is written. cache_records: that stay in memory.
    """

    store: Store
    dump: Callable[[str], Snapshot]
    logs: Sequence[Sequence[LogRecord]]
    settings: EngineSettings = SETTINGS
    mode: str = "replay"
    batch: Callable[[int], int] = lambda offset: 20
    outbox_limit: int = 1_000
    clock_ahead_limit_s: float = 300.0
    faults: dict[int, bool] = field(default_factory=dict)
    send_faults: dict[int, Failure] = field(default_factory=dict)
    reach: int | None = None
    gate: asyncio.Event | None = None
    quiet_until: int = 0
    record_version: int = VERSION
    cache_records: int = 160_000
    public: FakeLog = field(default_factory=FakeLog)
    committed: dict[TP, int] = field(default_factory=dict)
    calls: int = 0
    sends: int = 0

    def __post_init__(self) -> None:
        self.expected: Rehearsal = rehearse(self.logs, self.settings, TOPIC, quiet_until=self.quiet_until)
        self.journal = Journal(self.settings)

    @property
    def schema(self) -> str:
        return schema_of(self.settings)

    def body(self, shard: int) -> ShardBody | None:
        meta = self.dump(str(shard)).meta
        return unpack_body(str(shard), meta.body) if meta else None

    def versions(self) -> dict[int, Version]:
        values = self.dump(LEARNER).values
        return {int(n[2:]): unseal(v, self.schema, Version) for n, v in values.items() if n.startswith(b"v:")}

    def said(self, role: str, shard: int) -> list[Entry]:
        return self.public.entries(Destination(role, shard))

    async def finished(self) -> bool:
        """Everything is applied, public and trimmed, and the last version is cut."""
        for n, log in enumerate(self.logs):
            meta = await self.store.read_meta(str(n))
            if meta is None or (log and unpack_body(str(n), meta.body).state.next_offset <= log[-1].offset):
                return False
            if await self.store.outbox(str(n)):
                return False
        last = max(self.expected.versions, default=None)
        return last is None or (await self.store.load(LEARNER, [name_of(last)]))[0] is not None

    def check(self) -> None:
        """Store and topics hold exactly what the engine in memory makes of the same logs, and of the same changes of
        model version where the shards waited for none."""
        if self.mode == "live":
            self.obey()
        for n, wanted in enumerate(self.expected.shards):
            found, body = self.dump(str(n)), self.body(n)
            assert in_this_version(records_in(found)) == wanted.records, f"records of shard {n}"
            assert body is not None
            assert body.state == wanted.state, f"state of shard {n}"
            assert set(found.dues) == set(wanted.dues), f"due set of shard {n}"
            assert all(found.dues[c] <= wanted.dues[c] for c in found.dues), f"due set of shard {n} is no lower bound"
            assert found.outbox == ()
        for boundary, version in self.versions().items():
            assert version == self.expected.versions[boundary], f"version {boundary}"
        assert max(self.versions()) == max(self.expected.versions)
        self.check_outputs()
        self.check_adoptions()

    def decisions(self) -> list[list[Decision]]:
        """The public ones, by shard."""
        return [[decision_of(entry.value) for entry in self.said("decisions", n)] for n in range(len(self.logs))]

    def check_adoptions(self) -> None:
        """Each change of model version is one that the rule allows, and brought the newest by then."""
        assert self.journal.wrong == []
        origin = min(self.expected.versions, default=0)
        until = self.quiet_until if self.mode == "live" else inf
        for told in self.decisions():
            check_allowed(self.settings, adoptions_of(told), origin, until)

    async def commit_stands(self, place: str, body: bytes) -> None:
        """A shard's commit goes into the journal."""
        state = unpack_body(place, body).state
        [published] = await self.store.load(LEARNER, [NEWEST])
        public = {role: len(self.public.records.get(Destination(role, state.partition), ())) for role in OUTPUTS}
        self.journal.committed(state, int(published or NONE), public)

    def obey(self) -> None:
        """Expect what the engine in memory makes of the changes of model version that were written down."""
        adoptions = [Recorded(said) for said in self.decisions()]
        self.expected = rehearse(self.logs, self.settings, TOPIC, adoptions=adoptions, quiet_until=self.quiet_until)

    def check_outputs(self) -> None:
        """Every output is public exactly once, in order, to the byte."""
        for n, wanted in enumerate(self.expected.shards):
            for role in OUTPUTS:
                entries = [Entry.of(output, n) for output in wanted.outputs if output.role == role]
                assert self.said(role, n) == entries, f"{role} of shard {n}"

    async def live(self, *crashes: str, check: bool = True) -> list[Worker]:
        """A worker for each crash, one after the other, and one that ends the work; then all must be equal."""
        workers = [Worker(self, crash) for crash in crashes] + [Worker(self)]
        for worker in workers:
            await worker.run()
            assert worker.error is None, worker.error
        if check:
            self.check()
        return workers


class Worker:
    """One process's worth of owners, and the group they see. `crash`: a crash point, ``name`` or ``name:nth``."""

    def __init__(
        self, site: Site, crash: str = "", partitions: Iterable[int] | None = None, learns: bool = True
    ) -> None:
        self.site = site
        self._crash, _, nth = crash.partition(":")
        self._nth = int(nth or 1)
        self._partitions = list(range(len(site.logs)) if partitions is None else partitions)
        self._learns = learns
        self.alive, self.crashed = True, False
        self.error: EngineError | None = None
        self.over = asyncio.Event()
        self.passings: Counter[str] = Counter()
        self.watcher = MemoryWatcher()
        self.generation, self.polls = 1, 0
        self.outgoing: dict[int, Outgoing] = {}
        self.troubles: list[str | None] = []
        self._free: dict[TP, PartitionOwner] = {}
        self._next: dict[TP, int] = {}
        self.mortal = MortalStore(self)
        self._examples = LearnerSettings(
            site.settings, KafkaConnection(""), "examples", len(site.logs), site.schema, "read_committed"
        )
        relearning = Relearning(self._examples, lambda settings: MemoryConsumer(site.public), self.mortal)
        self.versions = Versions(self.mortal, site.settings, relearning.version)
        self.ownership = Ownership(self._owner, parked=self._parked)
        self.ownership.bind(self)

    # -- life

    def passed(self, name: str) -> None:
        self.passings[name] += 1
        if self.alive and name == self._crash and self.passings[name] == self._nth:
            self.crashed = True
            self.die()
        self.must_live()

    def die(self) -> None:
        """As by kill -9."""
        self.alive = False
        self.over.set()

    def must_live(self) -> None:
        if not self.alive:
            raise asyncio.CancelledError

    def start(self) -> asyncio.Task[None]:
        return asyncio.create_task(self._live())

    async def run(self) -> None:
        """Until everything is done, or the worker has died or ended itself."""
        self.site.reach = None
        life = self.start()
        try:
            async with asyncio.timeout(PATIENCE_S):
                while not (self.over.is_set() or await self.site.finished()):  # noqa: ASYNC110 - the store signals nothing
                    await asyncio.sleep(0.002)
        finally:
            self.over.set()
            await life

    async def until(self, condition: Callable[[], Any], timeout_s: float = PATIENCE_S) -> None:
        await asyncio.wait_for(until(condition), timeout_s)

    def wake(self) -> None:
        """Look for records again: `reach` has moved."""
        for owned in list(self._free.values()):
            self.feed(owned)

    def resting(self) -> bool:
        """Nothing left to hand out, to apply, to publish or to trim.

        A shard that asked for records before it was the current owner was refused them, and is handed them now.
        """
        self.wake()
        return len(self._free) == len(self._partitions) and all(
            not len(outgoing) and not outgoing.trimmable for outgoing in self.outgoing.values()
        )

    async def work_up_to(self, reach: int | None) -> None:
        self.site.reach = reach
        await self.until(lambda: self._free or self.over.is_set())
        self.wake()
        await self.until(lambda: self.resting() or self.over.is_set())

    async def stop(self, life: asyncio.Task[None]) -> None:
        self.over.set()
        await life

    async def _live(self) -> None:
        _worker.set(self)
        taking = asyncio.create_task(self.ownership.take_over())
        over = asyncio.create_task(self.over.wait())
        await asyncio.wait((taking, over), return_when=asyncio.FIRST_COMPLETED)
        await over
        await self.ownership.ended()
        await asyncio.gather(taking, return_exceptions=True)

    # -- the owners

    def _owner(self, tp: TP, generation: int) -> PartitionOwner:
        site = self.site
        if tp == LEARNER_TP:
            checkpoint = Checkpoint(self.mortal, LEARNER)
            return LearnerOwner(
                tp,
                generation,
                self._examples,
                checkpoint,
                new_consumer=lambda settings: MemoryConsumer(site.public),
                on_trouble=self.troubles.append,
                fits=lambda: check_stored_shards(self.mortal, len(site.logs), site.mode, site.settings),
            )
        outgoing = self.outgoing[tp.partition] = Outgoing(
            MortalPublisher(self, tp.partition), tp.partition, site.mode == "live"
        )
        limits = (site.outbox_limit, site.clock_ahead_limit_s, site.cache_records)
        told = ShardSettings(site.settings, site.mode, TOPIC, *limits, record_version=site.record_version)
        checkpoint = Checkpoint(self.mortal, str(tp.partition))
        ports = ShardPorts(self.mortal, checkpoint, self.versions, outgoing, self.watcher, self.ownership.release)
        return Shard(tp, generation, told, ports)

    # -- the group (streams.consumer.ownership.Group)

    def assigned(self) -> set[TP]:
        shards = {TP(TOPIC, n) for n in self._partitions}
        return shards | {LEARNER_TP} if self._learns else shards

    async def confirm(self, next_offsets: Mapping[TP, int]) -> bool:
        self.must_live()
        self.site.committed.update({tp: next_offset for tp, next_offset in next_offsets.items() if tp.topic == TOPIC})
        return True

    async def log_facts(self, tps: Iterable[TP]) -> dict[TP, LogFacts]:
        logs = self.site.logs
        facts = {}
        for tp in tps:
            log: Sequence[LogRecord] = logs[tp.partition] if tp.topic == TOPIC else ()
            start, end = (log[0].offset, log[-1].offset + 1) if log else (0, 0)
            facts[tp] = LogFacts(start, end, "topic-id", len(logs), self.site.committed.get(tp))
        return facts

    async def begin(self, owned: PartitionOwner, generation: int) -> bool:
        if owned.reads:
            self._next[owned.tp] = owned.next_offset
            self.free(owned)
        return True

    def free(self, owned: PartitionOwner) -> None:
        self._free[owned.tp] = owned
        asyncio.get_running_loop().call_soon(self.feed, owned)

    def feed(self, owned: PartitionOwner) -> None:
        """Hand the next batch over, if there is one and the owner is free."""
        log = self.site.logs[owned.tp.partition]
        first = next((i for i, r in enumerate(log) if r.offset >= self._next[owned.tp]), len(log))
        records = list(log[first : first + self.site.batch(first)])
        if self.site.reach is not None:
            records = cut_at(records, self.site.reach)
        if records and self._free.get(owned.tp) is owned and self.ownership.deliver(owned, records):
            del self._free[owned.tp]
            self._next[owned.tp] = records[-1].offset + 1

    def is_free(self, owned: PartitionOwner) -> bool:
        return self._free.get(owned.tp) is owned

    def end_process(self, error: EngineError) -> None:
        self.error = self.error or error
        self.over.set()

    def _parked(self, owner: PartitionOwner, error: EngineError | None) -> None:
        """The whole worker ends: these tests look at one error of one shard."""
        if error is not None:
            self.end_process(error)


class MortalStore:
    """A worker's connection to the store: it ends with the worker, and has the site's faults."""

    def __init__(self, worker: Worker) -> None:
        self._worker = worker

    async def _call(self, act: Callable[[Store], Awaitable[T]]) -> T:
        site = self._worker.site
        self._worker.must_live()
        before = site.faults.get(site.calls)
        site.calls += 1
        if before:
            raise StoreUnavailable("the request is lost")
        result = await act(site.store)
        self._worker.must_live()
        if before is False:
            raise StoreUnavailable("the reply is lost")
        return result

    async def read_meta(self, place: str) -> Meta | None:
        return await self._call(lambda store: store.read_meta(place))

    async def create(self, place: str, body: bytes) -> bool:
        return await self._call(lambda store: store.create(place, body))

    async def mint(self, place: str, token: bytes, seen: bytes | None = None) -> Meta | None:
        minted = await self._call(lambda store: store.mint(place, token, seen))
        if place.isdigit():
            self._worker.site.journal.taken_over(int(place))
        return minted

    async def commit(self, place: str, write: Write) -> Outcome:
        outcome = await self._call(lambda store: store.commit(place, write))
        if place.isdigit() and outcome is Outcome.OK:
            await self._worker.site.commit_stands(place, write.body)
        return outcome

    async def load(self, place: str, names: Sequence[bytes]) -> list[bytes | None]:
        return await self._call(lambda store: store.load(place, names))

    async def due(self, place: str, up_to: float, limit: int) -> list[tuple[float, bytes]]:
        return await self._call(lambda store: store.due(place, up_to, limit))

    async def due_count(self, place: str, up_to: float) -> int:
        return await self._call(lambda store: store.due_count(place, up_to))

    async def outbox(self, place: str, first: int = 0, most: int | None = None) -> list[bytes]:
        return await self._call(lambda store: store.outbox(place, first, most))

    async def close(self) -> None: ...


class MortalPublisher:
    """A fake publisher that passes the crash points of the real ones, dies with its worker, has the site's faults."""

    transactional = True
    throttled_s = 0.0

    def __init__(self, worker: Worker, shard: int) -> None:
        self._worker, self._publisher = worker, FakePublisher(worker.site.public, shard)
        self.starts_to_fail = 0

    async def start(self) -> None:
        self._worker.must_live()
        await asyncio.sleep(0)
        if self.starts_to_fail:
            self.starts_to_fail -= 1
            raise KafkaUnavailable("start: no answer")
        await self._publisher.start()

    async def public(self, since: Mapping[Destination, int]) -> dict[Destination, list[tuple[int, str]]]:
        self._worker.must_live()
        await asyncio.sleep(0)
        return await self._publisher.public(since)

    async def values(self, destination: Destination, since: int) -> list[bytes]:
        self._worker.must_live()
        await asyncio.sleep(0)
        return await self._publisher.values(destination, since)

    async def send(self, entries: Sequence[Entry]) -> None:
        site = self._worker.site
        point("publish.1.begun")
        await asyncio.sleep(0)
        self._worker.must_live()
        failure = site.send_faults.get(site.sends)
        site.sends += 1
        if failure is not None:
            self._publisher.failures.append(failure)
        if site.gate is not None:
            await site.gate.wait()
        await self._publisher.send(entries)
        point("publish.4.committed")

    async def stop(self) -> None:
        await self._publisher.stop()


class MemoryConsumer:
    """What the learner uses of a Kafka consumer, over the public examples. Offsets are places in the list.

    starts: first offset of a partition, where it is not 0.
    """

    def __init__(self, log: FakeLog, starts: Mapping[int, int] | None = None) -> None:
        self._log, self._starts = log, starts or {}
        self._at: dict[TopicPartition, int] = {}
        self.paused: set[TopicPartition] = set()

    async def start(self) -> None: ...
    async def stop(self) -> None: ...

    def assign(self, tps: Iterable[TopicPartition]) -> None:
        self._at = dict.fromkeys(tps, 0)

    def assignment(self) -> set[TopicPartition]:
        return set(self._at)

    async def beginning_offsets(self, tps: Iterable[TopicPartition]) -> dict[TopicPartition, int]:
        return {tp: self._starts.get(tp.partition, 0) for tp in tps}

    async def end_offsets(self, tps: Iterable[TopicPartition]) -> dict[TopicPartition, int]:
        return {tp: len(self._log.entries(Destination("examples", tp.partition))) for tp in tps}

    def seek(self, tp: TopicPartition, offset: int) -> None:
        self._at[tp] = offset

    def pause(self, tp: TopicPartition) -> None:
        self.paused.add(tp)

    def resume(self, tp: TopicPartition) -> None:
        self.paused.discard(tp)

    async def getmany(self, timeout_ms: int, max_records: int | None = None) -> dict[TopicPartition, list[Any]]:
        """max_records: of each partition."""
        found: dict[TopicPartition, list[Any]] = {}
        for tp in self._at.keys() - self.paused:
            entries = self._log.entries(Destination("examples", tp.partition))
            new = range(self._at[tp], len(entries))[:max_records]
            if new:
                found[tp] = [message(n, entries[n].sequence, entries[n].value) for n in new]
                self._at[tp] = new[-1] + 1
        await asyncio.sleep(0 if found else 0.001)
        return found


def message(offset: int, count: int, value: bytes) -> Any:
    """A record of an examples partition, as the learner looks at it."""
    return SimpleNamespace(offset=offset, headers=[("count", b"%d" % count)], value=value)
