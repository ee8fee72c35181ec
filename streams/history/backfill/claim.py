"""Claims a backfill: one owner, one plan, no workers.

The plan's token ends a backfill that another run took over.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import msgspec

from models.settings import EngineSettings
from streams.errors import EngineError
from streams.kafka.partition_facts import LogFacts
from streams.shard.backfill_plan import AlreadyAtWork, Plan, pack, unpack
from streams.shard.meta import check_settings, check_topic
from streams.store import Store
from streams.store.checkpoint import Checkpoint
from streams.store.port import LEARNER
from streams.text import moment


class OtherBackfill(EngineError):
    """A backfill was begun, with something else."""

    remedy = (
        "run it again with what it was begun with, or start anew with another RETENTION_APP and RETENTION_TOPIC_PREFIX"
    )


class WorkersRunning(EngineError):
    """Workers are members of the consumer group."""

    remedy = "stop every worker of this RETENTION_APP, wait until the group is empty, and run the backfill again"


async def claim(
    checkpoint: Checkpoint,
    store: Store,
    wanted: Plan,
    settings: EngineSettings,
    next_offsets: Callable[[], Awaitable[list[int]]],
    nobody_works: Callable[[], Awaitable[None]],
) -> Plan:
    """Become the owner of the backfill that is wanted, begun before or not.

    Args:
        checkpoint: of `NAMESPACE`.
        store: in which no shard may be yet.
        wanted: the plan, without its next offsets.
        settings: those configured now.
        next_offsets: finds them, by partition.
        nobody_works: raises WorkersRunning when the consumer group has members.

    Returns:
        The plan with its next offsets.

    Raises:
        WorkersRunning: the consumer group has members.
        AlreadyAtWork: history was backfilled before, or a worker made a shard.
        OtherBackfill: another one was begun and is not done.
        EngineError: what `check_topic` and `check_settings` raise.
    """
    meta = await checkpoint.read()
    await nobody_works()
    before = unpack(meta.body) if meta is not None else None
    if before is not None and before.stage == "done":
        raise AlreadyAtWork(f"history until {moment(before.until)} was backfilled here before")
    if before is not None and before.stage == "begun":
        _compare(before, wanted, settings)
        await checkpoint.mint()
        return before
    await _unused(store, wanted.creation.partitions)
    plan = msgspec.structs.replace(wanted, next_offsets=await next_offsets())
    if before is None:
        await checkpoint.create(pack(plan))
    else:
        await checkpoint.mint()
        await checkpoint.write(pack(plan))
    try:
        # One that has joined since our look has not seen the plan; one that joins from here on does.
        await nobody_works()
    except WorkersRunning:
        await checkpoint.write(pack(msgspec.structs.replace(plan, stage="withdrawn")))
        raise
    return plan


async def _unused(store: Store, partitions: int) -> None:
    found = [
        namespace
        for namespace in (*map(str, range(partitions)), LEARNER)
        if await store.read_meta(namespace) is not None
    ]
    if found:
        shards = ", ".join("the learner" if namespace == LEARNER else f"shard {namespace}" for namespace in found)
        raise AlreadyAtWork(f"the store has state of {shards} already")


def _compare(before: Plan, wanted: Plan, settings: EngineSettings) -> None:
    facts = LogFacts(0, 0, wanted.creation.topic_id, wanted.creation.partitions, None)
    check_topic("0", before.creation, facts)
    check_settings("0", before.creation, wanted.creation.mode, settings, changeable=True)
    if before.until != wanted.until:
        raise OtherBackfill(f"--until is {moment(wanted.until)}, at its beginning it was {moment(before.until)}")
    if (before.events, before.digest) != (wanted.events, wanted.digest):
        raise OtherBackfill(
            f"the log holds {sum(wanted.events):,} events before the cut-over (digest {wanted.digest}), at its "
            f"beginning it held {sum(before.events):,} ({before.digest})"
        )
