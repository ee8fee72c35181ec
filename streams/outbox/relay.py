"""Outbox relay: publishes a shard's outbox in transactions.

`Outgoing` keeps the unpublished part of the outbox in order, publishes it in transactions off the commit's path, and
knows how many entries from the outbox's front are public and may be trimmed by the next write.

Entries whose sequence number is already published when they are made (Redis lost what had been published, and the shard
replays) are compared by id and not sent again; the first difference ends the process with a named error. What goes to
another shard is sent again: its receiver passes over what it has had (models/timeline/received.py).
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import deque
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import NamedTuple

from models.timeline.stop_types import Stops
from streams.crash_points import point
from streams.errors import Fenced
from streams.kafka.errors import KafkaUnavailable, ProducerFenced, PublisherSlow
from streams.kafka.topics import OUTPUTS
from streams.outbox.contents import ReadOutbox, check_outbox, rearming
from streams.outbox.entry import TRANSACTION_S, Destination, Entry
from streams.outbox.pace import Pace
from streams.outbox.port import Publisher
from streams.outbox.published import Published, check_decisions
from streams.outbox.stop_rule import STOPPED, StopRule, unsent
from streams.outbox.transaction_size import TransactionSize
from streams.retry import Backoff, Unavailable, ignore

logger = logging.getLogger(__name__)

TRIGGERS = "triggers"
"""The role for which people wait."""
IN_ONE_TRANSACTION = 2_000
"""A transaction holds up every reader of its partitions until it commits, and costs the same however full it is."""
BYTES_IN_ONE_TRANSACTION = 8 << 20
"""Dead letters may be large: a transaction must be over well within its timeout of ten seconds. Fewer where Kafka lets
fewer through (streams/outbox/transaction_size.py)."""
MOST_BYTES = 64 << 20
"""Of unpublished entries in memory and in the store, beside the stated number; one commit may go beyond it."""


async def always() -> bool:
    """For publishing outside an ownership, as in tests."""
    return True


class Sent(NamedTuple):
    """What one round of publishing did. public_already: entries that were found public, compared and not sent.

    left: entries still to be published. seconds: of the transaction.
    """

    entries: Sequence[Entry]
    public_already: int
    left: int
    seconds: float


class Outgoing:
    """One shard's outbox relay, for one ownership.

    Args:
        publisher: of the shard.
        shard: its number.
        expires: True in live mode, where a trigger past its expiry is replaced by an `expired_unsent` record in the
            shard's own input partition, in the same transaction.
        on_published: told what each round has published.
        on_outage: told at each failure to publish or to start again.
        ours: whether the shard is still ours, asked before the publisher is started anew, which would fence a new
            owner's.
        on_retry: called at each transaction that failed.
        on_added: told what each commit has added to the outbox.
        hurries: False where nobody waits for what is public (a backfill): a transaction at every boundary would be
            all that the broker does.
        transaction_s: after which Kafka aborts a transaction.
        stopped: what the flag says is stopped, None where it cannot be read; asked before each transaction with
            triggers in it, in live mode. Without it there is no flag.
    """

    def __init__(
        self,
        publisher: Publisher,
        shard: int,
        expires: bool,
        on_published: Callable[[Sent], None] = lambda sent: None,
        on_outage: Callable[[str], None] = ignore,
        ours: Callable[[], Awaitable[bool]] = always,
        on_retry: Callable[[], None] = lambda: None,
        on_added: Callable[[Sequence[Entry]], None] = lambda entries: None,
        hurries: bool = True,
        transaction_s: float = TRANSACTION_S,
        stopped: Callable[[], Awaitable[Stops | None]] | None = None,
    ) -> None:
        self._publisher, self._shard, self._expires, self._on_published = publisher, shard, expires, on_published
        self._on_outage, self._ours, self._on_retry = on_outage, ours, on_retry
        self._on_added, self._hurries = on_added, hurries
        self._rule, self.stops = StopRule(stopped, on_outage), Stops()  # as the shard itself knows
        self._size = TransactionSize(BYTES_IN_ONE_TRANSACTION, transaction_s)
        self._bytes = self._triggers = 0  # of what waits
        self._waiting: deque[Entry] = deque()
        self._public = Published(expires)
        self._never_was = False  # nothing of the shard is public, and nobody before us could make it so
        self._wake = asyncio.Event()
        self._capacity = asyncio.Event()
        self._awaited = False  # a shard waits for what is in the outbox, or for capacity in it
        self._pace = Pace()
        self.lag_s = 0.0  # how old the shard's records are when it gets them
        self.trimmable = 0

    def __len__(self) -> int:
        """Entries not yet public."""
        return len(self._waiting)

    async def start(self, read: ReadOutbox, sequences: Mapping[str, int]) -> None:
        """Steps 5 to 7 of a takeover: fence the former owner, learn what is public, publish what is missing.

        A start that raised KafkaUnavailable halfway may be repeated as it is.

        Args:
            read: reads what the store holds; no more of it is in memory than what fills a transaction, and a page.
            sequences: the last sequence numbers by role, as committed.

        Raises:
            DifferentOutput: what is public differs from what the outbox holds.
        """
        firsts = await check_outbox(read, sequences)
        self._waiting, self._public = deque(), Published(self._expires)
        self.trimmable = self._bytes = self._triggers = 0
        # All roles: one of which nothing is committed may be public all the same, when the store went back. A new shard
        # has been looked at before.
        roles = {} if self._never_was else {role: sequences.get(role, 0) for role in OUTPUTS}
        await self._synchronise({Destination(role, self._shard): last + 1 for role, last in roles.items()} | firsts)
        while page := await read(self.trimmable + len(self._waiting)):
            self._append(page)
            if self._full():
                await self._send_all()
        await self._send_all()

    async def _send_all(self) -> None:
        while self._waiting:
            try:
                await self._send_some()
            except PublisherSlow as error:
                logger.warning("shard %d: publishing: %s", self._shard, error)
                self._on_outage(f"publishing: {error}")
                await self._again(Backoff())

    def ahead(self, sequences: Mapping[str, int]) -> dict[str, int]:
        """After a start: the last published sequence number of each role that is beyond `sequences`.

        Redis lost the outputs between: the shard emits them again, and nothing else.
        """
        return {
            role: sequence
            for role, sequence in self._public.last().items()
            if role in OUTPUTS and sequence > sequences.get(role, 0)
        }

    async def published_values(self, role: str, since: int) -> list[bytes]:
        """The values of the shard's published entries of a role, from a sequence number on.

        Raises KafkaUnavailable, and LogTruncated where decisions are missing: they say which versions were in force.
        """
        values = await self._publisher.values(Destination(role, self._shard), since)
        if role == "decisions":
            check_decisions(self._shard, since, self._public.last().get(role, 0), len(values))
        return values

    async def published_roles(self) -> list[str]:
        """The roles of which this shard has published anything, ever; a shard that never was has none."""
        asked = {Destination(role, self._shard): 1 << 62 for role in OUTPUTS}
        found = await self._publisher.public(asked)
        self._never_was = not any(found.values())
        return sorted(destination.topic for destination, entries in found.items() if entries)

    def add(self, entries: Sequence[Entry]) -> None:
        """Entries that the last write appended to the outbox."""
        before = self._triggers
        self._append(entries)
        self._wake.set()
        if self._full() or (self._triggers and not before):
            self._pace.changed()
        self._on_added(entries)

    def _append(self, entries: Sequence[Entry]) -> None:
        self._waiting.extend(entries)
        self._bytes += sum(entry.size for entry in entries)
        self._triggers += sum(entry.topic == TRIGGERS for entry in entries)

    def trimmed(self, entries: int) -> None:
        """`entries` of them have left the outbox."""
        self.trimmable -= entries

    async def wait_for_capacity(self, limit: int) -> None:
        """Wait until fewer than `limit` entries, and less than `MOST_BYTES` of them, are unpublished."""
        while not self.has_capacity(limit):
            self.flush()
            self._capacity.clear()
            await self._capacity.wait()

    def has_capacity(self, limit: int) -> bool:
        """Whether `wait_for_capacity` would not wait."""
        return len(self._waiting) < limit and self._bytes < MOST_BYTES

    def flush(self) -> None:
        """The shard waits for what follows from its outputs (a model version from its watermark): don't pace them."""
        if self._hurries:
            self._awaited = True
            self._pace.changed()

    def _full(self) -> bool:
        """Whether what waits fills a transaction."""
        return len(self._waiting) >= IN_ONE_TRANSACTION or self._bytes >= self._size.bytes

    def _pause(self) -> float:
        """Seconds from the beginning of the last transaction to that of the next: none where somebody waits for it."""
        return 0.0 if self._awaited or self._full() else self._pace.seconds(self._triggers > 0, self.lag_s)

    async def run(self) -> None:
        """Publish for as long as the shard is ours. Raises Fenced, DifferentOutput."""
        backoff = Backoff()
        while True:
            await self._wake.wait()
            self._wake.clear()
            while self._waiting:
                await self._pace.begin(self._pause)
                try:
                    await self._send_some()
                    backoff.reset()
                except (Unavailable, ProducerFenced) as error:
                    # A transaction that lasted too long also looks as if it had been fenced: `_again` asks whose the
                    # shard is.
                    logger.warning("shard %d: publishing: %s; again in %.2f s", self._shard, error, backoff.pause_s)
                    self._on_retry()
                    self._on_outage(f"publishing: {error}")
                    await self._again(backoff)
            self._awaited = False

    async def _again(self, backoff: Backoff) -> None:
        """The outcome of a transaction is unknown: end it, and learn what became public."""
        while True:
            await backoff.pause()
            try:
                if not await self._ours():
                    raise Fenced(f"shard {self._shard}: another worker owns it and publishes for it")
                await self._synchronise({})
                return
            except Unavailable as error:
                logger.warning(
                    "shard %d: starting the publisher: %s; again in %.2f s", self._shard, error, backoff.pause_s
                )
                self._on_outage(f"starting the publisher: {error}")

    async def stop(self) -> None:
        await self._publisher.stop()

    async def _synchronise(self, firsts: Mapping[Destination, int]) -> None:
        """Start the publisher, then read the tails back to the first entry that is not known to be public."""
        await self._publisher.start()
        point("takeover.5.publisher_started")
        since = dict(firsts)
        for entry in reversed(self._waiting):
            if not entry.is_loopback:
                since[entry.destination] = entry.sequence
        for destination, entries in (await self._publisher.public(since)).items():
            self._public.learn(destination, entries)
        point("takeover.6.tails_read")

    async def _send_some(self) -> None:
        """Publish the next entries in one transaction; those that are public already are compared instead."""
        while doubt_s := self._public.in_doubt_s(self._waiting[0], time.time()):  # noqa: ASYNC110 - a clock signals nothing
            await asyncio.sleep(doubt_s)
        now_s = time.time()
        taken = self._next(now_s)
        fresh = [entry for entry in taken if not self._public.has(entry)]
        stops = await self._rule.now([entry for entry in fresh if self._public.may_expire(entry)], self.stops)
        if any(self._public.in_doubt_s(entry, time.time()) for entry in taken):
            return  # while the stops were looked at it has expired: in doubt for now
        started = time.monotonic()
        if fresh:
            now = int(time.time() * 1000)
            await self._send([made for entry in fresh for made in self._or_unsent(entry, now, stops)])
        for entry in taken:
            self._waiting.popleft()
            self._bytes -= entry.size
            self._triggers -= entry.topic == TRIGGERS
            self._public.passed(entry)
        self.trimmable += len(taken)
        self._capacity.set()
        seconds = time.monotonic() - started
        if fresh:
            self._pace.took(seconds)
        self._on_published(Sent(fresh, len(taken) - len(fresh), len(self._waiting), seconds))

    async def _send(self, entries: Sequence[Entry]) -> None:
        """Raises PublisherSlow when it took too long, as what it ever looked."""
        started, size = time.monotonic(), sum(entry.size for entry in entries)
        try:
            await self._publisher.send(entries)
        except (KafkaUnavailable, ProducerFenced) as error:
            seconds = time.monotonic() - started
            if not self._size.is_too_slow(seconds):
                raise
            self._size.failed(size)
            told = f"{len(entries):,} entries ({size:,} bytes) did not get through in {seconds:.1f} s: {self._slow()}"
            raise PublisherSlow(f"{told}; the next transactions hold {self._size.bytes:,} bytes at most") from error
        before = self._size.bytes
        self._size.stood(size, len(entries) < len(self._waiting), time.monotonic() - started)
        if self._size.bytes < before:
            told = "shard %d: transactions take long, %s; the next ones hold %d bytes at most"
            logger.warning(told, self._shard, self._slow(), self._size.bytes)

    def _slow(self) -> str:
        """Why, as far as Kafka has told."""
        if self._publisher.throttled_s:
            quota = "a quota on its user or client id, see kafka-configs.sh --describe"
            return f"Kafka is throttling this client, by {self._publisher.throttled_s:.1f} s meanwhile ({quota})"
        return "Kafka or the way to it is slow"

    def _next(self, now_s: float) -> list[Entry]:
        """The first entries, as many as fit one transaction and are not in doubt; at least one."""
        taken: list[Entry] = []
        size = 0
        for entry in self._waiting:
            size += entry.size
            full = len(taken) == IN_ONE_TRANSACTION or size > self._size.bytes
            if taken and (full or self._public.in_doubt_s(entry, now_s)):
                break
            taken.append(entry)
        return taken

    def _or_unsent(self, entry: Entry, now: int, stops: Stops | None) -> list[Entry]:
        """The entry; or in the place of an expired or stopped trigger the loopback record that says so, with a marker
        of a stopped one: unlike an expiry, a stop may have ended when another owner looks.

        stops: None: nobody knows; then marketing is stopped.
        """
        if not self._public.may_expire(entry):
            return [entry]
        if entry.expires_at <= now:
            return [rearming(entry, self._shard, now)]
        if self._rule.holds(entry, stops, self.stops):
            return [rearming(entry, self._shard, now, STOPPED), unsent(entry, now)]
        return [entry]
