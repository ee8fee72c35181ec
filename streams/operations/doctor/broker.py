"""Checks of the Kafka cluster: reachable, version, replicas, consumer group."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple, TypeVar

from kafka import TopicPartition
from kafka.errors import (
    CoordinatorLoadInProgressError,
    CoordinatorNotAvailableError,
    KafkaError,
    UnknownTopicOrPartitionError,
)

from streams.config import Config
from streams.kafka.clients import admin
from streams.kafka.errors import kafka_named
from streams.kafka.security import KafkaConnection
from streams.operations.doctor.finding import Finding, merged, ok, problem, warning

TESTED = "4.1"
CONNECT_S = 3.0
"""An unreachable broker is known after this long."""

COORDINATOR_S = 3.0
"""A fresh cluster makes its internal topics when they are first asked for."""

APPEAR_S = 4.0
"""A topic that was just made is known to every broker after this long."""

T = TypeVar("T")


class BrokerFacts(NamedTuple):
    """version: of the protocol, as far as the client can tell."""

    version: str
    brokers: int
    features: Mapping[str, int]


class PartitionState(NamedTuple):
    """Of one topic: how many partitions have no leader, or fewer replicas in sync than replicas. replicas: fewest."""

    leaderless: int
    lagging: int
    replicas: int


class GroupFacts(NamedTuple):
    """state, members: None where the broker does not tell. committed: next offset by partition."""

    state: str | None
    members: int | None
    committed: Mapping[TopicPartition, int]


class BrokerChecks:
    """Asks what only a doctor wants to know. Raises BrokerUnreachable, BrokerRefused."""

    def __init__(self, connection: KafkaConnection, timeout_s: float = CONNECT_S) -> None:
        self.connection = connection
        timeout_ms = int(1000 * timeout_s)
        with kafka_named(connection, "connecting"):
            self._client: Any = admin(
                connection,
                "retention-doctor",
                bootstrap_timeout_ms=timeout_ms,
                request_timeout_ms=timeout_ms,
            )

    @property
    def client(self) -> Any:
        """kafka-python's admin client, for what is asked elsewhere."""
        return self._client

    def close(self) -> None:
        self._client.close()

    def facts(self) -> BrokerFacts:
        with kafka_named(self.connection, "asking for the cluster"):
            brokers = len(self._client.describe_cluster()["brokers"])
            version = ".".join(map(str, self._client.get_broker_version_data(self._any_broker()).broker_version))
            try:
                text = self._client.describe_features()
            except KafkaError:  # unknown before 2.4
                text = {}
        features = {name: feature["finalized"][1] for name, feature in text.items() if "finalized" in feature}
        return BrokerFacts(version, brokers, features)

    def _any_broker(self) -> int:
        broker: int = self._client.describe_cluster()["brokers"][0]["broker_id"]
        return broker

    def partitions(self, topics: Sequence[str]) -> dict[str, PartitionState]:
        """Of the topics that exist."""
        with kafka_named(self.connection, "describing topics"):
            found = [topic for topic in self._client.describe_topics(sorted(topics)) if topic["error_code"] == 0]
        states = {}
        for topic in found:
            each = topic["partitions"]
            states[topic["name"]] = PartitionState(
                sum(p["leader_id"] < 0 for p in each),
                sum(len(p["isr_nodes"]) < len(p["replica_nodes"]) for p in each),
                min((len(p["replica_nodes"]) for p in each), default=0),
            )
        return states

    def group(self, name: str) -> GroupFacts:
        with kafka_named(self.connection, f"asking for the group {name}"):
            offsets = self._coordinated(lambda: self._client.list_group_offsets(name))[name]
            try:
                group = self._coordinated(lambda: self._client.describe_groups([name]))[name]
            except ValueError:  # the embedded broker's answer can't be read
                group = {}
        members = len(group["members"]) if "members" in group else None
        committed = {tp: text.offset for tp, text in offsets.items() if text.offset >= 0}
        return GroupFacts(group.get("group_state"), members, committed)

    def _coordinated(self, ask: Callable[[], T]) -> T:
        deadline = time.monotonic() + COORDINATOR_S
        while True:
            try:
                return ask()
            except (CoordinatorNotAvailableError, CoordinatorLoadInProgressError):
                if time.monotonic() > deadline:
                    raise
            time.sleep(0.2)

    def create_temporary(self, name: str) -> None:
        """A topic of one partition that keeps arrival times; the caller deletes it, after an error too."""
        settings = {"message.timestamp.type": "LogAppendTime", "min.insync.replicas": "1", "retention.ms": "3600000"}
        with kafka_named(self.connection, f"creating {name}"):
            self._client.create_topics({name: {"num_partitions": 1, "replication_factor": 1, "configs": settings}})
            self._client.wait_for_topics([name], timeout_ms=int(1000 * APPEAR_S))

    def delete(self, name: str) -> bool:
        """False when there is no such topic."""
        with kafka_named(self.connection, f"deleting {name}"):
            try:
                self._client.delete_topics([name])
            except UnknownTopicOrPartitionError:
                return False
        return True


def reachable(config: Config, facts: BrokerFacts) -> Finding:
    features = ", ".join(f"{name} {level}" for name, level in sorted(facts.features.items()))
    text = (
        f"{config.bootstrap_servers}: {facts.brokers} broker{'s' if facts.brokers != 1 else ''}, protocol of Kafka "
        f"{facts.version}{f' ({features})' if features else ''}; tested: Apache Kafka {TESTED}"
    )
    return ok("kafka.reachable", text)


def replicas(states: Mapping[str, PartitionState], brokers: int) -> Finding:
    """Enough copies, and all of them there."""
    check = "topics.replicas"
    findings = [ok(check, f"{min((s.replicas for s in states.values()), default=0)} replicas, all in sync")]
    for name, state in states.items():
        if state.leaderless:
            text = f"{name}: {state.leaderless} partitions have no leader"
            findings.append(problem(check, text, "start the brokers that hold them; nothing is read or written there"))
        elif state.lagging:
            text = f"{name}: {state.lagging} partitions have replicas that are not in sync"
            findings.append(warning(check, text, "see to the brokers that hold them"))
    if single := [name for name, state in states.items() if state.replicas == 1]:
        what = "each topic" if len(single) == len(states) else ", ".join(single)
        findings.append(
            warning(
                check,
                f"one replica of {what}: a lost disk is lost touchpoints and outputs",
                "in production create the topics with --replication 3"
                + (", on three brokers or more" if brokers < 3 else ""),
            )
        )
    return merged(findings)
