"""Kafka connection settings: brokers, TLS and SASL, as arguments of kafka-python and aiokafka.

Each client library has its own names for them; only this module knows those (for Faust, streams/consumer/security.py).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from streams.config import Config, load
from streams.kafka.tokens import AsyncTokens, BlockingTokens, TokenSource
from streams.security.settings import OAUTHBEARER, KafkaSecurity
from streams.security.tls import Tls

PLAINTEXT, SSL, SASL_PLAINTEXT, SASL_SSL = "PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"


@dataclass(frozen=True, slots=True)
class KafkaConnection:
    """Where the brokers are, and the security of the connection.

    bootstrap_servers: host:port,host:port. protocol: PLAINTEXT, SSL, SASL_PLAINTEXT or SASL_SSL.
    mechanism: PLAIN, SCRAM-SHA-256, SCRAM-SHA-512 or OAUTHBEARER, with SASL. password is never shown.
    """

    bootstrap_servers: str
    protocol: str = PLAINTEXT
    mechanism: str = ""
    user: str = ""
    password: str = field(default="", repr=False)
    tokens: TokenSource = field(default_factory=TokenSource, repr=False)
    tls: Tls = field(default_factory=Tls)

    @property
    def servers(self) -> list[str]:
        return [server.strip() for server in self.bootstrap_servers.split(",")]

    @property
    def encrypted(self) -> bool:
        return self.protocol in (SSL, SASL_SSL)

    @property
    def authenticates(self) -> bool:
        """Whether it says who we are by SASL; a client certificate may say it too."""
        return self.protocol in (SASL_PLAINTEXT, SASL_SSL)

    @property
    def by_token(self) -> bool:
        """Whether it says who we are by a token in place of a password."""
        return self.authenticates and self.mechanism == OAUTHBEARER

    @property
    def principal(self) -> str:
        """Who we are to the brokers, as far as we know: they may map names to others."""
        if self.authenticates:
            return "the token's principal" if self.by_token else f"User:{self.user}"
        if self.encrypted and self.tls.certificate_file:
            return f"the principal of {self.tls.certificate_file}"
        return "User:ANONYMOUS"

    def kafka_python(self) -> dict[str, Any]:
        """Keyword arguments for kafka-python's clients."""
        given: dict[str, Any] = {"bootstrap_servers": self.servers, **self._common()}
        if self.by_token:
            given["sasl_oauth_token_provider"] = BlockingTokens(self.tokens)
        return given

    def aiokafka(self) -> dict[str, Any]:
        """Keyword arguments for aiokafka's clients."""
        given: dict[str, Any] = {"bootstrap_servers": self.servers, **self._common()}
        if self.by_token:
            given["sasl_oauth_token_provider"] = AsyncTokens(self.tokens)
        return given

    def _common(self) -> dict[str, Any]:
        given: dict[str, Any] = {"security_protocol": self.protocol}
        if self.encrypted:
            given["ssl_context"] = self.tls.context()
        if self.authenticates:
            given["sasl_mechanism"] = self.mechanism
            if not self.by_token:
                given |= {"sasl_plain_username": self.user, "sasl_plain_password": self.password}
        return given


def secured(bootstrap_servers: str, security: KafkaSecurity) -> KafkaConnection:
    """The connection that the settings describe. Raises ValueError for a file that can't be used any more."""
    return KafkaConnection(
        bootstrap_servers,
        security.kafka_security_protocol,
        security.kafka_sasl_mechanism,
        security.kafka_user,
        security.kafka_secret(),
        TokenSource(security.kafka_token_file, security.kafka_token_command),
        security.kafka_tls(),
    )


def connection_from_environment() -> KafkaConnection:
    """As the engine would reach Kafka from here: RETENTION_BOOTSTRAP_SERVERS, RETENTION_KAFKA_... or retention.toml.

    Raises ConfigError.
    """
    return kafka_connection(load())


def kafka_connection(config: Config) -> KafkaConnection:
    """How this configuration reaches Kafka."""
    return secured(config.bootstrap_servers, config)
