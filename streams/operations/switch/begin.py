"""Begins an application that follows another one, and tells where the other one stands."""

from __future__ import annotations

from streams.errors import EngineError, MetaMissing
from streams.learner.model_registry import BEGUN
from streams.shard.meta import unpack_body
from streams.shard.rebuild_plan import SCHEMA, RebuildPlan, pack_plan, unpack_plan
from streams.store import Store
from streams.store.checkpoint import Checkpoint
from streams.store.port import LEARNER


class AlreadyThere(EngineError):
    """The new application has state that no run of this command has made."""

    remedy = "name another one; an application that was made beside another is a new one, with a name never used"


class HistoryNotInKafka(EngineError):
    """The application that runs was made by a backfill: its log is not all that it knows."""

    remedy = "its history is not on the topics: give the log of the backfill (--history LOG), or keep running it"


async def begin(plan: Checkpoint, blue: Store, green: Store, name: str, partitions: int, history: bool = False) -> None:
    """Become the owner of the following, begun before or not.

    Args:
        plan: of green's plan.
        blue, green: the stores of the two applications.
        name: blue's.
        partitions: of the input topic.
        history: that of the backfill which blue began with is at hand.

    Raises:
        AlreadyThere: green is there, and does not follow blue, or has taken over.
        HistoryNotInKafka: blue was made by a backfill, and its history is not at hand.
        MetaMissing: a shard of blue has no state.
    """
    if not history:
        await _refuse_backfilled(blue, name, partitions)
    meta = await plan.read()
    if meta is not None:
        before = unpack_plan(meta.body)
        if before.follows != name or before.stage != "begun":
            raise AlreadyThere(f"it follows {before.follows or 'nobody'!r}, its plan is {before.stage}")
        await plan.mint()
        return
    for namespace in (*map(str, range(partitions)), LEARNER):
        if await green.read_meta(namespace) is not None:
            raise AlreadyThere(f"the store has state of its namespace {namespace}")
    await plan.create(pack_plan(RebuildPlan(SCHEMA, list(range(partitions)), [], learner=True, follows=name)))


async def positions_of(blue: Store, name: str, partitions: int) -> dict[int, int]:
    """The next offsets of an application, by partition. Raises MetaMissing."""
    found = {}
    for number in range(partitions):
        meta = await blue.read_meta(str(number))
        if meta is None:
            raise MetaMissing(f"shard {number} of {name!r} has no state")
        found[number] = unpack_body(str(number), meta.body).state.next_offset
    return found


async def _refuse_backfilled(blue: Store, name: str, partitions: int) -> None:
    [begun] = await blue.load(LEARNER, [BEGUN])
    for number in range(partitions):
        meta = await blue.read_meta(str(number))
        # One that took over from another has a cut-over too, and all its history in Kafka.
        if meta is not None and begun is None and unpack_body(str(number), meta.body).creation.quiet_until:
            raise HistoryNotInKafka(f"shard {number} of {name!r} was made by a backfill")
