"""Runs a verification: all shards' replays side by side, each piece of customers compared at its position."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field

from models.engine.changes import NumberedOutput
from models.learning.adoption import obeying
from models.timeline.batch import LogRecord
from models.timeline.shard_state import ShardState
from streams.kafka.partition_facts import LogFacts
from streams.learner.example_reader import LearnerSettings, NewConsumer, kafka_consumer
from streams.learner.versions import unheard
from streams.operations.rebuild.history import PastLog
from streams.operations.rebuild.learned_versions import LearnedVersions
from streams.operations.rebuild.log_rounds import Rounds
from streams.operations.verify.differences import Difference, differences
from streams.operations.verify.replayed import ShardReplay, SharedByAll
from streams.operations.verify.stored import Chosen, Piece, Snapshots, pieces
from streams.outbox.entry import unpack
from streams.retry import ignore, retry_while_unavailable
from streams.shard.meta import ShardBody, settings_of
from streams.text import moment

BATCH = 6_000


@dataclass(frozen=True, slots=True)
class VerifySettings:
    """What a verification reads with.

    Attributes:
        topic: the input's name.
        facts: of each input partition.
        examples: makes the settings of the examples' reader for a shard's own settings.
        decisions: all published decisions about model versions, of a shard; None: Kafka has deleted the first ones.
        rounds: makes the reader of the input, from these offsets to where it ends then.
        new_consumer: makes the consumer of the examples.
        past: the history of the backfill that the application began with; None: it is not at hand.
        took_over: whether the application has taken the outputs of another over.
    """

    topic: str
    facts: Mapping[int, LogFacts]
    examples: Callable[[ShardBody], LearnerSettings]
    decisions: Callable[[int], Awaitable[list[bytes] | None]]
    rounds: Callable[[Mapping[int, int]], Awaitable[Rounds]]
    new_consumer: NewConsumer = kafka_consumer
    past: PastLog | None = None
    took_over: bool = False


@dataclass
class Verified:
    """What a verification found. unverified: why a shard could not be verified. compared: customers. said: what the
    replay said of them, where it was to be heard."""

    compared: int = 0
    differences: list[Difference] = field(default_factory=list)
    unverified: dict[int, str] = field(default_factory=dict)
    positions: dict[int, int] = field(default_factory=dict)
    said: list[NumberedOutput] = field(default_factory=list)


@dataclass
class _Work:
    """What is done of one shard. held: the records from the first that is not applied on."""

    replay: ShardReplay
    pieces: list[Piece]
    held: list[LogRecord] = field(default_factory=list)


class Verification:
    """One run. watch: told the offsets that the shards have reached. hears: what is said of the customers is kept."""

    def __init__(
        self,
        settings: VerifySettings,
        store: Snapshots,
        chosen: Chosen,
        watch: Callable[[Mapping[int, int]], None] = lambda offsets: None,
        on_outage: Callable[[str], None] = ignore,
        hears: bool = False,
    ) -> None:
        self._settings, self._store, self._chosen = settings, store, chosen
        self._watch, self._on_outage, self._hears = watch, on_outage, hears
        self._everybody = chosen.since is not None
        self._verified = Verified()
        self._work: dict[int, _Work] = {}
        self._versions: LearnedVersions | None = None

    async def run(self) -> Verified:
        """Raises LogTruncated when examples are gone, StateUnreadable for a meta that can't be read."""
        try:
            return await self._run()
        except SharedByAll:
            self._everybody, self._verified, self._work, self._versions = True, Verified(), {}, None
            return await self._run()

    async def _run(self) -> Verified:
        for shard, customers in sorted(self._chosen.customers.items()):
            body, found = await pieces(self._store, shard, customers)
            told = self._hindrance(shard, body)
            if body is None or told:
                self._verified.unverified[shard] = told
            else:
                await self._begin(shard, body, found)
        if self._work and self._versions is not None:
            self._versions.start()
            try:
                await self._replay()
            finally:
                await self._versions.close()
        return self._verified

    def _hindrance(self, shard: int, body: ShardBody | None) -> str:
        """Why a shard can't be verified."""
        facts, past = self._settings.facts.get(shard), self._settings.past
        if body is None:
            return "the store has no state of it"
        if facts is None:
            return "its input partition is not there"
        first = past.next_offsets[shard] if past is not None else 0
        if facts.start > first:
            gone = f"the {facts.start - first} records before are gone from Kafka"
            return f"its input partition starts at offset {facts.start}: {gone}"
        if body.creation.topic_id and facts.topic_id != body.creation.topic_id:
            return f"its input topic is another one (id {facts.topic_id}) than that it was created on"
        return self._without_history(body.creation.quiet_until)

    def _without_history(self, quiet_until: int) -> str:
        """Why what came before the log can't be replayed."""
        past = self._settings.past
        if self._settings.took_over:
            return "it took over from another application: what it had learned before is in none of the topics"
        if quiet_until and past is None:
            return "it was made by a backfill, whose history is not in Kafka: give its log (--history LOG)"
        if past is not None and quiet_until != past.until:
            return f"it was made by no backfill until {moment(past.until)}, or by another one"
        return ""

    async def _begin(self, shard: int, body: ShardBody, found: list[Piece]) -> None:
        # First the outbox: what leaves it meanwhile is public by then.
        outbox = [unpack(value) for value in await self._store.outbox(str(shard))]
        public = await self._settings.decisions(shard)
        if public is None:
            self._verified.unverified[shard] = "its first decisions, which tell of model versions, are gone from Kafka"
            return
        adoption = obeying([*public, *(entry.value for entry in outbox if entry.topic == "decisions")])
        if self._versions is None:
            examples, make = self._settings.examples(body), self._settings.new_consumer
            self._versions = LearnedVersions(examples, self._oldest, self._on_outage, make)
        versions, creation = self._versions, body.creation
        customers = frozenset(self._chosen.customers[shard])

        def hear(output: NumberedOutput) -> None:
            if output.key in customers:
                self._verified.said.append(output)

        replay = ShardReplay(
            ShardState(shard, creation.partitions, self._start(shard)),
            settings_of(str(shard), creation),
            self._settings.topic,
            adoption,
            lambda name: versions.named(name, unheard),
            creation.quiet_until,
            customers=None if self._everybody else customers,
            heard=hear if self._hears else None,
        )
        if self._chosen.since is not None and (since := self._chosen.since.get(shard)) is not None:
            found = sorted([*found, Piece(since, {}, census=True)], key=lambda piece: piece.cut)
        self._work[shard] = _Work(replay, found)
        self._verified.positions[shard] = body.state.next_offset

    def _start(self, shard: int) -> int:
        past = self._settings.past
        return self._settings.facts[shard].start if past is None else past.starts[shard]

    def _oldest(self) -> int:
        return min(work.replay.state.version for work in self._work.values())

    async def _replay(self) -> None:
        rounds = await self._settings.rounds({shard: self._start(shard) for shard in self._work})
        try:
            await retry_while_unavailable("reading the input", rounds.open, self._on_outage)
            while any(work.pieces for work in self._work.values()):
                taken = await retry_while_unavailable("reading the input", rounds.next, self._on_outage)
                for shard, records in taken.items():
                    await self._feed(shard, records)
                if not taken:
                    for shard in list(self._work):
                        await self._compare_at_the_end(shard)
                for shard, work in self._work.items():
                    if not work.pieces:
                        rounds.leave(shard)
                self._watch({shard: work.replay.state.next_offset for shard, work in self._work.items()})
                await asyncio.sleep(0)
        finally:
            await rounds.close()

    async def _feed(self, shard: int, records: list[LogRecord]) -> None:
        work = self._work[shard]
        work.held += records
        while work.pieces and work.held and work.pieces[0].cut.next_offset <= work.held[-1].offset:
            piece = work.pieces.pop(0)
            await self._apply(work, piece.cut.next_offset)
            await work.replay.timers(piece.cut, work.held[0])
            self._compare(shard, work, piece)
        if work.pieces:
            await self._apply(work, work.held[-1].offset + 1 if work.held else 0)

    async def _compare_at_the_end(self, shard: int) -> None:
        """The log goes no further: so did the shard."""
        work = self._work[shard]
        while work.pieces:
            piece = work.pieces.pop(0)
            await self._apply(work, piece.cut.next_offset)
            self._compare(shard, work, piece)

    async def _apply(self, work: _Work, up_to: int) -> None:
        """The held records before an offset."""
        ready = [record for record in work.held if record.offset < up_to]
        del work.held[: len(ready)]
        for first in range(0, len(ready), BATCH):
            await work.replay.apply(ready[first : first + BATCH])

    def _compare(self, shard: int, work: _Work, piece: Piece) -> None:
        replayed = work.replay.records
        for customer, stored in piece.values.items():
            self._verified.differences += differences(shard, customer, stored, replayed.get(customer))
        self._verified.compared += len(piece.values)
        if piece.census:
            known = set(self._chosen.customers[shard])
            for customer in sorted(replayed.keys() - known):
                self._verified.differences += differences(shard, customer, None, replayed[customer])


def as_data(verified: Verified) -> dict[str, object]:
    """As plain data."""
    return {
        "compared": verified.compared,
        "differences": [one._asdict() for one in verified.differences],
        "unverified": {str(shard): why for shard, why in verified.unverified.items()},
        "next_offsets": {str(shard): offset for shard, offset in verified.positions.items()},
    }
