"""First offset at or after a timestamp, per partition."""

from __future__ import annotations

from typing import Any

from kafka import TopicPartition

from streams.errors import EngineError, ExitCode
from streams.kafka.clients import reader
from streams.kafka.errors import CONNECT_TIMEOUT_MS, kafka_named
from streams.kafka.security import KafkaConnection
from streams.text import moment

POLL_MS = 200
EMPTY_POLLS = 5
"""After so many empty polls there is nothing more to be read: markers of transactions have offsets of their own."""


class CutOverBeforeLog(EngineError):
    """The topic begins after the cut-over: what was published in between is gone."""

    code = ExitCode.LOG_TRUNCATED
    remedy = (
        "name a later --until, up to which the history reaches and after which the topic holds everything; each of its "
        "partitions that ever held a record must hold one from before it"
    )


def first_offsets(connection: KafkaConnection, topic: str, partitions: int, time: int) -> list[int]:
    """By partition the first offset whose record's timestamp is `time` (ms) or later; the log's end where none is.

    Raises CutOverBeforeLog, BrokerUnreachable, BrokerRefused.
    """
    with kafka_named(connection, f"looking for {moment(time)} in {topic}"):
        consumer = reader(
            connection,
            # A record of a transaction that is still open counts: it may be committed yet.
            isolation_level="read_uncommitted",
            bootstrap_timeout_ms=CONNECT_TIMEOUT_MS,
        )
        try:
            tps = [TopicPartition(topic, partition) for partition in range(partitions)]
            starts, ends = consumer.beginning_offsets(tps), consumer.end_offsets(tps)
            answers = consumer.offsets_for_times(dict.fromkeys(tps, time))
            found = []
            for tp in tps:
                if ends[tp] == starts[tp]:
                    if ends[tp] > 0:
                        raise CutOverBeforeLog(
                            f"partition {tp.partition} of {topic} holds nothing, and its next offset is {ends[tp]}: "
                            f"records are gone, up to an unknown time, which may be after {moment(time)}"
                        )
                    found.append(0)
                    continue
                answer = answers[tp]
                # The embedded broker answers with the log's start, whatever the time: so the records themselves decide.
                offset = ends[tp] if answer is None else _from(consumer, tp, max(answer.offset, starts[tp]), time)
                if offset == starts[tp] > 0:
                    raise CutOverBeforeLog(
                        f"partition {tp.partition} of {topic} begins with offset {offset}, after {moment(time)}: "
                        "records from before it are gone, up to an unknown time"
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
    while empty < EMPTY_POLLS:
        records = consumer.poll(timeout_ms=POLL_MS).get(tp, [])
        empty = 0 if records else empty + 1
        for record in records:
            if record.timestamp >= time:
                return int(record.offset)
    return int(consumer.position(tp))
