"""What goes wrong is one message with the remedy and an exit code, never a traceback."""

from __future__ import annotations

from pathlib import Path

import pytest

from streams.cli.main import COMMANDS
from streams.errors import ExitCode
from streams.local.processes import LOOPBACK, free_port
from tests.integration.cli.conftest import run

COMMAND_LINES = [[], *([name] for name in COMMANDS), ["topics", "create"], ["topics", "describe"]]


@pytest.mark.parametrize("words", COMMAND_LINES, ids=" ".join)
def test_every_command_explains_itself_with_examples(words: list[str]) -> None:
    result = run(*words, "--help")
    assert result.exit_code == 0
    assert "Usage:" in result.stdout
    if words != ["topics"]:
        assert "retention " in result.stdout.split("Examples:")[1]


@pytest.mark.parametrize(
    "words",
    [
        ["topics", "create"],
        ["publish", "-"],
        ["tail", "triggers"],
    ],
    ids=" ".join,
)
def test_an_unreachable_kafka_is_named_with_its_address_and_the_remedy(words: list[str]) -> None:
    address = f"{LOOPBACK}:{free_port()}"
    result = run("--bootstrap-servers", address, *words, input=b"")
    assert result.exit_code == ExitCode.FAILURE
    assert f"Kafka at {address} does not answer" in result.stderr
    assert "--bootstrap-servers" in result.stderr
    assert "Traceback" not in result.output


def test_an_unreachable_redis_is_named_with_its_address_and_the_remedy() -> None:
    url = f"redis://{LOOPBACK}:{free_port()}/0"
    result = run("customer", "anna", "--partitions", "4", "--redis-url", url)
    assert result.exit_code == ExitCode.FAILURE
    assert f"Redis at {url} does not answer" in result.stderr
    assert "--redis-url" in result.stderr


def test_a_malformed_redis_url_is_a_usage_error() -> None:
    result = run("customer", "anna", "--partitions", "4", "--redis-url", "localhost:6379")
    assert result.exit_code == ExitCode.USAGE
    assert "redis_url is 'localhost:6379'" in result.stderr


@pytest.mark.parametrize(
    "command", [["customer", "anna", "--partitions", "4"], ["worker"], ["doctor"], ["config"], ["models"]]
)
@pytest.mark.parametrize("url", ["redis://h:6379?ssl=true&password=s3cr3t", "redis://:pa@s3cr3t#x@host"])
def test_a_redis_url_that_can_not_be_used_is_refused_by_every_command_without_its_password(
    command: list[str], url: str
) -> None:
    result = run(*command, "--redis-url", url)
    assert result.exit_code == ExitCode.USAGE
    assert "redis_url is 'redis://" in result.stderr
    assert "s3cr3t" not in result.output
    assert "Traceback" not in result.output


def test_a_bad_setting_in_the_environment_is_named_with_its_value(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RETENTION_ENTER", "1.5")
    result = run("topics", "describe")
    assert result.exit_code == ExitCode.USAGE
    assert "enter is '1.5'" in result.stderr
    assert "RETENTION_ENTER" in result.stderr


def test_a_setting_file_counts_below_the_environment_and_the_command_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "mine.toml"
    file.write_text('bootstrap_servers = "file:1"\nredis_url = "redis://file:1/0"\n')
    monkeypatch.setenv("RETENTION_REDIS_URL", "redis://127.0.0.1:1/7")
    result = run("--config", str(file), "customer", "anna", "--partitions", "4")
    assert "redis://127.0.0.1:1/7" in result.stderr
    result = run("--config", str(file), "customer", "anna", "--partitions", "4", "--redis-url", "redis://127.0.0.1:1/8")
    assert "redis://127.0.0.1:1/8" in result.stderr


def test_a_setting_file_that_is_not_there_is_named() -> None:
    result = run("--config", "nowhere.toml", "topics", "describe")
    assert result.exit_code == ExitCode.USAGE
    assert "nowhere.toml" in result.stderr


def test_a_setting_file_that_is_not_toml_is_named_with_the_place(tmp_path: Path) -> None:
    file = tmp_path / "broken.toml"
    file.write_text("partitions = [\n")
    result = run("--config", str(file), "topics", "describe")
    assert result.exit_code == ExitCode.USAGE
    assert f"{file} is not TOML" in result.stderr


def test_publish_can_check_a_file_without_kafka() -> None:
    result = run("publish", "--check", "-", input=b"{}\n")
    assert result.exit_code == ExitCode.FAILURE
    assert "line 1: " in result.stderr
    assert "0 valid, 1 refused" in result.stderr
