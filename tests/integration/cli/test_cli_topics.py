"""`retention topics` on both brokers."""

from __future__ import annotations

import pytest

from streams.config import load
from streams.errors import ExitCode
from streams.topic_admin import TopicAdmin
from streams.topics import LOG_APPEND_TIME, ROLES, TIMESTAMP_TYPE, specs
from tests.conftest import Broker
from tests.integration.cli.conftest import Retention


def test_the_topics_are_created_once_and_left_alone_afterwards(retention: Retention) -> None:
    first, second = retention("topics", "create"), retention("topics", "create")
    assert first.exit_code == second.exit_code == 0
    assert first.stdout.count("created") == second.stdout.count("exists") == len(ROLES)


def test_each_topic_has_the_settings_that_the_engine_relies_on(
    retention: Retention, broker: Broker, redis_app: str
) -> None:
    assert retention("topics", "create").exit_code == 0
    names = {role: f"{redis_app}.{role}" for role in ROLES}
    with TopicAdmin(broker.bootstrap_servers) as admin:
        found = admin.describe(names.values())
    assert {role: found[name].partitions for role, name in names.items()} == {
        **dict.fromkeys(ROLES, 3),
        "learner": 1,
    }
    settings = {role: found[name].settings for role, name in names.items()}
    assert {settings[role][TIMESTAMP_TYPE] for role in ROLES} == {LOG_APPEND_TIME}
    assert settings["examples"]["retention.ms"] == settings["decisions"]["retention.ms"] == "-1"
    assert {settings[role]["cleanup.policy"] for role in ROLES} == {"delete"}


def test_a_replays_input_keeps_the_times_of_its_events_for_ever(
    retention: Retention, broker: Broker, redis_app: str
) -> None:
    assert retention("topics", "create", "--mode", "replay").exit_code == 0
    with TopicAdmin(broker.bootstrap_servers) as admin:
        settings = admin.topic(f"{redis_app}.touchpoints").settings
    assert settings[TIMESTAMP_TYPE] == "CreateTime"
    assert settings["retention.ms"] == "-1"
    assert settings["message.timestamp.after.max.ms"] == settings["message.timestamp.before.max.ms"] == str(2**63 - 1)


def test_topics_that_differ_are_named_with_the_remedy_and_nothing_is_created(
    retention: Retention, broker: Broker, redis_app: str
) -> None:
    with TopicAdmin(broker.bootstrap_servers) as admin:
        admin.create([spec for spec in specs(load(topic_prefix=redis_app, partitions=3)) if spec.role == "touchpoints"])
        result = retention("topics", "create", "--partitions", "5", "--mode", "replay")
        assert result.exit_code == ExitCode.FAILURE
        assert f"{redis_app}.touchpoints has 3 partitions, 5 are configured" in result.stderr
        assert f"{redis_app}.touchpoints has {TIMESTAMP_TYPE}=LogAppendTime, CreateTime is needed" in result.stderr
        assert "remedy:" in result.stderr
        assert list(admin.describe(f"{redis_app}.{role}" for role in ROLES)) == [f"{redis_app}.touchpoints"]


def test_describe_shows_every_topic_and_says_what_is_missing(retention: Retention, redis_app: str) -> None:
    before = retention("topics", "describe")
    assert before.exit_code == ExitCode.FAILURE
    assert f"{redis_app}.learner: missing" in before.stdout
    retention("topics", "create")
    after = retention("topics", "describe")
    assert after.exit_code == 0, after.output
    assert (
        f"{redis_app}.touchpoints: 3 partitions, 1 replicas, about 0 records, timestamps LogAppendTime" in after.stdout
    )


def test_describe_names_a_count_only_where_the_configuration_does(
    retention: Retention, monkeypatch: pytest.MonkeyPatch, redis_app: str
) -> None:
    retention("topics", "create")
    monkeypatch.delenv("RETENTION_PARTITIONS")
    assert retention("topics", "describe").exit_code == 0
    result = retention("topics", "describe", "--partitions", "4")
    assert result.exit_code == ExitCode.FAILURE
    assert f"differs: topic {redis_app}.triggers has 3 partitions, 4 are configured" in result.stdout


@pytest.mark.parametrize("name", ["partitions", "replication"])
def test_a_setting_out_of_its_range_is_a_usage_error_that_names_it(retention: Retention, name: str) -> None:
    result = retention("topics", "create", f"--{name}", "0")
    assert result.exit_code == ExitCode.USAGE
    assert f"{name} is '0'" in result.stderr
