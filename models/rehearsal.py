"""The whole system in memory: shards, learner and versions over given partitions. Pure, and the reference.

`rehearse` is what a run over Kafka and Redis must equal, byte for byte: the same records, model versions, triggers and
decisions. It holds everything in dictionaries and reads its partitions from a list; the portions it reads in
(`batch`), and how many due items a piece may hold, change nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from heapq import heapify, heappop, heappush

from models.adoption import Adoption, Lockstep
from models.batch import Batch, LogRecord
from models.churn import Scorer, Version, scorer_of
from models.engine import Changes, Counted, apply, needs
from models.learning import Learning, initial_version
from models.line import UNBORN, ShardState, Wait, born, next_piece, shorten
from models.settings import EngineSettings


@dataclass
class Shard:
    """One partition's log, its state, and what it has said: `said` since the learner last listened."""

    log: Sequence[LogRecord]
    state: ShardState
    adoption: Adoption
    records: dict[bytes, bytes] = field(default_factory=dict)
    dues: dict[bytes, float] = field(default_factory=dict)
    outputs: list[Counted] = field(default_factory=list)
    said: list[Counted] = field(default_factory=list)
    at: int = 0
    adopted: Version | None = None
    scorer: Scorer | None = None
    _queue: list[tuple[float, bytes]] = field(default_factory=list)

    def due_before(self, bound: tuple[float, bytes], most: int) -> list[tuple[float, bytes]]:
        """The first `most` members of the due set before the bound, in order."""
        found: list[tuple[float, bytes]] = []
        while self._queue and self._queue[0] < bound and len(found) < most:
            item = heappop(self._queue)
            if self.dues.get(item[1]) == item[0] and (not found or found[-1] != item):
                found.append(item)
        for item in found:
            heappush(self._queue, item)
        return found

    def commit(self, changes: Changes) -> None:
        self.state = changes.state
        self.records.update(changes.records)
        for customer, due in changes.dues.items():
            if due is None:
                self.dues.pop(customer, None)
            else:
                self.dues[customer] = due
                heappush(self._queue, (due, customer))
        if len(self._queue) > 4 * len(self.dues) + 1_000:
            self._queue = [(due, customer) for customer, due in self.dues.items()]
            heapify(self._queue)
        self.said += changes.outputs


@dataclass
class Rehearsal:
    """What a rehearsal ends with. `versions` by boundary, `model` sealed into them."""

    shards: list[Shard]
    versions: dict[int, Version]
    learning: Learning
    engine: Callable[..., Changes]


def rehearse(
    logs: Sequence[Sequence[LogRecord]],
    settings: EngineSettings,
    topic: str = "retention.touchpoints",
    batch: Callable[[int], int] = lambda at: 500,
    watch: Callable[[Rehearsal], None] | None = None,
    engine: Callable[..., Changes] = apply,
    keep: Callable[[Counted], bool] = lambda said: True,
    adoptions: Sequence[Adoption] | None = None,
    quiet_until: int = 0,
    stands: Callable[[Rehearsal, Shard, int], None] | None = None,
) -> Rehearsal:
    """Run the engine over whole partitions.

    logs: the records of each partition, in offset order. batch: how many records to read from index `at` on. watch:
    called at every new model version, when all shards stand just before its boundary's scores. engine:
    `models.engine.apply`, or what is to be compared with it. keep: which outputs stay in the shards' `outputs`.
    adoptions: by shard, which versions come into force where; by default in lockstep. quiet_until: as for `apply`.
    stands: called when a shard has come to a boundary: all before its scores is done, their version is in force.
    Raises what the engine raises; ends when no shard can go on.
    """
    world = Rehearsal(
        [
            Shard(log, ShardState(n, len(logs), log[0].offset if log else 0), rule)
            for n, (log, rule) in enumerate(zip(logs, adoptions or [Lockstep(settings)] * len(logs), strict=True))
        ],
        {},
        Learning(settings, len(logs)),
        partial(engine, quiet_until=quiet_until) if quiet_until else engine,
    )
    going = True
    while going:
        going = False
        for shard in world.shards:
            while _advance(world, shard, settings, topic, batch, stands):
                going = True
        for n, shard in enumerate(world.shards):
            for said in shard.said:
                if said.role == "examples":
                    world.learning.feed(n, said.count, said.count, said.value)
            shard.outputs += filter(keep, shard.said)
            shard.said = []
        while (version := world.learning.next_version()) is not None:
            world.versions[version.boundary] = version
            going = True
            if watch:
                watch(world)
    return world


def _advance(
    world: Rehearsal,
    shard: Shard,
    settings: EngineSettings,
    topic: str,
    batch: Callable[[int], int],
    stands: Callable[[Rehearsal, Shard, int], None] | None,
) -> bool:
    """Apply one piece of a shard's line; False when it has to wait for a version or has come to its end."""
    if shard.at >= len(shard.log):
        return False
    if shard.state.time == UNBORN:
        shard.state = born(shard.state, settings, shard.log[0].timestamp)
    records = Batch.of(_upcoming(shard, batch(shard.at)))
    piece = next_piece(shard.state, settings, records, 0)
    waits = isinstance(piece, Wait)
    wanted = shard.adoption.at_boundary(piece.boundary) if isinstance(piece, Wait) else _late(shard, records)
    if wanted is not None:
        shard.adopted = _version(world, wanted)
        if shard.adopted is None:
            return False
        if not waits and shard.adopted.boundary <= shard.state.version:
            shard.adopted = None  # before the learner's first boundary every version is the untrained one
        else:
            shard.scorer = scorer_of(shard.adopted, settings)
    if isinstance(piece, Wait):
        if stands:
            stands(world, shard, piece.boundary)
        piece = next_piece(shard.state, settings, records, 0, adopting=True)
    if isinstance(piece, Wait):
        raise ValueError(f"shard {shard.state.partition} still waits for boundary {piece.boundary}")
    dues = shard.due_before(piece.bound, settings.piece_items + 1)
    if len(dues) > settings.piece_items:
        piece = shorten(piece, records, shard.state, dues)
        dues = dues[:-1]
    loaded = {customer: shard.records.get(customer) for customer in needs(piece, records, dues)}
    scorer = shard.scorer or scorer_of(initial_version(settings), settings)
    shard.commit(world.engine(shard.state, settings, topic, piece, records, dues, loaded, scorer, shard.adopted))
    shard.adopted = None
    shard.at += piece.last - piece.first
    return True


def _upcoming(shard: Shard, most: int) -> Sequence[LogRecord]:
    """The next records, up to the first before which a version comes into force."""
    records = shard.log[shard.at : shard.at + most]
    stop = shard.adoption.next_change(records[0].offset)
    return records if stop is None else [record for record in records if record.offset < stop]


def _late(shard: Shard, records: Batch) -> int | None:
    """The version that comes into force just before the next record; not between two due items that stand there."""
    if shard.state.cut_place != 0:
        return None
    wanted = shard.adoption.at_record(int(records.offsets[0]), shard.state.boundary)
    # Versions only ever get newer: this one may have come in force at this record before, and have been followed.
    return wanted if wanted is not None and wanted > shard.state.version else None


def _version(world: Rehearsal, boundary: int) -> Version | None:
    """The version of a boundary: None while it is not cut; the untrained model before the learner's origin."""
    origin = world.learning.origin
    if origin is None:
        return None
    return initial_version(world.learning.settings) if boundary < origin else world.versions.get(boundary)
