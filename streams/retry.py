"""What is worth waiting for, and how long to pause between two tries."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import TypeVar

logger = logging.getLogger(__name__)

FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.05, 2.0
T = TypeVar("T")


class Unavailable(Exception):
    """What passes by itself or by an operator's hand, without anything having been written twice: worth waiting for.

    Base of every such error of Redis and Kafka. An answer that stays the same however often it is asked for (wrong
    credentials, a right that is lacking) is none of them.
    """


def ignore(detail: str) -> None:
    """A listener that does nothing."""


async def retry_while_unavailable(what: str, call: Callable[[], Awaitable[T]], on_outage: Callable[[str], None]) -> T:
    """Repeat a call that raises Unavailable: an outage pauses, it never crashes the worker nor loses anything.

    what: names the call in the log. on_outage: called with a text after each failed try.
    """
    pause = FIRST_PAUSE_S
    while True:
        try:
            return await call()
        except Unavailable as error:
            logger.warning("%s: %s; again in %.2f s", what, str(error) or repr(error), pause)
            on_outage(f"{what}: {error}")
        await asyncio.sleep(pause)
        pause = min(2 * pause, LONGEST_PAUSE_S)
