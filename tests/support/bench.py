"""Runs of the engine for tests: one shard with a scorer of the test's own, or a whole world that forgets.

Both take the line piece by piece as a shard's task does, and put everything that is kept through bytes after each
piece, so that nothing survives in memory that a commit does not hold.
"""

from __future__ import annotations

import hashlib
import json
from bisect import bisect_left
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from models.churn import Scorer, Version, scorer_of, seal, unseal
from models.engine.changes import Changes, NumberedOutput
from models.engine.piece_input import Scoring
from models.engine.step import (
    Adopted,
    Answer,
    DueBefore,
    InForce,
    NotPublished,
    RecordsOf,
    Request,
    Upcoming,
    VersionAtBoundary,
    VersionAtRecord,
    drive,
    step,
)
from models.features.basis import COLUMNS
from models.learning.adoption import Lockstep
from models.learning.learner import Learning, LearningState, initial_version
from models.learning.schema import schema_of
from models.settings import EngineSettings
from models.simulation.rehearsal import Rehearsal, Shard
from models.timeline.batch import Batch, LogRecord
from models.timeline.boundaries import version_for
from models.timeline.pieces import Piece
from models.timeline.shard_state import NO_TIME, ShardState, initialised

TOPIC = "retention.touchpoints"
RECENCY, AMOUNT = COLUMNS.index("recency_days"), COLUMNS.index("amount_last")
Sizes = Callable[[int], int]
Look = Callable[[Piece, Changes], None]


@dataclass(frozen=True)
class Silence:
    """A scorer whose risk is a function of silence alone: one half after `half_life` days, then three quarters."""

    half_life: float = 30.0

    def score(self, bases: NDArray[np.float32]) -> NDArray[np.float64]:
        return np.asarray(1.0 - 2.0 ** (-bases[:, RECENCY].astype(np.float64) / self.half_life))


@dataclass(frozen=True)
class Curious(Silence):
    """Expects the worst of who looks around."""

    def score(self, bases: NDArray[np.float32]) -> NDArray[np.float64]:
        return np.where(bases[:, COLUMNS.index("visits")] > 0.5, 0.9, 0.6)


@dataclass(frozen=True)
class Sick:
    """A scorer that raises for every basis in which column `column` is near `value`."""

    column: int
    value: float
    error: type[BaseException] = ZeroDivisionError
    well: Scorer = field(default_factory=Silence)

    def score(self, bases: NDArray[np.float32]) -> NDArray[np.float64]:
        if np.isclose(bases[:, self.column], self.value, rtol=1e-6).any():
            raise self.error("sick")
        return self.well.score(bases)


@dataclass
class Kept:
    """All that one shard keeps, as a store would: its state goes through bytes at every commit."""

    shard: Shard
    batch: Batch | None = None

    @classmethod
    def new(cls, log: Sequence[LogRecord], settings: EngineSettings, partition: int = 0, partitions: int = 1) -> Kept:
        first = log[0].offset if log else 0
        return cls(Shard(log, ShardState(partition, partitions, first), Lockstep(settings)))

    @property
    def state(self) -> ShardState:
        return self.shard.state

    @property
    def records(self) -> dict[bytes, bytes]:
        return self.shard.records

    @property
    def dues(self) -> dict[bytes, float]:
        return self.shard.dues

    @property
    def outputs(self) -> list[NumberedOutput]:
        """What was said; there is no learner here that listens in between."""
        return self.shard.emitted

    def upcoming(self, most: int, anew: bool) -> tuple[Batch, int] | None:
        """A batch and the row where the shard stands in it; None at the end of the log."""
        log, offset = self.shard.log, self.state.next_offset
        if anew or self.batch is None or offset > self.batch.offsets[-1]:
            at = bisect_left(log, offset, key=lambda entry: entry.offset)
            if at == len(log):
                return None
            self.batch = Batch.of(log[at : at + most])
        return self.batch, int(np.searchsorted(self.batch.offsets, offset))

    def commit(self, changes: Changes) -> None:
        self.shard.commit(changes)
        self.shard.state = msgspec.json.decode(msgspec.json.encode(changes.state), type=ShardState)

    def said(self, role: str) -> list[dict[str, Any]]:
        return [json.loads(output.value) for output in self.outputs if output.role == role]

    def decisions(self, what: str) -> list[dict[str, Any]]:
        return [decision for decision in self.said("decisions") if decision["what"] == what]

    def ids(self, role: str) -> list[str]:
        return [output.id for output in self.outputs if output.role == role]


Adopt = Callable[[int], InForce | None]
"""The version of a boundary, None while it is not cut."""


def advance(
    kept: Kept,
    settings: EngineSettings,
    batch: int,
    adopt: Adopt,
    in_force: Scorer,
    look: Look | None = None,
    anew: bool = False,
) -> bool:
    """One piece of a shard's line; False when it is at its end, or has to wait. anew: the batch is not kept for the
    next piece."""
    shard, state = kept.shard, kept.state
    upcoming = kept.upcoming(batch, anew)
    if upcoming is None:
        return False
    records, first = upcoming
    if state.time == NO_TIME:
        state = initialised(state, settings, int(records.timestamps[first]))

    def answer(request: Request) -> Answer:
        match request:
            case VersionAtBoundary():
                wanted = shard.adoption.at_boundary(request.boundary)
                assert wanted is not None, "in lockstep every boundary brings a version"
                found = adopt(wanted.boundary)
                return NotPublished(wanted.boundary) if found is None else Adopted(found)
            case VersionAtRecord():
                return Adopted(None)
            case DueBefore() | RecordsOf():
                return shard.stored(request)

    scoring = Scoring(in_force, policy=shard.policy, policy_waiting=shard.policy_waiting)
    done = drive(step(Upcoming(state, settings, TOPIC, records, first), scoring), answer)
    if isinstance(done, NotPublished):
        return False
    if look:
        look(done.piece, done.changes)
    kept.commit(done.changes)
    shard.policy, shard.policy_waiting = done.scoring.policy, done.scoring.policy_waiting
    return True


def run_alone(
    log: Sequence[LogRecord],
    settings: EngineSettings,
    scorer: Scorer,
    batch: int = 500,
    partition: int = 0,
    partitions: int = 1,
    look: Look | None = None,
) -> Kept:
    """A shard without a learner: every version has the same scorer, and all are at hand."""
    kept = Kept.new(log, settings, partition, partitions)

    def adopt(boundary: int) -> InForce:
        return InForce(Version(boundary, 0, {}, {}), scorer)

    while advance(kept, settings, batch, adopt, scorer, look):
        pass
    return kept


@dataclass
class ForgetfulWorld:
    """Shards, learner and versions that exist only as bytes between two pieces; stops and resumes at every cut."""

    logs: Sequence[Sequence[LogRecord]]
    settings: EngineSettings
    shards: list[Kept] = field(default_factory=list)
    versions: dict[int, bytes] = field(default_factory=dict)
    learner: bytes | None = None
    schema: str = field(init=False)

    def __post_init__(self) -> None:
        self.schema = schema_of(self.settings)

    def run(self, batch: Sizes = lambda at: 500) -> ForgetfulWorld:
        self.shards = [Kept.new(log, self.settings, n, len(self.logs)) for n, log in enumerate(self.logs)]
        going, step = True, 0
        while going:
            going = False
            for kept in self.shards:
                step += 1
                going |= advance(kept, self.settings, batch(step), self._adopt, self._in_force(kept), anew=True)
            going |= self._learn()
        return self

    def _learn(self) -> bool:
        """A learner from its stored state alone reads every examples partition from where it stood."""
        state = msgspec.json.decode(self.learner, type=LearningState) if self.learner else None
        learning = Learning(self.settings, len(self.shards), state)
        for n, kept in enumerate(self.shards):
            for said in kept.outputs:
                if said.role == "examples":
                    learning.feed(n, said.sequence, said.sequence, said.value)
        version = learning.next_version()
        self.learner = msgspec.json.encode(learning.state())
        if version is None:
            return False
        self.versions[version.boundary] = seal(version, self.schema)
        return True

    def _find(self, boundary: int) -> Version | None:
        state = msgspec.json.decode(self.learner, type=LearningState) if self.learner else None
        if state is None or state.origin is None:
            return None
        if boundary < state.origin:
            return initial_version(self.settings)
        value = self.versions.get(boundary)
        return unseal(value, self.schema, Version) if value is not None else None

    def _adopt(self, boundary: int) -> InForce | None:
        version = self._find(boundary)
        return InForce(version, scorer_of(version, self.settings)) if version else None

    def _in_force(self, kept: Kept) -> Scorer:
        state = kept.state
        if state.adopted == NO_TIME:
            return scorer_of(initial_version(self.settings), self.settings)
        found = self._find(version_for(self.settings, state.adopted))
        return scorer_of(found or initial_version(self.settings), self.settings)


def digest(world: Rehearsal | ForgetfulWorld) -> dict[str, str]:
    """What must be equal, each part named, so that a difference says where it is."""
    shards: Sequence[Shard | Kept] = world.shards
    states = [msgspec.json.encode(s.state) for s in shards]
    if isinstance(world, Rehearsal):
        versions = {boundary: msgspec.json.encode(version) for boundary, version in world.versions.items()}
    else:
        versions = {
            boundary: msgspec.json.encode(unseal(value, world.schema, Version))
            for boundary, value in world.versions.items()
        }
    parts = {
        "states": states,
        "records": [sorted(s.records.items()) for s in shards],
        "dues": [sorted(s.dues) for s in shards],  # the times are lower bounds only
        "outputs": [[repr(output) for output in s.outputs] for s in shards],
        "versions": sorted(versions.items()),
    }
    return {name: hashlib.sha256(repr(part).encode()).hexdigest()[:16] for name, part in parts.items()}
