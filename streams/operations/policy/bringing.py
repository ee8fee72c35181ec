"""A policy's whole way into force: looked at, kept as applied, written into the log, and who has read it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from typing import NamedTuple

from models.decisions.policy.in_force import PolicyInForce
from streams.kafka.security import kafka_connection
from streams.operations.policy.changes import Wish
from streams.operations.policy.forecast import Forecast
from streams.operations.policy.ledger import name_of
from streams.operations.policy.planning import Plan, read, read_by, record_of, write
from streams.operations.policy.refusals import TooManyTouched
from streams.operations.policy.shards import newest
from streams.operations.policy.sight import Sight, shards_of
from streams.operations.redis_access import store_of


class Asked(NamedTuple):
    """What somebody wants to apply, beside the text. base, at: as `streams.operations.policy.changes.Wish`. yes: they
    go on where up to so many customers are touched in the first day. dry_run: nothing is written. wait_s: how long the
    shards are waited for."""

    by: str
    reason: str = ""
    base: str | None = None
    at: int = 0
    yes: int = 0
    dry_run: bool = False
    wait_s: float = 10.0


class Brought(NamedTuple):
    """What came of it. plan: None: every shard has it. found: whom it would touch. offsets: where it was written; none:
    nowhere. read: the shards that have read it, and the others. newer: that was applied since, and takes its place."""

    plan: Plan | None
    found: Forecast
    offsets: Sequence[int] = ()
    read: tuple[Sequence[int], Sequence[int]] | None = None
    newer: PolicyInForce | None = None


def bring(sight: Sight, text: str, asked: Asked) -> Brought:
    """Apply a text. Waits, and reads Kafka: not in an event loop.

    Raises:
        TooManyTouched: it touches more customers than the old or the new policy lets it.
        PolicyRefused, AnotherPolicy, OlderWorker, NotApproved: as `Changes.apply`; and what store and broker raise.
    """
    config, wanted = sight.config, read(text)
    found = sight.forecast(wanted)
    touched = found.data()["day"]
    now = int(time.time() * 1000)
    wish = Wish(text, asked.by, asked.reason, now, asked.base, asked.at, name_of(sight.stands), touched)
    plan = sight.with_changes(lambda changes: changes.plan(wish))
    if plan is not None:
        record_of(plan, plan.policy.number)
        if not asked.dry_run:
            refuse_too_many(sight, wanted, plan, touched, asked.yes)
    if plan is None or asked.dry_run:
        return Brought(plan, found)
    plan = sight.with_changes(lambda changes: changes.apply(wish))
    if plan is None:
        return Brought(plan, found)
    policy, topic = plan.policy, config.topic("touchpoints")
    offsets = write(kafka_connection(config), topic, sight.partitions, sight.view.shards, plan)

    async def looking() -> tuple[Sequence[int], Sequence[int]]:
        async with store_of(config) as store:
            return await read_by(store, config.app, sight.partitions, policy, asked.wait_s)

    seen = asyncio.run(looking())
    last = newest(shards_of(config, sight.partitions))
    newer = last is not None and (last.number, last.sha256) > (policy.number, policy.sha256)
    return Brought(plan, found, offsets, seen, last if newer else None)


def refuse_too_many(sight: Sight, wanted: PolicyInForce, plan: Plan, touched: int, yes: int) -> None:
    """Raises TooManyTouched where a change touches more than the old or the new policy lets it."""
    limits = [one.policy.max_touched for one in (sight.last, wanted) if one is not None]
    most = min((limit for limit in limits if limit is not None), default=None)
    if most is not None and not plan.repeats and touched > max(most, yes):
        raise TooManyTouched(f"{touched:,} customers would be touched in the first day, and max_touched is {most:,}")
