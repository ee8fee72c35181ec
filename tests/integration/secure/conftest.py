"""Servers behind TLS and ACLs, one of each per module, and worlds on them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import started
from tests.support.certificates import Authority
from tests.support.secured import SecuredKafka, SecuredRedis
from tests.support.servers import kafka_jars

APP = "retention"
"""Application and prefix of the topics: those of deploy/kafka/acls.sh and deploy/redis/users.acl."""


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return started("certificates", lambda: Authority(tmp_path_factory.mktemp("authority")))


@pytest.fixture(scope="module")
def foreign(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """Another authority, which nobody here trusts."""
    return started("certificates", lambda: Authority(tmp_path_factory.mktemp("foreign"), "foreign"))


@pytest.fixture(scope="module")
def secured_kafka(
    authority: Authority, tmp_path_factory: pytest.TempPathFactory, kernels: None
) -> Iterator[SecuredKafka]:
    """With the rights of deploy/kafka/acls.sh, each role by its name."""
    directory: Path = tmp_path_factory.mktemp("secured_kafka")
    server = started("tests on secured Kafka", lambda: SecuredKafka(directory, kafka_jars(), authority).start())
    try:
        roles = {role: role for role in ("worker", "upstream", "downstream", "own_page", "rekey", "operator")}
        server.allow(APP, APP, **roles)
        yield server
    finally:
        server.stop()


@pytest.fixture(scope="module")
def secured_redis(authority: Authority, tmp_path_factory: pytest.TempPathFactory) -> Iterator[SecuredRedis]:
    directory = tmp_path_factory.mktemp("secured_redis")
    made = SecuredRedis(directory, authority)
    started("tests on secured Redis", made.start)
    yield made
    made.server.stop()


@pytest.fixture(autouse=True)
def no_settings_of_our_own(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("RETENTION_CONFIG", "")
