"""Where the lines come from: the three topics, read to their ends, or three files of JSON lines."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from streams.config import Config
from streams.errors import EngineError, ExitCode
from streams.kafka.security import kafka_connection
from streams.kafka.topic_reader import TopicReader
from streams.operations.audit.records import Arrival, Line

TOUCHPOINTS, TRIGGERS, DECISIONS = "touchpoints.jsonl", "triggers.jsonl", "decisions.jsonl"


class FilesUnreadable(EngineError):
    """A folder does not hold the three files."""

    code = ExitCode.USAGE
    remedy = (
        "give a folder with touchpoints.jsonl (one object a line: partition, offset, timestamp in ms, key, value), "
        "triggers.jsonl and decisions.jsonl (as `retention tail --limit 0 --json` writes them)"
    )


def lines_of(config: Config, folder: Path | None, open_topics: ExitStack) -> Iterator[Line]:
    """The partitions of an application's three topics, or of a folder's files."""
    if folder is not None:
        return of_folder(folder)
    connection = kafka_connection(config)
    touchpoints, triggers, decisions = (
        open_topics.enter_context(TopicReader(connection, config.topic(role)))
        for role in ("touchpoints", "triggers", "decisions")
    )
    return of_topics(touchpoints, triggers, decisions)


def of_topics(touchpoints: TopicReader, triggers: TopicReader, decisions: TopicReader) -> Iterator[Line]:
    """The partitions of an application. The ends of the outputs are looked up first: whatever they tell of is then
    among the touchpoints."""
    said, decided = triggers.bounds(), decisions.bounds()
    starts, ends = touchpoints.bounds()
    for partition in sorted(ends):
        yield Line(
            partition,
            (
                Arrival(read.offset, read.timestamp, read.key, read.value)
                for read in touchpoints.up_to(partition, starts[partition], ends[partition])
            ),
            _values(triggers, partition, *said),
            _values(decisions, partition, *decided),
        )


def _values(topic: TopicReader, partition: int, starts: dict[int, int], ends: dict[int, int]) -> Iterable[bytes]:
    return (read.value for read in topic.up_to(partition, starts.get(partition, 0), ends.get(partition, 0)))


def of_folder(folder: Path) -> Iterator[Line]:
    """The partitions that three files hold. Raises FilesUnreadable."""
    touchpoints = list(_lines(folder / TOUCHPOINTS))
    triggers, decisions = list(_lines(folder / TRIGGERS)), list(_lines(folder / DECISIONS))
    try:
        for partition in sorted({record["partition"] for record in touchpoints}):
            arrivals = [_arrival(record) for record in touchpoints if record["partition"] == partition]
            yield Line(
                partition,
                sorted(arrivals, key=lambda arrival: arrival.offset),
                [_encoded(record) for record in triggers if record["at"]["partition"] == partition],
                [_encoded(record) for record in decisions if record["at"]["partition"] == partition],
            )
    except (KeyError, TypeError) as error:
        raise FilesUnreadable(f"a record of {folder} lacks what it should have: {error!r}") from error


def _lines(path: Path) -> Iterator[Any]:
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise FilesUnreadable(f"{path} cannot be read: {error}") from error
    for number, line in enumerate(lines, start=1):
        if line.strip():
            try:
                yield json.loads(line)
            except ValueError as error:
                raise FilesUnreadable(f"{path}, line {number}, is not JSON: {error}") from error


def _arrival(record: Any) -> Arrival:
    """A touchpoint of a file. The key is the customer where it is not named."""
    value = record["value"]
    key = record.get("key", value.get("subject"))
    return Arrival(record["offset"], record["timestamp"], key.encode() if key is not None else None, _encoded(value))


def _encoded(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def written(folder: Path, lines: Iterable[Line]) -> Iterator[Line]:
    """The same lines, which are written to three files as they are walked: for a second look, and for a report."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = (folder / name for name in (TOUCHPOINTS, TRIGGERS, DECISIONS))
    files = [path.open("w", encoding="utf-8") for path in paths]

    def arrivals(partition: int, found: Iterable[Arrival]) -> Iterator[Arrival]:
        for arrival in found:
            try:
                value = json.loads(arrival.value or b"")
            except ValueError:
                continue  # no touchpoint: it would be a dead letter
            record = {
                "partition": partition,
                "offset": arrival.offset,
                "timestamp": arrival.timestamp,
                "key": arrival.key.decode("utf-8", "replace") if arrival.key is not None else None,
                "value": value,
            }
            files[0].write(json.dumps(record, ensure_ascii=False) + "\n")
            yield arrival

    def values(number: int, found: Iterable[bytes]) -> Iterator[bytes]:
        for value in found:
            files[number].write(value.decode("utf-8", "replace").replace("\n", " ") + "\n")
            yield value

    try:
        for line in lines:
            said, decided = values(1, line.triggers), values(2, line.decisions)
            yield Line(line.partition, arrivals(line.partition, line.touchpoints), said, decided)
    finally:
        for file in files:
            file.close()
