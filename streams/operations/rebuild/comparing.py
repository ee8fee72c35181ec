"""In place of the relay: a shard's outputs are compared with what it has published, and none is sent."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Mapping, Sequence

import msgspec

from models.outputs import Decision
from models.timeline.stop_types import Stops
from streams.errors import DifferentOutput, EngineError
from streams.kafka.topics import OUTPUTS
from streams.operations.rebuild.public_outputs import PublicOutputs
from streams.outbox.contents import ReadOutbox, check_outbox
from streams.outbox.entry import Destination, Entry
from streams.outbox.port import Publisher
from streams.outbox.stop_rule import is_marker
from streams.retry import ignore, retry_while_unavailable

_decision = msgspec.json.Decoder(Decision).decode


_LOOPBACK = "to another shard"
"""In place of an id."""


class MadeByBackfill(EngineError):
    """Shards began with a history that is not in Kafka."""

    remedy = (
        "the history of `retention backfill` is not on the topics: give its log (--history LOG), or restore a Redis "
        "backup of any age, which catches up from the log by itself"
    )


class Comparing:
    """Compares the outputs of one shard, in order.

    An output behind the last published one of its role is left in the outbox, for a worker to send. A trigger among
    them may have expired unsent, long ago: then its record in the input says so (`expired`), and it is not left. What
    goes to another shard is public if anything behind it is, since it was sent in this order.

    Args:
        publisher: of the shard; started once, which fences a former owner's, and asked how far the shard is public.
        public: reads what is published.
        shard: its number.
        expires: True in live mode, where a trigger may have expired before it was sent.
        on_outage: told for what it waits while Kafka is away.
        backfilled: the history of the backfill that the shard began with is at hand.
    """

    lag_s = 0.0

    def __init__(
        self,
        publisher: Publisher,
        public: PublicOutputs,
        shard: int,
        expires: bool,
        on_outage: Callable[[str], None] = ignore,
        backfilled: bool = False,
    ) -> None:
        self._backfilled = backfilled
        self._publisher, self._public, self._shard, self._on_outage = publisher, public, shard, on_outage
        self._expires = expires
        self.public_to: dict[str, int] = {}
        self.compared = self.worded_differently = self.gone = 0
        self.trimmable, self.stops = 0, Stops()
        self._waiting: deque[Entry] = deque()
        self._front: deque[str | None] = deque()  # compared, in order; the ids of those that are not public
        self._expired: set[str] = set()
        self._last: dict[str, int] = {}
        self._opened = False
        self._wake, self._capacity = asyncio.Event(), asyncio.Event()

    def __len__(self) -> int:
        return len(self._waiting)

    async def start(self, read: ReadOutbox, sequences: Mapping[str, int]) -> None:
        """Steps 3 and 4 of a rebuild for one shard. May be repeated when it raised KafkaUnavailable.

        Raises:
            DifferentOutput: the outbox differs from what is public.
            MadeByBackfill: the shard was made by a backfill whose history is not at hand.
        """
        await check_outbox(read, sequences)
        if not self._opened:
            await self._fence()
            await self._public.open()
            self._opened = True
            await self._refuse_backfilled()
        self._waiting, self._front, self.trimmable = deque(), deque(), 0
        entries = 0
        while page := await read(entries):
            entries += len(page)
            self._waiting.extend(page)
            await self._compare()

    async def _fence(self) -> None:
        await self._publisher.start()
        tails = await self._publisher.public({Destination(role, self._shard): 1 << 62 for role in OUTPUTS})
        self.public_to = {destination.topic: max(known)[0] for destination, known in tails.items() if known}
        await self._publisher.stop()

    async def _refuse_backfilled(self) -> None:
        if not self._backfilled and self.public_to.get("decisions") and not self._public.shortened("decisions"):
            first = _decision((await self._public.head("decisions")).value)
            if first.at.offset < 0:
                raise MadeByBackfill(
                    f"shard {self._shard}: its first decision stands at {first.at.offset}, before the log's beginning"
                )

    async def last_example(self) -> int:
        """The sequence number of the last published example, without fencing anybody."""
        asked = Destination("examples", self._shard)
        known = (await self._publisher.public({asked: 1 << 62})).get(asked)
        return max(known)[0] if known else 0

    def ahead(self, sequences: Mapping[str, int]) -> dict[str, int]:
        """The last published sequence number of each role that is beyond `sequences`."""
        return {role: last for role, last in self.public_to.items() if last > sequences.get(role, 0)}

    async def published_values(self, role: str, since: int) -> list[bytes]:
        """Those about model versions. Raises DifferentOutput when the first decisions are gone."""
        if self._public.shortened(role) and since == 1:
            raise DifferentOutput(f"{role} of shard {self._shard}: Kafka has deleted the first ones")
        return await self._public.adoptions(self.public_to.get(role, 0), since)

    async def published_roles(self) -> list[str]:
        return sorted(self.public_to)

    def expired(self, trigger: str) -> None:
        """The input says that a trigger expired before it was sent."""
        self._expired.add(trigger)
        self._wake.set()

    def add(self, entries: Sequence[Entry]) -> None:
        """Entries that the last write appended to the outbox."""
        self._waiting.extend(entries)
        self._wake.set()

    def trimmed(self, entries: int) -> None:
        self.trimmable -= entries

    def has_capacity(self, limit: int) -> bool:
        return len(self._waiting) < limit

    async def wait_for_capacity(self, limit: int) -> None:
        while not self.has_capacity(limit):
            self._capacity.clear()
            await self._capacity.wait()

    def flush(self) -> None:
        """Nobody waits for what is public."""

    async def run(self) -> None:
        """Compare for as long as the shard works. Raises DifferentOutput."""
        while True:
            await self._wake.wait()
            self._wake.clear()
            await retry_while_unavailable("comparing", self._compare, self._on_outage)

    async def settle(self) -> None:
        """Compare what is left."""
        await retry_while_unavailable("comparing", self._compare, self._on_outage)

    async def stop(self) -> None:
        """The reader goes on until `close`."""

    async def close(self) -> None:
        if self._opened:
            await self._public.close()

    async def _compare(self) -> None:
        while self._waiting:
            entry = self._waiting[0]
            public = not entry.is_loopback and await self._is_public(entry)
            self._waiting.popleft()
            if public:
                self._front = deque(None if one is _LOOPBACK else one for one in self._front)
            self._front.append(None if public else _LOOPBACK if entry.is_loopback else entry.id)
            self._settle()
            self._capacity.set()
        self._settle()

    def _settle(self) -> None:
        while self._front and (self._front[0] is None or self._front[0] in self._expired):
            self._front.popleft()
            self.trimmable += 1

    async def _is_public(self, entry: Entry) -> bool:
        role = entry.topic
        if entry.sequence > self.public_to.get(role, 0):
            return False
        if entry.sequence <= self._last.get(role, 0):
            return True  # compared before it was read from the outbox once more
        head = await self._public.head(role)
        while head.sequence < entry.sequence:  # a run before this one has compared it
            self._public.passed(role)
            head = await self._public.head(role)
        if head.sequence > entry.sequence:
            self._missing(entry, head.sequence)
            return True
        if head.id != entry.id:
            raise DifferentOutput(
                f"{role} of shard {self._shard}: sequence number {entry.sequence} is {entry.id} here and {head.id} in "
                "public"
            )
        self.compared += 1
        self.worded_differently += head.value != entry.value and not is_marker(head.value)
        self._last[role] = entry.sequence
        self._public.passed(role)
        return True

    def _missing(self, entry: Entry, head: int) -> None:
        """A trigger that expired unsent leaves its sequence number unused; and Kafka deletes what is old."""
        if self._expires and entry.expires_at:
            return
        if self._public.shortened(entry.topic) and self._last.get(entry.topic) is None:
            self.gone += 1
            return
        raise DifferentOutput(
            f"{entry.topic} of shard {self._shard}: sequence number {entry.sequence} is missing in public, which goes "
            f"on with {head}"
        )
