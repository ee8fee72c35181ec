"""What is said of shards and replicas that no test's server gets into; the rest is in tests/integration/cli."""

from __future__ import annotations

import pytest
from kafka import TopicPartition
from msgspec import UNSET

from models.settings import DAY
from models.timeline.shard_state import ChosenSettings, PolicyName, ShardState, WaitingPolicy
from streams.config import load
from streams.kafka.admin import TopicFacts
from streams.kafka.partition_facts import LogFacts
from streams.operations.doctor.broker import GroupFacts, PartitionState, replicas
from streams.operations.doctor.finding import Finding, Status
from streams.operations.doctor.kafka_section import Ends
from streams.operations.doctor.shards import StoredShard, findings
from streams.shard.meta import SCHEMA, ShardBody, creation_of

EMPTY = Ends({0: 0, 1: 0, 2: 0}, {0: 0, 1: 0, 2: 0}, {})
TOPIC = TopicFacts("retention.touchpoints", "id", 3, 3, {})


def test_an_outbox_at_its_limit_names_the_shards_that_stand_still() -> None:
    shards = {0: StoredShard(None, 9), 1: StoredShard(None, 10), 2: StoredShard(None, 12)}
    found = {f.check: f for f in findings(load(outbox_limit=10), TOPIC, GroupFacts(None, None, {}), shards, EMPTY)}
    assert found["shards.outbox"].status is Status.WARNING
    assert found["shards.outbox"].text == "31 entries, shards 1-2 at outbox_limit (10)"
    assert "does not tell the group's members" in found["shards.workers"].text


CHOSEN = ChosenSettings(7, "digest", {"enter": 0.7, "exit": 0.6, "trigger_life": 3 * DAY, "duplicate_window": 0})


def settings_finding(*chosen: ChosenSettings | None, **configured: float) -> Finding:
    """What is said of shards that an operator's settings have come to, or have not."""
    creation = creation_of(LogFacts(0, 0, "id", 3, None), "live", load().engine())
    shards = {}
    for n, choice in enumerate(chosen):
        state = ShardState(n, 3, 0) if choice is None else ShardState(n, 3, 0, settings=choice)
        shards[n] = StoredShard(ShardBody(SCHEMA, creation, state), 0)
    told = findings(load(mode="live", **configured), TOPIC, GroupFacts(None, None, {}), shards, EMPTY)
    return next(finding for finding in told if finding.check == "shards.settings")


def test_settings_that_are_configured_and_not_in_force_are_told_with_the_way_to_change_them() -> None:
    assert settings_finding(None, None, None).status is Status.OK
    assert settings_finding(CHOSEN, CHOSEN, CHOSEN, enter=0.7, exit=0.6).status is Status.OK
    found = settings_finding(CHOSEN, CHOSEN, CHOSEN, enter=0.7)
    assert (found.status, found.text) == (Status.WARNING, "exit is 0.6 in force, configured is 0.65")
    assert "`retention settings apply`" in found.remedy


def test_a_shard_that_has_not_read_the_settings_chosen_last_is_named() -> None:
    found = settings_finding(CHOSEN, None, CHOSEN, enter=0.7, exit=0.6)
    assert (found.status, found.text) == (Status.WARNING, "shard 1 has not read the settings that were chosen last")


def test_a_fixed_setting_that_differs_is_a_problem() -> None:
    assert settings_finding(CHOSEN, None, None, tick_days=14).status is Status.PROBLEM


@pytest.mark.parametrize(
    ("numbers", "status", "text"),
    [
        ((None, None, None), Status.OK, "none was applied: one threshold, one action"),
        ((7, 7, 7), Status.OK, "7-abababab is in force in every shard"),
        ((7, 6, 7), Status.WARNING, "shard 1 has not read policy 7-abababab, which was applied last"),
        ((None, 7, None), Status.WARNING, "shards 0, 2 have not read policy 7-abababab, which was applied last"),
    ],
)
def test_a_shard_that_has_not_read_the_policy_applied_last_is_named(
    numbers: tuple[int | None, ...], status: Status, text: str
) -> None:
    creation = creation_of(LogFacts(0, 0, "id", 3, None), "live", load().engine())
    shards = {}
    for n, number in enumerate(numbers):
        policy = UNSET if number is None else PolicyName(number, "ab" * 32)
        shards[n] = StoredShard(ShardBody(SCHEMA, creation, ShardState(n, 3, 0, policy=policy)), 0)
    told = findings(load(mode="live"), TOPIC, GroupFacts(None, None, {}), shards, EMPTY)
    found = next(finding for finding in told if finding.check == "shards.policy")
    assert (found.status, found.text) == (status, text)


@pytest.mark.parametrize(
    ("lacks", "status", "text"),
    [
        (False, Status.OK, "8-abababab waits for its time in shards 0-1, and every shard has read it"),
        (True, Status.WARNING, "shard 1 has not read policy 8-abababab, which was applied last"),
    ],
)
def test_a_policy_that_waits_must_have_been_read_too(lacks: bool, status: Status, text: str) -> None:
    creation = creation_of(LogFacts(0, 0, "id", 2, None), "live", load().engine())
    shards = {}
    for n in range(2):
        waits = UNSET if n and lacks else WaitingPolicy(8, "ab" * 32, 5)
        state = ShardState(n, 2, 0, policy=PolicyName(7, "ab" * 32), policy_waiting=waits)
        shards[n] = StoredShard(ShardBody(SCHEMA, creation, state), 0)
    told = findings(load(mode="live"), TOPIC, GroupFacts(None, None, {}), shards, EMPTY)
    found = next(finding for finding in told if finding.check == "shards.policy")
    assert (found.status, found.text) == (status, text)


def test_another_deployment_of_the_same_name_is_a_warning_that_names_the_setting() -> None:
    def told(*topics: str) -> Finding:
        group = GroupFacts("Stable", 2, {TopicPartition(topic, 0): 5 for topic in topics})
        return {f.check: f for f in findings(load(), TOPIC, group, {}, EMPTY)}["shards.workers"]

    assert told("retention.touchpoints", "retention.learner").status is Status.OK
    found = told("retention.touchpoints", "shop.touchpoints")
    assert found.status is Status.WARNING
    assert "shop.touchpoints" in found.text
    assert "RETENTION_APP" in found.remedy


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
