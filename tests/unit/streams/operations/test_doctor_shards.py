"""What is said of shards and replicas that no test's server gets into; the rest is in tests/integration/cli."""

from __future__ import annotations

import pytest

from streams.config import load
from streams.kafka.admin import TopicFacts
from streams.operations.doctor.broker import GroupFacts, PartitionState, replicas
from streams.operations.doctor.finding import Status
from streams.operations.doctor.kafka_section import Ends
from streams.operations.doctor.shards import StoredShard, findings

EMPTY = Ends({0: 0, 1: 0, 2: 0}, {0: 0, 1: 0, 2: 0}, {})
TOPIC = TopicFacts("retention.touchpoints", "id", 3, 3, {})


def test_an_outbox_at_its_limit_names_the_shards_that_stand_still() -> None:
    shards = {0: StoredShard(None, 9), 1: StoredShard(None, 10), 2: StoredShard(None, 12)}
    found = {f.check: f for f in findings(load(outbox_limit=10), TOPIC, GroupFacts(None, None, {}), shards, EMPTY)}
    assert found["shards.outbox"].status is Status.WARNING
    assert found["shards.outbox"].text == "31 entries, shards 1-2 at outbox_limit (10)"
    assert "does not tell the group's members" in found["shards.workers"].text


@pytest.mark.parametrize(
    ("states", "status", "words"),
    [
        ({"a": PartitionState(0, 0, 3)}, Status.OK, "3 replicas, all in sync"),
        (
            {"a": PartitionState(0, 0, 3), "b": PartitionState(2, 1, 3)},
            Status.PROBLEM,
            "b: 2 partitions have no leader",
        ),
        ({"a": PartitionState(0, 4, 3)}, Status.WARNING, "a: 4 partitions have replicas that are not in sync"),
        ({"a": PartitionState(0, 0, 1), "b": PartitionState(0, 0, 3)}, Status.WARNING, "one replica of a:"),
    ],
)
def test_replicas_that_are_missing_are_told_by_what_they_cost(
    states: dict[str, PartitionState], status: Status, words: str
) -> None:
    found = replicas(states, 3)
    assert (found.status, words in found.text) == (status, True), found
