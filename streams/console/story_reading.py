"""Reads one customer's story: the record, and what the topics have of them by their indices, at the same time."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

from models.customer.layout import ERASED
from models.customer.record import Record, unpack
from models.customer.tail import UnknownRecord
from models.decisions.policy.asking_types import Level
from models.settings import DAY
from models.timeline.partitioning import partition_of
from models.touchpoints import Touch as Touchpoint
from models.touchpoints import read as read_touchpoint
from models.touchpoints.kinds import Kind
from streams.config import Config
from streams.console.open_topics import OpenTopics
from streams.console.sources import Course, Story, Touch
from streams.errors import EngineError, StateUnreadable
from streams.operations.customer.forecast import CustomerForecast
from streams.operations.customer.portrait import profile_view
from streams.operations.customer.standing import standing_view
from streams.operations.customer.stored import StoredCustomer, stored_customer
from streams.operations.policy.forecast import levels_for
from streams.operations.redis_access import store_of
from streams.operations.why.indices import Indices
from streams.operations.why.outputs import outputs_of
from streams.operations.why.past import past

LOOK_BACK: Final = 365 * DAY
MOST_TOUCHES: Final = 2_000
"""Touchpoints on a time line: the newest."""
ENDS: Final = 2**62
LITTLE: Final = 5_000
"""Records of a partition that a page reads itself, in a tenth of a second, a busy machine in one; where the index lacks
more, no page waits for them."""
Past = tuple[tuple[dict[str, Any], ...], tuple[Touch, ...]]
NOTHING: Final[Past] = (), ()


class NotIndexed(EngineError):
    """Of whom no record is stored, nothing is known until the index is there."""

    remedy = "wait a little and load the page again: the index of all customers is made beside the pages"


class StoryReader:
    """Used by several threads at a time. topics: those that name customers."""

    def __init__(self, config: Config, topics: OpenTopics) -> None:
        self._config, self._topics = config, topics
        self._times: dict[int, int] = {}
        """The log time of shards, as of the last story in each: how far back a story goes needs no better."""

    def story(self, customer: str, indexing: bool) -> Story | None:
        """None: nothing is known of them. indexing: the index is being made for the first time: where it lacks much,
        the story is brief.

        Raises as `streams.kafka.topic_reader.TopicReader`; RedisUnreachable, StateUnreadable, NotIndexed.
        """
        if indexing and (brief := self.brief(customer)) is not None:
            return brief
        with self._topics.indices() as topics:
            partition = partition_of(customer, topics.partitions)
            stored, found = self._all(topics, partition, customer)
        self._times[partition] = stored.time
        return story_of(customer, partition, stored, found)

    def brief(self, customer: str) -> Story | None:
        """What the record says, and how far the index is; None: it lacks little, or none is kept, so that the topics
        are to be asked. Raises as `story`."""
        if not self._config.index_dir:
            return None
        with self._topics.indices() as topics:
            partition, extents = partition_of(customer, topics.partitions), topics.extents()
            if not topics.kept or extents[partition].lacks <= LITTLE:
                return None
        stored = asyncio.run(self._stored(partition, customer))
        known, there = (sum(one[n] for one in extents.values()) for n in (0, 1))
        if stored.record is None:
            far = f"of {there:,} records {known:,} are in the index of all customers"
            raise NotIndexed(f"no record of {customer!r} is stored, and the topics are not indexed yet: {far}")
        unread = (
            f"Touchpoints and decisions are being read for the index of all customers: {known:,} of {there:,} records "
            "so far. Until they are there, the page has what the customer's record says."
        )
        return story_of(customer, partition, stored, NOTHING, unread)

    def _all(self, topics: Indices, partition: int, customer: str) -> tuple[StoredCustomer, Past]:
        """Each topic by a thread of its own: most of the time somebody else is waited for."""
        with ThreadPoolExecutor(2, "console-story") as beside:
            asked = beside.submit(lambda: asyncio.run(self._stored(partition, customer)))
            if partition not in self._times:
                self._times[partition] = asked.result().time
            since = max(0, self._times[partition] - LOOK_BACK)
            records = topics.of["touchpoints"]
            touched = beside.submit(
                lambda: deque(_touches(records.of_customer(partition, customer, since)), MOST_TOUCHES)
            )
            outputs = outputs_of(topics.of["decisions"], topics.of["triggers"], partition, customer, since, ENDS)
            return asked.result(), (tuple(past(outputs, ENDS)), tuple(touched.result()))

    async def _stored(self, partition: int, customer: str) -> StoredCustomer:
        async with store_of(self._config) as store:
            return await stored_customer(store, partition, customer)


def story_of(customer: str, partition: int, stored: StoredCustomer, found: Past, unread: str = "") -> Story | None:
    """Of what is stored of a customer, and of their past; None: nothing is known. unread: what their past lacks."""
    entries, touches = found
    if stored.record is None and not entries:
        return None
    profile, standing = {"kept": "nothing: they have left the store", "profile": {}, "behaviour": {}}, None
    levels: tuple[Level, ...] = ()
    if stored.record is not None:
        record = _record(customer, stored.record)
        of_policy = (None, stored.policy, stored.time)
        profile = profile_view(customer, partition, record, stored.settings, stored.forecast, *of_policy)
        if stored.policy is not None:
            levels = levels_for(stored.policy, record)
        if stored.policy is not None and stored.settings is not None:
            standing = standing_view(customer, record, stored.policy, stored.settings, stored.time, stored.stops)
        if record.flags & ERASED:
            return Story(customer, stored.time, profile, standing)  # of what was before nothing is shown
    return Story(
        customer,
        stored.time,
        profile,
        standing,
        entries,
        touches,
        _course(stored.forecast),
        tuple((one.name, one.at) for one in levels),
        stored.unreadable,
        unread,
    )


def _record(customer: str, stored: bytes) -> Record:
    try:
        return unpack(customer.encode(), stored)
    except UnknownRecord as error:
        raise StateUnreadable(f"the record of {customer!r}: {error}") from error


def _course(found: CustomerForecast | None) -> Course | None:
    if found is None:
        return None
    return Course(found.forecast.now, found.low, found.high, tuple(found.forecast.course[1:]))


def _touches(records: Iterator[Any]) -> Iterator[Touch]:
    for one in records:
        touch = read_touchpoint(one.value, one.key, one.timestamp)
        if isinstance(touch, Touchpoint):
            amount = getattr(touch.data, "amount", None)
            yield Touch(one.timestamp, Kind(touch.kind).type, f"of {amount:g}" if amount else "")
