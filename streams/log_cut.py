"""Where a cut in time stands in the input topic: each partition's first record at or after it."""

from __future__ import annotations

from typing import Any

from kafka import KafkaConsumer, TopicPartition

from streams.errors import EngineError, ExitCode
from streams.kafka_errors import CONNECT_TIMEOUT_MS, kafka_named
from streams.words import moment

LOOK_MS = 200
EMPTY_LOOKS = 5
"""After so many looks in vain there is nothing more to be read: markers of transactions have offsets of their own."""


class CutBeforeLog(EngineError):
    """The topic begins after the cut: what was published in between is gone."""

    code = ExitCode.LOG_TRUNCATED
    remedy = (
        "name a later --until, up to which the history reaches and after which the topic holds everything; each of its "
        "partitions that ever held a record must hold one from before it"
    )


def first_offsets(bootstrap_servers: str, topic: str, partitions: int, time: int) -> list[int]:
    """By partition the first offset whose record's timestamp is `time` (ms) or later; the log's end where none is.

    Raises CutBeforeLog, BrokerUnreachable, BrokerRefused.
    """
    with kafka_named(bootstrap_servers, f"looking for {moment(time)} in {topic}"):
        consumer: Any = KafkaConsumer(
            bootstrap_servers=bootstrap_servers.split(","),
            group_id=None,
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            # A record of a transaction that is still open counts: it may be committed yet.
            isolation_level="read_uncommitted",
            allow_auto_create_topics=False,
            bootstrap_timeout_ms=CONNECT_TIMEOUT_MS,
        )
        try:
            tps = [TopicPartition(topic, partition) for partition in range(partitions)]
            starts, ends = consumer.beginning_offsets(tps), consumer.end_offsets(tps)
            told = consumer.offsets_for_times(dict.fromkeys(tps, time))
            found = []
            for tp in tps:
                if ends[tp] == starts[tp]:
                    if ends[tp] > 0:
                        raise CutBeforeLog(
                            f"partition {tp.partition} of {topic} holds nothing, and its next offset is {ends[tp]}: "
                            f"records are gone, and nobody can tell up to when; it may be after {moment(time)}"
                        )
                    found.append(0)
                    continue
                answer = told[tp]
                # The embedded broker answers with the log's start, whatever the time: so the records themselves decide.
                offset = ends[tp] if answer is None else _from(consumer, tp, max(answer.offset, starts[tp]), time)
                if offset == starts[tp] > 0:
                    raise CutBeforeLog(
                        f"partition {tp.partition} of {topic} begins with offset {offset}, after {moment(time)}: "
                        "records from before it are gone, and nobody can tell up to when"
                    )
                found.append(offset)
            return found
        finally:
            consumer.close()


def _from(consumer: Any, tp: TopicPartition, offset: int, time: int) -> int:
    """The first offset from `offset` on whose record is not before the time, or where there are no more."""
    consumer.assign([tp])
    consumer.seek(tp, offset)
    empty = 0
    while empty < EMPTY_LOOKS:
        records = consumer.poll(timeout_ms=LOOK_MS).get(tp, [])
        empty = 0 if records else empty + 1
        for record in records:
            if record.timestamp >= time:
                return int(record.offset)
    return int(consumer.position(tp))
