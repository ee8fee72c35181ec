"""`retention topics` on both brokers."""

from __future__ import annotations

import asyncio
import hashlib
import json

import msgspec
import pytest

from models.settings import DAY, EngineSettings
from models.timeline.shard_state import PolicyName, ShardState
from streams.config import load
from streams.errors import ExitCode
from streams.kafka.admin import TopicAdmin
from streams.kafka.partition_facts import LogFacts
from streams.kafka.security import KafkaConnection
from streams.kafka.topics import LOG_APPEND_TIME, ROLES, TIMESTAMP_TYPE, specs
from streams.shard.meta import SCHEMA, ShardBody, creation_of, pack_body
from streams.shard.stored_policy import POLICY as KEY
from streams.store.port import Write
from streams.store.redis.connection import connect
from streams.store.redis.store import RedisStore
from tests.integration.cli.conftest import Retention, run
from tests.support.audited import POLICY
from tests.support.cli_docs import undocumented
from tests.support.servers import ApacheKafka, Broker


def test_the_topics_are_created_once_and_left_alone_afterwards(retention: Retention) -> None:
    first, second = retention("topics", "create"), retention("topics", "create")
    assert first.exit_code == second.exit_code == 0
    assert first.stdout.count("created") == second.stdout.count("exists") == len(ROLES)


def test_each_topic_has_the_settings_that_the_engine_relies_on(
    retention: Retention, broker: Broker, redis_app: str
) -> None:
    assert retention("topics", "create").exit_code == 0
    names = {role: f"{redis_app}.{role}" for role in ROLES}
    with TopicAdmin(KafkaConnection(broker.bootstrap_servers)) as admin:
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
    with TopicAdmin(KafkaConnection(broker.bootstrap_servers)) as admin:
        settings = admin.topic(f"{redis_app}.touchpoints").settings
    assert settings[TIMESTAMP_TYPE] == "CreateTime"
    assert settings["retention.ms"] == "-1"
    assert settings["message.timestamp.after.max.ms"] == settings["message.timestamp.before.max.ms"] == str(2**63 - 1)


def test_topics_that_differ_are_named_with_the_remedy_and_nothing_is_created(
    retention: Retention, broker: Broker, redis_app: str
) -> None:
    with TopicAdmin(KafkaConnection(broker.bootstrap_servers)) as admin:
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


@pytest.mark.kafka
def test_topics_are_kept_as_long_as_the_policy_in_force_says(
    kafka: ApacheKafka, redis_app: str, redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in (
        ("BOOTSTRAP_SERVERS", kafka.bootstrap_servers),
        ("APP", redis_app),
        ("TOPIC_PREFIX", redis_app),
        ("PARTITIONS", "1"),
        ("REDIS_URL", redis_url),
    ):
        monkeypatch.setenv(f"RETENTION_{name}", value)
    assert run("topics", "create").exit_code == 0
    nothing = run("topics", "retain")
    assert nothing.exit_code == 0, nothing.stderr
    assert f"{redis_app}.decisions: for ever, for ever is said: left alone" in nothing.stdout

    text = POLICY + '[retention]\ndecisions = "400d"\nexamples = "60d"\n'
    asyncio.run(_in_force(redis_url, redis_app, text))
    tried = run("topics", "retain", "--dry-run")
    assert f"{redis_app}.decisions: for ever, 400 days after it was written is said: would be set" in tried.stdout
    assert _kept(kafka, redis_app) == ("-1", "-1")
    done = json.loads(run("topics", "retain", "--json").stdout)
    assert undocumented("topics", done) == []
    assert {one["role"] for one in done["topics"] if one["set"]} == {"decisions", "examples"}
    assert _kept(kafka, redis_app) == (str(400 * DAY), str(60 * DAY))
    assert not [one for one in json.loads(run("topics", "retain", "--json").stdout)["topics"] if one["set"]]
    assert run("topics", "create").exit_code == 0  # they suit the engine as they are
    monkeypatch.setenv("RETENTION_RECOVERY_DAYS", "201")
    short = run("topics", "retain")
    assert short.exit_code == ExitCode.USAGE
    assert "retention.decisions: less than twice recovery_days (402 days)" in short.stderr
    assert run("topics", "retain", "--mode", "replay").exit_code == ExitCode.USAGE


def _kept(kafka: ApacheKafka, app: str) -> tuple[str, str]:
    with TopicAdmin(KafkaConnection(kafka.bootstrap_servers)) as admin:
        decisions, examples = (
            admin.topic(f"{app}.{role}").settings["retention.ms"] for role in ("decisions", "examples")
        )
    return decisions, examples


async def _in_force(url: str, app: str, text: str) -> None:
    """A shard in which a policy is in force."""
    store = RedisStore(connect(url), app)
    named = PolicyName(1, hashlib.sha256(text.encode()).hexdigest())
    state = msgspec.structs.replace(ShardState(0, 1, 0), policy=named)
    creation = creation_of(LogFacts(0, 0, "topic-id", 1, None), "live", EngineSettings())
    body = pack_body(ShardBody(SCHEMA, creation, state))
    await store.create("0", body)
    await store.mint("0", b"t")
    await store.commit("0", Write(b"t", 0, b"n", body, values=[(KEY, text.encode())]))
    await store.close()
