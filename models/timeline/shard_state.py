"""A shard's checkpointed state: next offset, log time, model version, sequence numbers, totals."""

from __future__ import annotations

from typing import Final

import msgspec
from msgspec import UNSET, UnsetType

from models.customer.bands import Band
from models.settings import EngineSettings
from models.timeline.boundaries import UNTRAINED, boundary_at
from models.timeline.shared import Shared
from models.timeline.stop_types import Stops

Values = dict[str, dict[int, int]]
"""By class of customers, how many of them have a value in each bucket (`models.value.pyramid`)."""

Stages = tuple[int, ...]
"""Customers by stage of the loyalty loop, in the order of `models.loyalty.loop.STAGES`; or `UNKNOWN_STAGES`."""

UNKNOWN_STAGES: Final[Stages] = ()
"""Some were at one before stages were counted: an older release kept the loop in this shard."""

NO_TIME = -1
"""Shard time before the first record: none yet."""


class Totals(msgspec.Struct, frozen=True, gc=False):
    """Counts since the shard's creation; part of the commit, hence exact across crashes.

    late: changed a record as well, but are not in `applied`. choices: of operators, of a model or of settings.
    """

    applied: int = 0
    duplicate: int = 0
    late: int = 0
    skewed: int = 0
    dead: int = 0
    clocks: int = 0
    choices: int = 0
    due: int = 0
    crossings: int = 0
    scored: int = 0
    episodes: int = 0
    triggers: int = 0

    def plus(self, counted: dict[str, int]) -> Totals:
        return msgspec.structs.replace(self, **{name: getattr(self, name) + n for name, n in counted.items()})


class ChosenSettings(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """Settings that an operator chose through the log (`models.timeline.chosen_settings`).

    values: every setting that can be changed. at: log time (ms) from whose boundary on they are in force; 0: from their
    record on. by: who chose.
    """

    number: int
    digest: str
    values: dict[str, int | float]
    at: int = 0
    by: str = ""


class PolicyName(msgspec.Struct, frozen=True, gc=False):
    """A policy that an operator applied through the log (`models.timeline.chosen_policy`). sha256: of its text, in
    hexadecimal digits."""

    number: int
    sha256: str

    @property
    def short(self) -> str:
        """What outputs call it."""
        return f"{self.number}-{self.sha256[:8]}"


class WaitingPolicy(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """A policy that an operator applied for a time to come. at: log time (ms) from whose boundary on it is in force.
    by, reason: as of its record."""

    number: int
    sha256: str
    at: int
    by: str = ""
    reason: str = ""

    @property
    def name(self) -> PolicyName:
        return PolicyName(self.number, self.sha256)


class Draws(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """Draws by the learned choice since the last version boundary (`models.outputs.ChoicePulse`)."""

    draws: int = 0
    worth: int = 0
    tried: int = 0
    open: int = 0
    opened: dict[str, int] = {}


class ShardState(msgspec.Struct, frozen=True, gc=False):
    """All that a shard keeps beside its customers' records; the body of its meta.

    next_offset: of the next record to read. commit_position, commit_customer: the timers due before that record are
    done up to here (0: no timer is known to remain).
    time: shard time, the largest record timestamp consumed. boundary: the last one whose watermark is out.
    adopted: the last one whose model version came into force; version, lineage: that version's name
    (`models.churn.snapshot.Version`).
    sequences: the sequence number of the last output, per topic role; of records to other shards per partition
    (`sequence_name`).
    bands: customers by `Band`.
    settings: those in force, waiting: those that come into force at a boundary; unset while no operator has chosen any.
    policy: the one in force; unset while no operator has applied any. policy_since: log time (ms) at which it came into
    force; unset where that was at the first record. policy_waiting: the one that comes into force at a boundary.
    shared: what its customers share; unset while the policy has neither a budget nor an alarm. stops: what operators
    have stopped; unset while none ever has. values: of its customers; unset while no value is known. draws: by the
    learned choice; unset where there was none since the last boundary. received: of each shard that has sent records
    here, how many of which line (`models.timeline.received`); unset while none has. line: of what this one sends to
    others; unset while it has sent nothing. stages: customers by stage of the loyalty loop; unset while nobody is at
    one, `UNKNOWN_STAGES` where nobody can say.
    """

    partition: int
    partitions: int
    next_offset: int = msgspec.field(name="fence")
    commit_position: int = msgspec.field(name="cut_place", default=0)
    commit_customer: str = msgspec.field(name="cut_customer", default="")
    time: int = NO_TIME
    boundary: int = NO_TIME
    adopted: int = NO_TIME
    version: int = UNTRAINED
    sequences: dict[str, int] = msgspec.field(name="counts", default_factory=dict)
    bands: tuple[int, ...] = (0,) * len(Band)
    totals: Totals = Totals()
    lineage: str | UnsetType = UNSET
    settings: ChosenSettings | UnsetType = UNSET
    waiting: ChosenSettings | UnsetType = UNSET
    policy: PolicyName | UnsetType = UNSET
    shared: Shared | UnsetType = UNSET
    values: Values | UnsetType = UNSET
    policy_waiting: WaitingPolicy | UnsetType = UNSET
    policy_since: int | UnsetType = UNSET
    stops: Stops | UnsetType = UNSET
    draws: Draws | UnsetType = UNSET
    received: dict[int, dict[int, int]] | UnsetType = UNSET
    line: int | UnsetType = UNSET
    stages: Stages | UnsetType = UNSET


def sequence_name(role: str, partition: int | None = None) -> str:
    """Under which name outputs are counted. partition: of records to other shards, whose they are."""
    return role if partition is None else f"{role}:{partition}"


def is_loopback(name: str) -> bool:
    """Whether a `sequence_name` is of records to another shard."""
    return ":" in name


def first_timer(state: ShardState) -> tuple[float, bytes] | None:
    """The first timer before the next record that is not done, where a commit ended between two timers."""
    return (float(state.commit_position), state.commit_customer.encode()) if state.commit_position else None


def initialised(state: ShardState, settings: EngineSettings, first: int) -> ShardState:
    """The initial state, as the first record (timestamp `first`) finds it: the boundary at or before is still to be
    crossed."""
    before = boundary_at(settings, first) - settings.boundary
    return msgspec.structs.replace(state, time=before, boundary=before, adopted=before)
