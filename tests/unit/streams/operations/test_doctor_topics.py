"""What is said of the topics, from facts alone."""

from __future__ import annotations

from dataclasses import replace

import pytest

from streams.config import Config, load
from streams.kafka.admin import TopicFacts, differs
from streams.kafka.topics import OUTPUTS, TIMESTAMP_TYPE, specs
from streams.operations.doctor import topics
from streams.operations.doctor.finding import Status


def as_created(config: Config) -> dict[str, TopicFacts]:
    return {s.name: TopicFacts(s.name, "id", s.partitions, s.replication, s.settings) for s in specs(config)}


def changed(found: dict[str, TopicFacts], name: str, **settings: str) -> dict[str, TopicFacts]:
    told = {**found[name].settings, **{key.replace("_", "."): value for key, value in settings.items()}}
    return {**found, name: replace(found[name], settings=told)}


@pytest.mark.parametrize("mode", ["live", "replay"])
def test_topics_as_they_are_created_are_fine(mode: str) -> None:
    config = load(mode=mode)
    found = as_created(config)
    for check in (topics.existence, topics.partition_counts, topics.time_type, topics.settings, topics.message_size):
        assert check(config, found).status is Status.OK


def test_missing_topics_are_named_with_the_remedy() -> None:
    config = load(topic_prefix="shop")
    found = as_created(config)
    del found["shop.examples"]
    finding = topics.existence(config, found)
    assert finding.status is Status.PROBLEM
    assert "topics shop.examples do not exist" in finding.text
    assert "retention topics create" in finding.remedy


def test_a_broker_without_topic_ids_is_a_warning() -> None:
    config = load()
    found = {name: replace(facts, topic_id="") for name, facts in as_created(config).items()}
    assert topics.existence(config, found).status is Status.WARNING


@pytest.mark.parametrize(("role", "partitions"), [("triggers", 7), ("learner", 2)])
def test_a_partition_count_that_does_not_fit_is_a_problem(role: str, partitions: int) -> None:
    config = load()
    name, found = config.topic(role), as_created(config)
    found[name] = replace(found[name], partitions=partitions)
    finding = topics.partition_counts(config, found)
    assert finding.status is Status.PROBLEM
    assert f"{name} has {partitions} partitions" in finding.text


def test_a_configured_partition_count_that_is_not_the_topics_is_a_warning() -> None:
    found = as_created(load())
    assert topics.partition_counts(load(partitions=5), found).status is Status.WARNING
    assert topics.partition_counts(load(), found).status is Status.OK


@pytest.mark.parametrize(
    ("mode", "role", "setting", "value", "status"),
    [
        ("live", "touchpoints", "cleanup_policy", "compact", Status.PROBLEM),
        ("live", "triggers", "cleanup_policy", "compact", Status.WARNING),
        ("live", "examples", "retention_ms", "604800000", Status.WARNING),
        ("live", "touchpoints", "retention_ms", "3600000", Status.WARNING),
        ("live", "touchpoints", "retention_ms", "604800000", Status.OK),
        ("live", "decisions", "retention_ms", "604800000", Status.OK),  # `shards.retention` knows what is said of it
        ("replay", "touchpoints", "retention_ms", "604800000", Status.PROBLEM),
        ("replay", "touchpoints", "message_timestamp_after_max_ms", "3600000", Status.PROBLEM),
        ("replay", "touchpoints", "message_timestamp_before_max_ms", "3600000", Status.PROBLEM),
    ],
)
def test_a_setting_by_which_the_broker_loses_input_is_a_problem(
    mode: str, role: str, setting: str, value: str, status: Status
) -> None:
    config = load(mode=mode)
    finding = topics.settings(config, changed(as_created(config), config.topic(role), **{setting: value}))
    assert finding.status is status
    assert (f"{setting.replace('_', '.')}={value}" in finding.text) is (status is not Status.OK)


@pytest.mark.parametrize(("mode", "kind"), [("live", "CreateTime"), ("replay", "LogAppendTime")])
def test_the_times_of_the_other_mode_are_a_problem(mode: str, kind: str) -> None:
    config = load(mode=mode)
    name = config.topic("touchpoints")
    finding = topics.time_type(config, changed(as_created(config), name, **{TIMESTAMP_TYPE: kind}))
    assert finding.status is Status.PROBLEM
    assert f"{name} has {TIMESTAMP_TYPE}={kind}; mode {mode} needs" in finding.text
    assert "RETENTION_MODE" in finding.remedy


@pytest.mark.parametrize(
    ("role", "bytes", "status"),
    [
        ("deadletters", "1048588", Status.OK),
        ("deadletters", "98304", Status.OK),
        ("deadletters", "98303", Status.PROBLEM),
        ("triggers", "20000", Status.OK),
        ("triggers", "10000", Status.PROBLEM),
        ("touchpoints", "10000", Status.OK),  # upstream's own business
    ],
)
def test_an_output_that_takes_no_record_of_the_largest_size_is_a_problem(role: str, bytes: str, status: Status) -> None:
    config = load()
    finding = topics.message_size(config, changed(as_created(config), config.topic(role), max_message_bytes=bytes))
    assert finding.status is status
    if status is Status.PROBLEM:
        assert f"{config.topic(role)} has max.message.bytes={bytes}" in finding.text
        assert "kafka-configs.sh" in finding.remedy


def test_recovery_keeps_what_it_reads_for_twice_the_age_of_the_oldest_backup() -> None:
    config = load(recovery_days=30)
    kept = {spec.role: spec.settings.get("retention.ms") for spec in specs(config)}
    reads = ("touchpoints", "decisions", "triggers", "deadletters")
    assert {kept[role] for role in reads} == {str(60 * 86_400_000)}
    assert kept["examples"] == "-1"
    replayed = [spec for spec in specs(load(recovery_days=30, mode="replay")) if spec.role in OUTPUTS]
    assert {spec.settings["retention.ms"] for spec in replayed} == {"-1"}
    assert topics.settings(config, as_created(config)).status is Status.OK


@pytest.mark.parametrize(
    ("role", "value", "status"),
    [
        ("touchpoints", "-1", Status.WARNING),  # the decisions are then kept shorter
        ("touchpoints", str(59 * 86_400_000), Status.PROBLEM),
        ("decisions", str(59 * 86_400_000), Status.WARNING),
    ],
)
def test_what_is_kept_for_less_than_recovery_needs_is_named(role: str, value: str, status: Status) -> None:
    config = load(recovery_days=30)
    finding = topics.settings(config, changed(as_created(config), config.topic(role), retention_ms=value))
    assert finding.status is status
    assert config.topic(role) in finding.text
    longer = changed(as_created(config), config.topic("touchpoints"), retention_ms=str(61 * 86_400_000))
    assert not differs(specs(config)[0], longer[config.topic("touchpoints")])


@pytest.mark.parametrize("role", ["decisions", "triggers", "deadletters"])
def test_outputs_that_reach_less_far_back_than_touchpoints_are_named(role: str) -> None:
    config = load()
    found = changed(as_created(config), config.topic("touchpoints"), retention_ms="-1")
    assert topics.settings(config, found).status is Status.OK
    finding = topics.settings(config, changed(found, config.topic(role), retention_ms="864000000"))
    assert f"{role} keeps records for 10 days, shorter than retention.touchpoints" in finding.text
