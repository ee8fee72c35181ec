"""Finds out whether a broker supports transactions, and lists the errors by which one without them answers."""

from __future__ import annotations

import asyncio

from aiokafka.errors import IncompatibleBrokerVersion, KafkaError, UnknownError, UnsupportedVersionError

from streams.kafka.clients import async_producer
from streams.kafka.errors import translated
from streams.kafka.security import KafkaConnection

REFUSALS = (UnknownError, UnsupportedVersionError, IncompatibleBrokerVersion)
"""How a broker that does not know transactions answers InitProducerId (the embedded one: 'unknown error')."""
FAILURES = (KafkaError, OSError, TimeoutError, AssertionError)
"""AssertionError: aiokafka's transaction manager asserts its state, which a failed sender task changes under us."""


async def supports_transactions(connection: KafkaConnection, transactional_id: str, *, timeout_s: float = 20.0) -> bool:
    """Ask the broker for a producer id for `transactional_id` (one used for nothing else).

    False only when it answers that it cannot; KafkaUnavailable when it does not answer, so that a slow broker is
    never taken for one without transactions. BrokerRefused where credentials or a right is lacking.
    """
    for last in (False, False, True):  # 'unknown error' may also be a passing failure of a real broker
        producer = async_producer(connection, transactional_id=transactional_id)
        try:
            async with asyncio.timeout(timeout_s):
                await producer.start()
            return True
        except REFUSALS:
            if last:
                return False
        except FAILURES as error:
            doing = f"asking {connection.bootstrap_servers} for transactions"
            raise await translated(error, connection, doing, "Write") from error
        finally:
            await producer.stop()
        await asyncio.sleep(0.2)
    return False
