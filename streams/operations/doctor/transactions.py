"""Check for open transactions of upstream producers that hold up the input: by whom, and since when."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from kafka import IsolationLevel, TopicPartition
from kafka.admin import OffsetSpec
from kafka.errors import KafkaError

from streams.kafka.errors import kafka_named
from streams.kafka.open_transactions import HELD_S
from streams.operations.doctor.broker import BrokerChecks
from streams.operations.doctor.finding import Finding, ok, problem


class HeldUp(NamedTuple):
    """A partition of which records wait. offset: the first of them. by: the producer, as far as Kafka tells. seconds:
    that its transaction has been open, by this machine's clock; None where Kafka does not tell."""

    partition: int
    offset: int
    records: int
    by: str
    seconds: float | None


def held_up(checks: BrokerChecks, topic: str, partitions: int) -> list[HeldUp]:
    """The partitions of which not all records may be read yet. Raises BrokerUnreachable, BrokerRefused."""
    client: Any = checks.client
    latest = {TopicPartition(topic, number): OffsetSpec.LATEST for number in range(partitions)}
    with kafka_named(checks.connection, f"asking for the ends of {topic}"):
        # In this order: what is decided meanwhile is not taken for open.
        ends = client.list_partition_offsets(latest, isolation_level=IsolationLevel.READ_UNCOMMITTED)
        stable = client.list_partition_offsets(latest, isolation_level=IsolationLevel.READ_COMMITTED)
    behind = {tp: (stable[tp].offset, ends[tp].offset) for tp in latest if stable[tp].offset < ends[tp].offset}
    who = _producers(client, behind)
    return [
        HeldUp(tp.partition, offset, end - offset, *who.get(tp, ("a producer", None)))
        for tp, (offset, end) in sorted(behind.items())
    ]


def _producers(client: Any, behind: Mapping[TopicPartition, Any]) -> dict[TopicPartition, tuple[str, float | None]]:
    """Whose transaction is the oldest in each partition, and for how long it is open; unknown to Kafka before 3.0."""
    if not behind:
        return {}
    found: dict[TopicPartition, tuple[str, float | None]] = {}
    try:
        for tp, state in client.describe_producers(list(behind)).items():
            open_ones = [p for p in state.active_producers if p.current_transaction_start_offset >= 0]
            if open_ones:
                oldest = min(open_ones, key=lambda producer: producer.current_transaction_start_offset)
                found[tp] = f"producer id {oldest.producer_id}", None
                found[tp] = _named(client, oldest.producer_id)
    except (KafkaError, ValueError):  # not told, or not to us: what is known so far says enough
        return found
    return found


def _named(client: Any, producer_id: int) -> tuple[str, float | None]:
    listed = client.list_transactions(producer_id_filters=[producer_id])
    for name in [one.transactional_id for broker in listed.values() for one in broker]:
        begun_ms = client.describe_transactions([name])[name].transaction_start_time_ms
        seconds = time.time() - begun_ms / 1000 if begun_ms > 0 else None
        return f"the producer with transactional.id {name!r}", seconds
    return f"producer id {producer_id}", None


def finding(topic: str, held: Sequence[HeldUp]) -> Finding:
    """A transaction that has just begun is no fault."""
    check = "topics.transactions"
    long = [one for one in held if one.seconds is None or one.seconds >= HELD_S]
    if not long:
        some = f"; {len(held)} partitions have one that has just begun" if held else ""
        return ok(check, f"no open transaction holds up {topic}{some}")
    text = "; ".join(
        f"{topic}[{one.partition}]: {one.records:,} records from offset {one.offset} on wait behind an open "
        f"transaction of {one.by}" + ("" if one.seconds is None else f", begun {one.seconds:.0f} s ago")
        for one in long
    )
    remedy = (
        "end that transaction: commit or abort it, or stop the producer (Kafka aborts it after its "
        "transaction.timeout.ms); one whose producer is gone is aborted with kafka-transactions.sh abort"
    )
    return problem(check, text, remedy)
