"""Checks which Kafka ACLs on its topics a worker lacks; deploy/kafka/acls.sh grants them."""

from __future__ import annotations

from collections.abc import Mapping

from streams.config import Config
from streams.kafka.admin import TopicFacts
from streams.kafka.topics import ROLES

_READS = {"READ": "Read", "DESCRIBE_CONFIGS": "DescribeConfigs"}
_WRITES = {"READ": "Read", "WRITE": "Write", "DESCRIBE_CONFIGS": "DescribeConfigs"}


def lacking(config: Config, topics: Mapping[str, TopicFacts]) -> list[str]:
    """Such as "Write on topic retention.triggers", of the topics that exist. None where the broker does not say.

    A worker reads its outputs to know how far it has published, and writes clock records into its input.
    """
    found = []
    for role in ROLES:
        facts = topics.get(config.topic(role))
        if facts is None or not facts.operations:
            continue
        needed = _READS if role == "learner" else _WRITES
        found += [f"{name} on topic {facts.name}" for code, name in needed.items() if code not in facts.operations]
    return found
