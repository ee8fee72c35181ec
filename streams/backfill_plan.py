"""The plan of a backfill: a place of its own in the store, written before the first shard and marked done after all.

It makes a backfill whole: while it is begun and not done no worker takes a shard over, whatever has happened to the
backfill; and a second run goes on with the same plan, or is refused. Its token ends a backfill that another took over.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Literal

import msgspec

from models.settings import EngineSettings
from streams.checkpoint import Checkpoint
from streams.errors import EngineError, ExitCode, StateUnreadable
from streams.log_facts import LogFacts
from streams.model_registry import LEARNER
from streams.shard_body import Birth, check_settings, check_topic
from streams.store import Store
from streams.words import moment

PLACE = "backfill"
SCHEMA = 1


class BackfillUnfinished(EngineError):
    """A backfill was begun and has not come to its end: state and models are of some moment before its cut."""

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


class OtherBackfill(EngineError):
    """A backfill was begun, with something else."""

    remedy = (
        "run it again with what it was begun with, or start anew with another RETENTION_APP and RETENTION_TOPIC_PREFIX"
    )


class WorkersRunning(EngineError):
    """Workers are members of the consumer group."""

    remedy = "stop every worker of this RETENTION_APP, wait until the group is empty, and run the backfill again"


class Plan(msgspec.Struct, frozen=True):
    """What is backfilled. until: the cut (ms). events: by partition. digest: of the events. birth: what the shards are
    made with. fences: by partition, the first offset that live will read.

    stage: `withdrawn`: nothing was begun, since a worker was found.
    """

    schema: int
    until: int
    events: list[int]
    digest: str
    birth: Birth
    fences: list[int] = []
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
    meta = await store.read_meta(PLACE)
    if meta is not None and (plan := unpack(meta.body)).stage == "begun":
        raise BackfillUnfinished(f"the backfill of {sum(plan.events):,} events until {moment(plan.until)} is not done")


def check_made_by_it(place: str, birth: Birth, until: int) -> None:
    """A shard was made by the backfill up to the cut `until`. Raises AlreadyAtWork.

    A worker that had looked for a plan before there was one makes shards under it, when the backfill dies before its
    second look for workers. Those stand behind all history, which would count as done.
    """
    if birth.quiet_until != until:
        raise AlreadyAtWork(f"shard {place} was made by a worker, not by the backfill until {moment(until)}")


async def claim(
    checkpoint: Checkpoint,
    store: Store,
    wanted: Plan,
    settings: EngineSettings,
    fences: Callable[[], Awaitable[list[int]]],
    nobody_works: Callable[[], Awaitable[None]],
) -> Plan:
    """Become the owner of the backfill that is wanted, begun before or not; the plan with its fences.

    checkpoint: of `PLACE`. settings: those that are told now. fences: finds them. nobody_works: raises WorkersRunning.
    Raises also AlreadyAtWork, OtherBackfill, and what `check_topic` and `check_settings` raise.
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
    await _unused(store, wanted.birth.partitions)
    plan = msgspec.structs.replace(wanted, fences=await fences())
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
    found = [place for place in (*map(str, range(partitions)), LEARNER) if await store.read_meta(place) is not None]
    if found:
        shards = ", ".join("the learner" if place == LEARNER else f"shard {place}" for place in found)
        raise AlreadyAtWork(f"the store has state of {shards} already")


def _compare(before: Plan, wanted: Plan, settings: EngineSettings) -> None:
    facts = LogFacts(0, 0, wanted.birth.topic_id, wanted.birth.partitions, None)
    check_topic("0", before.birth, facts)
    check_settings("0", before.birth, wanted.birth.mode, settings)
    if before.until != wanted.until:
        raise OtherBackfill(f"--until is {moment(wanted.until)}, at its beginning it was {moment(before.until)}")
    if (before.events, before.digest) != (wanted.events, wanted.digest):
        raise OtherBackfill(
            f"the log holds {sum(wanted.events):,} events before the cut (digest {wanted.digest}), at its beginning it "
            f"held {sum(before.events):,} ({before.digest})"
        )
