"""In-memory simulation of the whole system: shards, learner and model versions over given partitions.

Pure. `rehearse` is the reference that a run over Kafka and Redis must equal byte for byte: the same records, model
versions, triggers and decisions. It holds everything in dictionaries and reads its partitions from a list; the portions
it reads in (`batch`), and how many due items a piece may hold, change nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from heapq import heapify, heappop, heappush

from models.churn import Scorer, Version, scorer_of
from models.decisions.policy.in_force import PolicyInForce
from models.engine.apply import apply
from models.engine.changes import Changes, NumberedOutput
from models.engine.piece_input import DueItem, Scoring
from models.engine.step import (
    Adopted,
    Answer,
    DueBefore,
    DueItems,
    Engine,
    InForce,
    NotPublished,
    Records,
    RecordsOf,
    Request,
    Upcoming,
    VersionAtBoundary,
    VersionAtRecord,
    drive,
    step,
)
from models.learning.adoption import Adoption, Lockstep, VersionName, in_force_in, timer_of_change
from models.learning.learner import Learning, initial_version
from models.settings import EngineSettings
from models.timeline.batch import Batch, LogRecord
from models.timeline.shard_state import NO_TIME, ShardState, initialised


@dataclass
class Shard:
    """One partition's log, its state, and what it has said: `emitted` since the learner last listened.

    unsure, beyond: as of `models.engine.changes.Changes`, summed."""

    log: Sequence[LogRecord]
    state: ShardState
    adoption: Adoption
    records: dict[bytes, bytes] = field(default_factory=dict)
    dues: dict[bytes, float] = field(default_factory=dict)
    outputs: list[NumberedOutput] = field(default_factory=list)
    emitted: list[NumberedOutput] = field(default_factory=list)
    at: int = 0
    unsure: int = 0
    beyond: int = 0
    scorer: Scorer | None = None
    policy: PolicyInForce | None = None
    policy_waiting: PolicyInForce | None = None
    _queue: list[DueItem] = field(default_factory=list)

    def stored(self, request: DueBefore | RecordsOf) -> Answer:
        """What the shard has stored, of what a step asks for."""
        if isinstance(request, RecordsOf):
            return Records([self.records.get(customer) for customer in request.customers])
        return DueItems(self.due_before(request.bound, request.most))

    def due_before(self, bound: DueItem, most: int) -> list[DueItem]:
        """The first `most` members of the due set before the bound, in order."""
        found: list[DueItem] = []
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
        for customer in changes.removed:
            del self.records[customer]
        for customer, due in changes.dues.items():
            if due is None:
                self.dues.pop(customer, None)
            else:
                self.dues[customer] = due
                heappush(self._queue, (due, customer))
        if len(self._queue) > 4 * len(self.dues) + 1_000:
            self._queue = [(due, customer) for customer, due in self.dues.items()]
            heapify(self._queue)
        self.emitted += changes.outputs
        self.unsure += changes.unsure
        self.beyond += changes.beyond


@dataclass
class Rehearsal:
    """What a rehearsal ends with. `versions` by boundary, `model` sealed into them."""

    shards: list[Shard]
    versions: dict[int, Version]
    learning: Learning
    engine: Engine
    quiet_until: int = 0
    others: Callable[[VersionName], Version | None] = lambda name: None
    values: bool = False


def rehearse(
    logs: Sequence[Sequence[LogRecord]],
    settings: EngineSettings,
    topic: str = "retention.touchpoints",
    batch: Callable[[int], int] = lambda at: 500,
    watch: Callable[[Rehearsal], None] | None = None,
    engine: Engine = apply,
    keep: Callable[[NumberedOutput], bool] = lambda emitted: True,
    adoptions: Sequence[Adoption] | None = None,
    quiet_until: int = 0,
    stands: Callable[[Rehearsal, Shard, int], None] | None = None,
    others: Callable[[VersionName], Version | None] = lambda name: None,
    values: bool = False,
) -> Rehearsal:
    """Run the engine over whole partitions, until no shard can go on.

    Args:
        logs: the records of each partition, in offset order.
        settings: the engine's.
        topic: name of the input topic, for dead letters.
        batch: how many records to read from index `at` of a partition's records on.
        watch: called at every new model version, when all shards stand just before its boundary's scores.
        engine: `models.engine.apply.apply`, or what is to be compared with it.
        keep: which outputs stay in the shards' `outputs`.
        adoptions: by shard, which versions come into force where; by default in lockstep.
        quiet_until: nobody is triggered before this log time (ms), see `models.engine.piece_input.Scoring`; 0: no such
        time. stands: called when a shard has come to a boundary: all before its scores is done, their version is in
        force.
        others: the versions of another lineage than the application's first, where `adoptions` name such.
        values: it is kept what customers are worth, whatever the policy says.

    Returns:
        The shards, versions and learner as they end.

    Raises:
        UnknownRecord, TooManyFailures: as `models.engine.apply.apply`.
    """
    world = Rehearsal(
        [
            Shard(log, ShardState(n, len(logs), log[0].offset if log else 0), rule)
            for n, (log, rule) in enumerate(zip(logs, adoptions or [Lockstep(settings)] * len(logs), strict=True))
        ],
        {},
        Learning(settings, len(logs)),
        engine,
        quiet_until,
        others,
        values,
    )
    go_on(world, settings, topic, batch, watch, keep, stands)
    return world


def go_on(
    world: Rehearsal,
    settings: EngineSettings,
    topic: str = "retention.touchpoints",
    batch: Callable[[int], int] = lambda at: 500,
    watch: Callable[[Rehearsal], None] | None = None,
    keep: Callable[[NumberedOutput], bool] = lambda emitted: True,
    stands: Callable[[Rehearsal, Shard, int], None] | None = None,
) -> None:
    """Take the shards as far as their logs go, which may have grown. Arguments are those of `rehearse`."""
    lines = [_Line(shard) for shard in world.shards]
    going = True
    while going:
        going = False
        for line in lines:
            while _advance(world, line, settings, topic, batch, stands):
                going = True
        for n, shard in enumerate(world.shards):
            for emitted in shard.emitted:
                if emitted.role == "examples":
                    world.learning.feed(n, emitted.sequence, emitted.sequence, emitted.value)
            shard.outputs += filter(keep, shard.emitted)
            shard.emitted = []
        while (version := world.learning.next_version()) is not None:
            world.versions[version.boundary] = version
            going = True
            if watch:
                watch(world)


class _Line:
    """What stands next in a shard's log. A batch is decoded once, however many pieces it takes, as by a worker."""

    def __init__(self, shard: Shard) -> None:
        self.shard = shard
        self._batch: Batch | None = None
        self._begins = 0

    def upcoming(self, most: Callable[[int], int]) -> tuple[Batch, int]:
        """A batch and the row where the shard stands; it ends at the first record before which a version comes into
        force."""
        shard, batch = self.shard, self._batch
        if batch is None or shard.at - self._begins >= len(batch):
            records = shard.log[shard.at : shard.at + most(shard.at)]
            stop = shard.adoption.next_change(records[0].offset)
            batch = Batch.of(records if stop is None else [record for record in records if record.offset < stop])
            self._batch, self._begins = batch, shard.at
        return batch, shard.at - self._begins


def _advance(
    world: Rehearsal,
    line: _Line,
    settings: EngineSettings,
    topic: str,
    batch: Callable[[int], int],
    stands: Callable[[Rehearsal, Shard, int], None] | None,
) -> bool:
    """Apply one piece of a shard's line; False when it has to wait for a version or has come to its end."""
    shard = line.shard
    if shard.at >= len(shard.log):
        return False
    if shard.state.time == NO_TIME:
        shard.state = initialised(shard.state, settings, shard.log[0].timestamp)
    records, first = line.upcoming(batch)

    def answer(request: Request) -> Answer:
        match request:
            case VersionAtBoundary():
                answered = _named(world, shard.adoption.at_boundary(request.boundary))
                if isinstance(answered, Adopted) and answered.found is not None:
                    shard.scorer = answered.found.scorer
                if isinstance(answered, Adopted) and stands:
                    stands(world, shard, request.boundary)
                return answered
            case VersionAtRecord():
                wanted = shard.adoption.at_record(request.offset, request.boundary, request.timer)
                return _named(world, wanted if wanted != in_force_in(shard.state) else None)
            case DueBefore() | RecordsOf():
                return shard.stored(request)

    scorer = shard.scorer or scorer_of(initial_version(settings), settings)
    scoring = Scoring(scorer, None, world.quiet_until, shard.policy, shard.policy_waiting, world.values)
    until = timer_of_change(shard.adoption, shard.state, int(records.offsets[first]))
    upcoming = Upcoming(shard.state, settings, topic, records, first, until=until)
    done = drive(step(upcoming, scoring, world.engine), answer)
    if isinstance(done, NotPublished):
        return False
    shard.commit(done.changes)
    shard.scorer = done.scoring.scorer
    shard.policy, shard.policy_waiting = done.scoring.policy, done.scoring.policy_waiting
    shard.at += done.piece.last - done.piece.first
    return True


def _named(world: Rehearsal, name: VersionName | None) -> Adopted | NotPublished:
    """A version with its scorer. None: none comes into force."""
    if name is None:
        return Adopted(None)
    version = world.others(name) if name.lineage else _version(world, name.boundary)
    if version is None:
        return NotPublished(name.boundary)
    return Adopted(InForce(version, scorer_of(version, world.learning.settings)))


def _version(world: Rehearsal, boundary: int) -> Version | None:
    """The version of a boundary: None while it is not published; the untrained model before the learner's origin."""
    origin = world.learning.origin
    if origin is None:
        return None
    return initial_version(world.learning.settings) if boundary < origin else world.versions.get(boundary)
