"""Retries with exponential back-off while a service is unavailable, and the base class of the errors that mean it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import TypeVar

logger = logging.getLogger(__name__)

FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.05, 2.0
"""A failover takes seconds: the first tries come close together, the later ones do not load what is coming up again."""
T = TypeVar("T")


class Unavailable(Exception):
    """What passes by itself or by an operator's hand, without anything having been written twice: worth waiting for.

    Base of every such error of Redis and Kafka. An answer that stays the same however often it is asked for (wrong
    credentials, a right that is lacking) is none of them.
    """


def ignore(detail: str) -> None:
    """A listener that does nothing."""


class Backoff:
    """The pauses between tries: the first, then each `growth` times the one before, up to the longest. Seconds."""

    def __init__(self, first_s: float | None = None, longest_s: float | None = None, growth: float = 2.0) -> None:
        """first_s, longest_s: None for those of this module."""
        self._first_s = FIRST_PAUSE_S if first_s is None else first_s
        self._longest_s = LONGEST_PAUSE_S if longest_s is None else longest_s
        self._growth = growth
        self.pause_s = self._first_s
        """The next pause."""

    async def pause(self) -> None:
        """Sleep; the next pause is longer."""
        pause_s, self.pause_s = self.pause_s, min(self._growth * self.pause_s, self._longest_s)
        await asyncio.sleep(pause_s)

    def reset(self) -> None:
        """A try succeeded: the next pause is the first again."""
        self.pause_s = self._first_s


async def retry_while_unavailable(what: str, call: Callable[[], Awaitable[T]], on_outage: Callable[[str], None]) -> T:
    """Repeat a call that raises Unavailable: an outage pauses, it never crashes the worker nor loses anything.

    what: names the call in the log. on_outage: called with a text after each failed try.
    """
    backoff = Backoff()
    while True:
        try:
            return await call()
        except Unavailable as error:
            logger.warning("%s: %s; again in %.2f s", what, str(error) or repr(error), backoff.pause_s)
            on_outage(f"{what}: {error}")
        await backoff.pause()
