"""How many customers are at each stage of the loyalty loop: counted as records change, told at version boundaries."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from msgspec import UNSET, UnsetType
from msgspec.structs import replace
from numpy.typing import NDArray

from models.churn.snapshot import lineage_name
from models.customer.block import Block
from models.customer.restrictions import TEST, unpack_restrictions
from models.decisions.policy.in_force import PolicyInForce
from models.loyalty.loop import STAGES, stage_in
from models.outputs import Pulse
from models.timeline.shard_state import UNKNOWN_STAGES, ShardState, Stages


def counted_stage(loyalty: bytes, restrictions: bytes) -> int:
    """The number of the stage as which a customer counts, by what their tail has; 0: none. Who tries things out counts
    as nobody."""
    number = stage_in(loyalty)
    return 0 if number and restrictions and TEST in unpack_restrictions(restrictions) else number


def stages_moved(block: Block, exists: NDArray[Any]) -> list[tuple[int, int]]:
    """Of whose stage is another one now than when the piece began, the number before, and after (0: none).

    Args:
        block: of the piece, its tails as after it.
        exists: who has a record now, shape (rows,).
    """
    found = []
    for row, tail in block.opened():
        before = counted_stage(*block.loyalty_before.get(row, (b"", b"")))
        after = counted_stage(tail.loyalty, tail.restrictions) if exists[row] else 0
        if before != after:
            found.append((before, after))
    return found


def restaged(
    stages: Stages | UnsetType, moved: Sequence[tuple[int, int]], policy: PolicyInForce | None
) -> Stages | UnsetType:
    """The counts after some moves (`stages_moved`). Unset: nobody is at a stage. It is so, too, when the last
    one has left: whether somebody was at one for a moment depends on where commits cut the line.

    Who was at a stage before stages were counted is missing in them. Under a policy that keeps the loop they stay
    unknown then; under one without nobody comes to a stage, so that counting begins anew.

    Args:
        stages: before.
        moved: in the piece.
        policy: in force in it.
    """
    missing = UNSET if policy is None or policy.policy.loyalty is None else UNKNOWN_STAGES
    if stages == UNKNOWN_STAGES:
        return missing
    if not moved:
        return stages
    counts = [0] * len(STAGES) if isinstance(stages, UnsetType) else list(stages)
    for before, after in moved:
        for number, change in ((before, -1), (after, 1)):
            if number:
                counts[number - 1] += change
    if min(counts) < 0:
        return missing
    return tuple(counts) if any(counts) else UNSET


def with_stages(
    pulse: Pulse | None, state: ShardState, policy: PolicyInForce, boundary: int, quiet: bool
) -> Pulse | None:
    """A pulse that says how many customers are at each stage, too; the same where the policy keeps none,
    or nobody can say.

    Args:
        pulse: so far; None: there is nothing else to tell.
        state: of the shard, after the piece that ends at the boundary.
        policy: in force.
        boundary: log time, ms.
        quiet: what was decided so far is history.
    """
    if policy.policy.loyalty is None or state.stages is UNSET or state.stages == UNKNOWN_STAGES:
        return pulse
    if pulse is None:
        lineage = lineage_name(state.lineage)
        pulse = Pulse(state.partition, boundary, policy.number, policy.sha256, state.version, lineage, quiet)
    return replace(pulse, stages={name: count for name, count in zip(STAGES, state.stages, strict=True) if count})
