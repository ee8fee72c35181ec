"""An index finds every record of a customer and reads few others, whatever was deleted, added or lost in between."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streams.kafka.topic_reader import Read
from streams.operations.why import index as module
from streams.operations.why.index import TopicIndex

TOPIC_ID = "u3X0b1mCQxWdFjJvYk2y5g"


class Log:
    """A partition in memory, with gaps where transactions end: what `TopicReader` tells of one."""

    topic = "decisions"

    def __init__(self) -> None:
        self.reads: list[Read] = []
        self.start = self.end = 0

    def add(self, customer: str | None) -> None:
        if customer is not None:
            key = customer.encode() if customer else None
            self.reads.append(Read(0, self.end, 1_000 + self.end, key, b"{}", {}))
        self.end += 1

    def bounds(self) -> tuple[dict[int, int], dict[int, int]]:
        return {0: self.start}, {0: self.end}

    def first_since(self, partition: int, time: int) -> int:
        return next((read.offset for read in self.reads if read.timestamp >= time), self.end)

    def up_to(self, partition: int, low: int, end: int) -> Iterator[Read]:
        yield from (read for read in self.reads if low <= read.offset < end)

    def of(self, customer: str, since: int = 0) -> list[Read]:
        key = customer.encode()
        return [
            read for read in self.reads if read.key == key and read.offset >= self.start and read.timestamp >= since
        ]


def indexed(log: Log, folder: Path | None) -> TopicIndex:
    reader: Any = log
    return TopicIndex(reader, folder, TOPIC_ID)


customers = st.sampled_from(["anna", "ben", "cleo", "", None])
steps = st.lists(
    st.one_of(
        st.tuples(st.just("add"), st.lists(customers, max_size=20)),
        st.tuples(st.just("ask"), st.sampled_from(["anna", "ben", "nobody"])),
        st.tuples(st.just("since"), st.integers(1_000, 1_100)),
        st.tuples(st.just("delete"), st.integers(0, 20)),
        st.tuples(st.just("lose"), st.integers(0, 5)),
        st.tuples(st.just("catch up"), st.just(0)),
    ),
    max_size=20,
)


@given(steps)
@settings(max_examples=150)
def test_it_finds_what_a_scan_finds_in_the_order_of_the_log(told: list[tuple[str, Any]]) -> None:
    with TemporaryDirectory() as place, pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "SEGMENT", 8)
        patch.setattr(module, "NEAR", 2)
        patch.setattr(module, "WORTH", 3)
        folder, log = Path(place), Log()
        stays = indexed(log, folder)
        for what, value in told:
            match what:
                case "add":
                    for customer in value:
                        log.add(customer)
                case "ask":
                    assert list(indexed(log, folder).of_customer(0, value)) == log.of(value)
                    assert list(stays.of_customer(0, value)) == log.of(value)
                case "since":
                    assert list(indexed(log, folder).of_customer(0, "anna", value)) == log.of("anna", value)
                case "catch up":
                    index, there = indexed(log, folder), log.end - log.start
                    index.catch_up(value)
                    assert index.extents() == {0: (there, there)}
                    extent = indexed(log, folder).extents()[0]
                    lacking = [read for read in log.reads if log.end - extent.lacks <= read.offset]
                    assert (extent.all, lacking) == (there, []), "no more than where transactions ended"
                case "delete":
                    log.start = min(log.end, log.start + value)
                case "lose":
                    files = sorted(path for path in folder.rglob("*") if path.is_file())
                    if files:
                        files[value % len(files)].write_bytes(b"xx")


def test_what_is_complete_is_read_once_and_never_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "SEGMENT", 100)
    monkeypatch.setattr(module, "NEAR", 10)
    log = Log()
    for number in range(1_050):
        log.add("anna" if number % 500 == 7 else f"c{number}")
    first = indexed(log, tmp_path)
    assert len(list(first.of_customer(0, "anna"))) == 3
    assert first.read == 1_050
    second = indexed(log, tmp_path)
    assert list(second.of_customer(0, "anna")) == log.of("anna")
    assert second.read == 2 + 50  # two of its own, and what no file covers yet
    log.start = 950
    assert list(indexed(log, tmp_path).of_customer(0, "ben")) == []
    assert sorted(path.name for path in tmp_path.rglob("0*") if path.is_file()) == ["00000009"]


def test_an_index_that_stays_open_reads_what_no_file_covers_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "NEAR", 1)
    monkeypatch.setattr(module, "SEGMENT", 100)
    log = Log()
    for number in range(80):
        log.add("anna" if number % 40 == 7 else f"c{number}")
    index = indexed(log, tmp_path)
    assert list(index.of_customer(0, "anna")) == log.of("anna")
    assert index.read == 80
    log.add("anna")
    assert list(index.of_customer(0, "anna")) == log.of("anna")
    assert index.read == 80 + 2 + 1
    later = indexed(log, tmp_path)
    later.go_on_from(index)
    assert list(later.of_customer(0, "ben")) == []
    assert later.read == 0
    other = TopicIndex(log, tmp_path, "AnotherTopicOfThisName")  # type: ignore[arg-type]
    other.go_on_from(index)
    assert list(other.of_customer(0, "anna")) == log.of("anna")
    assert other.read == 81, "it was created anew"
    for number in range(60):
        log.add(f"d{number}")
    assert list(later.of_customer(0, "anna")) == log.of("anna")


def test_who_catches_up_leaves_the_first_question_little_to_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "SEGMENT", 100)
    log = Log()
    for number in range(1_050):
        log.add("anna" if number % 500 == 7 else f"c{number}")
    first, again, asked = indexed(log, tmp_path), indexed(log, tmp_path), indexed(log, tmp_path)
    first.catch_up(0)
    again.catch_up(0)
    assert (first.read, again.read) == (1_050, 0)
    assert list(asked.of_customer(0, "anna")) == log.of("anna")
    assert asked.read == 3, "her own alone: what the last segment has by now is written down, too"
    for number in range(1_050, 1_130):
        log.add(f"c{number}")
    assert list(asked.of_customer(0, "anna")) == log.of("anna")
    assert asked.read == 3 + 3 + 80
    later = indexed(log, tmp_path)
    later.catch_up(0)
    assert later.read == 30, "those of the last segment: who asked has written down the one before"
    assert sorted(path.name for path in tmp_path.rglob("*.tail")) == ["00000011.tail"]
    asked.read = 0
    assert list(asked.of_customer(0, "ben")) == []
    assert asked.read == 0
    kept = indexed(log, None)
    kept.catch_up(0)
    assert kept.read == 0, "without a folder there is nothing to write"


def test_how_far_it_is_follows_the_log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "SEGMENT", 100)
    log = Log()
    for number in range(250):
        log.add(f"c{number}")
    index = indexed(log, tmp_path)
    assert index.extents() == {0: (0, 250)}
    index.catch_up(0)
    for number in range(250, 420):
        log.add(f"c{number}")
    for one in (index, indexed(log, tmp_path)):
        assert one.extents() == {0: (250, 420)}
        assert one.extents()[0].lacks == 170
    log.start = 120
    assert index.extents() == {0: (130, 300)}
    next(index.of_customer(0, "c250"))  # a part of a segment
    assert index.extents() == {0: (131, 300)}
    assert indexed(log, None).extents() == {0: (0, 300)}


def test_without_a_folder_or_a_topic_id_nothing_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "SEGMENT", 4)
    log = Log()
    for _ in range(10):
        log.add("anna")
    reader: Any = log
    for index in (TopicIndex(reader, None, TOPIC_ID), TopicIndex(reader, tmp_path, "")):
        assert len(list(index.of_customer(0, "anna"))) == index.read == 10
    assert not list(tmp_path.iterdir())


def test_a_folder_that_can_not_be_written_costs_a_scan_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "SEGMENT", 4)
    log = Log()
    for _ in range(10):
        log.add("anna")
    (tmp_path / "file").write_text("in the way")
    assert len(list(indexed(log, tmp_path / "file").of_customer(0, "anna"))) == 10
