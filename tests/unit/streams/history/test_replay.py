"""A replayed log: its order, its partitions, its clock records."""

from __future__ import annotations

from models.settings import DAY, HOUR, EngineSettings
from models.timeline.partitioning import partition_of
from models.touchpoints import Kind, Touch, read
from streams.history.events import TimedEvent
from streams.history.replay import TapeRecord, logs, tape

ANCHOR = 10_000 * DAY
SETTINGS = EngineSettings(tick=7 * DAY, anchor=ANCHOR, boundary=7 * DAY, phase="aligned")
PARTITIONS = 3


def an_event(customer: str, time: int) -> TimedEvent:
    return TimedEvent(time, customer.encode(), b"{}")


def played(*events: TimedEvent) -> list[TapeRecord]:
    return list(tape(events, PARTITIONS, SETTINGS))


def clock_times(records: list[TapeRecord], partition: int) -> list[int]:
    return [record.time for record in records if record.key is None and record.partition == partition]


def test_clock_records_go_to_every_partition_at_the_start_at_each_tick_and_at_the_end() -> None:
    records = played(an_event("anna", ANCHOR + DAY), an_event("bert", ANCHOR + 15 * DAY))
    for partition in range(PARTITIONS):
        assert clock_times(records, partition) == [ANCHOR, ANCHOR + 7 * DAY, ANCHOR + 14 * DAY, ANCHOR + 21 * DAY]


def test_the_first_clock_record_is_at_the_aligned_tick_at_or_before_the_first_event() -> None:
    assert clock_times(played(an_event("anna", ANCHOR)), 0)[0] == ANCHOR
    assert clock_times(played(an_event("anna", ANCHOR - 1)), 0)[0] == ANCHOR - 7 * DAY


def test_the_last_clock_record_is_at_the_tick_after_the_last_event_even_when_that_lies_on_a_tick() -> None:
    assert clock_times(played(an_event("anna", ANCHOR + 7 * DAY)), 0)[-1] == ANCHOR + 14 * DAY


def test_a_ticks_clock_record_comes_before_the_events_of_that_moment() -> None:
    records = played(an_event("anna", ANCHOR), an_event("anna", ANCHOR + 7 * DAY))
    times = [(record.time, record.key is not None) for record in records]
    assert times == sorted(times)


def test_an_event_goes_to_the_partition_of_its_customer_with_its_own_time() -> None:
    records = [record for record in played(*(an_event(f"c{n}", ANCHOR + n * HOUR) for n in range(50))) if record.key]
    assert [record.time for record in records] == [ANCHOR + n * HOUR for n in range(50)]
    assert all(record.partition == partition_of(record.key or b"", PARTITIONS) for record in records)
    assert {record.partition for record in records} == set(range(PARTITIONS))


def test_clock_records_are_clock_events_that_the_engine_can_read() -> None:
    clock = played(an_event("anna", ANCHOR))[0]
    touch = read(clock.value, clock.key, clock.time)
    assert isinstance(touch, Touch)
    assert (touch.kind, touch.time) == (Kind.CLOCK, ANCHOR)


def test_an_empty_log_says_nothing() -> None:
    assert played() == []


def test_partitions_for_the_rehearsal_hold_the_tape_in_order_with_offsets_from_zero() -> None:
    records = played(*(an_event(f"c{n}", ANCHOR + n * HOUR) for n in range(20)))
    found = logs(records, PARTITIONS)
    assert sum(map(len, found)) == len(records)
    for partition, log in enumerate(found):
        assert [entry.offset for entry in log] == list(range(len(log)))
        mine = [record for record in records if record.partition == partition]
        assert [(entry.timestamp, entry.key, entry.value) for entry in log] == [(r.time, r.key, r.value) for r in mine]
