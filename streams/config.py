"""Configuration: one frozen, typed object; the only module that reads the environment.

Precedence: command line, then RETENTION_* environment variables, then the TOML file named by RETENTION_CONFIG or
`--config` (default: ./retention.toml when it is there), then the defaults below. Every number's unit is in its name.
"""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal, Self

from pydantic import Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from models.settings import CHALLENGERS, CHANGEABLE, DAY, SECOND, Alive, EngineSettings
from streams.security.console import ConsoleSettings
from streams.security.redis_url import has_password, refusal, without_password
from streams.security.settings import HIDDEN, SECRETS, KafkaSecurity, OwnPage, RedisSecurity, check_redis

DEFAULT_FILE = "retention.toml"

_OF_THE_ENGINE = {
    "alive": "alive",
    "challengers": "challengers",
    "horizon": "horizon_days",
    "tick": "tick_days",
    "phase": "tick_phase",
    "lateness": "lateness_s",
    "boundary": "version_every_s",
    "version_delay": "version_delay_s",
    "enter": "enter",
    "exit": "exit",
    "trigger_life": "trigger_life_s",
    "duplicate_window": "duplicate_window_days",
    "forget_after": "forget_after_days",
    "piece_items": "piece_items",
}
"""Setting by its name in the pure engine, as messages from there call it."""

CHANGED_BY_THE_LOG = tuple(_OF_THE_ENGINE[name] for name in CHANGEABLE)
"""Settings whose configured values count when an application begins; `retention settings apply` changes them later."""


GROUPS = {
    "Where things are": "app",
    "Secure connections": "kafka_security_protocol",
    "What decides about customers": "mode",
    "Transport and store": "session_timeout_s",
    "Logs of the past": "log_gap_days",
    "Watching": "metrics_host",
    "The console": "console_port",
    "The customer's own page": "own_page_url",
}
"""The sections of docs/configuration.md in its order, each with its first setting; it reaches up to another's."""


class ConfigError(Exception):
    """The configuration can't be used; the message names the setting, its value and what it takes."""


class Config(OwnPage, ConsoleSettings, RedisSecurity, KafkaSecurity, BaseSettings):
    """Everything that can be set. The section of a number tells whether it may differ between a log's replays:
    the *decisions* section is part of what must be equal; the rest changes no result."""

    model_config = SettingsConfigDict(env_prefix="RETENTION_", frozen=True, extra="forbid", hide_input_in_errors=True)

    # -- where
    app: str = Field("retention", pattern=r"^[a-zA-Z0-9._-]{1,100}$", description="consumer group and Redis key prefix")
    bootstrap_servers: str = Field("127.0.0.1:9092", description="Kafka brokers, host:port,host:port")
    redis_url: str = Field("redis://127.0.0.1:6379/0", description="Redis that holds the loyalty state")
    redis_cluster: bool = Field(False, description="redis_url is a node of a Redis Cluster")
    topic_prefix: str = Field(
        "retention",
        pattern=r"^[a-zA-Z0-9._-]{1,100}$",
        description="the topics are PREFIX.touchpoints, ...",
    )
    partitions: int = Field(8, ge=1, le=1024, description="for `topics create`; fixed for a topic's life")
    replication: int = Field(1, ge=1, le=7, description="for `topics create`")
    recovery_days: float = Field(
        0.0, ge=0, le=3_660, description="age of the oldest Redis backup to be restored; 0: decisions are kept for ever"
    )

    index_dir: str = Field(
        "~/.cache/retention",
        description="where exports and `why` keep where a customer's records stand; empty: nowhere",
    )

    # -- decisions: part of what must be equal for a replay to be equal
    mode: Literal["live", "replay"] = Field("live", description="whose times count: arrival's, or those of the log")
    alive: Alive = Field("purchase", description="what counts as staying: purchases, any engagement, a contract")
    challengers: str = Field("adagrad", description="models that learn beside the champion: adagrad, forest")
    horizon_days: float = Field(
        91.0, gt=0, le=1000, description="who gives no sign of staying for this long has churned"
    )
    tick_days: float = Field(7.0, gt=0, le=100, description="how often a silent customer's risk is estimated")
    tick_phase: Literal["spread", "aligned"] = "spread"
    tick_anchor: datetime = Field(
        datetime(2000, 1, 1, tzinfo=UTC), description="a moment at which an aligned tick lies"
    )
    lateness_s: float = Field(3600.0, ge=0)
    version_every_s: float = Field(3600.0, gt=0, description="distance of model versions, log time")
    version_delay_s: float = Field(3600.0, ge=0, description="D: a decision at t uses the last version <= t - D")
    enter: float = Field(0.80, gt=0, lt=1, description="risk at which an episode opens")
    exit: float = Field(0.65, gt=0, lt=1, description="risk below which an episode closes")
    trigger_life_s: float = Field(3 * 86_400.0, gt=0, description="how long a trigger is worth acting on")

    duplicate_window_days: float = Field(
        0.0, ge=0, le=3_660, description="what may have come before is a duplicate when it is older than this"
    )

    forget_after_days: float = Field(
        0.0, ge=0, le=3_660, description="after two horizons of silence and so long again a record leaves; 0: never"
    )

    # -- transport and store
    session_timeout_s: float = Field(10.0, ge=0.1)
    heartbeat_s: float = Field(3.0, gt=0)
    request_timeout_s: float = Field(90.0, gt=0)
    rebalance_timeout_s: float = Field(30.0, gt=0)
    batch_records: int = Field(6_000, ge=1, le=100_000)
    piece_items: int = Field(4_000, ge=1, le=100_000, description="due items in one commit")
    cache_records: int = Field(
        160_000, ge=0, description="records of customers seen lately that a worker keeps in memory, all shards together"
    )
    outbox_limit: int = Field(20_000, ge=1, description="no batch is begun while the outbox holds more entries")
    clock_every_s: float = Field(5.0, gt=0, description="live: how often an owner appends a clock record")
    clock_ahead_limit_s: float = Field(300.0, gt=0, description="live: records further ahead pause the shard")
    write_format: Literal["previous", "newest"] = Field(
        "previous", description="of records: what the release before this one reads, or this one's own"
    )
    redis_timeout_s: float = Field(5.0, gt=0)
    stall_after_s: float = Field(60.0, gt=0)

    # -- logs of the past
    log_gap_days: float = Field(
        182.0, gt=0, le=3_660, description="a log without an event for longer than this is refused"
    )

    # -- watching
    metrics_host: str = Field("127.0.0.1", description="where /metrics, /health and /ready listen")
    metrics_port: int = Field(0, ge=0, le=65_535, description="0: a free port, logged at start")
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field("INFO", description="least grave lines to log")

    @field_validator("bootstrap_servers")
    @classmethod
    def _addresses(cls, value: str) -> str:
        if not all(re.fullmatch(r"(\[[0-9a-fA-F:.]+\]|[^\s:,/\[\]]+):\d{1,5}", part) for part in value.split(",")):
            raise ValueError("give host:port,host:port")
        return value

    @field_validator("redis_url")
    @classmethod
    def _known_scheme(cls, value: str) -> str:
        if problems := refusal(value):
            raise ValueError(problems)
        return value

    @model_validator(mode="after")
    def _redis_fits_together(self) -> Self:
        if self.redis_cluster and (problems := refusal(self.redis_url, cluster=True)):
            told = f"redis_url is {self.shown_redis_url!r}: {problems}"
            raise ValueError(f"{told}; set RETENTION_REDIS_URL, or RETENTION_REDIS_CLUSTER=false")
        scheme = self.redis_url.partition("://")[0]
        check_redis(self, scheme, url_has_password=has_password(self.redis_url), cluster=self.redis_cluster)
        return self

    @field_validator("challengers")
    @classmethod
    def _known_models(cls, value: str) -> str:
        names = [name.strip() for name in value.split(",") if name.strip()]
        if not set(names) <= set(CHALLENGERS) or len(set(names)) < len(names):
            raise ValueError(f"give some of {', '.join(CHALLENGERS)}, each once, with commas between them, or nothing")
        return value

    @field_validator("tick_anchor")
    @classmethod
    def _with_zone(cls, value: datetime) -> datetime:
        return value if value.tzinfo else value.replace(tzinfo=UTC)

    @model_validator(mode="after")
    def _group_times(self) -> Self:
        if self.session_timeout_s > self.request_timeout_s:
            raise ValueError(
                f"session_timeout_s={self.session_timeout_s} is above request_timeout_s={self.request_timeout_s}: "
                "lower the first or raise the second"
            )
        if self.heartbeat_s * 3 > self.session_timeout_s:
            raise ValueError(
                f"heartbeat_s={self.heartbeat_s} is above a third of session_timeout_s={self.session_timeout_s}: "
                "one lost heartbeat would cost the worker its shards; lower it"
            )
        return self

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        file = settings_file()
        sources: tuple[PydanticBaseSettingsSource, ...] = (init_settings, env_settings)
        return (*sources, TomlConfigSettingsSource(settings_cls, Path(file))) if file else sources

    def engine(self) -> EngineSettings:
        """The pure engine's settings."""
        return EngineSettings(
            alive=self.alive,
            challengers=self.challengers,
            horizon=round(self.horizon_days * DAY),
            tick=round(self.tick_days * DAY),
            anchor=round(self.tick_anchor.timestamp() * SECOND),
            phase=self.tick_phase,
            lateness=round(self.lateness_s * SECOND),
            boundary=round(self.version_every_s * SECOND),
            version_delay=round(self.version_delay_s * SECOND),
            enter=self.enter,
            exit=self.exit,
            trigger_life=round(self.trigger_life_s * SECOND),
            duplicate_window=round(self.duplicate_window_days * DAY),
            forget_after=round(self.forget_after_days * DAY),
            piece_items=self.piece_items,
        )

    @property
    def shown_redis_url(self) -> str:
        """`redis_url` as it may be shown: without user and passwords."""
        return without_password(self.redis_url)

    def topic(self, role: str) -> str:
        """Name of the topic of a role: touchpoints, triggers, decisions, examples, deadletters, learner."""
        return f"{self.topic_prefix}.{role}"


def settings_file() -> str | None:
    """The TOML file that counts, if any."""
    return os.environ.get("RETENTION_CONFIG") or (DEFAULT_FILE if Path(DEFAULT_FILE).exists() else None)


MASKED: Mapping[str, Callable[[str], str]] = {"redis_url": without_password}
"""Settings that may hold a secret, and how they are shown without it."""


def shown(name: str, value: Any) -> Any:
    """A setting's value as it may be shown."""
    if name in SECRETS:
        return HIDDEN if value else ""
    if name not in MASKED:
        return value
    return MASKED[name](value) if isinstance(value, str) else f"a {type(value).__name__}"


def load(**given: Any) -> Config:
    """The effective configuration. Raises ConfigError naming every setting that can't be used."""
    file = os.environ.get("RETENTION_CONFIG")
    if file and not Path(file).is_file():
        raise ConfigError(f"RETENTION_CONFIG is {file!r}, which is not a file; name a TOML file or unset it")
    try:
        config = Config(**{name: value for name, value in given.items() if value is not None})
        config.engine()
    except ValidationError as error:
        problems = []
        for problem in error.errors():
            name = ".".join(map(str, problem["loc"]))
            if not name:  # of several settings, which the message names itself; its input is all of them
                problems.append(problem["msg"].removeprefix("Value error, "))
                continue
            if problem["type"] == "extra_forbidden":
                problems.append(f"{name} is no setting; remove it, or correct its spelling")
                continue
            value = shown(name, problem.get("input"))
            problems.append(f"{name} is {value!r}: {problem['msg']}; set RETENTION_{name.upper()}")
        raise ConfigError("\n".join(problems)) from error
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{file or DEFAULT_FILE} is not TOML: {error}; correct the file") from error
    except ValueError as error:
        raise ConfigError(f"{error}; set {', '.join(_settings_behind(str(error)))}".removesuffix("; set ")) from error
    return config


def as_environment(config: Config) -> dict[str, str]:
    """The variables by which another process has the same configuration, secrets included."""
    told = {}
    for name in config.model_fields_set:
        value = getattr(config, name)
        if isinstance(value, SecretStr):
            value = value.get_secret_value()
        told[f"RETENTION_{name.upper()}"] = value.isoformat() if isinstance(value, datetime) else str(value)
    return told


def _settings_behind(text: str) -> list[str]:
    """The variables of the engine settings that a message of the engine names."""
    return [
        f"RETENTION_{name.upper()}"
        for name_of_it, name in _OF_THE_ENGINE.items()
        if re.search(rf"\b{name_of_it}\b", text)
    ]
