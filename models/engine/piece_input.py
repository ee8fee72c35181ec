"""Input of the engine's pure function: the records and timers of one commit, and the model that scores them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from models.churn import Scorer, Version
from models.decisions.policy.in_force import PolicyInForce
from models.settings import EngineSettings
from models.timeline.batch import Batch
from models.timeline.chosen_policy import PolicyChange
from models.timeline.chosen_settings import Change
from models.timeline.pieces import Piece
from models.timeline.shard_state import ShardState
from models.timeline.stops import StopChange

DueItem = tuple[float, bytes]
"""(timer position, customer); tuples compare as the line orders them."""


@dataclass(frozen=True, slots=True)
class PieceInput:
    """One piece, and all that it reads.

    Attributes:
        state: the shard's, before the piece.
        settings: those in force.
        topic: name of the input topic, for dead letters.
        piece: which rows of the batch, and up to which due item.
        batch: the records that the piece's rows are of.
        dues: the due set's members before the piece's bound, in order (a lower bound of what the records say).
        change: what an operator's settings change where the piece begins, if they do; `state` and `settings` are as
            they are then.
        policy_change, stop_change: the same of a policy that an operator applied, and of what one has stopped.
        loaded: the stored bytes of every customer in `models.engine.apply.needs`, in that order; None: no record.
    """

    state: ShardState
    settings: EngineSettings
    topic: str
    piece: Piece
    batch: Batch
    dues: Sequence[DueItem]
    loaded: Mapping[bytes, bytes | None]
    change: Change | None = None
    policy_change: PolicyChange | None = None
    stop_change: StopChange | None = None


@dataclass(frozen=True, slots=True)
class Scoring:
    """What decides in a piece.

    Attributes:
        scorer: of the model version in force.
        adopted: that version, if it came into force just before the piece.
        quiet_until: nobody is triggered before this log time (ms); an episode that is open then asks at its next
            estimate (a backfill's cut-over). 0: no such time.
        policy: the one in force; None: there is none, and `decisions.choice` chooses.
        policy_waiting: the one that waits for its boundary.
        values: it is kept what customers are worth whatever the policy says, as an evaluation wants it.
    """

    scorer: Scorer
    adopted: Version | None = None
    quiet_until: int = 0
    policy: PolicyInForce | None = None
    policy_waiting: PolicyInForce | None = None
    values: bool = False

    def version(self, state: ShardState) -> int:
        """The boundary of the version in force, of a shard whose state before the piece is `state`."""
        return self.adopted.boundary if self.adopted else state.version
