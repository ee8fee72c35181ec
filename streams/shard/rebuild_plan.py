"""The stored plan of a rebuild, and the guard that keeps workers away from its shards until it is done.

A run becomes its owner in streams/operations/rebuild/claim.py. Shards that are not in the plan go on meanwhile.
"""

from __future__ import annotations

from typing import Literal

import msgspec

from streams.errors import EngineError, ExitCode, StateUnreadable
from streams.store import Store

NAMESPACE = "rebuild"
SCHEMA = 1


class RebuildUnfinished(EngineError):
    """A shard is being rebuilt from Kafka's log, or a rebuild of it was interrupted."""

    code = ExitCode.REBUILD_UNFINISHED
    remedy = (
        "wait until `retention rebuild` has ended, or run it again, it goes on where it stopped; "
        "the shard then goes on by itself"
    )


class NotSwitchedOn(EngineError):
    """The application was made beside another one, and has not taken the outputs over."""

    code = ExitCode.SWITCHED_OFF
    remedy = "run `retention switch` under the application that it follows; workers may start when it has ended"


class RebuildPlan(msgspec.Struct, frozen=True):
    """What is rebuilt.

    Attributes:
        schema: of the plan.
        shards: that are made anew.
        discard: those of them whose stored state is still to be deleted.
        learner: whether the learner's state is written, too.
        stage: whether it is under way; `cut`: an application that follows another one goes no further, and is handed
            the outputs over.
        follows: the application that runs meanwhile, where a new one is made beside it; empty: none.
    """

    schema: int
    shards: list[int]
    discard: list[int]
    learner: bool
    stage: Literal["begun", "cut", "done"] = "begun"
    follows: str = ""


_decode = msgspec.json.Decoder(RebuildPlan).decode
pack_plan = msgspec.json.Encoder().encode


def unpack_plan(body: bytes) -> RebuildPlan:
    """Raises StateUnreadable."""
    try:
        plan = _decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise StateUnreadable(f"the plan of the rebuild, {len(body)} bytes: {error}") from error
    if plan.schema != SCHEMA:
        raise StateUnreadable(f"the plan of the rebuild has schema {plan.schema}; this release reads {SCHEMA}")
    return plan


async def refuse_following(store: Store) -> None:
    """Raises NotSwitchedOn while the application follows another one. For workers, before they join their group."""
    meta = await store.read_meta(NAMESPACE)
    if meta is not None and (plan := unpack_plan(meta.body)).follows and plan.stage != "done":
        raise NotSwitchedOn(f"the application follows that of {plan.follows!r}, which still has the outputs")


async def refuse_rebuilding(store: Store, shard: int) -> None:
    """Raises RebuildUnfinished while a rebuild of this shard is begun and not done. For workers."""
    meta = await store.read_meta(NAMESPACE)
    if meta is None or (plan := unpack_plan(meta.body)).stage == "done" or shard not in plan.shards:
        return
    if plan.follows:
        raise NotSwitchedOn(f"shard {shard} follows that of {plan.follows!r}, which still has the outputs")
    raise RebuildUnfinished(f"shard {shard} is being rebuilt from Kafka's log")
