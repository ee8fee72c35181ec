"""Producing as the publisher does, to a topic that is made for it and deleted again: nothing stays, nobody reads it."""

from __future__ import annotations

import asyncio
import time
from typing import Any, NamedTuple

from aiokafka import AIOKafkaProducer

from streams.config import Config
from streams.doctor.bounded import bounded
from streams.doctor.broker import BrokerLook
from streams.doctor.clocks import ClockReading, agreement
from streams.doctor.finding import Finding, Status, ok, problem, warning
from streams.doctor.section import words
from streams.errors import EngineError
from streams.kafka_errors import BrokerRefused, KafkaUnavailable
from streams.kafka_transactions import FAILURES, REFUSALS, supports_transactions

LIMIT_S = 8.0
"""For each attempt. The first transaction of a fresh cluster waits for a topic of the broker's own."""

LOG_APPEND = 1
DEAD_LETTER_S = 3_600.0
"""A touchpoint whose time is further ahead of its record's becomes a dead letter."""

NO_TRANSACTIONS = "has no transactions: outputs are published at least once, with stable ids"
PRODUCERS_TIME = (
    "a broker without transactions may keep the producers' time instead of its own: one producer with a wrong clock "
    "would then make everybody else late"
)
USE_KAFKA = "use Apache Kafka, or a service that is Kafka, in production"


class Sent(NamedTuple):
    """An acknowledged record. by_broker: its timestamp is the broker's own."""

    reading: ClockReading
    by_broker: bool


async def attempts(config: Config, look: BrokerLook, *, read_only: bool) -> list[Finding]:
    """The checks kafka.transactions, kafka.idempotence and kafka.clock, as far as they can be made."""
    try:
        transactional = await supports_transactions(config.bootstrap_servers, f"{config.app}-doctor", timeout_s=LIMIT_S)
    except (KafkaUnavailable, BrokerRefused) as error:
        return [problem("kafka.transactions", words(error), "see the answer above: permissions are the usual reason")]
    if read_only:
        told = "a producer id for transactions was given; none was tried (--read-only)"
        return [ok("kafka.transactions", told) if transactional else _without_transactions(config)]
    topic = f"{config.topic_prefix}.doctor-{time.time_ns():x}"
    findings: list[Finding]
    sent: Sent | None = None
    refused, left = False, ""
    try:
        try:
            await bounded(lambda: look.create_passing(topic), LIMIT_S)
        except (EngineError, TimeoutError) as error:
            refused = isinstance(error, BrokerRefused)
            findings = [_not_tried(transactional, error)]
        else:
            findings, sent = await _tried(config, topic, transactional)
    finally:
        if not refused:  # one that seemed to fail may have been done all the same
            left = await _left(look, topic)
    if left:
        first, by_hand = findings[0], f"delete {topic} by hand"
        status = first.status if first.status is Status.PROBLEM else Status.WARNING
        remedy = f"{first.remedy}; {by_hand}" if first.remedy else by_hand
        findings[0] = Finding(first.check, status, f"{first.told}; {left}", remedy)
    return [*findings, *([clock(config, sent)] if sent is not None else [])]


def _not_tried(transactional: bool, error: Exception) -> Finding:
    given = "given" if transactional else "refused"
    told = f"a producer id for transactions was {given}; none could be tried: {words(error)}"
    return warning("kafka.transactions", told, "allow this client to create topics, or run with --read-only")


async def _left(look: BrokerLook, topic: str) -> str:
    """Delete the topic; what may be left of it, or nothing."""
    try:
        if await bounded(lambda: look.delete(topic), LIMIT_S):
            return ""
    except (EngineError, TimeoutError) as error:
        return f"topic {topic} could not be deleted and may be left: {words(error)}"
    return f"topic {topic} was not there to be deleted, and may come when Kafka gets to it"


async def _tried(config: Config, topic: str, transactional: bool) -> tuple[list[Finding], Sent | None]:
    begun = time.monotonic()
    findings, sent = [], None
    name = {"transactional_id": f"{config.app}-doctor"} if transactional else {}
    try:
        sent = await _send(config.bootstrap_servers, topic, name)
    except FAILURES as error:
        told = f"a record to {topic} was not acknowledged: {error!r}"
        findings.append(problem("kafka.transactions", told, "see the answer above: permissions are the usual reason"))
    else:
        told = f"begun, filled and aborted in {1000 * (time.monotonic() - begun):.0f} ms; nothing of it is left"
        findings.append(ok("kafka.transactions", told) if transactional else _without_transactions(config))
    try:
        await _send(config.bootstrap_servers, topic, {"enable_idempotence": True})
    except REFUSALS:
        told = "refused to aiokafka: a record may be written twice after a lost answer, and is recognised by its id"
        findings.append(warning("kafka.idempotence", told, USE_KAFKA))
    except FAILURES as error:
        told = f"an idempotent record to {topic} was not acknowledged: {error!r}"
        findings.append(problem("kafka.idempotence", told, "see the answer above: permissions are the usual reason"))
    else:
        findings.append(ok("kafka.idempotence", "an idempotent record was written"))
    return findings, sent


def _without_transactions(config: Config) -> Finding:
    told = f"{config.bootstrap_servers} {NO_TRANSACTIONS}"
    return warning("kafka.transactions", told, USE_KAFKA)


async def _send(bootstrap_servers: str, topic: str, how: dict[str, Any]) -> Sent:
    """Two records, the second of them timed: the first one waits for metadata. In a transaction, which is aborted."""
    producer: Any = AIOKafkaProducer(
        bootstrap_servers=bootstrap_servers, acks="all", request_timeout_ms=int(1000 * LIMIT_S), **how
    )
    transaction = "transactional_id" in how
    try:
        async with asyncio.timeout(LIMIT_S):
            await producer.start()
            if transaction:
                await producer.begin_transaction()
            await producer.send_and_wait(topic, b"doctor", partition=0)
            asked = time.time()
            told = await producer.send_and_wait(topic, b"doctor", partition=0)
            answered = time.time()
            if transaction:
                await producer.abort_transaction()
    finally:
        await producer.stop()
    return Sent(ClockReading(told.timestamp / 1000, asked, answered), told.timestamp_type == LOG_APPEND)


def clock(config: Config, sent: Sent) -> Finding:
    """The broker's clock is the engine's in live mode; a replay has the log's."""
    check = "kafka.clock"
    live = config.mode == "live"
    if not sent.by_broker:
        told = "the broker keeps the producers' times although it was asked for its own (LogAppendTime)"
        return warning(check, f"{told}: {PRODUCERS_TIME}", USE_KAFKA) if live else ok(check, told)
    if not live:
        found = agreement(check, "the broker's clock", sent.reading, "not used in mode replay", None)
        return found if found.status is Status.OK else ok(check, found.told)
    why = (
        f"a worker pauses over records more than {config.clock_ahead_limit_s:g} s ahead of its clock "
        f"(clock_ahead_limit_s); touchpoints dated more than {DEAD_LETTER_S:g} s after the broker's are dead letters"
    )
    limit = min(config.clock_ahead_limit_s, DEAD_LETTER_S)
    return agreement(check, "the broker's clock", sent.reading, why, limit)
