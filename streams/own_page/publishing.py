"""Publishes what customers say, as any upstream service does: a thread of its own around `TouchpointPublisher`."""

from __future__ import annotations

import asyncio
import logging
import queue
import threading
from collections.abc import Sequence
from concurrent.futures import Future
from types import TracebackType
from typing import Final, NamedTuple, Protocol, Self

from streams.client.delivery import Outcome, Sent
from streams.client.publisher import TouchpointPublisher
from streams.config import Config
from streams.errors import EngineError
from streams.kafka.security import kafka_connection

DELIVERED_WITHIN_S: Final = 8.0
MOST_AT_ONCE: Final = 500
ANSWER_S: Final = 3 * DELIVERED_WITHIN_S
"""Whoever waits behind others waits so long."""

logger = logging.getLogger(__name__)


class NotTaken(EngineError):
    """Kafka did not confirm what a customer said; it may be there all the same. Saying it again does it once."""

    remedy = "look whether Kafka answers (`retention doctor`), and whether the page has its rights (docs/security.md)"


class Publisher(Protocol):
    """Where touchpoints go.

    Implemented by Publishing."""

    async def publish_all(self, touchpoints: Sequence[bytes]) -> int:
        """Once Kafka has all of them, which are of one customer: the last one's offset. Raises NotTaken."""

    @property
    def runs(self) -> bool:
        """Whether anything can be published, as far as it is ours."""


class _Asked(NamedTuple):
    touchpoints: Sequence[bytes]
    answer: Future[int]


class Publishing:
    """A context manager. What several customers say at one time goes out together."""

    def __init__(self, config: Config) -> None:
        self._config = config
        self._waiting: queue.SimpleQueue[_Asked | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="own-page-publisher", daemon=True)
        self._publisher: TouchpointPublisher | None = None
        self._outcomes: dict[int, Outcome] = {}

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._waiting.put(None)
        self._thread.join(3 * DELIVERED_WITHIN_S)

    async def publish_all(self, touchpoints: Sequence[bytes]) -> int:
        if not self.runs:
            raise NotTaken("what publishes has ended; start the page again")
        answer: Future[int] = Future()
        self._waiting.put(_Asked(touchpoints, answer))
        try:
            return await asyncio.wait_for(asyncio.wrap_future(answer), ANSWER_S)
        except TimeoutError:
            raise NotTaken("it was not confirmed in time") from None

    @property
    def runs(self) -> bool:
        return self._thread.is_alive()

    # -- in the thread

    def _run(self) -> None:
        running = True
        while running:
            taken = [self._waiting.get()]
            while len(taken) < MOST_AT_ONCE and not self._waiting.empty():
                taken.append(self._waiting.get())
            running = None not in taken
            # Whoever waits no longer is not asked for; from here on nobody can stop waiting.
            asked = [one for one in taken if one is not None and one.answer.set_running_or_notify_cancel()]
            if asked:
                self._try(asked)
        self._close()

    def _try(self, asked: Sequence[_Asked]) -> None:
        """Whatever a client's library raises, each gets an answer, and the next ones a new connection."""
        try:
            self._send(asked)
        except Exception as error:
            logger.exception("what customers said could not be published")
            for one in asked:
                if not one.answer.done():
                    one.answer.set_exception(NotTaken(f"{type(error).__name__}: {error}"))
            self._close()

    def _send(self, asked: Sequence[_Asked]) -> None:
        """All of it at once; what is not confirmed in time is not taken, and the next ones get a new connection."""
        self._outcomes, fault, line = {}, "it was not confirmed in time", 0
        numbered = []
        for one in asked:
            numbered.append((range(line, line + len(one.touchpoints)), one.answer))
            line += len(one.touchpoints)
        try:
            publisher = self._opened()
            for number, value in enumerate(value for one in asked for value in one.touchpoints):
                publisher.publish(value, line=number)
            publisher.flush(DELIVERED_WITHIN_S)
        except (EngineError, ValueError) as error:
            fault = str(error)
        for numbers, answer in numbered:
            outcomes = [self._outcomes.get(number) for number in numbers]
            sent = [one.offset for one in outcomes if isinstance(one, Sent)]
            if len(sent) == len(outcomes):
                answer.set_result(sent[-1])
            else:
                told = next((str(one) for one in outcomes if one is not None and not isinstance(one, Sent)), fault)
                answer.set_exception(NotTaken(told))
        if len(self._outcomes) < line or not all(isinstance(one, Sent) for one in self._outcomes.values()):
            self._close()

    def _opened(self) -> TouchpointPublisher:
        if self._publisher is None:
            self._publisher = TouchpointPublisher(
                kafka_connection(self._config),
                self._config.topic("touchpoints"),
                on_outcome=self._heard,
                delivery_timeout_s=DELIVERED_WITHIN_S,
            )
        return self._publisher

    def _heard(self, outcome: Outcome) -> None:
        self._outcomes[outcome.line] = outcome

    def _close(self) -> None:
        publisher, self._publisher = self._publisher, None
        try:
            if publisher is not None:
                publisher.close(0.0)
        except Exception:
            logger.exception("a connection to Kafka could not be closed")
