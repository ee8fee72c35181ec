"""The history of a backfill, for a rebuild or a verification: the log it was given, held against its plan."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from streams.bootstrap.preflight import Environment
from streams.config import Config
from streams.errors import EngineError
from streams.history.backfill.records import Course, gather
from streams.kafka.offsets_at_time import first_offsets
from streams.kafka.partition_facts import LogFacts
from streams.kafka.security import kafka_connection
from streams.operations.rebuild.history import PastLog
from streams.shard.backfill_plan import NAMESPACE, SCHEMA, Plan, pack, refuse_unfinished, unpack
from streams.shard.meta import creation_of, settings_of
from streams.store import Store
from streams.text import moment


class OtherHistory(EngineError):
    """A log whose events before the cut-over are not those of the backfill."""

    remedy = "give the log that `retention backfill` was given, unchanged; where it is gone, restore a Redis backup"


class CutOverUnknown(EngineError):
    """The store has no plan of a backfill: nobody knows up to when the log counts."""

    remedy = (
        "name the cut-over that `retention backfill` was given (--until); what comes out is then held against what is "
        "published alone"
    )


class Given(NamedTuple):
    """A log given as history. until: its cut-over, ms; None: as its plan says."""

    log: str
    until: int | None = None


class Found(NamedTuple):
    """A history, where one is given. lost_plan: that of its backfill, where it is to be stored again."""

    past: PastLog | None = None
    lost_plan: Plan | None = None


async def past_log(
    config: Config,
    environment: Environment,
    store: Store,
    given: Given,
    scratch: Path,
    watch: Callable[[int], None] = lambda events: None,
) -> Found:
    """The history that an application began with.

    Args:
        config: the workers'.
        environment: its settings that decide are those with which the shards were created, where the plan is lost.
        store: of the application.
        given: the log.
        scratch: a folder that takes the sorted events.
        watch: told how many events were read.

    Raises:
        OtherHistory: it is not what was backfilled.
        CutOverUnknown: the plan is lost, and no cut-over is given.
        BackfillUnfinished: the backfill is still to be gone on with.
        EngineError: as `streams.history.backfill.records.gather`, `streams.kafka.offsets_at_time.first_offsets`.
    """
    await refuse_unfinished(store)
    meta = await store.read_meta(NAMESPACE)
    plan = unpack(meta.body) if meta is not None else None
    until = plan.until if plan is not None else given.until
    if until is None:
        raise CutOverUnknown("the store holds no plan of a backfill")
    if given.until not in (None, until):
        raise OtherHistory(f"the backfill was made until {moment(until)}")
    partitions, gap = environment.partitions, config.log_gap_days
    history = await asyncio.to_thread(gather, given.log, until, partitions, scratch, watch, gap)
    if plan is not None:
        if (history.digest, history.events) != (plan.digest, plan.events):
            raise OtherHistory(
                f"{given.log} has {sum(history.events):,} events before {moment(until)} (digest {history.digest}), the "
                f"backfill had {sum(plan.events):,} ({plan.digest})"
            )
        course = Course(history, settings_of(NAMESPACE, plan.creation), plan.next_offsets)
        return Found(PastLog(until, course.starts, plan.next_offsets, course.rounds))
    topic, connection = config.topic("touchpoints"), kafka_connection(config)
    nexts = await asyncio.to_thread(first_offsets, connection, topic, partitions, until)
    facts = LogFacts(0, 0, environment.topic_id, partitions, None)
    creation = creation_of(facts, config.mode, environment.engine, until)
    plan = Plan(SCHEMA, until, history.events, history.digest, creation, nexts, "done")
    course = Course(history, environment.engine, nexts)
    return Found(PastLog(until, course.starts, nexts, course.rounds), plan)


async def store_plan(store: Store, plan: Plan) -> None:
    """So that the next run knows the cut-over and the digest again."""
    await store.create(NAMESPACE, pack(plan))
