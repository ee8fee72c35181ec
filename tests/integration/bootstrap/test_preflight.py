"""What a worker looks at before it starts: a refusal ends it by name, an outage is waited for."""

from __future__ import annotations

import asyncio
import logging

import pytest
from kafka import KafkaConsumer, TopicPartition
from kafka.structs import OffsetAndMetadata

from models.timeline.shard_state import ShardState
from streams.bootstrap.preflight import Environment, preflight
from streams.config import Config, load
from streams.errors import ExitCode, SettingsChanged
from streams.kafka.admin import TopicAdmin
from streams.kafka.partition_facts import LogFacts
from streams.kafka.security import KafkaConnection
from streams.kafka.topics import specs
from streams.local.embedded import EmbeddedBroker, EmbeddedRedis
from streams.local.processes import LOOPBACK
from streams.shard.meta import SCHEMA, ShardBody, creation_of, pack_body
from streams.store.redis.connection import connect
from streams.store.redis.security import redis_connection
from streams.store.redis.store import RedisStore
from streams.store.rules import StoreRefused
from tests.support.stores import admin, everything

LIMIT_S = 120.0


@pytest.fixture
def config(tansu: EmbeddedBroker, own_redis: EmbeddedRedis, redis_app: str) -> Config:
    """Topics that are there, and a Redis of the test's own."""
    made = load(
        bootstrap_servers=tansu.bootstrap_servers,
        redis_url=own_redis.url,
        app=redis_app,
        topic_prefix=redis_app,
        partitions=2,
    )
    with TopicAdmin(KafkaConnection(tansu.bootstrap_servers)) as client:
        client.create(specs(made))
    return made


def narrowed(config: Config, server: EmbeddedRedis, *rules: str) -> Config:
    """With a Redis user of these rights."""
    with admin(server) as client:
        client.execute_command("ACL", "SETUSER", "narrow", "reset", "on", ">secret", f"~{{{config.app}:*", *rules)
    return config.model_copy(update={"redis_url": f"redis://narrow:secret@{LOOPBACK}:{server.port}/0"})


def looked(config: Config) -> Environment:
    async def check_servers() -> Environment:
        async with asyncio.timeout(LIMIT_S):
            return await preflight(config)

    return asyncio.run(check_servers())


def test_a_user_without_dangerous_commands_is_enough_and_what_is_not_told_is_warned_of(
    config: Config, own_redis: EmbeddedRedis, caplog: pytest.LogCaptureFixture
) -> None:
    assert looked(narrowed(config, own_redis, "+@all", "-@dangerous")).partitions == 2
    assert "does not tell its maxmemory-policy" in caplog.text
    assert "waiting for" not in caplog.text
    assert everything(own_redis) == {}


def test_another_deployment_of_the_same_name_is_warned_of(config: Config, caplog: pytest.LogCaptureFixture) -> None:
    looked(config)
    assert "another deployment" not in caplog.text
    other = config.model_copy(update={"topic_prefix": f"{config.app}-other"})
    with TopicAdmin(KafkaConnection(config.bootstrap_servers)) as client:
        client.create(specs(other))
    member = KafkaConsumer(bootstrap_servers=config.bootstrap_servers, group_id=config.app, enable_auto_commit=False)
    partition = TopicPartition(other.topic("touchpoints"), 0)
    member.assign([partition])
    member.commit({partition: OffsetAndMetadata(3, "", -1)})
    member.close()
    looked(config)
    assert f"has read {other.topic('touchpoints')} too: another deployment" in caplog.text
    assert "RETENTION_APP" in caplog.text


def test_a_right_that_is_lacking_ends_it_before_a_shard_is_owned(config: Config, own_redis: EmbeddedRedis) -> None:
    with pytest.raises(StoreRefused, match=r"(?i)zrange.*remedy.*permissions"):
        looked(narrowed(config, own_redis, "+@all", "-zrange"))
    assert everything(own_redis) == {}


def test_wrong_credentials_end_it(config: Config, own_redis: EmbeddedRedis) -> None:
    wrong = narrowed(config, own_redis, "+@all").redis_url.replace("secret", "wrong")
    with pytest.raises(StoreRefused, match="credentials") as refused:
        looked(config.model_copy(update={"redis_url": wrong}))
    assert ":wrong@" not in str(refused.value)


def test_a_redis_that_is_full_or_still_to_come_is_waited_for(config: Config, own_redis: EmbeddedRedis) -> None:
    async def check_servers() -> Environment:
        own_redis.stop()
        async with asyncio.timeout(LIMIT_S):
            looking = asyncio.create_task(preflight(config))
            await said("Connect")
            own_redis.start()
            with admin(own_redis) as client:
                client.config_set("maxmemory", 1)
                await said("maxmemory")
                client.config_set("maxmemory", 0)
            return await looking

    async def said(word: str) -> None:
        heard = asyncio.Event()
        handler = logging.Handler()
        handler.emit = lambda record: heard.set() if word in record.getMessage() else None  # type: ignore[method-assign] # a listener
        logging.getLogger("streams.bootstrap.preflight").addHandler(handler)
        await heard.wait()
        logging.getLogger("streams.bootstrap.preflight").removeHandler(handler)

    assert asyncio.run(check_servers()).partitions == 2
    assert everything(own_redis) == {}


def test_a_setting_that_does_not_fit_the_shards_ends_it_before_a_shard_is_owned(
    config: Config, own_redis: EmbeddedRedis
) -> None:
    creation = creation_of(LogFacts(0, 0, "topic-id", 2, None), config.mode, config.engine())
    value = pack_body(ShardBody(SCHEMA, creation, ShardState(1, 2, 0)))

    async def born() -> None:
        client = connect(redis_connection(config))
        await RedisStore(client, config.app).create("1", value)
        await client.aclose()

    asyncio.run(born())
    assert looked(config).partitions == 2
    with pytest.raises(SettingsChanged, match=r"shard 1: tick is .*, at creation") as refused:
        looked(config.model_copy(update={"tick_days": 14}))
    assert refused.value.code == ExitCode.SETTINGS_CHANGED
