"""Records taken list by list are those that aiokafka gives one by one."""

from __future__ import annotations

import gc
import struct
import weakref
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import pytest
from aiokafka import TopicPartition
from aiokafka.consumer.fetcher import READ_COMMITTED, READ_UNCOMMITTED, FetchResult, PartitionRecords
from aiokafka.errors import CorruptRecordException
from aiokafka.record.default_records import DefaultRecordBatchBuilder
from aiokafka.record.memory_records import MemoryRecords
from hypothesis import given
from hypothesis import strategies as st

from streams.consumer.fetched import InHand, Taking

TP = TopicPartition("touchpoints", 0)
PLAIN, CONTROL = 0, 0x20


class Made(NamedTuple):
    """A record batch. gap: offsets between its last record and the next batch. producer: -1 is not transactional."""

    records: int
    producer: int = -1
    gap: int = 0
    control: bool = False


batches = st.lists(
    st.builds(Made, st.integers(1, 6), st.sampled_from([-1, 7, 8]), st.integers(0, 2), st.booleans()), max_size=6
)


def packed(made: Made, base: int) -> bytes:
    """The batch as it is on the wire. An abort marker is what a control batch holds."""
    builder = DefaultRecordBatchBuilder(
        magic=2,
        compression_type=0,
        is_transactional=made.producer >= 0,
        producer_id=made.producer,
        producer_epoch=0,
        base_sequence=0,
        batch_size=1 << 16,
    )
    for i in range(made.records):
        key = struct.pack(">hh", 0, 0) if made.control else b"k%d" % i
        builder.append(i, 1_000 + base + i, key, b"v%d" % (base + i), [])
    value = bytearray(builder.build())
    value[:8] = struct.pack(">q", base)
    if made.control:
        value[22] |= CONTROL
    value[23:27] = struct.pack(">i", made.records - 1 + made.gap)  # the last offset's distance from the first
    return bytes(value)


@dataclass
class Position:
    """The consumer's state of a partition, as a fetch result knows it."""

    position: int
    paused: bool = False
    active: bool = True
    passed: list[int] = field(default_factory=list)

    def state_value(self, tp: TopicPartition) -> Position:
        return self

    def consumed_to(self, offset: int) -> None:
        self.position = offset
        self.passed.append(offset)


def fetched(log: bytes, start: int, aborted: list[tuple[int, int]], level: int, crcs: bool = False) -> Any:
    records = PartitionRecords(TP, MemoryRecords(log), list(aborted), start, None, None, crcs, level)
    return FetchResult(TP, assignment=Position(start), partition_records=records, backoff=0)


def log_of(made: list[Made]) -> tuple[bytes, int]:
    log, base = b"", 0
    for one in made:
        log += packed(one, base)
        base += one.records + one.gap
    return log, base


def all_of(getall: Any, result: Any, limit: int) -> list[Any]:
    """Everything, `limit` records at a time, with the position after each take."""
    found: list[Any] = []
    while result.has_more():
        taken = getall(limit)
        assert len(taken) <= limit
        found += [(r.offset, r.timestamp, r.key, r.value) for r in taken]
    return [*found, result._assignment.position]


@given(
    batches,
    st.integers(0, 5),
    st.integers(1, 9),
    st.lists(st.tuples(st.sampled_from([7, 8]), st.integers(0, 20)), max_size=3),
    st.sampled_from([READ_COMMITTED, READ_UNCOMMITTED]),
)
def test_what_is_taken_is_what_aiokafka_gives(
    made: list[Made], start: int, limit: int, aborted: list[tuple[int, int]], level: int
) -> None:
    log, _ = log_of(made)
    if not log:
        return
    # A fetch begins with the batch that holds its offset, which may lie before it.
    start = min(start, made[0].records - 1)
    theirs = fetched(log, start, aborted, level)
    ours = fetched(log, start, aborted, level)
    assert all_of(Taking(ours).take, ours, limit) == all_of(theirs.getall, theirs, limit)


@given(st.integers(1, 9))
def test_the_position_follows_what_was_taken_and_nothing_more(limit: int) -> None:
    result = fetched(log_of([Made(4), Made(4)])[0], 0, [], READ_COMMITTED)
    taking, offset = Taking(result), 0
    while result.has_more():
        offset += len(taking.take(limit))
        assert result._assignment.position == offset
    assert offset == 8


def test_nothing_is_taken_of_a_partition_that_was_sought_elsewhere_meanwhile() -> None:
    result = fetched(log_of([Made(4)])[0], 0, [], READ_COMMITTED)
    taking = Taking(result)
    assert len(taking.take(2)) == 2
    result._assignment.position = 0
    assert taking.take(2) == []
    assert not result.has_more()


def test_a_damaged_batch_is_named_and_what_stood_before_it_is_not_lost() -> None:
    log, _ = log_of([Made(3), Made(3)])
    result = fetched(log[:-1] + b"\xff", 0, [], READ_COMMITTED, crcs=True)
    taking = Taking(result)
    with pytest.raises(CorruptRecordException, match="Invalid CRC"):
        taking.take(6)
    assert [record.offset for record in taking.take(6)] == [0, 1, 2]
    assert result._assignment.position == 3, "the damaged batch is fetched again"


def test_what_is_taken_to_its_end_is_freed_at_once() -> None:
    hand, result = InHand(), fetched(log_of([Made(4)])[0], 0, [], READ_COMMITTED)
    hand[TP] = result
    gone = [weakref.ref(result), weakref.ref(result._partition_records)]
    gc.disable()
    try:
        while result.has_more():
            result.getall(3)
        del hand[TP], result
        assert [one() for one in gone] == [None, None]
    finally:
        gc.enable()


def test_results_that_are_put_in_hand_give_lists_and_errors_stay_as_they_are() -> None:
    hand = InHand()
    result, error = fetched(log_of([Made(2)])[0], 0, [], READ_COMMITTED), object()
    hand[TP], hand[TopicPartition("other", 1)] = result, error
    assert [record.value for record in result.getall(5)] == [b"v0", b"v1"]
    assert hand[TopicPartition("other", 1)] is error
