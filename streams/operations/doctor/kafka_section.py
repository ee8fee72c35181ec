"""The checks of Kafka and the topics, in order."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from streams.config import Config
from streams.kafka.admin import TopicAdmin, TopicFacts
from streams.kafka.security import kafka_connection
from streams.kafka.topic_reader import TopicReader
from streams.kafka.topics import OUTPUTS, ROLES
from streams.operations.doctor import broker, producing, security, topics, transactions
from streams.operations.doctor.bounded import bounded
from streams.operations.doctor.broker import BrokerChecks, GroupFacts
from streams.operations.doctor.section import CALL_S, Section


class Ends(NamedTuple):
    """By partition of the input: first and next offset. outputs: next offset in each output, added up."""

    start: Mapping[int, int]
    end: Mapping[int, int]
    outputs: Mapping[int, int]


@dataclass
class KafkaSection(Section):
    """checks: None until a broker answered. topics: by name, those that exist."""

    checks: BrokerChecks | None = None
    brokers: int = 1
    topics: dict[str, TopicFacts] = field(default_factory=dict)

    async def examine(self, config: Config, *, read_only: bool) -> None:
        """The checks kafka.* and topics.*."""
        connection = kafka_connection(config)
        checks = self.checks = await bounded(lambda: BrokerChecks(connection), CALL_S, BrokerChecks.close)
        facts = await bounded(checks.facts, CALL_S)
        self.brokers = facts.brokers
        self.found.append(broker.reachable(config, facts))
        self.at = "kafka.security"
        self.found.append(await bounded(lambda: security.kafka(connection, security.now()), CALL_S))
        await self._topics(config, checks)
        self.at = "kafka.transactions"
        self.why["kafka"] = "--read-only" if read_only else "kafka.transactions comes first"
        self.found += await producing.attempts(config, checks, read_only=read_only)

    async def _topics(self, config: Config, checks: BrokerChecks) -> None:
        self.at = "topics.exist"
        names = [config.topic(role) for role in ROLES]
        found = self.topics = await bounded(lambda: _described(config, names), CALL_S)
        self.found.append(topics.existence(config, found))
        self.waits_for("topics", "topics.exist")
        if set(names) <= set(found):
            self.found.append(topics.partition_counts(config, found))
        if config.topic("touchpoints") in found:
            self.found.append(topics.time_type(config, found))
        if found:
            self.found.append(topics.settings(config, found))
            self.found.append(topics.message_size(config, found))
            await self._transactions(config, checks)
            self.found.append(security.rights(config, kafka_connection(config), found))
            self.at = "topics.replicas"
            states = await bounded(lambda: checks.partitions(list(found)), CALL_S)
            self.found.append(broker.replicas(states, self.brokers))

    async def _transactions(self, config: Config, checks: BrokerChecks) -> None:
        self.at = "topics.transactions"
        source = self.topics.get(config.topic("touchpoints"))
        if source is not None:
            held = await bounded(lambda: transactions.held_up(checks, source.name, source.partitions), CALL_S)
            self.found.append(transactions.finding(source.name, held))

    async def group(self, config: Config) -> GroupFacts:
        """The workers' consumer group."""
        checks = self.checks
        if checks is None:
            raise ValueError("the group is asked for after a broker has answered")
        return await bounded(lambda: checks.group(config.app), CALL_S)

    def close(self) -> None:
        if self.checks is not None:
            self.checks.close()


def _described(config: Config, names: list[str]) -> dict[str, TopicFacts]:
    with TopicAdmin(kafka_connection(config), timeout_ms=int(1000 * broker.CONNECT_S)) as admin:
        return admin.describe(names)


async def ends(config: Config, *, outputs: bool) -> Ends:
    """Where the logs of the input start and end; with `outputs`, how far each shard's outputs reach."""
    start, end = await bounded(lambda: _bounds(config, "touchpoints"), CALL_S)
    written: dict[int, int] = {}
    for role in OUTPUTS if outputs else ():
        _, reached = await bounded(lambda role=role: _bounds(config, role), CALL_S)  # type: ignore[misc]
        for partition, offset in reached.items():
            written[partition] = written.get(partition, 0) + offset
    return Ends(start, end, written)


def _bounds(config: Config, role: str) -> tuple[dict[int, int], dict[int, int]]:
    with TopicReader(kafka_connection(config), config.topic(role)) as reader:
        return reader.bounds()
