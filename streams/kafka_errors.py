"""Kafka's errors under names of ours: unavailable (wait), fenced, refused, and topics that are not as they must be.

Two client libraries are in use, each with its own errors. They are translated where the library is called, so that
callers know only the names below.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from aiokafka import errors as aiokafka_errors
from kafka import errors as kafka_errors
from kafka.errors import KafkaError, UnsupportedCodecError

from streams.errors import EngineError, ExitCode
from streams.retry import Unavailable

CONNECT_TIMEOUT_MS = 5_000

_CALL_FAILED = (aiokafka_errors.KafkaError, KafkaError, ConnectionError, TimeoutError)
_FORBIDDEN = (
    aiokafka_errors.AuthenticationFailedError,
    aiokafka_errors.AuthenticationMethodNotSupported,
    aiokafka_errors.ClusterAuthorizationFailedError,
    aiokafka_errors.GroupAuthorizationFailedError,
    aiokafka_errors.IllegalSaslStateError,
    aiokafka_errors.SaslAuthenticationFailed,
    aiokafka_errors.SecurityDisabled,
    aiokafka_errors.TopicAuthorizationFailedError,
    aiokafka_errors.TransactionalIdAuthorizationFailed,
    aiokafka_errors.UnsupportedSaslMechanismError,
    kafka_errors.AuthorizationError,
    kafka_errors.IllegalSaslStateError,
    kafka_errors.SaslAuthenticationFailedError,
    kafka_errors.SecurityDisabledError,
    kafka_errors.UnsupportedSaslMechanismError,
)
"""Credentials and rights: they do not become right by waiting."""


class KafkaUnavailable(Unavailable):
    """Kafka did not answer in time, or not as asked: what was sent may or may not be public."""


class PublisherSlow(KafkaUnavailable):
    """A transaction did not get through before its timeout: the next one has to be smaller."""


class ProducerFenced(Exception):
    """A newer owner of the shard has started its publisher: this one may never publish again."""


class BrokerUnreachable(EngineError, Unavailable):
    """No Kafka broker answers."""

    remedy = "start Kafka, or name another with --bootstrap-servers or RETENTION_BOOTSTRAP_SERVERS"


class BrokerRefused(EngineError):
    """Kafka answered, but not as asked."""

    remedy = "see Kafka's answer above; permissions, quotas and topic settings are the usual reasons"


class CodecMissing(EngineError):
    """Records are compressed with a codec for which this installation has no library."""

    remedy = (
        "install from requirements.lock, which has the libraries of all codecs: python-snappy for snappy, lz4 for lz4, "
        "zstandard for zstd"
    )


class TopicMissing(EngineError):
    """A topic of the engine does not exist."""

    code = ExitCode.TOPIC_UNFIT
    remedy = "create the topics with `retention topics create`, or correct RETENTION_TOPIC_PREFIX"


class TopicDiffers(EngineError):
    """An existing topic is not what the configuration asks for."""

    remedy = (
        "correct the configuration to match the topics (partitions, replication, mode), change a topic's settings with "
        "kafka-configs.sh, or use another RETENTION_TOPIC_PREFIX; a partition count can't be changed afterwards"
    )


def translated(error: BaseException, doing: str) -> KafkaUnavailable | BrokerRefused:
    """What `error`, raised by a Kafka client while `doing`, means. aiokafka may wrap what its own tasks raised."""
    for cause in (error, error.__cause__):
        if isinstance(cause, _FORBIDDEN):
            return BrokerRefused(f"{doing}: {str(cause) or type(cause).__name__}")
    return KafkaUnavailable(f"{doing} raised {error!r}")


@contextmanager
def kafka_call(doing: str) -> Iterator[None]:
    """Around calls of a Kafka client that may be repeated. Raises KafkaUnavailable; BrokerRefused for rights and
    credentials."""
    try:
        yield
    except _CALL_FAILED as error:
        raise translated(error, doing) from error


@contextmanager
def kafka_named(bootstrap_servers: str, doing: str) -> Iterator[None]:
    """Around calls of kafka-python: its errors as BrokerUnreachable or BrokerRefused, with the address."""
    try:
        yield
    except UnsupportedCodecError as error:  # never sent by a broker: kafka-python could not unpack what it got
        raise CodecMissing(f"Kafka at {bootstrap_servers}, {doing}: {error}") from error
    except KafkaError as error:
        text = str(error) or type(error).__name__
        if error.retriable:
            raise BrokerUnreachable(f"Kafka at {bootstrap_servers} does not answer ({doing}: {text})") from error
        raise BrokerRefused(f"Kafka at {bootstrap_servers}, {doing}: {text}") from error
