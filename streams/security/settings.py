"""Security settings of Kafka and Redis (TLS, SASL, users, passwords), and the check that they fit together.

Secrets come from the setting or from the file that the setting beside it names (`..._FILE`), and are never shown.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, SecretStr, model_validator

from streams.security.tls import Tls

EMPTY = SecretStr("")
MECHANISMS = ("PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512", "OAUTHBEARER")
OAUTHBEARER = "OAUTHBEARER"
HIDDEN = "***"

SECRETS = (
    *("kafka_password", "kafka_key_password", "kafka_token_command"),
    *("redis_password", "redis_key_password", "redis_sentinel_password"),
    "own_page_keys",
)
"""Settings whose value is shown nowhere. A command's arguments may hold a secret."""

_SASL = ("kafka_sasl_mechanism", "kafka_user", "kafka_password", "kafka_password_file")
_TOKEN = ("kafka_token_file", "kafka_token_command")


class KafkaSecurity(BaseModel):
    """How a client and Kafka's brokers know each other."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    kafka_security_protocol: Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"] = Field(
        "PLAINTEXT", description="SSL: encrypted; SASL: with a user or a token"
    )
    kafka_sasl_mechanism: Literal["", "PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512", "OAUTHBEARER"] = ""
    kafka_user: str = ""
    kafka_password: SecretStr = EMPTY
    kafka_password_file: str = ""
    kafka_token_file: str = Field("", description="OAUTHBEARER: holds the token")
    kafka_token_command: str = Field("", repr=False, description="OAUTHBEARER: prints the token")
    kafka_ca_file: str = Field("", description="authorities that are trusted, PEM; empty: the system's")
    kafka_certificate_file: str = Field("", description="our certificate, PEM")
    kafka_key_file: str = Field("", description="its key, PEM; empty: in the certificate's file")
    kafka_key_password: SecretStr = EMPTY
    kafka_key_password_file: str = ""
    kafka_check_hostname: bool = Field(True, description="a broker's certificate must name its host")

    def kafka_secret(self) -> str:
        """The password. Raises ValueError for a file that can't be used."""
        return _secret(self, "kafka_password")

    def kafka_tls(self) -> Tls:
        """Raises ValueError for a file that can't be used."""
        return _tls(self, "kafka")

    @model_validator(mode="after")
    def _kafka_fits_together(self) -> Self:
        _refuse([*_sasl_problems(self), *_doubled(self, "kafka_password", "kafka_key_password")])
        encrypts = self.kafka_security_protocol in ("SSL", "SASL_SSL")
        _check_tls(self, "kafka", None if encrypts else f"kafka_security_protocol {self.kafka_security_protocol!r}")
        self.kafka_secret()
        return self


class RedisSecurity(BaseModel):
    """How a client and Redis know each other. What `redis_url` says itself is not said again."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    redis_user: str = Field("", description="ACL user; empty: the one in redis_url, or Redis' default user")
    redis_password: SecretStr = EMPTY
    redis_password_file: str = ""
    redis_ca_file: str = Field("", description="authorities that are trusted, PEM; empty: the system's")
    redis_certificate_file: str = Field("", description="our certificate, PEM")
    redis_key_file: str = Field("", description="its key, PEM; empty: in the certificate's file")
    redis_key_password: SecretStr = EMPTY
    redis_key_password_file: str = ""
    redis_check_hostname: bool = Field(True, description="Redis' certificate must name its host")
    redis_sentinel_user: str = ""
    redis_sentinel_password: SecretStr = EMPTY
    redis_sentinel_password_file: str = ""

    def redis_secret(self) -> str:
        """The password. Raises ValueError for a file that can't be used."""
        return _secret(self, "redis_password")

    def redis_sentinel_secret(self) -> str:
        """The sentinels' password. Raises ValueError for a file that can't be used."""
        return _secret(self, "redis_sentinel_password")

    def redis_tls(self) -> Tls:
        """Raises ValueError for a file that can't be used."""
        return _tls(self, "redis")


class OwnPage(BaseModel):
    """Links to the customers' own page, and the keys that sign them (`streams.client.links`)."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    own_page_url: str = Field("", description="where customers find their own page, https://...")
    own_page_keys: SecretStr = EMPTY
    own_page_keys_file: str = Field("", description="holds ID:SECRET, the one that signs first")
    own_page_link_days: float = Field(90.0, ge=60, le=3_660, description="how long a link to the own page lives")

    def own_page_secret(self) -> str:
        """The keys as text. Raises ValueError for a file that can't be used."""
        if self.own_page_keys_file:
            return _readable("own_page_keys_file", self.own_page_keys_file)
        return self.own_page_keys.get_secret_value()

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        _refuse(list(_doubled(self, "own_page_keys")))
        return self


def check_redis(settings: RedisSecurity, scheme: str, *, url_has_password: bool, cluster: bool) -> None:
    """scheme: of the URL. Raises ValueError naming what does not fit together."""
    problems = [*_doubled(settings, "redis_password", "redis_key_password", "redis_sentinel_password")]
    password = settings.redis_password.get_secret_value() or settings.redis_password_file
    if url_has_password:
        for name in _given(settings, "redis_user", "redis_password", "redis_password_file"):
            problems.append(f"{_told(settings, name)}, and redis_url has a password of its own; leave one of them out")
    elif settings.redis_user and not password:
        needs = "needs a password; set RETENTION_REDIS_PASSWORD or RETENTION_REDIS_PASSWORD_FILE"
        problems.append(f"{_told(settings, 'redis_user')}: {needs}")
    sentinel = ("redis_sentinel_user", "redis_sentinel_password", "redis_sentinel_password_file")
    if not scheme.endswith("+sentinel"):
        for name in _given(settings, *sentinel):
            told = f"{_told(settings, name)}, and redis_url names no sentinels"
            problems.append(f"{told}; give redis+sentinel://host:port,host:port/service/db, or leave {name} out")
    if cluster and _given(settings, "redis_key_password", "redis_key_password_file"):
        problems.append(
            "redis_key_password is given, and a client of a Redis Cluster takes none; give a key without one"
        )
    _refuse(problems)
    _check_tls(settings, "redis", None if scheme.startswith("rediss") else f"redis_url {scheme}://")
    settings.redis_secret()
    settings.redis_sentinel_secret()


def _sasl_problems(settings: KafkaSecurity) -> Iterator[str]:
    protocol, mechanism = settings.kafka_security_protocol, settings.kafka_sasl_mechanism
    if protocol not in ("SASL_PLAINTEXT", "SASL_SSL"):
        for name in _given(settings, *_SASL, *_TOKEN):
            told = f"{_told(settings, name)}, and kafka_security_protocol {protocol!r} does not use it"
            yield f"{told}; set RETENTION_KAFKA_SECURITY_PROTOCOL to SASL_SSL, or leave {name} out"
    elif not mechanism:
        told = f"kafka_sasl_mechanism is '', and kafka_security_protocol {protocol!r} needs one"
        yield f"{told}; set RETENTION_KAFKA_SASL_MECHANISM to {', '.join(MECHANISMS[:-1])} or {MECHANISMS[-1]}"
    elif mechanism == OAUTHBEARER:
        for name in _given(settings, *_SASL[1:]):
            yield f"{_told(settings, name)}, and {OAUTHBEARER} does not use it; leave it out"
        if len(_given(settings, *_TOKEN)) != 1:
            told = f"kafka_sasl_mechanism is {OAUTHBEARER!r}, which takes its token from a file or from a command"
            yield f"{told}; set one of RETENTION_KAFKA_TOKEN_FILE and RETENTION_KAFKA_TOKEN_COMMAND"
        if settings.kafka_token_command and not _words(settings.kafka_token_command):
            yield "kafka_token_command is no command; correct the quotes in RETENTION_KAFKA_TOKEN_COMMAND"
    else:
        for name in _given(settings, *_TOKEN):
            yield f"{_told(settings, name)}, and {mechanism} does not use it; leave it out"
        if not settings.kafka_user:
            yield f"kafka_user is '', and {mechanism} needs a user; set RETENTION_KAFKA_USER"
        if not _given(settings, "kafka_password", "kafka_password_file"):
            told = f"kafka_password is not given, and {mechanism} needs one"
            yield f"{told}; set RETENTION_KAFKA_PASSWORD or RETENTION_KAFKA_PASSWORD_FILE"


def _words(command: str) -> list[str]:
    try:
        return shlex.split(command)
    except ValueError:
        return []


def _check_tls(settings: BaseModel, prefix: str, plain: str | None) -> None:
    """plain: what says that the connection is not encrypted, None when it is."""
    certificate, key = f"{prefix}_certificate_file", f"{prefix}_key_file"
    password = (f"{prefix}_key_password", f"{prefix}_key_password_file")
    if plain is not None:
        given = _given(settings, f"{prefix}_ca_file", certificate, key, *password)
        _refuse([f"{_told(settings, n)}, and {plain} is not encrypted; encrypt it, or leave {n} out" for n in given])
        return
    if not getattr(settings, certificate):
        given = _given(settings, key, *password)
        remedy = f"set RETENTION_{certificate.upper()}"
        _refuse([f"{_told(settings, name)}, and {certificate} is ''; {remedy}, or leave {name} out" for name in given])
    tls = _tls(settings, prefix)
    for name, file in ((f"{prefix}_ca_file", tls.ca_file), (certificate, tls.certificate_file), (key, tls.key_file)):
        if file:
            _readable(name, file)
    try:
        tls.context()
    except OSError as error:
        # OpenSSL does not say which file it means.
        names = _given(settings, f"{prefix}_ca_file", certificate, key)
        files = ", ".join(_told(settings, name) for name in names)
        remedy = "give PEM files, the key that belongs to the certificate, and the key's password where it has one"
        raise ValueError(f"{files}: can't be used ({error}); {remedy}") from error


def _tls(settings: BaseModel, prefix: str) -> Tls:
    return Tls(
        getattr(settings, f"{prefix}_ca_file"),
        getattr(settings, f"{prefix}_certificate_file"),
        getattr(settings, f"{prefix}_key_file"),
        _secret(settings, f"{prefix}_key_password"),
        getattr(settings, f"{prefix}_check_hostname"),
    )


def _secret(settings: BaseModel, name: str) -> str:
    """What the setting says, or the file that the setting beside it names. Raises ValueError."""
    value: SecretStr = getattr(settings, name)
    file: str = getattr(settings, f"{name}_file")
    if not file:
        return value.get_secret_value()
    # Editors and `echo` end a file with a line end that is no part of the secret.
    told = _readable(f"{name}_file", file).rstrip("\r\n")
    if not told or "\n" in told:
        what = "is empty" if not told else "has more than one line"
        raise ValueError(f"{name}_file is {file!r}: the file {what}; write the secret into it, and nothing else")
    return told


def _readable(name: str, file: str) -> str:
    try:
        return Path(file).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "not text"
        raise ValueError(f"{name} is {file!r}: {why}; correct RETENTION_{name.upper()}, or the file") from error


def _given(settings: BaseModel, *names: str) -> list[str]:
    return [name for name in names if getattr(settings, name) not in ("", EMPTY)]


def _doubled(settings: BaseModel, *names: str) -> Iterator[str]:
    for name in names:
        if len(_given(settings, name, f"{name}_file")) == 2:
            yield f"{name} and {name}_file are both given; leave one of them out"


def _told(settings: BaseModel, name: str) -> str:
    return f"{name} is {HIDDEN if name in SECRETS else repr(getattr(settings, name))}"


def _refuse(problems: list[str]) -> None:
    if problems:
        raise ValueError("\n".join(problems))
