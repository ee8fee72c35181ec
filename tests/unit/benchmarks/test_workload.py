"""The benchmarks' workload: the same bytes everywhere, and nothing in it that the engine would refuse."""

from __future__ import annotations

import json
from collections import Counter

import pytest

from benchmarks.mix import mix
from benchmarks.workload import DAY_BEGINS, HISTORY_DAYS, Workload
from models.settings import DAY
from models.timeline.partitioning import partition_of
from models.touchpoints import Kind, Touch, read
from streams.config import load
from streams.history.replay import TapeRecord

SMALL = Workload(customers=300, events=4_000)


@pytest.fixture(scope="module")
def day() -> list[TapeRecord]:
    return list(SMALL.day())


@pytest.fixture(scope="module")
def history() -> list[TapeRecord]:
    return list(SMALL.history())


def test_the_same_workload_gives_the_same_bytes(day: list[TapeRecord]) -> None:
    assert list(Workload(customers=300, events=4_000).day()) == day
    assert list(Workload(customers=300, events=4_000, seed=1).day()) != day


def test_every_record_can_be_applied(day: list[TapeRecord], history: list[TapeRecord]) -> None:
    for record in (*history, *day):
        content = read(record.value, record.key, record.time)
        assert isinstance(content, Touch), content
        assert (content.kind == Kind.CLOCK) == (record.key is None)
        assert content.customer.encode() == (record.key or b"")


def test_customers_are_where_kafkas_partitioner_puts_them(day: list[TapeRecord]) -> None:
    assert all(r.partition == partition_of(r.key, SMALL.partitions) for r in day if r.key)


def test_log_time_runs_through_the_history_and_then_one_day(day: list[TapeRecord], history: list[TapeRecord]) -> None:
    times = [record.time for record in (*history, *day)]
    assert times == sorted(times)
    assert times[0] >= DAY_BEGINS - HISTORY_DAYS * DAY
    assert history[-1].time <= DAY_BEGINS < day[0].time
    assert DAY_BEGINS + DAY <= day[-1].time < DAY_BEGINS + DAY + 60_000


def test_every_customer_has_bought_before_the_day(history: list[TapeRecord]) -> None:
    bought = Counter(record.key for record in history if record.key)
    assert set(bought) == set(SMALL.keys)
    told = {key: len(times) for key, times in SMALL.histories()}
    # Some deliveries come twice.
    assert all(told[key] <= bought[key] for key in SMALL.keys)
    assert sum(told.values()) == len(SMALL.purchases[0])


def test_the_day_has_many_types_and_events_of_an_ordinary_size(day: list[TapeRecord]) -> None:
    events = [record for record in day if record.key]
    types = Counter(json.loads(record.value)["type"] for record in events)
    assert len(types) >= 32
    sizes = [len(record.value) for record in events]
    assert 350 <= sum(sizes) / len(sizes) <= 400


def test_a_few_events_come_twice_and_a_few_customers_do_much(day: list[TapeRecord]) -> None:
    ids = Counter(json.loads(record.value)["id"] for record in day if record.key)
    assert 0 < sum(count - 1 for count in ids.values()) < 0.01 * SMALL.events
    busiest = Counter(record.key for record in day if record.key).most_common()
    assert busiest[0][1] > 3 * busiest[len(busiest) // 2][1]


def test_in_silence_there_are_only_clock_records() -> None:
    records = list(SMALL.silence(days=2))
    assert all(record.key is None for record in records)
    assert {record.partition for record in records} == set(range(SMALL.partitions))
    assert max(record.time for record in records) == DAY_BEGINS + 2 * DAY


def test_its_settings_are_settings_of_the_engine() -> None:
    assert load(**SMALL.settings()).engine().anchor == DAY_BEGINS


def test_every_type_of_the_mix_is_one_that_upstream_may_publish() -> None:
    kinds = [Kind[kind.name.upper()] for kind in mix(1)]
    assert len(kinds) == len(set(kinds))
    assert all(kind < 0x80 for kind in kinds)


def test_a_policy_stands_before_the_history_in_every_partition(history: list[TapeRecord]) -> None:
    first, *others = list(Workload(customers=300, events=4_000, policy="format = 1").history())[: SMALL.partitions + 1]
    chosen = [json.loads(one.value or b"")["type"] for one in (first, *others)]
    assert chosen == ["policy_chosen"] * SMALL.partitions + ["clock"]
    assert [one.partition for one in (first, *others)][: SMALL.partitions] == [*range(SMALL.partitions)]
    assert first.time <= history[0].time
