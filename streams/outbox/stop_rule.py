"""What of an outbox is stopped: judged by the flag, read a moment before, and by what the shard itself knows."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Final

import msgspec

from models.outputs import Unsent, encode, output_id
from models.timeline.stop_types import MARKETING, Stops, purpose_of
from models.timeline.stops import joined
from streams.errors import EngineError
from streams.outbox.entry import Entry
from streams.retry import Unavailable

logger = logging.getLogger(__name__)

FRESH_S: Final = 0.5
"""So old the flag may be when a transaction begins that was read for another shard."""
ANSWER_S: Final = 1.0
"""After this long without an answer the flag counts as unreadable."""
UNREADABLE_S: Final = 5.0
"""So long a transaction with marketing in it waits for the flag; then its marketing is not sent."""
LOOK_AGAIN_S: Final = 0.25
STOPPED: Final = "stopped"
_MARKER: Final = b'{"type":"unsent"'
ReadFlag = Callable[[], Awaitable[Stops]]


class Told(msgspec.Struct, gc=False):
    """Of a trigger's value, what selectors ask for."""

    customer: str = ""
    action: str = ""
    purpose: str = ""
    kind: str = ""
    country: str = ""


_told = msgspec.json.Decoder(Told).decode


class StopWatch:
    """What is stopped now, for all shards of a worker. read: the flag."""

    def __init__(self, read: ReadFlag, clock: Callable[[], float] = time.monotonic) -> None:
        self._read, self._clock = read, clock
        self._at: float | None = None
        self._failed: float | None = None
        self._asking = asyncio.Lock()
        self.stops = Stops()
        """As it was read last."""

    async def now(self) -> Stops | None:
        """The flag, `FRESH_S` old at most; None: it cannot be read."""
        async with self._asking:
            asked = self._clock()
            if self._at is not None and asked - self._at < FRESH_S:
                return self.stops
            if self._failed is not None and asked - self._failed < FRESH_S:
                return None  # or the shards would wait one after the other
            try:
                async with asyncio.timeout(ANSWER_S):
                    self.stops = await self._read()
            except (Unavailable, EngineError, TimeoutError) as error:
                logger.warning("the flag of what is stopped cannot be read: %s", str(error) or "no answer in time")
                self._at, self._failed = None, self._clock()
                return None
            self._at, self._failed = asked, None
            return self.stops


class StopRule:
    """Which triggers of one shard must not be sent.

    Args:
        flag: what the flag says is stopped, None where it cannot be read. None: there is no flag.
        on_outage: told each time that it cannot be read.
    """

    def __init__(self, flag: Callable[[], Awaitable[Stops | None]] | None, on_outage: Callable[[str], None]) -> None:
        self._flag, self._on_outage = flag, on_outage

    async def now(self, triggers: Sequence[Entry], known: Stops) -> Stops | None:
        """What is stopped, before these triggers are sent. None: nobody knows, and marketing has waited long enough.

        known: what the shard itself knows to be stopped.
        """
        if not triggers or self._flag is None:
            return known
        until = time.monotonic() + UNREADABLE_S
        while (flag := await self._flag()) is None:
            if time.monotonic() > until or not any(map(is_marketing, triggers)):
                return None
            self._on_outage("reading what is stopped")
            await asyncio.sleep(LOOK_AGAIN_S)
        return joined(flag, known)

    def holds(self, entry: Entry, stops: Stops | None, known: Stops) -> bool:
        """Whether a trigger must not be sent. stops: of `now`; where nobody knows, marketing is not sent."""
        if stops is None:
            return is_marketing(entry) or is_stopped(entry, known)
        return is_stopped(entry, stops)


def is_marketing(entry: Entry) -> bool:
    """Whether a trigger is; one that says nothing that can be read counts as such."""
    told = _of(entry)
    return told is None or purpose_of(told.purpose, told.action) == MARKETING


def is_stopped(entry: Entry, stops: Stops) -> bool:
    """Whether a trigger must not be sent now."""
    if not stops.standing:
        return False
    told = _of(entry)
    if told is None:
        return True
    purpose = purpose_of(told.purpose, told.action)
    return stops.fitting(purpose, told.action, told.country, told.kind) is not None


def unsent(entry: Entry, now: int) -> Entry:
    """What stands in a stopped trigger's place on its topic, with its sequence number: so that whoever owns the shard
    next sees that the trigger was dealt with, and does not send it. now: ms since the epoch."""
    marker = Unsent(output_id("unsent", entry.id), entry.key.decode(), entry.id, STOPPED, now)
    return msgspec.structs.replace(entry, value=encode(marker), time=now, expires_at=0)


def is_marker(value: bytes) -> bool:
    """Whether a record of the triggers topic is one of `unsent`."""
    return value.startswith(_MARKER)


def _of(entry: Entry) -> Told | None:
    try:
        return _told(entry.value)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
