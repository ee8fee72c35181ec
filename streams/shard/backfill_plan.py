"""The stored plan of a backfill, and the guard that keeps workers away until it is done.

It makes a backfill whole: while it is begun and not done no worker takes a shard over, whatever has happened to the
backfill. A run becomes its owner in streams/history/backfill/claim.py.
"""

from __future__ import annotations

from typing import Literal

import msgspec

from streams.errors import EngineError, ExitCode, StateUnreadable
from streams.shard.meta import Creation
from streams.store import Store
from streams.text import moment

NAMESPACE = "backfill"
SCHEMA = 1


class BackfillUnfinished(EngineError):
    """A backfill was begun and has not come to its end: state and models are of some moment before its cut-over."""

    code = ExitCode.BACKFILL_UNFINISHED
    remedy = (
        "run the same `retention backfill` again, it goes on where it stopped; or start anew with another "
        "RETENTION_APP and RETENTION_TOPIC_PREFIX"
    )


class AlreadyAtWork(EngineError):
    """There is something already where history is to come first."""

    remedy = (
        "a backfill comes before the first worker: use another RETENTION_APP and RETENTION_TOPIC_PREFIX, whose topics "
        "hold nothing but touchpoints"
    )


class Plan(msgspec.Struct, frozen=True):
    """What is backfilled. until: the cut-over (ms). events: by partition. digest: of the events. creation: what the
    shards are made with. next_offsets: by partition, the first offset that live will read.

    stage: `withdrawn`: nothing was begun, since a worker was found.
    """

    schema: int
    until: int
    events: list[int]
    digest: str
    creation: Creation = msgspec.field(name="birth")
    next_offsets: list[int] = msgspec.field(name="fences", default_factory=list)
    stage: Literal["begun", "done", "withdrawn"] = "begun"


_decode = msgspec.json.Decoder(Plan).decode
pack = msgspec.json.Encoder().encode


def unpack(body: bytes) -> Plan:
    """Raises StateUnreadable."""
    try:
        plan = _decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise StateUnreadable(f"the plan of the backfill, {len(body)} bytes: {error}") from error
    if plan.schema != SCHEMA:
        raise StateUnreadable(f"the plan of the backfill has schema {plan.schema}; this release reads {SCHEMA}")
    return plan


async def refuse_unfinished(store: Store) -> None:
    """Raises BackfillUnfinished while a backfill is begun and not done. For workers."""
    meta = await store.read_meta(NAMESPACE)
    if meta is not None and (plan := unpack(meta.body)).stage == "begun":
        raise BackfillUnfinished(f"the backfill of {sum(plan.events):,} events until {moment(plan.until)} is not done")


def check_made_by_it(namespace: str, creation: Creation, until: int) -> None:
    """A shard was made by the backfill up to the cut-over `until`. Raises AlreadyAtWork.

    A worker that had looked for a plan before there was one makes shards under it, when the backfill dies before its
    second look for workers. Those stand behind all history, which would count as done.
    """
    if creation.quiet_until != until:
        raise AlreadyAtWork(f"shard {namespace} was made by a worker, not by the backfill until {moment(until)}")
