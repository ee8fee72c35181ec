"""Redis with TLS and ACLs: the store works with the rights of deploy/redis/users.acl, and what is wrong is named."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import redis

from streams.bootstrap.preflight import look_at_store
from streams.config import load
from streams.local.embedded import EmbeddedRedis, redis_program
from streams.local.processes import LOOPBACK, ServerProcess, free_port, free_ports, redis_answers
from streams.operations.redis_access import store_of
from streams.own_page.erasures import NAMESPACE, Erasures
from streams.store.port import StoreUnavailable, Write
from streams.store.redis.access import RedisLoginFailed, RedisRightMissing, RedisTlsFailed
from streams.store.redis.connection import blocking, connect
from streams.store.redis.security import redis_connection
from streams.store.redis.store import RedisStore
from streams.store.redis.transport import RedisTransportDiffers
from streams.store.redis.trial import try_out
from tests.conftest import started
from tests.support.certificates import PAST, Authority
from tests.support.secured import OWN_PAGES_PASSWORD, SecuredRedis, redis_tls, speaking_tls
from tests.support.stores import cluster_node, port_with_bus

WITH_TLS = "tests on secured Redis"


def looked(settings: dict[str, Any]) -> None:
    """As a worker does at its start."""
    asyncio.run(look_at_store(load(**settings)))


def test_the_store_works_with_the_rights_of_the_file(secured_redis: SecuredRedis) -> None:
    looked(secured_redis.settings())
    with blocking(redis_connection(load(**secured_redis.settings()))) as client:
        assert client.acl_whoami() == "retention"


def test_the_customers_own_page_reads_records_and_writes_nothing_but_erasures_that_wait(
    secured_redis: SecuredRedis,
) -> None:
    own = load(**secured_redis.settings(redis_user="retention-own-page", redis_password=OWN_PAGES_PASSWORD))
    engine = load(**secured_redis.settings())

    async def both() -> None:
        async with store_of(engine) as store:
            await store.create("0", b"{}")
            await store.mint("0", b"t")
            await store.commit("0", Write(b"t", 0, b"n", b"{}", values=[(b"c:anna", b"known")]))
        async with store_of(own) as store:
            assert await store.load("0", [b"c:anna"]) == [b"known"]
            assert await store.read_meta("0") is not None
            for attempt in (
                lambda: store.create("1", b"{}"),
                lambda: store.mint("0", b"x"),
                lambda: store.commit("0", Write(b"t", 1, b"m", b"{}", removed=[b"c:anna"])),
                lambda: store.clear("0"),
            ):
                with pytest.raises(RedisRightMissing):
                    await attempt()
        waiting = Erasures(lambda: store_of(own))
        asked = await waiting.ask("anna", 1_000, 0)
        assert await waiting.of("anna") == asked
        assert await waiting.due(asked.due) == ["anna"]
        assert await waiting.take_back("anna") == asked
        assert await waiting.due(asked.due) == []
        async with store_of(engine) as store:
            for namespace in ("0", NAMESPACE):
                await store.clear(namespace)

    asyncio.run(both())
    with blocking(redis_connection(own)) as client:
        for command in (("KEYS", "*"), ("SCAN", "0"), ("CONFIG", "GET", "*"), ("SET", "{retention:0}:c:anna", "x")):
            with pytest.raises(redis.exceptions.NoPermissionError):
                client.execute_command(*command)


def test_a_client_certificate_is_shown(secured_redis: SecuredRedis, authority: Authority) -> None:
    certificate, key = authority.signed("worker", password="key-geheim")
    own = {"redis_certificate_file": str(certificate), "redis_key_file": str(key), "redis_key_password": "key-geheim"}
    with redis.Redis.from_url(secured_redis.plain) as eyes:
        eyes.config_set("tls-auth-clients", "yes")
        try:
            looked(secured_redis.settings(**own))
            refused(secured_redis.settings(), RedisTlsFailed, "does not accept this client")
        finally:
            eyes.config_set("tls-auth-clients", "optional")


def refused(settings: dict[str, Any], error: type[Exception], *words: str) -> None:
    with pytest.raises(error) as raised:
        looked(settings)
    told = str(raised.value)
    assert all(word in told for word in (*words, "remedy: ")), told
    assert "nonsense" not in told


def test_a_wrong_password_is_named(secured_redis: SecuredRedis) -> None:
    settings = secured_redis.settings(redis_password="nonsense")
    refused(settings, RedisLoginFailed, "invalid username-password pair", "RETENTION_REDIS_PASSWORD")


def test_no_password_is_named(secured_redis: SecuredRedis) -> None:
    refused(secured_redis.settings(redis_user="", redis_password=""), RedisLoginFailed, "Authentication required")


def test_a_foreign_authority_is_named(secured_redis: SecuredRedis, foreign: Authority) -> None:
    settings = secured_redis.settings(redis_ca_file=str(foreign.ca))
    refused(settings, RedisTlsFailed, "certificate is not accepted", "RETENTION_REDIS_CA_FILE")


def test_a_host_that_the_certificate_does_not_name_is_refused_unless_told_otherwise(
    secured_redis: SecuredRedis,
) -> None:
    other = secured_redis.settings(redis_url=secured_redis.url.replace(LOOPBACK, "localhost"))
    refused(other, RedisTlsFailed, "not valid for 'localhost'")
    looked({**other, "redis_check_hostname": False})


def test_an_expired_certificate_is_named(secured_redis: SecuredRedis, authority: Authority) -> None:
    with redis.Redis.from_url(secured_redis.plain) as eyes:
        names = ("tls-cert-file", "tls-key-file")
        good = eyes.config_get("tls-*-file")
        old = dict(zip(names, map(str, authority.signed("old", PAST)), strict=True))
        eyes.config_set(*(word for pair in old.items() for word in pair))
        try:
            refused(secured_redis.settings(), RedisTlsFailed, "certificate has expired")
        finally:
            eyes.config_set(*(word for name in names for word in (name, good[name])))


@pytest.mark.parametrize("command", ["unlink", "mget", "zadd", "lrange", "eval"])
def test_a_missing_command_is_named(secured_redis: SecuredRedis, command: str) -> None:
    with redis.Redis.from_url(secured_redis.plain) as eyes:
        eyes.execute_command("ACL", "SETUSER", "retention", f"-{command}")
        try:
            if command == "eval":
                eyes.script_flush()
            refused(secured_redis.settings(), RedisRightMissing, f"lacks the command {command.upper()} (+{command})")
        finally:
            eyes.execute_command("ACL", "SETUSER", "retention", f"+{command}")


def test_a_command_that_a_script_may_not_run_is_looked_for_in_the_log_of_redis(secured_redis: SecuredRedis) -> None:
    with redis.Redis.from_url(secured_redis.plain) as eyes:
        eyes.execute_command("ACL", "SETUSER", "retention", "-hset")
        try:
            refused(secured_redis.settings(), RedisRightMissing, "ACL LOG")
        finally:
            eyes.execute_command("ACL", "SETUSER", "retention", "+hset")


def test_keys_of_another_application_are_out_of_reach(secured_redis: SecuredRedis) -> None:
    refused(secured_redis.settings(app="other"), RedisRightMissing, "lacks a key pattern", "users.acl")


def test_a_redis_that_ends_is_waited_for_and_not_taken_for_one_that_refuses(
    authority: Authority, tmp_path: Path
) -> None:
    own = SecuredRedis(tmp_path, authority)
    started(WITH_TLS, own.start)
    client = connect(redis_connection(load(**own.settings())), timeout_s=20, connect_timeout_s=20)
    store = RedisStore(client, "retention")

    async def through_an_end() -> None:
        await try_out(store)
        own.server.kill()
        with pytest.raises(StoreUnavailable):
            await store.read_meta("0")
        own.server.restart()
        await try_out(store)
        await store.close()

    try:
        asyncio.run(through_an_end())
    finally:
        own.server.stop()


@contextmanager
def sentinel(directory: Path, primary: int, **more: str) -> Iterator[int]:
    """A sentinel that watches the primary at that port as `loyalty`; its own port. more: its settings."""
    port = free_port()
    settings = directory / "sentinel.conf"
    directory.mkdir()
    told = {"port": port, "bind": LOOPBACK, "dir": directory, **more}
    watched = f"sentinel monitor loyalty {LOOPBACK} {primary} 1\nsentinel down-after-milliseconds loyalty 3000\n"
    lines = "".join(f"{name} {value}\n" for name, value in told.items())
    settings.write_text(lines + watched, encoding="utf-8")
    server = ServerProcess(
        "the sentinel",
        [redis_program(), str(settings), "--sentinel"],
        log=directory / "sentinel.log",
        ready=lambda: redis_answers(port),
    )
    server.start()
    try:
        yield port
    finally:
        server.stop()


def test_sentinel_names_the_primary_and_after_a_failover_the_new_one(tmp_path: Path) -> None:
    with (
        EmbeddedRedis(tmp_path / "first") as first,
        EmbeddedRedis(tmp_path / "second", settings={"replicaof": f"{LOOPBACK} {first.port}"}) as second,
        sentinel(tmp_path / "sentinel", first.port) as port,
    ):
        url = f"redis+sentinel://127.0.0.1:1,{LOOPBACK}:{port}/loyalty/0"
        client = connect(redis_connection(load(redis_url=url)), timeout_s=20, connect_timeout_s=20)

        async def through_a_failover() -> None:
            store = RedisStore(client, "retention")
            await try_out(store)
            assert await client.execute_command("CONFIG GET", "port") == {"port": str(first.port)}
            await asyncio.to_thread(replica_known, port)
            first.kill()
            await working_again(store)
            assert await client.execute_command("CONFIG GET", "port") == {"port": str(second.port)}
            await store.close()

        asyncio.run(through_a_failover())


def test_a_sentinel_behind_tls_names_a_primary_behind_tls(
    authority: Authority, foreign: Authority, tmp_path: Path
) -> None:
    of_redis, of_sentinel = free_ports(2)
    told = {**redis_tls(authority, of_sentinel), "tls-replication": "yes"}
    primary = EmbeddedRedis(tmp_path / "redis", settings=redis_tls(authority, of_redis))
    with (
        started(WITH_TLS, lambda: speaking_tls(primary.start)),
        sentinel(tmp_path / "sentinel", of_redis, **told) as plain,
    ):
        settings = {
            "redis_url": f"rediss+sentinel://{LOOPBACK}:{of_sentinel}/loyalty/0",
            "redis_ca_file": str(authority.ca),
        }
        looked(settings)
        refused({**settings, "redis_ca_file": str(foreign.ca)}, RedisTlsFailed, "certificate is not accepted")
        without = {"redis_url": f"redis+sentinel://{LOOPBACK}:{of_sentinel}/loyalty/0"}
        refused(without, RedisTransportDiffers, "speaks TLS", "rediss+sentinel://")
        reverse = {**settings, "redis_url": f"rediss+sentinel://{LOOPBACK}:{plain}/loyalty/0"}
        refused(reverse, RedisTransportDiffers, "does not speak TLS", "redis+sentinel://")


def test_a_cluster_behind_tls_is_used_and_its_certificate_is_looked_at(
    authority: Authority, foreign: Authority, tmp_path: Path
) -> None:
    port = port_with_bus()
    # A node names its TLS port to clients only where the nodes speak TLS with each other too.
    told = {**redis_tls(authority, port), "tls-cluster": "yes"}
    node = started(WITH_TLS, lambda: speaking_tls(lambda: cluster_node(tmp_path / "cluster", **told)))
    try:
        url = f"rediss://{LOOPBACK}:{port}"
        settings = {"redis_url": url, "redis_cluster": True, "redis_ca_file": str(authority.ca)}
        looked(settings)
        refused({**settings, "redis_ca_file": str(foreign.ca)}, RedisTlsFailed, "certificate is not accepted")
        plain = {"redis_url": url.replace("rediss", "redis"), "redis_cluster": True}
        refused(plain, RedisTransportDiffers, "speaks TLS")
    finally:
        node.stop()


@pytest.mark.parametrize("way", ["worker", "command"])
def test_a_url_that_does_not_speak_as_the_port_does_is_told_so(secured_redis: SecuredRedis, way: str) -> None:
    plain = secured_redis.settings(redis_url=secured_redis.url.replace("rediss", "redis"), redis_ca_file="")
    tls = secured_redis.settings(redis_url=f"rediss://{LOOPBACK}:{secured_redis.server.port}/0")
    look = looked if way == "worker" else read
    with pytest.raises(RedisTransportDiffers, match=r"speaks TLS on this port, .* give rediss://"):
        look(plain)
    with pytest.raises(RedisTransportDiffers, match=r"does not speak TLS on this port, .* give redis://"):
        look(tls)


def read(settings: dict[str, Any]) -> None:
    """As a command that shows a customer does."""

    async def reading() -> None:
        async with store_of(load(**settings)) as store:
            await store.read_meta("0")

    asyncio.run(reading())


def replica_known(port: int) -> None:
    """Wait until the sentinel has seen the replica: before that there is nobody to fail over to."""
    deadline = time.monotonic() + 90
    with redis.Redis(port=port) as eyes:
        while not eyes.sentinel_slaves("loyalty"):
            assert time.monotonic() < deadline, "the sentinel does not see the replica"
            time.sleep(0.1)


async def working_again(store: RedisStore) -> None:
    async with asyncio.timeout(150):
        while True:
            try:
                await try_out(store)
                return
            except StoreUnavailable:
                await asyncio.sleep(0.2)
