"""Checks the shards' stored state against Kafka, as a takeover would, without taking over.

A running worker moves all of it while we look. So what can only grow is read in the order in which it must not be
smaller: committed offsets, then next offsets, then ends of logs.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple

from msgspec import UNSET

from models.settings import EngineSettings
from models.timeline.chosen_policy import newest as newest_policy
from models.timeline.chosen_policy import rank as policy_rank
from models.timeline.chosen_settings import changeable, newest, rank
from streams.config import Config
from streams.errors import EngineError, MetaMissing, StateUnreadable, StoreWentBack
from streams.kafka.admin import TopicFacts
from streams.kafka.partition_facts import LogFacts
from streams.operations.doctor.broker import GroupFacts
from streams.operations.doctor.finding import Finding, Status, merged, ok, problem, warning
from streams.operations.doctor.kafka_section import Ends
from streams.operations.doctor.section import error_text
from streams.operations.doctor.topics import OWN_APP, shared_app
from streams.shard.backfill_plan import BackfillUnfinished, refuse_unfinished
from streams.shard.meta import ShardBody, check_log, check_settings, settings_in_force, unpack_body
from streams.store.redis.connection import Client
from streams.store.redis.store import RedisStore

AT_ONCE = 32
"""Shards asked for at a time: more than a thousand must not mean as many connections."""


class StoredShard(NamedTuple):
    """body: None when there is no meta; the error when it can't be read. outbox: entries."""

    body: ShardBody | StateUnreadable | None
    outbox: int


async def stored(client: Client, app: str, partitions: int) -> dict[int, StoredShard]:
    """Every shard's state. Raises StoreUnavailable and StoreRefused, and what redis-py raises."""
    store, slots = RedisStore(client, app), asyncio.Semaphore(AT_ONCE)

    async def one(shard: int) -> StoredShard:
        async with slots:
            meta = await store.read_meta(str(shard))
            # Its length alone: an outbox may hold some megabytes (its key: streams/store/redis/store.py).
            length: int = await client.execute_command("LLEN", f"{{{app}:{shard}}}:outbox")
        body: ShardBody | StateUnreadable | None = None
        if meta is not None:
            try:
                body = unpack_body(str(shard), meta.body)
            except StateUnreadable as error:
                body = error
        return StoredShard(body, length)

    shards = range(partitions)
    return dict(zip(shards, await asyncio.gather(*(one(shard) for shard in shards)), strict=True))


async def backfill(client: Client, app: str) -> EngineError | None:
    """What a worker would end with because of a backfill that is not done."""
    try:
        await refuse_unfinished(RedisStore(client, app))
    except (BackfillUnfinished, StateUnreadable) as error:
        return error
    return None


def findings(
    config: Config,
    topic: TopicFacts,
    group: GroupFacts,
    shards: Mapping[int, StoredShard],
    ends: Ends,
    unfinished: EngineError | None = None,
    still: bool = False,
) -> list[Finding]:
    """All checks of the section.

    Args:
        config: the settings as configured here.
        topic: the input topic.
        group: the consumer group.
        shards: their stored state.
        ends: first and next offsets of the input, next ones of the outputs.
        unfinished: see `backfill`; the shards are then not yet on the log.
        still: neither shards nor logs of a replay move.
    """
    if unfinished is not None:
        return [
            _problem_of("shards.state", unfinished),
            _outbox(config, shards),
            merged([_workers(group, {}, _facts(topic, shards, ends, {}), shards), *_alone(config, group)]),
        ]
    bodies = {n: shard.body for n, shard in shards.items() if isinstance(shard.body, ShardBody)}
    committed = {tp.partition: offset for tp, offset in group.committed.items() if tp.topic == topic.name}
    facts = _facts(topic, shards, ends, committed)
    found = [_state(shards, committed, ends)]
    if bodies:
        found += [
            _settings(config.mode, config.engine(), bodies),
            _policy(bodies),
            _log(bodies, facts),
            _committed(bodies, committed),
        ]
    workers = merged([_workers(group, bodies, facts, shards, still), *_alone(config, group)])
    return [*found, _outbox(config, shards), workers]


def where(shards: Mapping[int, StoredShard], ends: Ends) -> list[tuple[int, int | None, int | None]]:
    """Shard, next offset and end of its log: the same at two moments when nothing moves."""
    bodies = {n: shard.body for n, shard in shards.items()}
    return [
        (n, body.state.next_offset if isinstance(body, ShardBody) else None, ends.end.get(n))
        for n, body in bodies.items()
    ]


def waits(shards: Mapping[int, StoredShard], ends: Ends) -> bool:
    """Whether any shard that has worked has records to read."""
    return any(
        next_offset is not None and end is not None and next_offset < end for _, next_offset, end in where(shards, ends)
    )


def _facts(topic: TopicFacts, shards: Iterable[int], ends: Ends, committed: Mapping[int, int]) -> dict[int, LogFacts]:
    return {
        n: LogFacts(ends.start[n], ends.end[n], topic.topic_id, topic.partitions, committed.get(n))
        for n in shards
        if n in ends.end
    }


def _state(shards: Mapping[int, StoredShard], committed: Mapping[int, int], ends: Ends) -> Finding:
    check = "shards.state"
    there = [n for n, shard in shards.items() if shard.body is not None]
    found = [ok(check, f"{len(there)} of {len(shards)} shards have state" if there else "no shard has worked yet")]
    unreadable = [shard.body for shard in shards.values() if isinstance(shard.body, StateUnreadable)]
    found += [_problem_of(check, error) for error in unreadable]
    for what, lacking in (
        ("Kafka has offsets committed for the group, Redis has no state", _lacking(shards, committed)),
        ("the output topics hold records of theirs, Redis has no state", _lacking(shards, ends.outputs)),
    ):
        if lacking:
            found.append(_problem_of(check, MetaMissing(f"{_named(lacking)}: {what}")))
            break  # the first one says all
    return merged(found)


def _lacking(shards: Mapping[int, StoredShard], known: Mapping[int, int]) -> list[int]:
    return [n for n, shard in shards.items() if shard.body is None and known.get(n, 0) > 0]


def _settings(mode: str, settings: EngineSettings, bodies: Mapping[int, ShardBody]) -> Finding:
    def check(n: int, body: ShardBody) -> None:
        check_settings(str(n), body.creation, mode, settings)

    found = _every("shards.settings", bodies, check, "as the shards were created with")
    return found if found.status is not Status.OK else _chosen_settings(settings, bodies)


def _chosen_settings(settings: EngineSettings, bodies: Mapping[int, ShardBody]) -> Finding:
    """What an operator may change: the same in all shards, and what is configured for new ones."""
    check, known = "shards.settings", [newest(body.state) for body in bodies.values()]
    latest = max((choice for choice in known if choice is not None), key=rank, default=None)
    lacking = [n for (n, body) in bodies.items() if latest is not None and newest(body.state) != latest]
    if lacking:
        text = f"{_named(lacking)} has not read the settings that were chosen last"
        return warning(check, text, "start a worker for it, or repeat `retention settings apply` with the same values")
    # All alike, then: the first one tells.
    shard, body = next(iter(bodies.items()))
    decides = changeable(settings_in_force(str(shard), body))
    differing = [
        f"{name} is {value!r} in force, configured is {configured!r}"
        for name, value in decides.items()
        if value != (configured := getattr(settings, name))
    ]
    if differing:
        remedy = (
            "`retention settings apply` changes what is in force; the configuration counts for new applications only"
        )
        return warning(check, "; ".join(differing), remedy)
    return ok(check, "as the shards were created with")


def _policy(bodies: Mapping[int, ShardBody]) -> Finding:
    """The same policy in all shards: in force, or waiting for its time."""
    check, known = "shards.policy", {n: newest_policy(body.state) for n, body in bodies.items()}
    latest = max((name for name in known.values() if name is not None), key=policy_rank, default=None)
    if latest is None:
        return ok(check, "none was applied: one threshold, one action")
    behind = [n for n, name in known.items() if name != latest]
    if behind:
        verb = "has" if len(behind) == 1 else "have"
        text = f"{_named(behind)} {verb} not read policy {latest.short}, which was applied last"
        return warning(check, text, "start a worker for it, or repeat `retention policy apply` with the same file")
    waits = [n for n, body in bodies.items() if body.state.policy_waiting is not UNSET]
    if waits:
        return ok(check, f"{latest.short} waits for its time in {_named(waits)}, and every shard has read it")
    return ok(check, f"{latest.short} is in force in every shard")


def _log(bodies: Mapping[int, ShardBody], facts: Mapping[int, LogFacts]) -> Finding:
    def check(n: int, body: ShardBody) -> None:
        check_log(str(n), body, facts[n])

    # A partition whose bounds are not known is one that the topic does not have: the others tell.
    known = {n: body for n, body in bodies.items() if n in facts}
    return _every("shards.log", known, check, "the topic is the same, and every next offset is within its log")


def _every(
    check: str, bodies: Mapping[int, ShardBody], check_one: Callable[[int, ShardBody], None], fine: str
) -> Finding:
    """What the takeover would refuse, told once for all shards of which it is true."""
    refused: dict[str, tuple[EngineError, list[int]]] = {}
    for n, body in bodies.items():
        try:
            check_one(n, body)
        except EngineError as error:
            text = error_text(error).removeprefix(f"shard {n}: ")
            refused.setdefault(text, (error, []))[1].append(n)
    if not refused:
        return ok(check, fine)
    return merged([_problem_of(check, error, f"{_named(ns)}: {text}") for text, (error, ns) in refused.items()])


def _committed(bodies: Mapping[int, ShardBody], committed: Mapping[int, int]) -> Finding:
    """Kafka's committed offset is an earlier next offset: it may lag, and never leads."""
    check = "shards.committed"
    lost = {
        n: committed[n] - body.state.next_offset
        for n, body in bodies.items()
        if committed.get(n, 0) > body.state.next_offset
    }
    if lost:
        text = ", ".join(f"shard {n} by {records:,}" for n, records in lost.items())
        return warning(
            check,
            f"offsets committed in Kafka are ahead of the next offsets in Redis: {text} records",
            f"Redis lost writes, or was restored; the next worker replays them ({StoreWentBack.remedy})",
        )
    behind = sum(body.state.next_offset - committed.get(n, 0) for n, body in bodies.items())
    return ok(check, f"no offset ahead of Redis; behind by {behind:,} records in all")


def _outbox(config: Config, shards: Mapping[int, StoredShard]) -> Finding:
    check = "shards.outbox"
    total = sum(shard.outbox for shard in shards.values())
    full = [n for n, shard in shards.items() if shard.outbox >= config.outbox_limit]
    if full:
        text = f"{total:,} entries, {_named(full)} at outbox_limit ({config.outbox_limit:,})"
        return warning(check, text, "see why publishing is slow or fails (log, retention_publish_seconds)")
    return ok(check, f"{total:,} entries wait to be published")


def _workers(
    group: GroupFacts,
    bodies: Mapping[int, ShardBody],
    facts: Mapping[int, LogFacts],
    shards: Mapping[int, StoredShard],
    still: bool = False,
) -> Finding:
    check = "shards.workers"
    next_offsets = {n: bodies[n].state.next_offset if n in bodies else text.start for n, text in facts.items()}
    lag = sum(max(0, facts[n].end - next_offset) for n, next_offset in next_offsets.items())
    waits = lag + sum(shard.outbox for shard in shards.values())
    if still and group.members != 0:
        return warning(
            check,
            f"{lag:,} records to read, and no shard moves: in mode replay log time moves only with the clock records "
            "that `retention replay` writes, so what was published beside it waits for one that may never come",
            "replay on, beyond the times of these records; publish into topics of mode live instead",
        )
    if group.members is None:
        return ok(check, f"this broker does not tell the group's members; {lag:,} records to read")
    many = "worker" if group.members == 1 else "workers"
    running = f"{group.members} {many} (group {group.state})" if group.members else "no worker is running"
    text = f"{running}, {lag:,} records to read"
    if not group.members and bodies and waits:
        return warning(check, text, "start a worker: `retention worker`")
    return ok(check, text)


def _alone(config: Config, group: GroupFacts) -> list[Finding]:
    """A warning where another deployment goes by the same application name."""
    told = shared_app(config, {tp.topic for tp in group.committed})
    return [] if told is None else [warning("shards.workers", told, OWN_APP)]


def _problem_of(check: str, error: EngineError, text: str | None = None) -> Finding:
    """What would end a worker, with its exit code and remedy."""
    text = f"{text or error_text(error)} (a worker ends with exit code {int(error.code)})"
    return problem(check, text, error.remedy)


def _named(shards: Iterable[int]) -> str:
    """'shard 3', 'shards 0-3, 7'."""
    runs: list[list[int]] = []
    for n in sorted(shards):
        if runs and n == runs[-1][-1] + 1:
            runs[-1].append(n)
        else:
            runs.append([n])
    text = ", ".join(f"{run[0]}-{run[-1]}" if len(run) > 1 else str(run[0]) for run in runs)
    return f"shard{'s' if sum(map(len, runs)) > 1 else ''} {text}"
