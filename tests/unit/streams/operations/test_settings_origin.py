"""Where each setting comes from, what is masked, and which variables set nothing."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from streams.config import Config, ConfigError, load
from streams.operations.settings_origin import Misspelt, Origin, Source, effective, groups, misspelt
from streams.security.redis_url import without_password

ROOT = Path(__file__).resolve().parents[4]


@pytest.fixture(autouse=True)
def nothing_else_is_set(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in (*Config.model_fields, "config"):
        monkeypatch.delenv(f"RETENTION_{name.upper()}", raising=False)
    monkeypatch.chdir(tmp_path)


def test_the_groups_are_the_sections_of_the_documentation_in_its_order() -> None:
    text = (ROOT / "docs" / "configuration.md").read_text(encoding="utf-8")
    told, heading = [], ""
    for line in text.splitlines():
        if line.startswith("## "):
            heading = line.removeprefix("## ")
        elif match := re.match(r"\| `([a-z_]+)` \|", line):
            told.append((match[1], heading))
    assert sorted(groups()) == sorted(told)
    assert list(dict.fromkeys(group for _, group in groups())) == list(dict.fromkeys(group for _, group in told))


def test_each_value_names_the_strongest_source_that_gives_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    file.write_text('# ours\napp = "file"\n\nenter = 0.7\n"exit"=0.5\npartitions = 3\n')
    monkeypatch.setenv("RETENTION_CONFIG", str(file))
    monkeypatch.setenv("RETENTION_ENTER", "0.75")
    monkeypatch.setenv("retention_partitions", "5")
    given = {"partitions": "6", "replication": None}
    told = effective(load(**given), given)
    assert list(told) == [name for name, _ in groups()]
    assert {name: (told[name].value, told[name].origin) for name in ("app", "enter", "exit", "partitions", "mode")} == {
        "app": ("file", Origin(Source.FILE, f"{file}:2")),
        "enter": (0.75, Origin(Source.ENVIRONMENT, "RETENTION_ENTER")),
        "exit": (0.5, Origin(Source.FILE, f"{file}:5")),
        "partitions": (6, Origin(Source.COMMAND_LINE, "--partitions")),
        "mode": ("live", Origin(Source.DEFAULT, "")),
    }
    assert told["replication"].origin.source is Source.DEFAULT
    assert told["enter"].default == 0.8


def test_the_name_of_a_variable_counts_whatever_its_case(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("retention_mode", "replay")
    told = effective(load(), {})["mode"]
    assert (told.value, told.origin) == ("replay", Origin(Source.ENVIRONMENT, "retention_mode"))


def test_the_settings_of_the_example_file_are_found_on_their_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    example = ROOT / "retention.example.toml"
    monkeypatch.setenv("RETENTION_CONFIG", str(example))
    lines = example.read_text(encoding="utf-8").splitlines()
    for name, setting in effective(load(), {}).items():
        assert setting.origin.source is Source.FILE
        assert lines[int(setting.origin.where.rpartition(":")[2]) - 1].startswith(f"{name} =")


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("redis://127.0.0.1:6379/0", "redis://127.0.0.1:6379/0"),
        ("rediss://user:secret@host:6380/2", "rediss://***@host:6380/2"),
        ("redis://:secret@host/0", "redis://***@host/0"),
        ("redis://user:se@cr/et@host/0", "redis://***@host/0"),
        ("redis://user:sec?ret@host/0", "redis://***"),
        ("redis://host/0?password=secret&db=1", "redis://host/0?password=***"),
        ("redis://host/0?db=1&password=sec@ret", "redis://***"),
        ("rediss://host/0?ssl_password=secret", "rediss://host/0?ssl_password=***"),
        ("unix://user:secret@/run/redis.sock?db=1", "unix://***@/run/redis.sock?db=1"),
        ("redis:/user:secret@host", "***@host"),
        ("user:secret@host:6379", "***@host:6379"),
        ("localhost:6379", "localhost:6379"),
    ],
)
def test_a_password_is_masked_wherever_it_stands_in_a_url(url: str, shown: str) -> None:
    assert without_password(url) == shown


def test_a_bad_address_is_refused_without_its_password() -> None:
    with pytest.raises(ConfigError) as raised:
        load(redis_url="http://user:secret@host/0")
    assert "redis_url is 'http://***@host/0'" in str(raised.value)
    assert "secret" not in str(raised.value)


@pytest.mark.parametrize("told", ["foo:bar", "kafka", "a:1,,b:2", "a:1, b:2", "PLAINTEXT://a:1", ""])
def test_an_address_of_kafka_that_is_none_is_refused_by_name(told: str) -> None:
    with pytest.raises(ConfigError, match=r"bootstrap_servers is .*give host:port,host:port; set RETENTION"):
        load(bootstrap_servers=told)


@pytest.mark.parametrize("told", ["a:1", "a.b-c_d:1,10.0.0.1:65535", "[::1]:9092"])
def test_addresses_of_kafka_are_taken(told: str) -> None:
    assert load(bootstrap_servers=told).bootstrap_servers == told


def test_variables_that_set_nothing_are_named_with_what_was_probably_meant() -> None:
    names = ["RETENTION_REDIS_ULR", "retention_enterr", "RETENTION_XYZZY", "RETENTION_APP", "RETENTION_CONFIG", "HOME"]
    assert misspelt(names) == [
        Misspelt("RETENTION_REDIS_ULR", "RETENTION_REDIS_URL"),
        Misspelt("RETENTION_XYZZY", None),
        Misspelt("retention_enterr", "RETENTION_ENTER"),
    ]


def test_variables_of_the_process_are_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RETENTION_MODEE", "live")
    assert Misspelt("RETENTION_MODEE", "RETENTION_MODE") in misspelt()
