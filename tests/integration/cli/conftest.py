"""`retention` as a user runs it: in a process of its own where signals or exits matter, else in this one."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from click.testing import CliRunner, Result

from streams.cli import main
from tests.support.servers import Broker

Retention = Callable[..., Result]


@pytest.fixture(autouse=True)
def no_settings_of_our_own(
    monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory, kernels: None
) -> None:
    """Neither a retention.toml here nor a RETENTION_CONFIG left by an earlier command counts."""
    monkeypatch.chdir(tmp_path_factory.mktemp("elsewhere"))
    monkeypatch.setenv("RETENTION_CONFIG", "")


@pytest.fixture
def retention(broker: Broker, redis_app: str, monkeypatch: pytest.MonkeyPatch) -> Retention:
    """Run a command on the test's broker, with topics and an application of its own."""
    monkeypatch.setenv("RETENTION_BOOTSTRAP_SERVERS", broker.bootstrap_servers)
    monkeypatch.setenv("RETENTION_APP", redis_app)
    monkeypatch.setenv("RETENTION_TOPIC_PREFIX", redis_app)
    monkeypatch.setenv("RETENTION_PARTITIONS", "3")
    return run


def run(*arguments: str, input: bytes | None = None) -> Result:
    """Run a command in this process. An exception that no command should let through fails the test."""
    result = CliRunner().invoke(main, list(arguments), input=input)
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result
