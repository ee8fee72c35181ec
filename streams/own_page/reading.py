"""Reads what the page shows of one customer, with what they have just said laid over what the engine has applied."""

from __future__ import annotations

import asyncio
import logging
import time
from collections import OrderedDict
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Final, NamedTuple, Protocol

from models.customer.consent import CONVERSATION
from models.customer.layout import ERASED
from models.customer.profile import take_in, tells
from models.customer.record import Record, unpack
from models.customer.tail import Tail, UnknownRecord
from models.decisions.policy.in_force import PolicyInForce
from models.decisions.rewards import code_of
from models.settings import EngineSettings
from models.timeline.partitioning import partition_of
from models.touchpoints import Kind, Touch
from streams.errors import EngineError, StateUnreadable
from streams.operations.access.places import Told
from streams.operations.policy import shard_now
from streams.own_page.wishes import NOT_QUIET, PURPOSES, Options
from streams.shard.meta import settings_in_force
from streams.store import Store

ANSWER_S: Final = 3.0
"""A page waits so long for what Kafka says of its topics."""
FRESH_S: Final = 60.0
"""What it said serves every page for so long."""
MOST_KEPT: Final = 20_000
"""Customers whose last words are laid over; of others the page shows what the engine has applied."""

logger = logging.getLogger(__name__)


class Known(NamedTuple):
    """A customer as the page shows them.

    record: None: there is none. tail, flags: of the record, with what they have just said. pending: whether the engine
    has yet to apply something of it. policy: in force. settings: of the shard. time: its log time, ms.
    """

    record: Record | None = None
    tail: Tail = Tail()
    flags: int = 0
    pending: bool = False
    policy: PolicyInForce | None = None
    settings: EngineSettings | None = None
    time: int = 0

    @property
    def zone(self) -> str:
        """By whose clocks times are told: the customer's, else those of the policy."""
        return self.tail.time_zone or (self.policy.policy.zone if self.policy is not None else None) or ""

    @property
    def options(self) -> Options:
        """What there is to choose from."""
        return Options() if self.policy is None else options_of(self.policy)


class Source(Protocol):
    """Where pages read.

    Implemented by Reading. All raise EngineError, with a remedy, where a service does not answer."""

    async def known(self, customer: str) -> Known:
        """One customer."""

    async def places(self, known: Known, language: int) -> list[Told]:
        """Where something of them lies, and until when; empty: that is not known. language: `places.ENGLISH` or
        `GERMAN`."""

    def said(self, touch: Touch, offset: int) -> None:
        """They have just said this, which is in the log at that offset of their partition."""


class Reading:
    """store: opens the application's store. partitions: of the touchpoints. places: where something of a customer lies,
    by the settings of their shard and in a language (`places_of`); asks Kafka."""

    def __init__(
        self,
        store: Callable[[], AbstractAsyncContextManager[Store]],
        partitions: int,
        places: Callable[[EngineSettings | None, int], list[Told]],
    ) -> None:
        self._store, self._partitions, self._places, self._over = store, partitions, places, Over()
        self._told: dict[int, tuple[float, list[Told]]] = {}
        self._asking: dict[int, asyncio.Task[list[Told]]] = {}

    async def known(self, customer: str) -> Known:
        partition = partition_of(customer, self._partitions)
        async with self._store() as store:
            now = await shard_now(store, str(partition))  # before the record, which may be newer and never older
            [stored] = await store.load(str(partition), [b"c:" + customer.encode()])
        try:
            record = None if stored is None else unpack(customer.encode(), stored)
        except UnknownRecord as error:
            raise StateUnreadable(f"the record of a customer in partition {partition} can't be read") from error
        if now is None:
            return self._over.laid(customer, Known(), 0)
        settings = settings_in_force(str(partition), now.body)
        known = Known(record, Tail(), 0, False, now.policy, settings, now.body.state.time)
        if record is not None:
            known = known._replace(tail=record.tail, flags=record.flags)
        return self._over.laid(customer, known, now.body.state.next_offset)

    async def places(self, known: Known, language: int) -> list[Told]:
        """As of a minute ago at most, while Kafka answers within `ANSWER_S`; else as last known."""
        since, told = self._told.get(language, (-FRESH_S, []))
        if time.monotonic() - since <= FRESH_S:
            return told
        if (asking := self._asking.get(language)) is None:  # one question, however many pages wait for its answer
            asking = self._asking[language] = asyncio.create_task(self._ask(known.settings, language))
        try:
            return await asyncio.wait_for(asyncio.shield(asking), ANSWER_S)
        except TimeoutError:
            logger.warning("until when topics are kept is told as last known: no answer in %.0f s", ANSWER_S)
            self._told[language] = time.monotonic(), told
            return told

    async def _ask(self, settings: EngineSettings | None, language: int) -> list[Told]:
        _, told = self._told.get(language, (0.0, []))
        try:
            told = await asyncio.to_thread(self._places, settings, language)
        except EngineError as error:
            logger.warning("until when topics are kept is told as last known: %s", error)
        finally:
            del self._asking[language]
        self._told[language] = time.monotonic(), told
        return told

    def said(self, touch: Touch, offset: int) -> None:
        self._over.add(touch, offset)


class _Changing:
    """What `take_in` changes."""

    def __init__(self, known: Known) -> None:
        self.flags, self.tail = known.flags, known.tail


class Over:
    """The last words of customers, until the engine has applied them."""

    def __init__(self) -> None:
        self._words: OrderedDict[str, list[tuple[int, Touch]]] = OrderedDict()

    def add(self, touch: Touch, offset: int) -> None:
        self._words.setdefault(touch.customer, []).append((offset, touch))
        self._words.move_to_end(touch.customer)
        if len(self._words) > MOST_KEPT:
            self._words.popitem(last=False)

    def laid(self, customer: str, known: Known, next_offset: int) -> Known:
        """With what the engine has not applied yet. next_offset: the first record of theirs that it has not."""
        left = [(offset, touch) for offset, touch in self._words.pop(customer, ()) if offset >= next_offset]
        if not left:
            return known
        self._words[customer] = left
        changing = _Changing(known)
        for _, touch in left:
            if touch.kind == Kind.ERASE_REQUESTED:
                changing.flags |= ERASED
            elif tells(touch.kind, touch.data) and not changing.flags & ERASED:
                take_in(changing, touch.kind, touch.time, touch.data, False, max(known.time, touch.time))
        return known._replace(tail=changing.tail, flags=changing.flags, pending=True)


def options_of(policy: PolicyInForce) -> Options:
    """Channels, topics and rewards that the policy's actions and its catalogue know, and conversations where it goes by
    them."""
    actions = policy.policy.action.values()
    rewards = [one for action in actions if isinstance(one := action.parameters.get("reward"), str)]
    rewards += [code_of(name, one) for name, one in policy.policy.reward.items()]
    topics = [action.topic for action in actions if action.topic is not None]
    purposes = [one for one in PURPOSES if one != CONVERSATION or policy.policy.conversation is not None]
    quiet = policy.policy.contact.quiet_hours
    channels, topics, rewards = (list(dict.fromkeys(names)) for names in (policy.policy.channel, topics, rewards))
    hours = NOT_QUIET if quiet is None else (quiet.start, quiet.end)
    return Options(tuple(channels), tuple(topics), tuple(rewards), tuple(purposes), hours)
