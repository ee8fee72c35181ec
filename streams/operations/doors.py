"""The engine's own doors into the touchpoints log, for questions that a shard answers from its commit."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

import msgspec
from aiohttp import web
from aiokafka.errors import KafkaError

from streams.errors import EngineError
from streams.kafka.clients import async_producer
from streams.kafka.security import KafkaConnection
from streams.operations.may_contact import (
    Answer,
    NotAnswered,
    NotAsked,
    NothingDecides,
    Question,
    may_contact,
    question_of,
    reserve,
)
from streams.routes import Route, data
from streams.store import Store, StoreUnavailable

logger = logging.getLogger(__name__)
SEND_S = 5.0


class NotWritten(EngineError):
    """Kafka did not take the record of a question."""

    remedy = "ask again with the same id: nothing is reserved twice"


class Door:
    """Writes records into single partitions of the touchpoints log. The connection is made with the first."""

    def __init__(self, connection: KafkaConnection, topic: str) -> None:
        self._connection, self._topic = connection, topic
        self._producer: Any = None
        self._making = asyncio.Lock()

    async def send(self, partition: int, key: bytes, value: bytes, at: int) -> int:
        """The offset of the record, once it stands. Raises NotWritten."""
        try:
            async with asyncio.timeout(SEND_S):
                producer = await self._made()
                sent = await producer.send_and_wait(self._topic, value, key=key, partition=partition, timestamp_ms=at)
        except (KafkaError, OSError, TimeoutError) as error:
            raise NotWritten(f"{self._topic}, partition {partition}: {error!r}") from error
        return int(sent.offset)

    async def _made(self) -> Any:
        async with self._making:
            if self._producer is None:
                producer = async_producer(self._connection, linger_ms=0)
                await producer.start()
                self._producer = producer
            return self._producer

    async def close(self) -> None:
        """Let go of the connection; does nothing where there is none."""
        producer, self._producer = self._producer, None
        if producer is not None:
            await producer.stop()


class Questions:
    """`POST /may-contact` of a worker: any worker answers for any customer."""

    def __init__(self, store: Store, partitions: int, door: Door) -> None:
        self._store, self._partitions, self._door = store, partitions, door

    @property
    def routes(self) -> tuple[Route, ...]:
        answers = {
            200: data("the answer of the gates", "MayContact"),
            400: data("the question is none", "Error"),
            409: data("no policy is in force", "Error"),
            503: data("Redis or Kafka does not answer", "Error"),
            504: data("the shard has not come to it in time: ask again with the same id", "Error"),
        }
        about = "Whether another sender may contact a customer now; with `reserve`, the contact is kept for them."
        return (Route("POST", "/may-contact", self._may_contact, about, answers, takes="MayContactQuestion"),)

    async def answer(self, question: Question) -> Answer:
        """Raises as `reserve`."""
        if question.reserve:
            return await reserve(self._store, self._partitions, question, self._door.send)
        return await may_contact(self._store, self._partitions, question)

    async def _may_contact(self, request: web.Request) -> web.Response:
        try:
            question = question_of(await request.read())
            return _json((await self.answer(question)).data(question), 200)
        except NotAsked as error:
            return _refused(error, 400)
        except NothingDecides as error:
            return _refused(error, 409)
        except NotAnswered as error:
            return _refused(error, 504)
        except (EngineError, StoreUnavailable) as error:
            logger.warning("may-contact: %s", error)
            return _refused(error, 503)


def _refused(error: Exception, status: int) -> web.Response:
    told = {"error": str(error).partition(" | remedy: ")[0], "remedy": getattr(error, "remedy", None)}
    return _json(told, status)


def _json(body: dict[str, Any], status: int) -> web.Response:
    return web.Response(body=msgspec.json.encode(body), status=status, content_type="application/json")
