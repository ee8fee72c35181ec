"""Reads the ends of output partitions: which of a shard's entries are published already.

Offsets do not tell: transaction markers and aborted records occupy them, and a loopback partition has other senders.
So a tail is read backwards in growing steps until one of the shard's own records is found that is old enough.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Any, TypeVar

from aiokafka import TopicPartition

from streams.kafka.errors import translated
from streams.kafka.log_requests import UNREACHED, Answers, LogRequests
from streams.kafka.open_transactions import LogEnd
from streams.kafka.security import KafkaConnection
from streams.retry import Backoff

FIRST_STEP, STEP_GROWTH = 50, 8
PAUSE_S, LONGEST_PAUSE_S = 0.01, 0.2
"""Between two questions to a log that has not come as far as it must."""


T = TypeVar("T")

Public = tuple[int, str]
"""(sequence number, id) of a published entry."""


class TailReader:
    """Reads tails with clients of its own, opened at first use; one per process serves every shard.

    Each read is by itself: a partition that cannot be reached holds up only those who read it.

    committed: read only what is committed (False for brokers without transactions).
    Every method raises BrokerRefused where a right or the credentials are not as they must be.
    timeout_s: for how long a read may get no further. Another sender's open transaction holds up the readers of a
    shared partition until it times out (ten seconds, and up to ten more until the broker looks). A read that gets
    further is never given up, however long the tail.
    """

    def __init__(self, connection: KafkaConnection, *, committed: bool = True, timeout_s: float = 30.0) -> None:
        self._connection = connection
        self._committed = committed
        self._timeout_s = timeout_s
        self._requests = LogRequests(connection, committed=committed)

    async def read(self, sender: int, since: Mapping[TopicPartition, int]) -> dict[TopicPartition, list[Public]]:
        """The sender's public entries from since[partition] on, at least its last one if any; by sequence number.

        Raises KafkaUnavailable, BrokerRefused.
        """
        work = self._found(sender, since, lambda record: None)
        found = await self._guarded(work, f"reading the tails of sender {sender}")
        return {tp: _from(since[tp], sorted(entries)) for tp, entries in found.items() if entries}

    async def values(self, sender: int, partition: TopicPartition, since: int) -> list[bytes]:
        """The values of the sender's published entries from sequence number `since` on.

        Raises KafkaUnavailable, BrokerRefused.
        """
        work = self._found(sender, {partition: since}, lambda record: bytes(record.value))
        found = await self._guarded(work, f"reading the entries of sender {sender}")
        return [value for (sequence, _), value in sorted(found[partition].items()) if sequence >= since]

    async def high_watermarks(self, partitions: Iterable[TopicPartition]) -> dict[TopicPartition, int]:
        """The ends of the logs, open transactions included. Raises KafkaUnavailable, BrokerRefused.

        From the answer to a fetch: the embedded broker's answer to the question itself is the *first* offset of the
        last batch plus one.
        """

        async def every_one() -> dict[TopicPartition, LogEnd]:
            return _all(await self._ends(partitions))

        ends = await self._guarded(every_one(), "reading the ends of the logs")
        return {tp: end.end for tp, end in ends.items()}

    async def log_ends(self, partitions: Iterable[TopicPartition]) -> dict[TopicPartition, LogEnd]:
        """The same, and up to where everything is decided, of those partitions that answer.

        Raises KafkaUnavailable, BrokerRefused where no broker can be reached.
        """
        ends = await self._guarded(self._ends(partitions), "reading the ends of the logs")
        return {tp: end for tp, end in ends.items() if isinstance(end, LogEnd)}

    async def unreadable(self, positions: Mapping[TopicPartition, int]) -> dict[TopicPartition, str]:
        """Why nothing can be read from a position on, of those partitions where it is so (damage on the disk, a lost
        right, no leader). Raises KafkaUnavailable, BrokerRefused where no broker can be reached."""
        told = await self._guarded(self._requests.fetch(positions), "reading the input")
        return {tp: str(answer) or repr(answer) for tp, answer in told.items() if isinstance(answer, Exception)}

    async def close(self) -> None:
        await self._requests.close()

    async def _guarded(self, work: Awaitable[T], what: str) -> T:
        try:
            return await work
        except UNREACHED as error:
            raise await translated(error, self._connection, what, "Read") from error

    async def _found(
        self, sender: int, since: Mapping[TopicPartition, int], keep: Callable[[Any], T]
    ) -> dict[TopicPartition, dict[Public, T]]:
        """The sender's entries, and what is kept of each record."""
        found: dict[TopicPartition, dict[Public, T]] = {tp: {} for tp in since}
        if not since:
            return found
        begin, upper = _all(await self._requests.starts(since)), await self._decided_ends(since)
        step, todo = FIRST_STEP, {tp for tp in since if upper[tp] > begin[tp]}
        while todo:
            ranges = {tp: (max(begin[tp], upper[tp] - step), upper[tp]) for tp in todo}
            await self._own(sender, ranges, keep, found)
            for tp, (low, _) in ranges.items():
                upper[tp] = low
                if low <= begin[tp] or (found[tp] and min(found[tp])[0] <= since[tp]):
                    todo.discard(tp)
            step *= STEP_GROWTH
        return found

    async def _ends(self, partitions: Iterable[TopicPartition]) -> Answers[LogEnd]:
        ends = await self._requests.ends(partitions)
        told = await self._requests.fetch({tp: end for tp, end in ends.items() if isinstance(end, int)})
        found: Answers[LogEnd] = {tp: end for tp, end in ends.items() if isinstance(end, Exception)}
        for tp, fetched in told.items():
            if isinstance(fetched, Exception):
                found[tp] = fetched
            else:
                found[tp] = LogEnd(fetched.high, min(fetched.high, fetched.stable) if self._committed else fetched.high)
        return found

    async def _decided_ends(self, partitions: Iterable[TopicPartition]) -> dict[TopicPartition, int]:
        """The ends of the logs, once all that was in them when we asked is decided.

        At read_committed a log ends at the first open transaction, whoever's it is. Own entries that were committed
        behind another sender's open transaction would look unpublished, and be published twice.
        """
        ends = _all(await self._ends(partitions))
        high = {tp: end.end for tp, end in ends.items()}
        backoff = Backoff(PAUSE_S, LONGEST_PAUSE_S)
        async with asyncio.timeout(self._timeout_s):
            while any(ends[tp].stable < high[tp] for tp in high):
                await backoff.pause()
                ends = _all(await self._ends(high))
        return high

    async def _own(
        self,
        sender: int,
        ranges: Mapping[TopicPartition, tuple[int, int]],
        keep: Callable[[Any], T],
        found: Mapping[TopicPartition, dict[Public, T]],
    ) -> None:
        """Add to `found` the sender's entries in these ranges of offsets."""
        mark, positions = str(sender).encode(), {tp: low for tp, (low, _) in ranges.items()}
        backoff, loop = Backoff(PAUSE_S, LONGEST_PAUSE_S), asyncio.get_running_loop()
        async with asyncio.timeout(self._timeout_s) as patience:
            while positions:
                before = dict(positions)
                for tp, fetched in _all(await self._requests.fetch(positions)).items():
                    for record in fetched.records:
                        headers = dict(record.headers)
                        if record.offset < ranges[tp][1] and headers.get("sender") == mark:
                            found[tp][int(headers["count"]), headers["id"].decode()] = keep(record)
                    positions[tp] = fetched.position  # not behind the last record: the range may end in markers
                    if fetched.position >= ranges[tp][1]:
                        del positions[tp]
                if positions == before:
                    await backoff.pause()
                else:
                    patience.reschedule(loop.time() + self._timeout_s)
                    backoff.reset()


def _all(answers: Answers[T]) -> dict[TopicPartition, T]:
    """The answers. Raises the first error among them."""
    told: dict[TopicPartition, T] = {}
    for tp, answer in answers.items():
        if isinstance(answer, Exception):
            raise answer
        told[tp] = answer
    return told


def _from(since: int, publics: list[Public]) -> list[Public]:
    wanted = [public for public in publics if public[0] >= since]
    return wanted or publics[-1:]
