"""Topic administration: creates, describes and checks topics."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Self

from kafka.admin import ConfigResource, ConfigResourceType
from kafka.errors import TopicAuthorizationFailedError

from streams.kafka.access import BrokerRefused, KafkaRightMissing, rights_missing
from streams.kafka.clients import admin
from streams.kafka.errors import CONNECT_TIMEOUT_MS, TopicDiffers, TopicMissing, kafka_named
from streams.kafka.security import KafkaConnection
from streams.kafka.topics import CREATE_TIME, OPTIONAL, RETENTION, TIMESTAMP_TYPE, TopicSpec, suits

_NO_ERROR, _NOT_AUTHORIZED, _TOPIC_EXISTS, _INVALID_CONFIG = 0, 29, 36, 40


@dataclass(frozen=True, slots=True)
class TopicFacts:
    """A topic as it is. `settings`: only what the broker reports. `operations`: what this client may do with it, in
    Kafka's words (READ, WRITE, ...); empty where the broker does not say."""

    name: str
    topic_id: str
    partitions: int
    replication: int
    settings: Mapping[str, str]
    operations: frozenset[str] = frozenset()

    @property
    def timestamp_type(self) -> str:
        """Kafka's default where the broker does not say."""
        return self.settings.get(TIMESTAMP_TYPE, CREATE_TIME)


class TopicAdmin:
    """An admin client; a context manager. Every method raises BrokerUnreachable or BrokerRefused."""

    def __init__(self, connection: KafkaConnection, timeout_ms: int = CONNECT_TIMEOUT_MS) -> None:
        self.connection = connection
        with kafka_named(connection, "connecting"):
            self._client = admin(connection, "retention-admin", bootstrap_timeout_ms=timeout_ms)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._client.close()

    def create(self, wanted: Sequence[TopicSpec]) -> dict[str, bool]:
        """Create what is missing; True for each topic that was created, False for one that was there as wanted.

        Nothing is changed when a topic that is there differs: TopicDiffers names every difference.
        """
        there = self._there(wanted)
        differences = [line for spec in wanted if spec.name in there for line in differs(spec, there[spec.name])]
        if differences:
            raise TopicDiffers("; ".join(differences))
        missing = [spec for spec in wanted if spec.name not in there]
        refused = self._create(missing, {spec.name: spec.settings for spec in missing})
        if again := [spec for spec in missing if refused.get(spec.name, ("", 0))[1] == _INVALID_CONFIG]:
            old = {s.name: {k: v for k, v in s.settings.items() if k not in OPTIONAL} for s in again}
            refused = {k: v for k, v in refused.items() if k not in old} | self._create(again, old)
        if lacking := [name for name, (_, code) in refused.items() if code == _NOT_AUTHORIZED]:
            raise rights_missing(self.connection, [f"Create on topic {name}" for name in sorted(lacking)])
        if refused:
            raise BrokerRefused("; ".join(f"topic {name}: {reason}" for name, (reason, _) in refused.items()))
        if missing:
            with kafka_named(self.connection, "waiting for the new topics"):
                self._client.wait_for_topics([spec.name for spec in missing])
        return {spec.name: spec.name not in there for spec in wanted}

    def _there(self, wanted: Sequence[TopicSpec]) -> dict[str, TopicFacts]:
        """As `describe`; who may not look at the topics is told as well which of them may not be created."""
        try:
            return self.describe([spec.name for spec in wanted])
        except KafkaRightMissing as lacking:
            with kafka_named(self.connection, "trying to create topics", "Create"):
                request = {spec.name: {"num_partitions": 1, "replication_factor": 1} for spec in wanted}
                answer = self._client.create_topics(request, raise_errors=False, validate_only=True)
            denied = sorted(topic["name"] for topic in answer["topics"] if topic["error_code"] == _NOT_AUTHORIZED)
            if not denied:
                raise
            lacks = [*lacking.lacks, *(f"Create on topic {name}" for name in denied)]
            raise rights_missing(self.connection, lacks) from lacking

    def _create(
        self, missing: Sequence[TopicSpec], settings: Mapping[str, Mapping[str, str]]
    ) -> dict[str, tuple[str, int]]:
        """Kafka's reason and code for each topic that it did not create."""
        if not missing:
            return {}
        request = {
            spec.name: {
                "num_partitions": spec.partitions,
                "replication_factor": spec.replication,
                "configs": dict(settings[spec.name]),
            }
            for spec in missing
        }
        with kafka_named(self.connection, "creating topics"):
            answer = self._client.create_topics(request, raise_errors=False)
        # One that exists now was created by somebody else at the same moment, from the same configuration.
        return {
            topic["name"]: (topic["error_message"] or f"error {topic['error_code']}", topic["error_code"])
            for topic in answer["topics"]
            if topic["error_code"] not in (_NO_ERROR, _TOPIC_EXISTS)
        }

    def describe(self, names: Iterable[str]) -> dict[str, TopicFacts]:
        """What is known of each topic that exists."""
        asked = sorted(set(names))
        with kafka_named(self.connection, "describing topics", "Describe and DescribeConfigs"):
            told = self._client.describe_topics(asked)
            found = [topic for topic in told if topic["error_code"] == _NO_ERROR]
            if lacking := [topic["name"] for topic in told if topic["error_code"] == _NOT_AUTHORIZED]:
                raise rights_missing(self.connection, [f"Describe on topic {name}" for name in sorted(lacking)])
            resources = [ConfigResource(ConfigResourceType.TOPIC, topic["name"]) for topic in found]
            reported = self._client.describe_configs(resources, config_filter="all")["topic"] if found else {}
            facts = {}
            for topic in found:
                name, partitions = topic["name"], topic["partitions"]
                facts[name] = TopicFacts(
                    name=name,
                    topic_id=str(topic.get("topic_id") or ""),
                    partitions=len(partitions),
                    replication=min((len(p["replica_nodes"]) for p in partitions), default=0),
                    settings={key: str(value["value"]) for key, value in reported.get(name, {}).items()},
                    operations=frozenset(topic.get("authorized_operations") or ()),
                )
        return facts

    def retain(self, periods: Mapping[str, int]) -> None:
        """Set how long topics keep their records. periods: by topic, ms."""
        resources = [
            ConfigResource(ConfigResourceType.TOPIC, name, configs={RETENTION: str(kept)})
            for name, kept in periods.items()
        ]
        with kafka_named(self.connection, "setting how long topics are kept", "AlterConfigs"):
            answer = self._client.alter_configs(resources).get("topic", {})
        refused = {name: str(result) for name, result in answer.items() if result != "OK"}
        if lacking := sorted(name for name, why in refused.items() if TopicAuthorizationFailedError.__name__ in why):
            raise rights_missing(self.connection, [f"AlterConfigs on topic {name}" for name in lacking])
        if refused:
            raise BrokerRefused("; ".join(f"topic {name}: {why}" for name, why in refused.items()))

    def read_by(self, group: str) -> set[str]:
        """The topics of which a consumer group has offsets committed."""
        with kafka_named(self.connection, f"asking for the offsets of the group {group}", "Describe"):
            offsets = self._client.list_group_offsets(group)[group]
        return {tp.topic for tp, told in offsets.items() if told.offset >= 0}

    def topic(self, name: str) -> TopicFacts:
        """One topic. Raises TopicMissing."""
        found = self.describe([name])
        if name not in found:
            raise TopicMissing(f"topic {name} does not exist on {self.connection.bootstrap_servers}")
        return found[name]


def differs(spec: TopicSpec, facts: TopicFacts) -> list[str]:
    """How an existing topic differs from what is wanted, a line for each difference.

    A setting that the broker does not report is no difference: the embedded broker reports only what it was given.
    """
    lines = []
    if facts.partitions != spec.partitions:
        lines.append(f"topic {spec.name} has {facts.partitions} partitions, {spec.partitions} are configured")
    if facts.replication != spec.replication:
        lines.append(f"topic {spec.name} has {facts.replication} replicas, {spec.replication} are configured")
    for key, value in spec.settings.items():
        if key in facts.settings and not suits(spec, key, facts.settings[key]):
            lines.append(f"topic {spec.name} has {key}={facts.settings[key]}, {value} is needed")
    return lines
