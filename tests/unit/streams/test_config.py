"""Configuration: every setting by its variable, what wins, and refusals that name the setting."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from models.settings import DAY, HOUR, MINUTE, SECOND, EngineSettings
from streams.config import Config, ConfigError, as_environment, load
from streams.consumer.settings import TransportSettings
from streams.security.settings import KafkaSecurity, OwnPage, RedisSecurity

GIVEN: dict[str, tuple[str, Any]] = {
    "app": ("loyal-1", "loyal-1"),
    "bootstrap_servers": ("kafka-1:9092,kafka-2:9092", "kafka-1:9092,kafka-2:9092"),
    "redis_url": ("rediss://user:pw@redis:6380/2", "rediss://user:pw@redis:6380/2"),
    "redis_cluster": ("true", True),
    "topic_prefix": ("shop.retention", "shop.retention"),
    "partitions": ("12", 12),
    "replication": ("3", 3),
    "recovery_days": ("30", 30.0),
    "index_dir": ("/var/cache/retention", "/var/cache/retention"),
    "mode": ("replay", "replay"),
    "alive": ("engagement", "engagement"),
    "challengers": ("adagrad,forest", "adagrad,forest"),
    "horizon_days": ("28.5", 28.5),
    "tick_days": ("14", 14.0),
    "tick_phase": ("aligned", "aligned"),
    "tick_anchor": ("1997-01-01T00:00:00+02:00", datetime(1996, 12, 31, 22, tzinfo=UTC)),
    "lateness_s": ("0", 0.0),
    "version_every_s": ("1800", 1800.0),
    "version_delay_s": ("0", 0.0),
    "enter": ("0.7", 0.7),
    "exit": ("0.6", 0.6),
    "trigger_life_s": ("60", 60.0),
    "duplicate_window_days": ("30", 30.0),
    "forget_after_days": ("30", 30.0),
    "log_gap_days": ("400", 400.0),
    "session_timeout_s": ("12.5", 12.5),
    "heartbeat_s": ("0.5", 0.5),
    "request_timeout_s": ("30", 30.0),
    "rebalance_timeout_s": ("20", 20.0),
    "batch_records": ("50", 50),
    "piece_items": ("10", 10),
    "cache_records": ("500", 500),
    "outbox_limit": ("100", 100),
    "clock_every_s": ("1", 1.0),
    "clock_ahead_limit_s": ("60", 60.0),
    "write_format": ("newest", "newest"),
    "redis_timeout_s": ("1.5", 1.5),
    "stall_after_s": ("15", 15.0),
    "metrics_host": ("0.0.0.0", "0.0.0.0"),
    "metrics_port": ("9100", 9100),
    "log_level": ("DEBUG", "DEBUG"),
    "console_port": ("8765", 8765),
    "console_host": ("0.0.0.0", "0.0.0.0"),
    "console_workers": ("10.0.0.6:9100", "10.0.0.6:9100"),
    "console_token_file": ("/run/secrets/console", "/run/secrets/console"),
    "console_user_header": ("X-Forwarded-User", "X-Forwarded-User"),
    "console_roles": ("roles.toml", "roles.toml"),
    "console_origin": ("https://console.example.com", "https://console.example.com"),
    "own_page_url": ("https://me.shop.example", "https://me.shop.example"),
    "own_page_link_days": ("400", 400.0),
}
"""Field: what its variable says, and what comes of it. Each differs from the default."""


@pytest.fixture(autouse=True)
def nothing_else_is_set(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in (*Config.model_fields, "config"):
        monkeypatch.delenv(f"RETENTION_{name.upper()}", raising=False)
    monkeypatch.chdir(tmp_path)


def test_every_setting_is_tried_here() -> None:
    """Those of secure connections, which go together: test_secure_settings.py."""
    secure = {*KafkaSecurity.model_fields, *RedisSecurity.model_fields}
    assert {*GIVEN, *secure, *OwnPage.model_fields} == set(Config.model_fields)


@pytest.mark.parametrize("name", GIVEN)
def test_each_setting_is_read_from_its_variable_and_changes_nothing_else(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    default = load()
    told, value = GIVEN[name]
    assert getattr(default, name) != value
    monkeypatch.setenv(f"RETENTION_{name.upper()}", told)
    assert load().model_dump() == {**default.model_dump(), name: value}


def test_another_process_has_the_same_configuration_by_its_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    told = {name: value for name, (_, value) in GIVEN.items() if name != "redis_url"}  # a cluster has one database
    config = load(**told, redis_ca_file="", own_page_keys="k:" + "s" * 32)
    for name, value in as_environment(config).items():
        monkeypatch.setenv(name, value)
    assert load() == config


def test_the_command_line_wins_over_the_environment_over_the_file_over_the_default(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "mine.toml").write_text('app = "file"\nenter = 0.7\nexit = 0.5\npartitions = 3\n')
    monkeypatch.setenv("RETENTION_CONFIG", str(tmp_path / "mine.toml"))
    monkeypatch.setenv("RETENTION_ENTER", "0.75")
    monkeypatch.setenv("RETENTION_EXIT", "0.55")
    config = load(exit=0.45, replication=None)
    assert (config.app, config.enter, config.exit, config.partitions) == ("file", 0.75, 0.45, 3)
    assert config.replication == 1


def test_the_file_in_the_working_directory_is_found_and_the_named_one_wins(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "retention.toml").write_text('app = "here"\n')
    assert load().app == "here"
    (tmp_path / "other.toml").write_text("partitions = 5\n")
    monkeypatch.setenv("RETENTION_CONFIG", "other.toml")
    assert (load().app, load().partitions) == ("retention", 5)


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("app", "a b"),
        ("app", ""),
        ("topic_prefix", "touch points"),
        ("partitions", "0"),
        ("partitions", "many"),
        ("replication", "8"),
        ("mode", "online"),
        ("challengers", "foo"),
        ("challengers", "adagrad,foo"),
        ("challengers", "mixture"),
        ("challengers", "adagrad, forest,adagrad"),
        ("horizon_days", "0"),
        ("tick_days", "-7"),
        ("tick_phase", "random"),
        ("tick_anchor", "yesterday"),
        ("lateness_s", "-1"),
        ("enter", "1"),
        ("exit", "0"),
        ("session_timeout_s", "0"),
        ("batch_records", "0"),
        ("cache_records", "-1"),
        ("outbox_limit", "0"),
        ("clock_ahead_limit_s", "0"),
        ("redis_cluster", "perhaps"),
        ("metrics_port", "65536"),
        ("log_level", "LOUD"),
    ],
)
def test_a_bad_value_is_refused_by_name_with_its_value_and_its_variable(
    name: str, told: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(f"RETENTION_{name.upper()}", told)
    with pytest.raises(ConfigError) as raised:
        load()
    assert str(raised.value).startswith(f"{name} is {told!r}: ")
    assert str(raised.value).endswith(f"set RETENTION_{name.upper()}")


def test_a_challenger_that_no_model_is_is_refused_with_the_models_there_are() -> None:
    with pytest.raises(ConfigError, match="give some of adagrad, forest, each once"):
        load(challengers="foo")
    for known in ("", "forest", " forest , adagrad,"):
        assert load(challengers=known).challengers == known


def test_all_bad_values_are_told_at_once() -> None:
    with pytest.raises(ConfigError) as raised:
        load(partitions=0, enter=2.0)
    assert [line.split(" ")[0] for line in str(raised.value).splitlines()] == ["partitions", "enter"]


@pytest.mark.parametrize(
    ("given", "variables"),
    [
        ({"enter": 0.5, "exit": 0.6}, ["RETENTION_ENTER", "RETENTION_EXIT"]),
        ({"tick_days": 1.5, "version_every_s": 3601}, ["RETENTION_TICK_DAYS", "RETENTION_VERSION_EVERY_S"]),
        ({"tick_days": 1e-6}, ["RETENTION_TICK_DAYS"]),
        ({"version_every_s": 1e-9}, ["RETENTION_VERSION_EVERY_S"]),
    ],
)
def test_values_that_do_not_go_together_are_refused_with_the_variables_to_set(
    given: dict[str, float], variables: list[str]
) -> None:
    with pytest.raises(ConfigError) as raised:
        load(**given)
    assert str(raised.value).endswith(f"; set {', '.join(variables)}")


def test_an_unknown_setting_in_the_file_is_refused_and_one_in_the_environment_is_not_ours(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("RETENTION_TEST_REQUIRE", "all")
    load()
    (tmp_path / "retention.toml").write_text("entre = 0.7\n")
    with pytest.raises(ConfigError, match="entre is no setting; remove it, or correct its spelling"):
        load()


def test_a_file_that_is_missing_or_no_toml_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("RETENTION_CONFIG", "gone.toml")
    with pytest.raises(ConfigError, match=r"RETENTION_CONFIG is 'gone.toml', which is not a file"):
        load()
    (tmp_path / "gone.toml").write_text("enter : 0.7\n")
    with pytest.raises(ConfigError, match=r"gone.toml is not TOML: .*line 1.*"):
        load()


def test_a_configuration_cannot_be_changed() -> None:
    with pytest.raises(ValidationError):
        load().enter = 0.9


def test_the_engine_gets_its_settings_in_milliseconds() -> None:
    assert load(
        horizon_days=28.5,
        tick_days=7,
        tick_anchor="1997-01-01T00:00:00Z",
        tick_phase="aligned",
        lateness_s=1.5,
        version_every_s=3600,
        version_delay_s=60,
        enter=0.7,
        exit=0.6,
        trigger_life_s=0.25,
        piece_items=12,
    ).engine() == EngineSettings(
        horizon=28 * DAY + 12 * HOUR,
        tick=7 * DAY,
        anchor=852_076_800_000,
        phase="aligned",
        lateness=1_500,
        boundary=HOUR,
        version_delay=MINUTE,
        enter=0.7,
        exit=0.6,
        trigger_life=SECOND // 4,
        piece_items=12,
    )


def test_an_anchor_without_a_zone_is_utc() -> None:
    assert load(tick_anchor="2000-01-03T00:00:00").engine().anchor == 946_857_600_000


def test_a_topic_is_named_by_prefix_and_role() -> None:
    assert load(topic_prefix="shop").topic("triggers") == "shop.triggers"


def test_a_heartbeat_too_slow_for_the_session_is_refused_before_anything_starts(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("RETENTION_HEARTBEAT_S", "9")
    with pytest.raises(ConfigError, match=r"^heartbeat_s=9.0 is above a third of session_timeout_s=10.0.*lower it$"):
        load(redis_url="redis://user:secret@localhost:6379/0")


def test_a_session_longer_than_a_request_may_take_is_refused_where_the_configuration_is_made() -> None:
    told = r"^session_timeout_s=40.0 is above request_timeout_s=30.0: lower the first or raise the second$"
    with pytest.raises(ConfigError, match=told):
        load(session_timeout_s=40, request_timeout_s=30)
    with pytest.raises(ValidationError, match=r"session_timeout_s=40\.0 is above"):
        Config(session_timeout_s=40, request_timeout_s=30)


def test_the_transport_is_told_what_is_configured() -> None:
    config = load(app="shop", topic_prefix="shop-eu", session_timeout_s=12, heartbeat_s=2, stall_after_s=7)
    settings = TransportSettings.of(config)
    assert (settings.app, settings.client_id) == ("shop", "shop")
    assert (settings.input_topic, settings.learner_topic) == ("shop-eu.touchpoints", "shop-eu.learner")
    assert (settings.session_timeout_s, settings.heartbeat_s, settings.stall_s) == (12, 2, 7)
    assert (settings.request_timeout_s, settings.rebalance_timeout_s) == (90, 30)
    assert settings.batch_records == config.batch_records
