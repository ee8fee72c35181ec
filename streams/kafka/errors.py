"""Kafka errors of both client libraries, translated: unavailable (wait), fenced, refused, topic missing or different.

Two client libraries are in use, each with its own errors. They are translated where the library is called, so that
callers know only the names below, and those of streams/kafka/access.py.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

from aiokafka.errors import KafkaError as AiokafkaError
from kafka.errors import KafkaError, UnsupportedCodecError

from streams.errors import EngineError, ExitCode
from streams.kafka.access import BrokerRefused, access_fault, access_refused, refusal
from streams.kafka.security import KafkaConnection
from streams.retry import Unavailable

CONNECT_TIMEOUT_MS = 5_000

_CALL_FAILED = (AiokafkaError, KafkaError, ConnectionError, TimeoutError)


class KafkaUnavailable(Unavailable):
    """Kafka did not answer in time, or not as asked: what was sent may or may not be public."""


class PublisherSlow(KafkaUnavailable):
    """A transaction did not get through before its timeout: the next one has to be smaller."""


class ProducerFenced(Exception):
    """A newer owner of the shard has started its publisher: this one may never publish again."""


class BrokerUnreachable(EngineError, Unavailable):
    """No Kafka broker answers."""

    remedy = "start Kafka, or name another with --bootstrap-servers or RETENTION_BOOTSTRAP_SERVERS"


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


async def translated(
    error: BaseException, connection: KafkaConnection, doing: str, operation: str = ""
) -> KafkaUnavailable | BrokerRefused:
    """What `error`, raised by a Kafka client while `doing`, means. operation: of Kafka's ACLs, which `doing` takes."""
    return await refusal(error, connection, doing, operation) or KafkaUnavailable(f"{doing} raised {error!r}")


@asynccontextmanager
async def kafka_call(connection: KafkaConnection, doing: str, operation: str = "") -> AsyncIterator[None]:
    """Around calls of a Kafka client that may be repeated. Raises KafkaUnavailable; BrokerRefused for rights and
    credentials."""
    try:
        yield
    except _CALL_FAILED as error:
        raise await translated(error, connection, doing, operation) from error


@contextmanager
def kafka_named(connection: KafkaConnection, doing: str, operation: str = "") -> Iterator[None]:
    """Around calls of kafka-python: its errors under names of ours, with the address. operation: of Kafka's ACLs, which
    `doing` takes.

    Raises BrokerUnreachable, CodecMissing; BrokerRefused, which is one of streams/kafka/access.py where it is about
    access.
    """
    try:
        yield
    except UnsupportedCodecError as error:  # never sent by a broker: kafka-python could not unpack what it got
        raise CodecMissing(f"Kafka at {connection.bootstrap_servers}, {doing}: {error}") from error
    except KafkaError as error:
        if refused := access_refused(error, connection, doing, operation):
            raise refused from error
        text = str(error) or type(error).__name__
        where = f"Kafka at {connection.bootstrap_servers}"
        if error.retriable:
            # kafka-python tries again whatever the reason, and names none in the end.
            if refused := access_fault(connection):
                raise refused from error
            raise BrokerUnreachable(f"{where} does not answer ({doing}: {text})") from error
        raise BrokerRefused(f"{where}, {doing}: {text}") from error
