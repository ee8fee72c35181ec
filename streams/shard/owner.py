"""Owner of one input partition: reads batches, runs the pure engine, commits, publishes.

One task makes all of a shard's writes. A batch is read, split into pieces along the line (models/timeline/pieces.py),
and each piece is loaded, applied and committed; the outbox is published beside it. Where a piece needs a model version
the shard waits for it, and every wait ends when the partition is revoked.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np
from faust.types import TP
from msgspec import structs

from models.customer.versions import all_written
from models.decisions.policy.vocabulary import policy_read
from models.engine.apply import apply
from models.engine.changes import Changes
from models.engine.piece_input import Scoring
from models.engine.step import (
    Adopted,
    Answer,
    DueBefore,
    DueItems,
    NotPublished,
    Records,
    RecordsOf,
    Request,
    Upcoming,
    VersionAtBoundary,
    VersionAtRecord,
    drive_waiting,
    step,
)
from models.timeline.batch import Batch
from models.timeline.shard_state import NO_TIME, ShardState, initialised
from models.timeline.stops import in_force
from streams.crash_points import point
from streams.errors import DifferentOutput, MetaMissing
from streams.kafka.partition_facts import LogFacts
from streams.retry import retry_while_unavailable
from streams.shard.backfill_plan import check_made_by_it, refuse_unfinished
from streams.shard.cache_shares import CacheShares
from streams.shard.clock_guard import guard
from streams.shard.commit import MODEL_VERSION, entries_of, store_changes, stored_outbox
from streams.shard.creation import new_body
from streams.shard.due_window import DueWindow
from streams.shard.engine_errors import engine_errors
from streams.shard.fetched import read_batch
from streams.shard.meta import (
    SCHEMA,
    ShardBody,
    born_with,
    check_log,
    check_settings,
    pack_body,
    read_to,
    unpack_body,
    with_read_to,
)
from streams.shard.rebuild_plan import refuse_rebuilding
from streams.shard.record_cache import RecordCache
from streams.shard.settings import ShardPorts, ShardSettings, tell_changes
from streams.shard.stored_policy import POLICY, WAITING_POLICY, Policies, record_version, stored_policies
from streams.shard.switch_plan import refuse_switched_off
from streams.shard.version_rule import VersionRule
from streams.store import StoreChanges, StoreUnavailable

logger = logging.getLogger(__name__)

IDLE_S = 1.0
"""After this long without records a pending trim is written on its own."""


class Shard:
    """The owner of one input partition, from takeover to revocation."""

    reads = True

    def __init__(self, tp: TP, generation: int, settings: ShardSettings, ports: ShardPorts) -> None:
        self.tp, self.generation = tp, generation
        self.namespace, self.busy = str(tp.partition), False
        self.next_offset = self._read_to = 0
        self._settings, self._engine, self._store = settings, settings.engine, ports.store
        self._outgoing, self._release = ports.outgoing, ports.release
        self._watcher = watcher = ports.watcher
        self._checkpoint = ports.checkpoint
        self._clock = guard(settings.mode == "live", settings.clock_ahead_limit_s, tp.partition, watcher.waiting)
        self._inbox: asyncio.Queue[list[Any]] = asyncio.Queue()
        shares = CacheShares(settings.cache_records, ports.owners)
        self._dues = DueWindow(self._read_dues, shares.dues)
        self._cache = RecordCache(shares.records)
        self._body: ShardBody | None = None
        self._rule = VersionRule(settings.engine, settings.lockstep, ports.versions, self._waits)
        self._policies = Policies()
        self._told_by_another = False
        self._publishing: asyncio.Task[None] | None = None

    # -- takeover (step numbers: streams/store/checkpoint.py)

    async def peek(self) -> bool:
        """Step 1. Raises BackfillUnfinished, RebuildUnfinished, SwitchedOff."""
        if not self._settings.backfill_until:
            await refuse_unfinished(self._store)
            await refuse_switched_off(self._store)
            await refuse_rebuilding(self._store, self.tp.partition)
        meta = await self._checkpoint.read()
        if meta is not None:
            self.next_offset = unpack_body(self.namespace, meta.body).state.next_offset
        return meta is not None

    async def mint(self) -> None:
        """Step 3."""
        meta = await self._checkpoint.mint()
        if meta is not None:
            self._body = unpack_body(self.namespace, meta.body)
            self.next_offset = self._body.state.next_offset

    async def check(self, facts: LogFacts) -> None:
        """Step 4; creates a shard that never was. In a backfill raises AlreadyAtWork for one that it did not make."""
        if self._body is None:
            public = await self._outgoing.published_roles()
            fresh = await new_body(self.namespace, self._settings, facts, public, self._store)
            self._body = unpack_body(self.namespace, (await self._checkpoint.create(pack_body(fresh))).body)
            self.next_offset = self.body.state.next_offset
        body = self.body
        if self._settings.backfill_until:
            check_made_by_it(self.namespace, body.creation, self._settings.backfill_until)
        check_log(self.namespace, body, facts)
        self.next_offset, self._read_to = max(body.state.next_offset, facts.start), read_to(body, facts)
        check_settings(self.namespace, body.creation, self._settings.mode, self._settings.engine)
        # What an operator may change counts as it was at creation, and as the log says since.
        self._engine = born_with(self.namespace, body.creation, self._settings.engine)
        self._told_by_another = body.policy_read != policy_read()
        self._body = structs.replace(body, policy_read=policy_read())
        self._outgoing.stops = in_force(body.state)

    async def recover(self) -> None:
        """Steps 5 to 8."""
        try:
            await self._outgoing.start(partial(stored_outbox, self._store, self.namespace), self.body.state.sequences)
        except DifferentOutput as error:
            # A store that went back since the mint (a failover: just when shards are taken over) looks the same.
            if not await self._checkpoint.stands():
                raise StoreUnavailable(f"nobody can say whether it went back: {error}") from error
            raise
        await self._find_records()
        point("takeover.7.published")
        if self._outgoing.trimmable or self._told_by_another:
            await self._write_trim()
        point("takeover.8.trimmed")

    async def _find_records(self) -> None:
        """Redis lost what is public: live, the versions that were in force then come into force where they did."""
        sequences = self.body.state.sequences
        public_to = self._outgoing.ahead(sequences)
        if public_to and self._settings.mode == "live":
            since = sequences.get("decisions", 0) + 1
            decisions = await self._outgoing.published_values("decisions", since)
            self._rule.obey(decisions, public_to)
            logger.warning(
                "shard %s: the store lost commits; outputs are published up to %s", self.namespace, public_to
            )

    @property
    def body(self) -> ShardBody:
        if self._body is None:
            raise MetaMissing(f"shard {self.namespace} has not been taken over")
        return self._body

    # -- work

    def has_read(self, offset: int) -> None:
        self._read_to = max(self._read_to, offset)

    def hand_over(self, records: list[Any]) -> None:
        self.busy = True
        self._inbox.put_nowait(records)

    async def run(self) -> None:
        """The main loop. The publisher runs beside it, and an error of either ends both."""
        self._publishing = asyncio.ensure_future(self._outgoing.run())
        working = asyncio.ensure_future(self._work())
        try:
            done, _ = await asyncio.wait((working, self._publishing), return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        finally:
            working.cancel()
            await asyncio.gather(working, return_exceptions=True)  # a write in flight finishes first

    async def ended(self) -> None:
        if self._publishing is not None:
            self._publishing.cancel()
            await asyncio.gather(self._publishing, return_exceptions=True)
        await self._outgoing.stop()

    async def _work(self) -> None:
        self._watcher.taken_over(self.tp.partition, self.body.state)
        copy, *texts = await retry_while_unavailable(
            "loading the model version",
            lambda: self._store.load(self.namespace, [MODEL_VERSION, POLICY, WAITING_POLICY]),
            self._store_unavailable,
        )
        self._policies = stored_policies(self.namespace, self.body.state, *texts)
        await self._rule.resume(self.body.state, copy)
        self._watcher.idle(self.tp.partition)
        while True:
            try:
                # asyncio.wait_for of Python 3.11 swallows a cancellation that comes as the batch does.
                async with asyncio.timeout(IDLE_S):
                    records = await self._inbox.get()
            except TimeoutError:
                if self._outgoing.trimmable or with_read_to(self.body, self._read_to) != self.body:
                    await self._write_trim()
                self._watcher.outbox(self.tp.partition, len(self._outgoing))
                self._watcher.idle(self.tp.partition)
                continue
            self._watcher.working(self.tp.partition, len(records), records[-1].timestamp)
            self._outgoing.lag_s = time.time() - records[-1].timestamp / 1_000
            await self._apply_batch(records)
            self.busy = False
            self._release(self)

    async def _apply_batch(self, records: Sequence[Any]) -> None:
        """All pieces of a batch, in order."""
        batch = read_batch(self.namespace, records, self.next_offset)
        state = self.body.state
        if state.time == NO_TIME:
            begun = initialised(state, self._engine, int(batch.timestamps[0]))
            self._body = ShardBody(SCHEMA, self.body.creation, begun, policy_read=policy_read())
        first = 0
        while first < len(batch):
            if not self._outgoing.has_capacity(self._settings.outbox_limit):
                self._watcher.waiting(self.tp.partition, "outbox", f"{len(self._outgoing)} entries unpublished")
                await self._outgoing.wait_for_capacity(self._settings.outbox_limit)
            await self._clock.reach(batch.record(first), self.body.state.time)
            first = await self._apply_piece(batch, first, self._clock.up_to(batch.timestamps, first))

    async def _apply_piece(self, batch: Batch, first: int, end: int) -> int:
        """One piece of the batch's rows first to end: plan, load, apply, commit. Returns the first row after it."""
        settings, body, started = self._settings, self.body, time.monotonic()
        offset = int(batch.offsets[first])
        stop, until = self._rule.change_after(body.state, offset), self._rule.change_between(body.state, offset)
        if stop is not None:
            end = min(end, int(np.searchsorted(batch.offsets, stop)))
        learner_s = store_s = 0.0

        async def answer(request: Request) -> Answer:
            nonlocal learner_s, store_s
            asked = time.monotonic()
            answered = await self._answer(body.state, request)
            if isinstance(request, VersionAtBoundary):
                learner_s += time.monotonic() - asked
            elif isinstance(request, DueBefore | RecordsOf):
                store_s += time.monotonic() - asked
            return answered

        upcoming = Upcoming(body.state, self._engine, settings.topic, batch, first, end, until)
        quiet_until, instead = body.creation.quiet_until, self._rule.instead(body.state)
        scoring = Scoring(self._rule.scorer, instead, quiet_until, *self._policies)
        with engine_errors(self.namespace):
            done = await drive_waiting(step(upcoming, scoring, apply), answer)
        if isinstance(done, NotPublished):
            raise ValueError(f"shard {self.namespace}: went on without the version of boundary {done.boundary}")
        point("commit.a.computed")
        asked = time.monotonic()
        policies = Policies(done.scoring.policy, done.scoring.policy_waiting)
        await self._commit(done.changes, self._rule.copy(done.scoring.adopted), policies)
        now, after, rows = time.monotonic(), done.changes.state, done.piece.last - done.piece.first
        # The learner's time is not the piece's.
        spent, storing = now - started - learner_s, store_s + now - asked
        self._watcher.committed(self.tp.partition, body.state, after, rows, spent, storing)
        tell_changes(self._watcher, self.tp.partition, done.changes)
        return done.piece.last

    async def _answer(self, state: ShardState, request: Request) -> Answer:
        """What a step asks for. Waits for what is not there yet."""
        match request:
            case VersionAtBoundary():
                return Adopted(await self._rule.at_boundary(state, request.boundary))
            case VersionAtRecord():
                return Adopted(await self._rule.at_record(state, request))
            case DueBefore():
                # The bound of a full piece is (position, no customer): every timer at an earlier position.
                return DueItems(await self._dues.before(request.bound[0], request.most))
            case RecordsOf():
                return Records(await self._load(request.customers))

    def _waits(self, reason: str, detail: str) -> None:
        self._watcher.waiting(self.tp.partition, reason, detail)
        if reason == "version":
            self._outgoing.flush()

    async def _read_dues(self, up_to: float, most: int) -> list[tuple[float, bytes]]:
        return await retry_while_unavailable(
            "reading the due set", lambda: self._store.due(self.namespace, up_to, most), self._store_unavailable
        )

    async def _load(self, customers: Sequence[bytes]) -> list[bytes | None]:
        """Their records, from the store where they are not in memory."""
        found = self._cache.find(customers)
        missing = [row for row, value in enumerate(found) if value is None]
        if missing:
            names = [b"c:" + customers[row] for row in missing]
            stored = await retry_while_unavailable(
                "loading records", lambda: self._store.load(self.namespace, names), self._store_unavailable
            )
            for row, value in zip(missing, stored, strict=True):
                found[row] = value
        return found

    def _store_unavailable(self, detail: str) -> None:
        self._waits("store", detail)

    async def _commit(self, changes: Changes, version: bytes | None, policies: Policies) -> None:
        """Step b, and the hand-over to the publisher. version: sealed, of the one that comes into force. policies: what
        decides from now on, and what waits; what records say of the first only the newest version holds."""
        body = ShardBody(SCHEMA, self.body.creation, changes.state, policy_read=policy_read())
        entries = entries_of(changes, self.tp.partition)
        records = all_written(changes.records, record_version(changes.state, self._settings.record_version))
        trim, number = self._outgoing.trimmable, self._checkpoint.number
        written = store_changes(changes, records, entries, trim, version, self._policies, policies)
        try:
            await self._checkpoint.write(pack_body(body), written)
        finally:
            if self._checkpoint.number > number:  # it stands, even when we were cancelled meanwhile
                self._body, self.next_offset, self._policies = body, changes.state.next_offset, policies
                self._dues.committed(changes.dues)
                self._cache.committed(changes.records, changes.removed)  # in the newest form: not migrated when found
        self._outgoing.stops = in_force(changes.state)
        self._outgoing.trimmed(trim)
        self._outgoing.add(entries)
        self._watcher.outbox(self.tp.partition, len(self._outgoing))

    async def _write_trim(self) -> None:
        trim, body = self._outgoing.trimmable, with_read_to(self.body, self._read_to)
        await self._checkpoint.write(pack_body(body), StoreChanges(trim=trim))
        self._body = body
        self._outgoing.trimmed(trim)
