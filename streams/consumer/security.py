"""Translates the Kafka connection settings to Faust's: broker URLs and credentials."""

from __future__ import annotations

from typing import Any

from faust.auth import OAuthCredentials, SASLCredentials, SSLCredentials
from faust.types.auth import CredentialsT, SASLMechanism

from streams.kafka.security import KafkaConnection
from streams.kafka.tokens import AsyncTokens


def broker_settings(connection: KafkaConnection) -> dict[str, Any]:
    """The settings of a Faust app that say where Kafka is and who we are."""
    brokers = [f"kafka://{server}" for server in connection.servers]
    return {"broker": brokers, "broker_credentials": _credentials(connection)}


def _credentials(connection: KafkaConnection) -> CredentialsT | None:
    context = connection.tls.context() if connection.encrypted else None
    if not connection.authenticates:
        return SSLCredentials(context) if context is not None else None
    if connection.by_token:
        return OAuthCredentials(oauth_cb=AsyncTokens(connection.tokens), ssl_context=context)
    return SASLCredentials(
        username=connection.user,
        password=connection.password,
        ssl_context=context,
        mechanism=SASLMechanism(connection.mechanism),
    )
