"""Faust's transport, with one message per batch: its value is the pair (owner, records).

Stock Faust costs about 50 µs of CPU per message whatever the agent does; with a batch as one message the same pipeline
passes more than 600,000 records a second. Agents, assignment, rebalancing and signals stay Faust's.

A rebalance, in order: listener and `App.on_rebalance_start` (consumer thread) -> `on_partitions_revoked` (main) ->
Faust stops the flow -> join -> assigned -> `perform_seek` -> the flow resumes.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from typing import Any, cast

from aiokafka import TopicPartition
from aiokafka.errors import ConsumerStoppedError, KafkaError, NoOffsetForPartitionError, OffsetOutOfRangeError
from faust.exceptions import ConsumerNotStarted
from faust.transport.drivers import aiokafka as driver
from faust.types import TP
from faust.types.tuples import ConsumerMessage
from mode.utils.futures import notify

from streams.consumer.exit import end_process
from streams.consumer.ownership import Ownership
from streams.consumer.protocols import PartitionOwner
from streams.consumer.settings import TransportSettings
from streams.consumer.thread import Batch, BatchConsumerThread, RebalanceListener
from streams.errors import EngineError, LogTruncated
from streams.kafka.access import access_refused
from streams.kafka.errors import KafkaUnavailable, kafka_call
from streams.kafka.partition_facts import LogFacts, TopicDirectory, TopicIdentity
from streams.kafka.security import KafkaConnection
from streams.kafka.tails import TailReader

logger = logging.getLogger(__name__)

LAST_COMMIT_S = 1.0
"""For committing the last offsets when an ownership ends. The next takeover commits them too."""
POLL_PAUSE_S = 0.5
MISSING = TopicIdentity("", 0)


class BatchConsumer(driver.Consumer):
    """What Faust calls its consumer; to `Ownership` it is the group."""

    RebalanceListener = RebalanceListener
    _thread: BatchConsumerThread

    def __post_init__(self) -> None:
        super().__post_init__()
        transport = cast(BatchTransport, self.transport)
        self.settings, self.ownership = transport.settings, transport.ownership
        self._topics = {self.settings.input_topic, self.settings.learner_topic}
        connection = self._connection = transport.connection
        self._directory = TopicDirectory(connection, self.settings.client_id, self.settings.session_timeout_s)
        self._tails = TailReader(connection)
        self._shown: dict[TP, int] = {}
        self.ownership.bind(self)

    def _new_consumer_thread(self) -> BatchConsumerThread:
        thread = BatchConsumerThread(self, loop=self.loop, beacon=self.beacon)
        thread.ownership, thread.settings = self.ownership, self.settings
        return thread

    # -- records

    async def getmany(self, timeout: float) -> AsyncIterator[tuple[TP, Any]]:
        """Yield a message per batch. Never seeks: the stock method seeks to the committed offset inside a rebalance.

        The poll may hang through a whole rebalance and bring the *next* owner's first batch. So a batch is judged by
        the owner it is tagged with and never by when the poll began.
        """
        if not self.flow_active:
            await self._flow()
        for owner, records in await self._poll(timeout):
            if not self.flow_active:  # Faust drops what is yielded now
                await self._flow()
            if owner is None or self.ownership.current.get(owner.tp) is not owner:
                continue  # its owner has ended; the next one seeks to the next offset
            message: Any = self._batch_message(owner, records)
            self._read_offset[owner.tp] = None  # else Faust drops batches after an offset that went back
            yield owner.tp, message

    def _batch_message(self, owner: PartitionOwner, records: list[Any]) -> ConsumerMessage:
        """A message as Faust knows it, whose value is the batch."""
        last, tp = records[-1], owner.tp
        return ConsumerMessage(
            topic=tp.topic,
            partition=tp.partition,
            offset=last.offset,
            timestamp=last.timestamp / 1000,
            timestamp_type=last.timestamp_type,
            headers=None,
            key=None,
            value=cast(Any, (owner, records)),
            checksum=None,
            tp=tp,
            generation_id=self.app.consumer_generation_id,
        )

    async def _flow(self) -> None:
        await self.wait(self.can_resume_flow)  # type: ignore[arg-type]  # mode's own Event type; has the same wait()

    async def _poll(self, timeout: float) -> Sequence[Batch]:
        try:
            batches: Any = await self._thread.getmany(None, timeout)
        except ConsumerStoppedError:
            raise
        except (OffsetOutOfRangeError, NoOffsetForPartitionError) as error:
            # auto.offset.reset is none: going on anywhere else would skip records.
            self.ownership.fail(_partitions_of(error), LogTruncated(f"the log no longer holds the position: {error!r}"))
        except KafkaError as error:
            if refused := access_refused(error, cast(BatchTransport, self.transport).connection, "fetching", "Read"):
                self.end_process(refused)
            logger.warning("fetching: %r", error)
        else:
            return cast("Sequence[Batch]", batches or ())
        await self.sleep(POLL_PAUSE_S)
        return ()

    async def _add_gap(self, tp: TP, offset_from: int, offset_to: int) -> None:
        """Nothing: offsets between batches are no gaps in what was acknowledged."""

    def ack(self, message: Any) -> bool:
        """Messages are acked at hand-over; Faust's lists of acked offsets would grow for ever."""
        message.acked = True
        self._unacked_messages.discard(message)
        notify(self._waiting_for_ack)
        return True

    def verify_event_path(self, now: float, tp: TP) -> None:
        """Nothing: Faust would call a waiting shard, or the learner's partition, slow. `Ownership.watch` is ours."""

    # -- Kafka's committed offset is the shard's next offset

    async def force_commit(self, topics: Any = None, start_new_transaction: bool = True) -> bool:
        """Commit the next offsets. Faust's own count of acks stands still under batches, and drops one that went
        back."""
        next_offsets = {**self.ownership.left, **self.ownership.next_offsets()}
        new = {tp: next_offset for tp, next_offset in next_offsets.items() if self._shown.get(tp) != next_offset}
        assigned = self.assignment()
        new = {tp: next_offset for tp, next_offset in new.items() if tp in assigned}
        if not new or not await self._thread.call(self._thread.show(new)):
            return False
        self._shown.update(new)
        return True

    # -- the group, as Ownership sees it

    @property
    def generation(self) -> int:
        return self.app.rebalancing_count

    def assigned(self) -> set[TP]:
        if self.app.should_stop or self._thread.joining:
            return set()
        return {tp for tp in self.assignment() if tp.topic in self._topics}

    async def confirm(self, next_offsets: Mapping[TP, int]) -> bool:
        async with kafka_call(self._connection, "committing the next offsets", "Read"):
            confirmed = await self._thread.call(self._thread.confirm(next_offsets))
        if confirmed:
            self._shown.update(next_offsets)
        return confirmed

    async def log_facts(self, tps: Iterable[TP]) -> dict[TP, LogFacts]:
        asked = list(tps)
        async with kafka_call(self._connection, "asking for the log's bounds", "Describe"):
            begun = await self._thread.call(self._thread.begun(asked))  # first: it knows who has no leader
            topics, ends = await asyncio.gather(
                self._directory.describe(tp.topic for tp in asked),
                self._tails.high_watermarks(TopicPartition(*tp) for tp in asked),
            )
        if missing := sorted({tp.topic for tp in asked if not topics.get(tp.topic, MISSING).partitions}):
            raise KafkaUnavailable(f"no broker knows topic {', '.join(missing)}, for the moment or any more")
        return {
            tp: LogFacts(start, ends[TopicPartition(*tp)], topic.topic_id, topic.partitions, committed)
            for tp, (start, committed) in begun.items()
            for topic in (topics[tp.topic],)
        }

    async def begin(self, owner: PartitionOwner, generation: int) -> bool:
        return await self._thread.call(self._thread.begin(owner, generation))

    def free(self, owner: PartitionOwner) -> None:
        self._thread.thread_loop.call_soon_threadsafe(self._thread.release, owner)

    def is_free(self, owner: PartitionOwner) -> bool:
        return self._thread.free_map.get(owner.tp) is owner

    @property
    def polls(self) -> int:
        return self._thread.polls

    def end_process(self, error: EngineError) -> None:
        end_process(cast(Any, self.app), error)  # the app is our RetentionApp; Faust's AppT does not know exit_code

    # -- rebalances

    async def on_partitions_revoked(self, revoked: set[TP]) -> None:
        """Faust goes on only when writes and publishers have ended, or every rebalance would fence them."""
        await self.ownership_ended()
        await super().on_partitions_revoked(revoked)

    async def ownership_ended(self) -> None:
        """End every ownership, wait for it, and commit the last offsets to Kafka. Also first in the app's stop."""
        await self.ownership.ended()
        if cast(Any, self.app).exit_code:
            return  # the group may be gone from us: nothing is worth waiting for
        try:
            async with asyncio.timeout(LAST_COMMIT_S):
                await self.force_commit()
        except ConsumerNotStarted:
            return
        except TimeoutError:
            logger.info("the last offsets were not committed in time: the next takeover does it")
        self.ownership.left.clear()

    async def perform_seek(self) -> None:
        """Begin to take over what is assigned. Only Faust's recovery calls this, after a completed assignment.

        Each partition is sought and freed when it is ready. Faust must not wait for that: it would go on to 'ready'
        after its broker_request_timeout as if all had been sought.
        """
        await self.ownership.take_over()

    async def on_stop(self) -> None:
        await super().on_stop()
        await self._tails.close()
        await self._directory.close()


def _partitions_of(error: OffsetOutOfRangeError | NoOffsetForPartitionError) -> set[TP]:
    """aiokafka raises the one with a mapping of offsets by partition, the other with the partition."""
    (told,) = error.args
    return {TP(*told)} if isinstance(told, TopicPartition) else {TP(*tp) for tp in told}


class BatchTransport(driver.Transport):
    """Set as `app.transport`."""

    Consumer = BatchConsumer

    def __init__(
        self,
        *args: Any,
        settings: TransportSettings,
        connection: KafkaConnection,
        ownership: Ownership,
        **kwargs: Any,
    ) -> None:
        self.settings, self.connection, self.ownership = settings, connection, ownership
        super().__init__(*args, **kwargs)
