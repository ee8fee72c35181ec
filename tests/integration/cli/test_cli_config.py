"""`retention config`: what counts here and now, and where it comes from."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from streams.config import Config
from streams.errors import ExitCode
from streams.operations.settings_origin import groups
from tests.integration.cli.conftest import run
from tests.support.cli_docs import undocumented


@pytest.fixture(autouse=True)
def nothing_is_set(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in Config.model_fields:
        monkeypatch.delenv(f"RETENTION_{name.upper()}", raising=False)


def test_each_setting_is_shown_with_its_source(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "mine.toml"
    file.write_text('mode = "replay"\n')
    monkeypatch.setenv("RETENTION_ENTER", "0.9")
    told = run("--config", str(file), "--app", "shop", "config")
    assert told.exit_code == 0
    lines = [line.split(maxsplit=2) for line in told.stdout.splitlines() if line.startswith("  ")]
    assert [name for name, _, _ in lines] == [name for name, _ in groups()]
    for line in (
        ["app", "shop", "command line --app"],
        ["mode", "replay", f"file {file}:1"],
        ["enter", "0.9", "environment RETENTION_ENTER"],
        ["redis_cluster", "false", "default"],
    ):
        assert line in lines
    assert told.stdout.startswith("Where things are\n")


def test_what_counts_when_an_application_begins_is_pointed_out_where_it_is_set(monkeypatch: pytest.MonkeyPatch) -> None:
    assert run("config").stderr == ""
    monkeypatch.setenv("RETENTION_ENTER", "0.9")
    told = run("config").stderr
    assert told.startswith("note: enter: what is configured counts when an application begins")
    assert "`retention settings show`" in told
    assert run("config", "mode").stderr == run("config", "--json").stderr == ""


def test_passwords_are_masked_in_both_forms(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RETENTION_REDIS_URL", "rediss://user:secret@redis:6380/2?ssl_password=secret")
    for words in (["config"], ["config", "--json"], ["config", "redis_url", "--changed"]):
        told = run(*words)
        assert told.exit_code == 0
        assert "rediss://***@redis:6380/2?ssl_password=***" in told.stdout
        assert "secret" not in told.output


def test_json_has_every_setting_and_nothing_else_is_on_standard_output(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RETENTION_REDIS_ULR", "redis://127.0.0.1/0")
    told = json.loads(run("config", "--json", "--mode", "replay").stdout)
    assert list(told) == ["file", "settings", "unknown_variables"]
    assert undocumented("config", [told["settings"]["mode"], told["unknown_variables"], dict.fromkeys(told)]) == []
    assert list(told["settings"]) == [name for name, _ in groups()]
    assert told["settings"]["mode"] == {
        "value": "replay",
        "source": "command line",
        "where": "--mode",
        "default": "live",
        "group": "What decides about customers",
    }
    assert told["unknown_variables"] == [{"name": "RETENTION_REDIS_ULR", "suggestion": "RETENTION_REDIS_URL"}]


def test_a_variable_that_sets_nothing_is_pointed_out_with_the_one_that_was_meant(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("RETENTION_REDIS_ULR", "redis://user:secret@127.0.0.1/0")
    told = run("config")
    assert told.exit_code == 0
    assert "RETENTION_REDIS_ULR is no setting" in told.stderr
    assert "RETENTION_REDIS_URL is one: misspelt?" in told.stderr
    assert "secret" not in told.output


def test_only_what_is_asked_for_is_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RETENTION_EXIT", "0.5")
    assert list(json.loads(run("config", "--changed", "--json").stdout)["settings"]) == ["exit"]
    assert list(json.loads(run("config", "app", "exit", "--json").stdout)["settings"]) == ["app", "exit"]
    assert run("config", "--changed").stdout.splitlines() == [
        "What decides about customers",
        "  exit  0.5  environment RETENTION_EXIT",
    ]


def test_a_name_that_is_no_setting_is_a_usage_error() -> None:
    told = run("config", "redis_ulr")
    assert told.exit_code == ExitCode.USAGE
    assert "redis_ulr: no setting" in told.stderr


def test_a_bad_value_ends_it_as_it_ends_every_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RETENTION_ENTER", "1.5")
    told, other = run("config", "--json"), run("topics", "describe")
    assert told.exit_code == other.exit_code == ExitCode.USAGE
    assert told.stdout == ""
    assert told.stderr == other.stderr
    assert "enter is '1.5'" in told.stderr
