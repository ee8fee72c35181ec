"""Claims a rebuild: one owner, one plan; which shards are made anew, and what is left of them deleted."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection

import msgspec

from streams.crash_points import point
from streams.errors import EngineError, ExitCode
from streams.learner.model_registry import BEGUN
from streams.shard.meta import unpack_body
from streams.shard.rebuild_plan import SCHEMA, RebuildPlan, pack_plan, unpack_plan
from streams.store import Store
from streams.store.checkpoint import Checkpoint
from streams.store.port import LEARNER

Delete = Callable[[str], Awaitable[None]]
"""Deletes whatever the store holds of a namespace, its meta first."""


class NothingLost(EngineError):
    """Every shard has its state."""

    remedy = (
        "start the workers; to make a shard anew whose state is damaged name it with --shard, its stored state is then "
        "deleted"
    )


class TookOver(EngineError):
    """The application took over from another one: what it had learned before is in no topic."""

    code = ExitCode.LOG_TRUNCATED
    remedy = (
        "restore a Redis backup from after the switch whose next offsets Kafka's log still holds: it catches up by "
        "itself as soon as workers start"
    )


class NoSuchShard(EngineError):
    """A shard that the topic does not have."""

    remedy = "the shards are the partitions of the touchpoints topic, counted from 0"


async def claim(checkpoint: Checkpoint, store: Store, partitions: int, named: Collection[int]) -> RebuildPlan:
    """Become the owner of the rebuild, begun before or not.

    Args:
        checkpoint: of the plan's namespace.
        store: asked for what is lost.
        partitions: of the input topic.
        named: shards to be made anew although their state is there.

    Returns:
        The plan: shards without a meta, and those that are named; with those of a run that was interrupted.

    Raises:
        NothingLost: there is nothing to be made anew.
        NoSuchShard: the topic has no such partition.
        TookOver: its state did not begin with the log.
    """
    [begun] = await store.load(LEARNER, [BEGUN])
    if begun is not None:
        raise TookOver("the learner began where another application ended")
    if beyond := sorted(number for number in named if not 0 <= number < partitions):
        raise NoSuchShard(f"--shard {beyond[0]}: the topic has {partitions} partitions")
    meta = await checkpoint.read()
    before = unpack_plan(meta.body) if meta is not None else None
    lost = {n for n in range(partitions) if await store.read_meta(str(n)) is None}
    found = await store.read_meta(LEARNER)
    # A worker that ended over a shard without state may have made the learner anew, which has learned nothing yet.
    learner = found is None or found.number == 0
    shards, discard = lost | set(named), set(named)
    if before is not None and before.stage == "begun":
        # What is named once more has been deleted, or still will be.
        discard = set(before.discard) | (discard - set(before.shards))
        shards, learner = shards | set(before.shards), learner or before.learner
    if not shards and not learner:
        raise NothingLost(f"all {partitions} shards and the learner have their state in the store")
    plan = RebuildPlan(SCHEMA, sorted(shards), sorted(discard), learner)
    if meta is None:
        await checkpoint.create(pack_plan(plan))
    else:
        await checkpoint.mint()
        await checkpoint.write(pack_plan(plan))
    point("rebuild.1.claimed")
    return plan


async def clear(
    checkpoint: Checkpoint, store: Store, plan: RebuildPlan, delete: Delete, quiet_until: int = 0
) -> RebuildPlan:
    """Delete what is left of the shards that are to be made anew; the plan as it is then.

    quiet_until: the cut-over of a backfill that the shards began with, 0: none. What a run without that history, or
    with another one, has made is deleted, too.
    """
    for number in plan.shards:
        meta = None if number in plan.discard else await store.read_meta(str(number))
        if meta is None or unpack_body(str(number), meta.body).creation.quiet_until != quiet_until:
            await delete(str(number))
    cleared = msgspec.structs.replace(plan, discard=[])
    await checkpoint.write(pack_plan(cleared))
    point("rebuild.2.cleared")
    return cleared


async def finish(checkpoint: Checkpoint, plan: RebuildPlan) -> None:
    """From here on workers take the shards over."""
    await checkpoint.write(pack_plan(msgspec.structs.replace(plan, stage="done")))
