"""CPU per event by stage: the steps of one batch, called in this process on a fixed batch, ours and the floor's.

Times are CPU time of this thread (waiting for Redis costs nothing), on the records that a worker would find after the
warm start, in a real Redis. What the stages leave out of a worker's whole CPU is the transport, the event loop, the
publisher and the learner; `benchmarks.profiling` shows where that goes.

`EngineSteps` is the only place here that knows how a batch is made: it answers `models/engine/step.py` as
`streams/shard/owner.py` does, takes the parts of `models/engine/apply.py` one by one, and changes with them.

    python -m benchmarks.stages --quick
"""

from __future__ import annotations

import asyncio
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import chain
from typing import Any

from benchmarks.floor import decode, key_of
from benchmarks.options import Options, run_as_script
from benchmarks.servers import Servers
from benchmarks.workload import DAY_BEGINS
from benchmarks.world import HISTORY, World
from models.customer.block import Block
from models.customer.layout import SLAB
from models.engine.changes import Changes, gather
from models.engine.output_buffer import Work
from models.engine.piece_input import PieceInput, Scoring
from models.engine.piece_run import Run
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
from models.learning.adoption import in_force_in
from models.settings import DAY
from models.timeline.batch import Batch, LogRecord
from models.timeline.boundaries import version_for
from models.touchpoints import Kind
from streams.config import load
from streams.learner.versions import Versions, unheard
from streams.shard.commit import entries_of, store_changes
from streams.shard.meta import SCHEMA, ShardBody, pack_body, unpack_body
from streams.shard.stored_policy import POLICY, stored_policy
from streams.store.checkpoint import Checkpoint
from streams.store.redis.connection import Client, connect
from streams.store.redis.store import RedisStore

SHARD = 0
WARM_BATCHES = 2
"""Not counted: caches, connections and lazily built tables."""

Say = Callable[[str], None]


class Stopwatch:
    """CPU time of this thread by stage; a stage within another one is not part of that one's."""

    def __init__(self) -> None:
        self.ns: dict[str, int] = defaultdict(int)
        self.running = False
        self._within = 0

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        before, self._within = self._within, 0
        began = time.thread_time_ns()
        yield
        spent = time.thread_time_ns() - began
        if self.running:
            self.ns[name] += spent - self._within
        self._within = before + spent

    def us(self, events: int) -> dict[str, float]:
        return {name: ns / 1000 / events for name, ns in self.ns.items()}


class EngineSteps:
    """One shard's batches, step by step, against the copy of a world."""

    def __init__(self, servers: Servers, world: World, options: Options, watch: Stopwatch) -> None:
        config = load(**servers.settings({**world.workload.settings(), **options.own}))
        self._topic, self._settings = config.topic("touchpoints"), config.engine()
        self._client = connect(config.redis_url)
        self._store = RedisStore(self._client, config.app)
        self._checkpoint = Checkpoint(self._store, str(SHARD))
        self._versions = Versions(self._store, self._settings)
        self._watch = watch

    async def take_over(self) -> int:
        """Become the owner; the next offset."""
        await self._checkpoint.read()
        meta = await self._checkpoint.mint()
        if meta is None:
            raise ValueError(f"shard {SHARD} of the prepared world has no meta: prepare it anew")
        self._body = unpack_body(str(SHARD), meta.body)
        [text] = await self._store.load(str(SHARD), [POLICY])
        self._policy = stored_policy(str(SHARD), self._body.state, text)
        self._scorer = (await self._versions.named(in_force_in(self._body.state), unheard)).scorer
        return self._body.state.next_offset

    async def batch(self, records: Sequence[LogRecord]) -> None:
        with self._watch.stage("decode, validate, columns"):
            batch = Batch(
                [record.offset for record in records],
                [record.timestamp for record in records],
                [record.key for record in records],
                [record.value for record in records],
            )
        first = 0
        while first < len(batch):
            first = await self._piece(batch, first)

    async def _piece(self, batch: Batch, first: int) -> int:
        stage, body = self._watch.stage, self._body
        with stage("plan"):
            upcoming = Upcoming(body.state, self._settings, self._topic, batch, first)
            done = await drive_waiting(
                step(upcoming, Scoring(self._scorer, policy=self._policy), self._engine), self._answer
            )
        if isinstance(done, NotPublished):
            raise ValueError(f"the version of boundary {done.boundary} is not published")
        piece, changes = done.piece, done.changes
        self._scorer, self._policy = done.scoring.scorer, done.scoring.policy
        with stage("commit"):
            self._body = ShardBody(SCHEMA, body.creation, changes.state)
            written = store_changes(changes, changes.records, entries_of(changes, SHARD))
            await self._checkpoint.write(pack_body(self._body), written)
        return piece.last

    async def _answer(self, request: Request) -> Answer:
        stage = self._watch.stage
        match request:
            case VersionAtBoundary():
                with stage("model version"):
                    return Adopted(await self._versions.at(version_for(self._settings, request.boundary), unheard))
            case VersionAtRecord():
                return Adopted(None)
            case DueBefore():
                with stage("due set"):
                    return DueItems(await self._store.due(str(SHARD), request.bound[0] - 1, request.most))
            case RecordsOf():
                with stage("load"):
                    return Records(await self._store.load(str(SHARD), [b"c:" + name for name in request.customers]))

    def _engine(self, given: PieceInput, scoring: Scoring) -> Changes:
        """`models.engine.apply.apply`, when no row raises."""
        stage = self._watch.stage
        with stage("records side by side, lanes"):
            block = Block(list(given.loaded), list(given.loaded.values()))
            run = Run(given.state, Work.of(given, scoring), block)
        with stage("features, scores, decisions"):
            run.to_the_end()
        with stage("records and outputs as bytes"):
            return gather(given.state, run, given.dues, scoring.adopted)

    async def close(self) -> None:
        await self._store.close()


class FloorSteps:
    """The same batches as the floor does them."""

    def __init__(self, servers: Servers, watch: Stopwatch) -> None:
        self._client: Client = connect(servers.redis_url)
        self._watch = watch
        self._kept: dict[str, tuple[bytes, bytes]] = {}

    async def batch(self, records: Sequence[LogRecord]) -> None:
        with self._watch.stage("decode"):
            touches = [touch for record in records if (touch := decode(record.value or b"")).kind != Kind.CLOCK]
        customers = dict.fromkeys(touch.subject for touch in touches)
        with self._watch.stage("MGET"):
            unread = [name for name in customers if name not in self._kept]
            keys = [key_of(name.encode(), SHARD) for name in unread]
            values = await self._client.execute_command("MGET", *keys) if keys else []
        blank = bytes(SLAB.itemsize)
        self._kept.update((name, (key, value or blank)) for name, key, value in zip(unread, keys, values, strict=True))
        with self._watch.stage("MSET"):
            await self._client.execute_command("MSET", *chain.from_iterable(map(self._kept.__getitem__, customers)))

    async def close(self) -> None:
        await self._client.aclose()


def measure(world: World, options: Options, say: Say) -> dict[str, Any]:
    """Microseconds of CPU per event by stage."""
    with world.copy(HISTORY) as servers:
        told = asyncio.run(_measure(world, options, servers))
    for name, stages in told.items():
        say(f"  {name}: " + ", ".join(f"{stage} {us:.2f}" for stage, us in stages.items()) + " µs an event")
    return {"stages_us": told}


async def _measure(world: World, options: Options, servers: Servers) -> dict[str, dict[str, float]]:
    ours, floor = Stopwatch(), Stopwatch()
    steps: EngineSteps | FloorSteps
    engine, lowest = EngineSteps(servers, world, options, ours), FloorSteps(servers, floor)
    next_offset = await engine.take_over()
    size = load(**servers.settings(options.own)).batch_records
    batches = list(_batches(world, next_offset, size, WARM_BATCHES + options.stage_batches))
    if len(batches) <= WARM_BATCHES:
        raise ValueError(f"half a day has {len(batches)} batches on a partition: give the day more --events")
    for steps, watch in ((engine, ours), (lowest, floor)):
        for number, batch in enumerate(batches):
            watch.running = number >= WARM_BATCHES
            await steps.batch(batch)
        await steps.close()
    events = sum(map(len, batches[WARM_BATCHES:]))
    return {"engine": ours.us(events), "floor": floor.us(events)}


def _batches(world: World, next_offset: int, size: int, most: int) -> Iterator[list[LogRecord]]:
    """The first batches of the day on one partition: half a day at most, as far as the model versions reach."""
    batch: list[LogRecord] = []
    for record in world.workload.day():
        if record.time >= DAY_BEGINS + DAY // 2 or not most:
            return
        if record.partition != SHARD:
            continue
        batch.append(LogRecord(next_offset, record.time, record.key, record.value))
        next_offset += 1
        if len(batch) == size:
            yield batch
            batch, most = [], most - 1


if __name__ == "__main__":
    run_as_script(__doc__ or "", measure)
