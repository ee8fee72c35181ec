"""Whether the shards that exist are for this release: plans, settings, metas, logs, records and the form it writes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from models.customer.layout import PREVIOUS, VERSION
from models.customer.versions import version_to_write
from models.settings import EngineSettings
from streams.errors import EngineError, MetaMissing, NewerRelease, StateUnreadable
from streams.kafka.partition_facts import LogFacts
from streams.operations.upgrade.line import Line, ok, refused
from streams.operations.upgrade.stored import StoredShard, records_of, shards_text, stored_shard
from streams.shard.backfill_plan import refuse_unfinished
from streams.shard.meta import born_with, check_log, check_settings
from streams.shard.rebuild_plan import refuse_following, refuse_rebuilding
from streams.shard.switch_plan import refuse_switched_off
from streams.store import Store

Facts = Callable[[], Awaitable[Mapping[int, LogFacts]]]
"""Of every input partition, with the group's committed offset; asked for once the metas are read, which can only be
behind then."""


@dataclass(frozen=True, slots=True)
class Workers:
    """What workers of this release would be told.

    Attributes:
        engine: the settings as configured.
        mode: as configured.
        partitions: of the input.
        newest_format: `write_format` is `newest`.
    """

    engine: EngineSettings
    mode: str
    partitions: int
    newest_format: bool = False


@dataclass
class Shards:
    """What was found. there: by shard, as far as this release reads it. engine: the settings that the shards were
    created with; None where this release can't tell."""

    lines: list[Line]
    there: dict[int, StoredShard]
    engine: EngineSettings | None


async def look_at_shards(store: Store, workers: Workers, facts: Facts) -> Shards:
    """Every line about the shards. Raises what the store raises, and what `facts` raises."""
    lines = [await _plans(store, workers.partitions)]
    there, unreadable = await _metas(store, workers.partitions)
    settings, engine = _settings(workers, there, unreadable)
    lines.append(settings)
    if unreadable:
        lines += [refused("metas", error) for error in unreadable.values()]
    else:
        lines.append(ok("metas", f"{len(there)} of {workers.partitions} shards have state, in forms that are read"))
    lines.append(await _logs(store, there, await facts()))
    lines.append(await _records(store, there))
    lines.append(_write_format(workers))
    return Shards(lines, there, engine)


async def _plans(store: Store, partitions: int) -> Line:
    check = "plans"
    try:
        await refuse_unfinished(store)
        await refuse_switched_off(store)
        await refuse_following(store)
        for shard in range(partitions):
            await refuse_rebuilding(store, shard)
    except EngineError as error:
        return refused(check, error)
    return ok(check, "no backfill, rebuild or switch keeps workers away")


async def _metas(store: Store, partitions: int) -> tuple[dict[int, StoredShard], dict[int, StateUnreadable]]:
    there: dict[int, StoredShard] = {}
    unreadable: dict[int, StateUnreadable] = {}
    for shard in range(partitions):
        try:
            found = await stored_shard(store, shard)
        except StateUnreadable as error:
            unreadable[shard] = error
        else:
            if found is not None:
                there[shard] = found
    return there, unreadable


def _settings(
    workers: Workers, there: Mapping[int, StoredShard], unreadable: Mapping[int, StateUnreadable]
) -> tuple[Line, EngineSettings | None]:
    """As a worker looks before it joins (streams/bootstrap/stored_shards.py)."""
    check = "settings"
    born: EngineSettings | None = None
    trouble: EngineError | None = None
    for shard, stored in there.items():
        creation = stored.body.creation
        try:
            born = born or born_with(str(shard), creation, workers.engine)
            check_settings(str(shard), creation, workers.mode, workers.engine)
        except EngineError as error:
            trouble = trouble or error
    if trouble is not None:
        return refused(check, trouble), born
    if not there:
        text = "no shard can be read" if unreadable else "no shard has worked yet: the configured ones will count"
        return ok(check, text), None if unreadable else workers.engine
    return ok(check, f"{shards_text([*there])}: as created with"), born


async def _logs(store: Store, there: Mapping[int, StoredShard], facts: Mapping[int, LogFacts]) -> Line:
    check = "logs"
    try:
        for shard, one in facts.items():
            if shard in there:
                check_log(str(shard), there[shard].body, one)
            elif one.committed is not None and await store.read_meta(str(shard)) is None:
                # As where a worker would create it (streams/shard/creation.py).
                raise MetaMissing(f"shard {shard}: Kafka has offset {one.committed} committed, the store has no meta")
    except EngineError as error:
        return refused(check, error)
    return ok(check, "the topic is the same, and every next offset is within its log")


async def _records(store: Store, there: Mapping[int, StoredShard]) -> Line:
    check, found = "records", Counter[str]()
    try:
        for shard in there:
            found += await records_of(store, shard)
    except (NewerRelease, StateUnreadable) as error:
        return refused(check, error)
    if not found:
        return ok(check, f"no record was found; this release reads up to version {VERSION}")
    forms = ", ".join(f"{form}: {records:,}" for form, records in sorted(found.items()))
    return ok(check, f"{sum(found.values()):,} customers' records looked at ({forms}): all are read")


def _write_format(workers: Workers) -> Line:
    check, written = "write_format", version_to_write(workers.newest_format)
    if written == PREVIOUS:
        return ok(check, f"records are written in version {written}, which the release before reads too")
    return Line(
        check,
        ok(check, "").status,
        f"records are written in version {written}, which the release before can't read: there is no way back to it",
        'set write_format = "previous" for as long as workers of both run',
    )
