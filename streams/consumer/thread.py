"""Faust's consumer thread: fetches batches only for partitions whose owner is free.

Everything here but the constructor runs in the consumer thread. The map `free_map` is touched by that thread alone
(the main thread only looks): taking a batch removes the partition, the owner's release puts it back, a revocation
clears the map. Nothing can therefore be taken for an owner whose partition is being revoked.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Coroutine, Iterable, Mapping
from typing import Any, TypeVar, cast

from aiokafka import TopicPartition
from aiokafka.coordinator.assignors.sticky.sticky_assignor import StickyPartitionAssignor
from aiokafka.errors import (
    CommitFailedError,
    ConsumerStoppedError,
    IllegalStateError,
    KafkaError,
    LeaderNotAvailableError,
)
from aiokafka.structs import OffsetAndMetadata
from faust.transport.drivers import aiokafka as driver
from faust.types import TP

from streams.consumer.fetched import InHand
from streams.consumer.ownership import Ownership
from streams.consumer.protocols import PartitionOwner
from streams.consumer.settings import TransportSettings
from streams.errors import EngineError
from streams.kafka.access import access_refused, refusal
from streams.kafka.closed_transport import mend
from streams.kafka.security import KafkaConnection

mend()

logger = logging.getLogger(__name__)

T = TypeVar("T")
Batch = tuple[PartitionOwner | None, list[Any]]

CONNECT_PAUSE_S = 1.0

NOBODY = TP("", -1)
"""Always in the map, since aiokafka takes an empty set of partitions to mean all of them."""
NO_LEADER = -1


class RebalanceListener(driver.ConsumerRebalanceListener):
    def on_partitions_revoked(self, revoked: Iterable[Any]) -> Awaitable[Any]:
        """The earliest point at which a rebalance is known; synchronous, in the consumer thread.

        Faust's own signal comes only after it has waited for what is in flight, which may wait for a version.
        """
        thread = cast(BatchConsumerThread, self._thread)
        thread.clear()
        thread.parent_loop.call_soon_threadsafe(thread.ownership.end)
        return super().on_partitions_revoked(revoked)  # counts the rebalance, before it returns its coroutine


class BatchConsumerThread(driver.AIOKafkaConsumerThread):
    ownership: Ownership
    settings: TransportSettings

    def __post_init__(self) -> None:
        super().__post_init__()
        self.free_map: dict[TP, PartitionOwner | None] = {NOBODY: None}
        self.polls = 0
        self._watching_group: asyncio.Task[None] | None = None

    def close(self) -> None:
        """Nothing: `on_thread_stop` closes the consumer, in its own thread.

        Faust calls this when a rebalance begins while the app stops, and closes this thread's connections in the main
        thread's loop, which is not thread-safe. Fenced workers ended now and then by SIGSEGV in uvloop under chaos
        before this was here.
        """

    def _crash(self, reason: BaseException) -> None:
        """A crash of the app, noted in the main thread; mode would wake this thread's tasks from there."""
        self.crash_reason = reason
        if not self.thread_loop.is_closed():
            self.thread_loop.call_soon_threadsafe(super()._crash, reason)

    async def on_start(self) -> None:
        """Connect. A broker that is away is waited for; Faust would end the worker, a supervisor start it again."""
        while not self.should_stop:
            try:
                await super().on_start()
                fetcher = self._ensure_consumer()._fetcher
                fetcher._records = InHand(fetcher._records)
                self._watching_group = asyncio.create_task(self._watch_group())
                return
            except KafkaError as error:
                if refused := await refusal(error, self._connection(), "joining the group", "Read"):
                    self._end_process(refused)
                    return
                logger.warning("connecting to Kafka: %r; again in %g s", error, CONNECT_PAUSE_S)
                await self._ensure_consumer().stop()
            await asyncio.sleep(CONNECT_PAUSE_S)

    async def on_thread_stop(self) -> None:
        if self._watching_group is not None:
            self._watching_group.cancel()
        await super().on_thread_stop()

    async def _watch_group(self) -> None:
        """End the process when the group is refused to us. aiokafka keeps that for the next poll, and as long as the
        group gives us nothing, nobody polls."""
        while True:
            await asyncio.sleep(CONNECT_PAUSE_S)
            pending = self._ensure_consumer()._coordinator._pending_exception
            if pending and (refused := access_refused(pending, self._connection(), "joining the group", "Read")):
                self._end_process(refused)
                return

    def _connection(self) -> KafkaConnection:
        # Transport and consumer are ours, which Faust's types do not know.
        return cast(KafkaConnection, cast(Any, self.consumer).transport.connection)

    def _end_process(self, error: EngineError) -> None:
        self.parent_loop.call_soon_threadsafe(cast(Any, self.consumer).end_process, error)

    def _create_worker_consumer(self, transport: Any) -> Any:
        # Faust's only switch for read_committed; left on it would start its transaction manager.
        self.consumer.in_transaction = True
        try:
            consumer = super()._create_worker_consumer(transport)
        finally:
            self.consumer.in_transaction = False
        # Faust hard-codes these and has no setting for them; aiokafka reads them when it starts.
        consumer._fetch_max_wait_ms = self.settings.fetch_wait_ms
        consumer._fetch_max_bytes = self.settings.fetch_bytes
        # Round robin, Faust's choice, moved 5 of 8 shards when a worker joined; sticky 2.
        consumer._partition_assignment_strategy = (StickyPartitionAssignor,)
        return consumer

    @property
    def joining(self) -> bool:
        """Whether the group is being joined anew. aiokafka calls the former assignment assigned until it is over: when
        another worker hangs, the broker waits for it as long as its session and the rebalance time-out let it."""
        return bool(self._ensure_consumer()._subscription.reassignment_in_progress)

    async def call(self, work: Coroutine[Any, Any, T]) -> T:
        """Run in the consumer thread, awaited in the main thread; not queued behind a long poll as `call_thread` is."""
        return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(work, self.thread_loop))

    # -- the map of free partitions

    def clear(self) -> None:
        self.free_map.clear()  # in place: a poll in flight holds this very dict
        self.free_map[NOBODY] = None

    async def begin(self, owner: PartitionOwner, generation: int) -> bool:
        """Seek and free in one step, in the thread in which a revocation starts: atomic against it."""
        if generation != self.app.rebalancing_count:
            return False
        try:
            self._ensure_consumer().seek(TopicPartition(*owner.tp), owner.next_offset)
        except IllegalStateError:  # not assigned any more: the next assignment comes
            return False
        if owner.reads:
            self.release(owner)
        return True

    def release(self, owner: PartitionOwner) -> None:
        if owner.generation != self.app.rebalancing_count:  # a late call of an owner that has ended
            return
        self.free_map[owner.tp] = owner
        # End the poll's wait: the records may be buffered already (993 ms between batches without this).
        for waiter in list(self._ensure_consumer()._fetcher._fetch_waiters):
            if not waiter.done():
                waiter.set_result(None)

    # -- records

    async def _fetch_records(
        self, consumer: Any, active_partitions: Any, timeout: float | None = None, max_records: int | None = None
    ) -> Any:
        """A batch for each free partition that has records, with its owner. At most `max_records` records in each.

        Faust's pause is not used: it never reaches aiokafka, sleeps a second when all are paused, does not wake on
        resume and is cleared by a rebalance.
        """
        fetcher = consumer._fetcher
        if not self.consumer.flow_active:
            return []
        if consumer._closed or fetcher._closed:
            raise ConsumerStoppedError()
        self.polls += 1
        with fetcher._subscriptions.fetch_context():  # also tells aiokafka that we poll (max.poll.interval)
            batches = self._taken(await fetcher.fetched_records(self.free_map, timeout, max_records))
            # aiokafka's limit is for all partitions together. A poll is a hop from thread to thread and back, so it
            # brings whatever else is here already.
            more = bool(batches)
            while more:
                try:
                    taken = self._taken(await fetcher.fetched_records(self.free_map, 0, max_records))
                except KafkaError as error:  # of another partition; it comes again with the next fetch
                    logger.warning("fetching: %r", error)
                    break
                batches += taken
                more = bool(taken)
        self._tell_positions()
        return batches

    def _tell_positions(self) -> None:
        """Owners that are free have done all before the consumer's position, which is behind markers, too."""
        subscription = self._ensure_consumer()._subscription.subscription
        if subscription is None or subscription.assignment is None:
            return
        for tp, owner in self.free_map.items():
            state = subscription.assignment.state_value(TopicPartition(*tp))
            if owner is not None and state is not None and state.has_valid_position:
                owner.has_read(state.position)

    def _taken(self, fetched: Mapping[TopicPartition, list[Any]]) -> list[Batch]:
        """The batches with their owners, whose partitions are free no more."""
        return [(self.free_map.pop(TP(*tp), None), records) for tp, records in fetched.items()]

    # -- offsets

    async def show(self, offsets: Mapping[TP, int]) -> bool:
        """Commit next offsets to Kafka. A failure is no reason to crash, as in Faust: nothing depends on these
        offsets."""
        try:
            return await self.confirm(offsets)
        except KafkaError as error:
            logger.warning("committing offsets: %r; tried again at the next interval", error)
            return False

    async def confirm(self, offsets: Mapping[TP, int]) -> bool:
        """Commit offsets; False when generation, member or assignment is no longer ours. Raises KafkaError."""
        commit = {TopicPartition(*tp): OffsetAndMetadata(offset, "") for tp, offset in offsets.items()}
        try:
            await self._ensure_consumer().commit(commit)
        except (CommitFailedError, IllegalStateError):
            return False
        return True

    async def begun(self, tps: Iterable[TP]) -> dict[TP, tuple[int, int | None]]:
        """Log start and the group's committed offset (None: never) of each partition.

        Raises LeaderNotAvailableError at once where a partition has no leader: aiokafka would ask on until its time is
        over, and hold up the answers about the others.
        """
        consumer = self._ensure_consumer()
        asked = [TopicPartition(*tp) for tp in tps]
        if self._without_leader(asked):
            await consumer._client.force_metadata_update()  # what it knows may be minutes old
        if missing := self._without_leader(asked):
            names = ", ".join(f"{tp.topic} {tp.partition}" for tp in missing)
            raise LeaderNotAvailableError(f"no leader: {names}")
        start = await consumer.beginning_offsets(asked)
        committed = await consumer._coordinator.fetch_committed_offsets(asked)
        return {TP(*tp): (start[tp], committed[tp].offset if tp in committed else None) for tp in asked}

    def _without_leader(self, tps: Iterable[TopicPartition]) -> list[TopicPartition]:
        cluster = self._ensure_consumer()._client.cluster
        return [tp for tp in tps if cluster.leader_for_partition(tp) in (None, NO_LEADER)]
