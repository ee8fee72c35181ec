"""Observer of one worker: callbacks to metrics and health.

Health is progress: a worker whose process lives but whose shards stand still is unhealthy, and says which and why.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping

from aiokafka import TopicPartition
from msgspec import UnsetType

from models.churn import Version
from models.timeline.order import timer_position
from models.timeline.shard_state import NO_TIME, ShardState
from streams.consumer.protocols import PartitionOwner
from streams.errors import EngineError
from streams.kafka.access import BrokerRefused
from streams.kafka.errors import KafkaUnavailable
from streams.kafka.open_transactions import LogEnd, OpenTransactions
from streams.kafka.tails import TailReader
from streams.monitoring.health import Progress
from streams.monitoring.http import Valid, WebServer
from streams.monitoring.label_values import HELD, TAKEOVER, UNPUBLISHED, UNREADABLE
from streams.monitoring.metrics import Metrics
from streams.monitoring.protocols import Owners
from streams.outbox.relay import Sent
from streams.routes import Route
from streams.store import Store, StoreUnavailable
from streams.store.port import LEARNER
from streams.store.rules import StoreRefused

logger = logging.getLogger(__name__)

CHECK_EVERY_S = 2.0


class Watching:
    """Observer of one worker. Its methods are called once per commit, transaction or version.

    Args:
        app: the application's name.
        mode: live or replay.
        partitions: of the input topic.
        stall_after_s: a shard with work that has not moved for so long is unhealthy.
        host, port: where /metrics, /health, /ready and /valid listen; port 0: a free one.

    Attributes:
        listens: the port, as soon as it is listened on; 0 before.
    """

    def __init__(self, *, app: str, mode: str, partitions: int, stall_after_s: float, host: str, port: int) -> None:
        self.metrics = Metrics(app, mode, partitions)
        self.progress = Progress(stall_after_s)
        self._live, self._host, self._port = mode == "live", host, port
        self.listens = 0
        self._web = WebServer(self.metrics, self.progress)
        self._states: dict[int, ShardState] = {}
        self._owned: set[int] = set()
        self._begun: set[int] = set()
        self._open = OpenTransactions()
        self._in_hand: dict[int, int] = {}  # records taken in and not committed
        self._reach: dict[int, int] = {}  # the log time up to which a shard has work in hand
        self._stood_at: dict[int, int] = {}  # next offsets at the last look at the log's end
        self._unreadable_since: dict[int, float] = {}

    def answers(self, routes: Iterable[Route], valid: Valid | None = None) -> None:
        """Serve these as well, and whether a trigger may be sent; to be said before it runs."""
        self._web = WebServer(self.metrics, self.progress, routes)
        self._web.valid = valid

    # -- told by shards

    def taken_over(self, shard: int, state: ShardState) -> None:
        """A shard is ours, and stands so; what it had in hand under a former ownership is read again."""
        self._let_go(shard)
        self._states[shard] = state
        self.metrics.taken_over(shard, state)

    def committed(
        self, shard: int, before: ShardState, after: ShardState, records: int, seconds: float, store_seconds: float
    ) -> None:
        """A piece of a shard's line is committed.

        Args:
            shard: its number.
            before, after: its states.
            records: consumed by the commit.
            seconds: from load to written, without waiting for the learner.
            store_seconds: spent in Redis.
        """
        self._states[shard] = after
        self._in_hand[shard] = max(0, self._in_hand.get(shard, 0) - records)
        self.progress.moved(shard)
        metrics = self.metrics
        metrics.paused(shard, None)
        metrics.committed(shard, before.totals, after.totals, records, seconds, store_seconds)
        metrics.state(shard, after)

    def doubted(self, shard: int, unsure: int, beyond: int) -> None:
        """Touchpoints of a commit of which the record can't tell whether they came before: applied, and dropped."""
        self.metrics.doubted(shard, unsure, beyond)

    def left(self, shard: int, customers: int) -> None:
        """A commit has removed the records of so many customers."""
        self.metrics.left(shard, customers)

    def decided(self, decided: Mapping[tuple[str, str], int]) -> None:
        self.metrics.decisions.count(decided)

    def working(self, shard: int, records: int, up_to: int) -> None:
        """A batch was taken in. up_to: timestamp of its last record, ms."""
        self._in_hand[shard], self._reach[shard] = records, up_to
        self.progress.working(shard)

    def waiting(self, shard: int, reason: str, detail: str) -> None:
        """A shard has work that can't be done now. reason: one of `streams.monitoring.label_values.PAUSES`."""
        self.progress.waiting(shard, f"{reason}: {detail}")
        self.metrics.paused(shard, reason)

    def store_unavailable(self, shard: int) -> Callable[[str], None]:
        """The shard's own listener for outages of the store."""
        return lambda detail: self.waiting(shard, "store", detail)

    def kafka_unavailable(self, shard: int) -> Callable[[str], None]:
        """The shard's own listener for what keeps its outputs from being public."""

        def listen(detail: str) -> None:
            self.progress.unpublished(shard, f"{UNPUBLISHED}: {detail}")
            self.metrics.unpublished(shard, True)

        return listen

    def retried(self, shard: int) -> Callable[[], None]:
        """The shard's own listener for transactions that failed, or whose outcome is not known."""
        return lambda: self.metrics.publish_retry(shard)

    def takeover_waits(self, owned: PartitionOwner, detail: str | None) -> None:
        """A takeover can't go on, or does again (None)."""
        timer_position = owned.tp.partition if owned.reads else LEARNER
        self.progress.takeover_waits(timer_position, None if detail is None else f"{TAKEOVER}: {detail}")
        self.metrics.paused(timer_position, None if detail is None else TAKEOVER)

    def parked(self, owner: PartitionOwner, error: EngineError | None) -> None:
        """A shard, or the learner, can't go on and is tried again from time to time; None: it goes on."""
        place = owner.tp.partition if owner.reads else LEARNER
        if error is None:
            self.progress.parked(place, None)
        else:
            self.progress.parked(place, error.code.name.lower(), f"{type(error).__name__}: {error}")
            self.metrics.paused(place, None)
            if isinstance(place, int):
                self._publishes(place)
        self.metrics.parked(place, None if error is None else error.code)

    def outbox(self, shard: int, entries: int) -> None:
        """How many outputs of a shard are committed but not yet public."""
        self.metrics.outbox(shard, entries)

    def idle(self, shard: int) -> None:
        self.progress.idle(shard)
        self.metrics.paused(shard, None)

    def published(self, shard: int) -> Callable[[Sent], None]:
        """The shard's own listener for published transactions."""

        def listen(sent: Sent) -> None:
            self._publishes(shard)
            self.metrics.outbox(shard, sent.left)
            self.metrics.redelivered("outbox", sent.public_already)
            if not sent.entries:
                return
            now = time.time()
            # In a replay the log's time is not the wall clock's: there is no latency to speak of.
            latencies = [now - e.time / 1000 for e in sent.entries if e.topic == "triggers"] if self._live else []
            self.metrics.published(shard, len(sent.entries), sent.seconds, latencies)

        return listen

    def rejected(self, reason: str) -> None:
        self.metrics.fencing_rejection(reason)

    # -- told by the store

    def store_failed(self) -> None:
        """A call failed by an outage; it will be made again."""
        self.metrics.store_retry()

    def commit_stood(self) -> None:
        """A commit that was made again had been done the first time: its reply was lost."""
        self.metrics.redelivered("commits", 1)

    # -- told by the learner and those who wait for it

    def version_published(self, version: Version) -> None:
        choice = None if isinstance(version.choice, UnsetType) else version.choice
        self.metrics.version(version.boundary, version.quality, choice)
        logger.debug("model version %d: %s", version.boundary, version.quality)

    def examples_repeated(self, count: int) -> None:
        """The learner was handed examples that it had already."""
        self.metrics.redelivered("examples", count)

    def learner_waits(self, wait: tuple[str, str] | None) -> None:
        """The learner waits for (reason, detail), or waits no more (None)."""
        reason, detail = wait or (None, None)
        self.progress.learner_waits(None if reason is None else f"{reason}: {detail}")
        self.metrics.paused(LEARNER, reason)

    def learner_trouble(self, detail: str | None) -> None:
        """The learner stands still (why), or no longer does (None)."""
        self.progress.learner_trouble = detail
        self.metrics.learner_trouble(detail is not None)

    def learner_relearns(self, detail: str | None) -> None:
        """The learner learns all anew (how far it is), or no longer does (None). It is nobody's fault."""
        self.progress.relearning = detail

    def topic_trouble(self, detail: str | None) -> None:
        """The input topic is gone (told in words), or there again (None)."""
        self.progress.topic_trouble = detail

    # -- looks for itself

    async def run(self, ownership: Owners, tails: TailReader, topic: str, store: Store) -> None:
        """Serve HTTP, and follow assignment, lag and due backlog, until cancelled."""
        port = self.listens = await self._web.start(self._host, self._port)
        logger.info("metrics, health and readiness on http://%s:%d", self._host, port)
        try:
            # Each on its own: Kafka or Redis that does not answer must not hold up readiness, nor the other's numbers.
            async with asyncio.TaskGroup() as checks:
                checks.create_task(_again_and_again(lambda: self._follow_assignment(ownership, topic)))
                checks.create_task(_again_and_again(lambda: self._check_lag(tails, topic)))
                checks.create_task(_again_and_again(lambda: self._check_due(store)))
        finally:
            await self._web.stop()

    async def _follow_assignment(self, ownership: Owners, topic: str) -> None:
        begun = {o.tp.partition for o in ownership.current.values() if o.reads}
        if not ownership.assigned:
            self.progress.revoked()
        elif begun != self._begun or ownership.complete != self.progress.complete:
            self.progress.taken_over(begun, ownership.complete)
        self._begun = begun
        owned = {tp.partition for tp in ownership.owned if tp.topic == topic}
        self.metrics.owned(owned)
        self.metrics.learns(any(tp.topic != topic for tp in ownership.owned))
        for shard in self._owned - owned:
            self._let_go(shard)
        self._owned = owned

    def _let_go(self, shard: int) -> None:
        """A shard is no longer ours, or ours anew: what is known of it is its next owner's to say."""
        self.metrics.redelivered("records", self._in_hand.pop(shard, 0))
        self._states.pop(shard, None)
        self._reach.pop(shard, None)
        self._publishes(shard)
        self._stood_at.pop(shard, None)
        self._unreadable_since.pop(shard, None)
        self._open.forget(shard)
        self.progress.flows(shard)

    def _publishes(self, shard: int) -> None:
        """Nothing keeps the shard's outputs from being public, as far as it is ours to say. A commit says nothing about
        it, nor does a shard without work: publishing goes on beside both."""
        self.progress.published(shard)
        self.metrics.unpublished(shard, False)

    async def _check_lag(self, tails: TailReader, topic: str) -> None:
        try:
            ends = await tails.log_ends(TopicPartition(topic, shard) for shard in self._owned)
        except (KafkaUnavailable, BrokerRefused) as error:
            logger.debug("lag is not known: %s", error)
            return
        suspects = {}
        for shard in self._owned:
            tp, state = TopicPartition(topic, shard), self._states.get(shard)
            if state is None:  # it was lost while Kafka answered
                continue
            end, before = ends.get(tp), self._stood_at.get(shard)
            self._stood_at[shard] = state.next_offset
            if end is None or (before == state.next_offset < end.stable):
                suspects[tp] = state.next_offset
            if end is not None:
                self.metrics.next_offset(shard, state.next_offset, end.end, state.time)
        try:
            unreadable = await tails.unreadable(suspects) if suspects else {}
        except (KafkaUnavailable, BrokerRefused) as error:
            unreadable = dict.fromkeys(suspects, str(error))
        for shard in self._owned & self._states.keys():
            tp = TopicPartition(topic, shard)
            self._look_for_open(shard, ends.get(tp), unreadable.get(tp))

    def _look_for_open(self, shard: int, end: LogEnd | None, error: str | None) -> None:
        """Tell why Kafka hands nothing out: an open transaction, or an error."""
        held = self._open.looked(shard, end) if end is not None else None
        self.metrics.held(shard, held.seconds if held else 0.0)
        self.metrics.unreadable(shard, error is not None)
        if error is None:
            self._unreadable_since.pop(shard, None)
        if error is not None:
            now = time.monotonic()
            seconds = now - self._unreadable_since.setdefault(shard, now)
            self.progress.held(shard, seconds, f"{UNREADABLE}: the input can't be read: {error}")
        elif held:
            self.progress.held(shard, held.seconds, f"{HELD}: {held}")
        else:
            self.progress.flows(shard)

    async def _check_due(self, store: Store) -> None:
        """What is due up to the shard's own time is always done; the backlog lies between that and the newest record
        that it has in hand."""
        for shard in sorted(self._owned):
            state = self._states.get(shard)
            up_to = max(state.time, self._reach.get(shard, state.time)) if state is not None else NO_TIME
            if up_to == NO_TIME:
                continue
            try:
                count = await store.due_count(str(shard), timer_position(up_to + 1, 0) - 1)
            except (StoreUnavailable, StoreRefused) as error:
                logger.debug("the due backlog is not known: %s", error)
                return
            if shard in self._states:
                self.metrics.due_backlog(shard, count)


async def _again_and_again(check: Callable[[], Awaitable[None]]) -> None:
    while True:
        await check()
        await asyncio.sleep(CHECK_EVERY_S)
