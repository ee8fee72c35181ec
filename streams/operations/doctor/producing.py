"""Checks that producing works: transactions, idempotence and the broker's clock, on a temporary topic."""

from __future__ import annotations

import asyncio
import time
from typing import Any, NamedTuple

from streams.config import Config
from streams.errors import EngineError
from streams.kafka.access import BrokerRefused
from streams.kafka.clients import async_producer
from streams.kafka.errors import KafkaUnavailable
from streams.kafka.security import KafkaConnection, kafka_connection
from streams.kafka.transactions import FAILURES, REFUSALS, supports_transactions
from streams.operations.doctor.bounded import bounded
from streams.operations.doctor.broker import BrokerChecks
from streams.operations.doctor.clocks import ClockReading, agreement
from streams.operations.doctor.finding import Finding, Status, ok, problem, warning
from streams.operations.doctor.section import error_text

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


async def attempts(config: Config, checks: BrokerChecks, *, read_only: bool) -> list[Finding]:
    """The checks kafka.transactions, kafka.idempotence and kafka.clock, as far as they can be made."""
    try:
        transactional = await supports_transactions(kafka_connection(config), f"{config.app}-doctor", timeout_s=LIMIT_S)
    except (KafkaUnavailable, BrokerRefused) as error:
        return [
            problem("kafka.transactions", error_text(error), "see the answer above: permissions are the usual reason")
        ]
    if read_only:
        text = "a producer id for transactions was given; none was tried (--read-only)"
        return [ok("kafka.transactions", text) if transactional else _without_transactions(config)]
    topic = f"{config.topic_prefix}.doctor-{time.time_ns():x}"
    findings: list[Finding]
    sent: Sent | None = None
    refused, left = False, ""
    try:
        try:
            await bounded(lambda: checks.create_temporary(topic), LIMIT_S)
        except (EngineError, TimeoutError) as error:
            refused = isinstance(error, BrokerRefused)
            findings = [_not_tried(transactional, error)]
        else:
            findings, sent = await _tried(config, topic, transactional)
    finally:
        if not refused:  # one that seemed to fail may have been done all the same
            left = await _left(checks, topic)
    if left:
        first, by_hand = findings[0], f"delete {topic} by hand"
        status = first.status if first.status is Status.PROBLEM else Status.WARNING
        remedy = f"{first.remedy}; {by_hand}" if first.remedy else by_hand
        findings[0] = Finding(first.check, status, f"{first.text}; {left}", remedy)
    return [*findings, *([clock(config, sent)] if sent is not None else [])]


def _not_tried(transactional: bool, error: Exception) -> Finding:
    given = "given" if transactional else "refused"
    text = f"a producer id for transactions was {given}; none could be tried: {error_text(error)}"
    return warning("kafka.transactions", text, "allow this client to create topics, or run with --read-only")


async def _left(checks: BrokerChecks, topic: str) -> str:
    """Delete the topic; what may be left of it, or nothing."""
    try:
        if await bounded(lambda: checks.delete(topic), LIMIT_S):
            return ""
    except (EngineError, TimeoutError) as error:
        return f"topic {topic} could not be deleted and may be left: {error_text(error)}"
    return f"topic {topic} was not there to be deleted, and may come when Kafka gets to it"


async def _tried(config: Config, topic: str, transactional: bool) -> tuple[list[Finding], Sent | None]:
    begun = time.monotonic()
    findings, sent = [], None
    name = {"transactional_id": f"{config.app}-doctor"} if transactional else {}
    try:
        sent = await _send(kafka_connection(config), topic, name)
    except FAILURES as error:
        text = f"a record to {topic} was not acknowledged: {error!r}"
        findings.append(problem("kafka.transactions", text, "see the answer above: permissions are the usual reason"))
    else:
        text = f"begun, filled and aborted in {1000 * (time.monotonic() - begun):.0f} ms; nothing of it is left"
        findings.append(ok("kafka.transactions", text) if transactional else _without_transactions(config))
    try:
        await _send(kafka_connection(config), topic, {"enable_idempotence": True})
    except REFUSALS:
        text = "refused to aiokafka: a record may be written twice after a lost answer, and is recognised by its id"
        findings.append(warning("kafka.idempotence", text, USE_KAFKA))
    except FAILURES as error:
        text = f"an idempotent record to {topic} was not acknowledged: {error!r}"
        findings.append(problem("kafka.idempotence", text, "see the answer above: permissions are the usual reason"))
    else:
        findings.append(ok("kafka.idempotence", "an idempotent record was written"))
    return findings, sent


def _without_transactions(config: Config) -> Finding:
    text = f"{config.bootstrap_servers} {NO_TRANSACTIONS}"
    return warning("kafka.transactions", text, USE_KAFKA)


async def _send(connection: KafkaConnection, topic: str, how: dict[str, Any]) -> Sent:
    """Two records, the second of them timed: the first one waits for metadata. In a transaction, which is aborted."""
    producer = async_producer(connection, request_timeout_ms=int(1000 * LIMIT_S), **how)
    transaction = "transactional_id" in how
    try:
        async with asyncio.timeout(LIMIT_S):
            await producer.start()
            if transaction:
                await producer.begin_transaction()
            await producer.send_and_wait(topic, b"doctor", partition=0)
            asked = time.time()
            text = await producer.send_and_wait(topic, b"doctor", partition=0)
            answered = time.time()
            if transaction:
                await producer.abort_transaction()
    finally:
        await producer.stop()
    return Sent(ClockReading(text.timestamp / 1000, asked, answered), text.timestamp_type == LOG_APPEND)


def clock(config: Config, sent: Sent) -> Finding:
    """The broker's clock is the engine's in live mode; a replay has the log's."""
    check = "kafka.clock"
    live = config.mode == "live"
    if not sent.by_broker:
        text = "the broker keeps the producers' times although it was asked for its own (LogAppendTime)"
        return warning(check, f"{text}: {PRODUCERS_TIME}", USE_KAFKA) if live else ok(check, text)
    if not live:
        found = agreement(check, "the broker's clock", sent.reading, "not used in mode replay", None)
        return found if found.status is Status.OK else ok(check, found.text)
    why = (
        f"a worker pauses over records more than {config.clock_ahead_limit_s:g} s ahead of its clock "
        f"(clock_ahead_limit_s); touchpoints dated more than {DEAD_LETTER_S:g} s after the broker's are dead letters"
    )
    limit = min(config.clock_ahead_limit_s, DEAD_LETTER_S)
    return agreement(check, "the broker's clock", sent.reading, why, limit)
