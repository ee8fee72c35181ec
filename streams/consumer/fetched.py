"""Drains aiokafka's fetched records in batches instead of one by one.

aiokafka passes every record through two generators and builds a ConsumerRecord around it, which costs ten times as much
as parsing it. Here a record batch is one list of the parser's own records, which have offset, timestamp, key and value.
Which batches count is decided as in `aiokafka.consumer.fetcher.PartitionRecords`.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator
from typing import Any

from aiokafka import TopicPartition
from aiokafka.consumer.fetcher import READ_COMMITTED, FetchResult
from aiokafka.errors import CorruptRecordException


class InHand(OrderedDict[TopicPartition, Any]):
    """What aiokafka's fetcher has in hand, by partition: its results give lists."""

    def __setitem__(self, tp: TopicPartition, result: Any) -> None:
        if isinstance(result, FetchResult):
            Taking(result)
        super().__setitem__(tp, result)


class Taking:
    """Takes the records of one fetch result, in its place: the fetcher accepts no subclass of it."""

    def __init__(self, result: FetchResult) -> None:
        self._result, self._source = result, result._partition_records
        self._end: int = self._source.next_fetch_offset
        self._ready: list[Any] = []
        self._lists = self._unpacked()
        self._source._records_iterator = None  # its own way to them: the two hold each other
        result.getall = self.take

    def take(self, max_records: int | None = None) -> list[Any]:
        """The next records, at most `max_records`; the consumer's position follows. Raises CorruptRecordException."""
        result, source = self._result, self._source
        if not result.check_assignment(result._topic_partition) or not result.has_more():
            return []
        over = False
        while not over and (max_records is None or len(self._ready) < max_records):
            unpacked = next(self._lists, None)
            over = unpacked is None
            self._ready += unpacked or ()
        taken = self._ready[:max_records]
        del self._ready[:max_records]
        over = over and not self._ready
        # A batch may end behind its last record (compaction, control batches): the next fetch begins where it ends.
        source.next_fetch_offset = self._end if over else taken[-1].offset + 1
        result._update_position()
        if over:
            result._partition_records = None
            del result.getall  # the two would hold each other, and megabytes, until the next full collection
        return taken

    def _unpacked(self) -> Iterator[list[Any]]:
        """The records of each batch that counts. One that is damaged ends it, and is fetched again."""
        source = self._source
        while source._records.has_next():
            batch = source._records.next_batch()
            if source._check_crcs and not batch.validate_crc():
                raise CorruptRecordException(f"Invalid CRC - {source._tp}")
            if not self._counts(batch):
                self._end = batch.next_offset
                continue
            start = source.next_fetch_offset
            records = list(batch)
            if records and records[0].offset < start:  # a fetch begins with a whole batch
                records = [record for record in records if record.offset >= start]
            self._end = batch.next_offset
            yield records

    def _counts(self, batch: Any) -> bool:
        """False for a control batch, and, to readers of what is committed, for a batch of an aborted transaction."""
        source = self._source
        if source._isolation_level == READ_COMMITTED and batch.producer_id is not None:
            source._consume_aborted_up_to(batch.base_offset)
            if batch.is_control_batch and source._contains_abort_marker(batch):
                source._aborted_producers.discard(batch.producer_id)
            if batch.is_transactional and batch.producer_id in source._aborted_producers:
                return False
        return not batch.is_control_batch
