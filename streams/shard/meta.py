"""Metadata of a shard in the store: engine state, and the settings fixed at creation."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any, Final

import msgspec
from msgspec import UNSET, UnsetType

from models.settings import CHANGEABLE, DECIDING_NOTHING, LATER, EngineSettings, UnknownSettings
from models.timeline.chosen_settings import in_force
from models.timeline.shard_state import UNKNOWN_STAGES, ShardState, is_loopback
from streams.errors import LogTruncated, NewerRelease, SettingsChanged, StateUnreadable, TopicChanged
from streams.kafka.partition_facts import LogFacts

SCHEMA = 5
"""The newest form of a meta; each is stored in the oldest form that holds it. 2 has three fields more, 3 a policy, 4 a
policy that waits, or what is stopped, 5 what shards have sent to each other: an older release would forget it, and go
on."""
FIRST_SCHEMA = 1
WITHOUT_POLICY = 2
WITHOUT_WAITING_POLICY = 3
WITHOUT_LOOPBACK = 4

STAGES_COUNTED: Final = (1, 656)
"""How much of a policy file the first release reads that counts customers by stage of the loyalty loop."""

Older = Callable[[dict[str, Any]], dict[str, Any]]
MIGRATIONS: dict[int, Older] = dict.fromkeys(
    (FIRST_SCHEMA, WITHOUT_POLICY, WITHOUT_WAITING_POLICY, WITHOUT_LOOPBACK), lambda body: body
)
"""By the older schema: what makes a meta of it (decoded JSON) one of the next schema."""


class Creation(msgspec.Struct, frozen=True):
    """Fixed at creation. `settings`: every engine setting that decides, by name. `quiet_until`: the cut-over of the
    backfill that made the shard; nobody is triggered before it."""

    topic_id: str
    partitions: int
    mode: str
    settings: dict[str, int | float | str]
    quiet_until: int = 0


class ShardBody(msgspec.Struct, frozen=True):
    """A meta. read_to: the log was read up to here, where that is beyond the state's next offset: what lies between are
    no records, but markers of transactions. policy_read: how much of a policy file the worker reads that wrote it last
    (`models.decisions.policy.vocabulary`). An older release passes either over, and the next write of it drops them."""

    schema: int
    creation: Creation = msgspec.field(name="birth")
    state: ShardState
    read_to: int | UnsetType = UNSET
    policy_read: tuple[int, int] | UnsetType = UNSET


class _Head(msgspec.Struct, frozen=True):
    schema: int


_decode_head = msgspec.json.Decoder(_Head).decode
_decode = msgspec.json.Decoder(ShardBody).decode
_encode = msgspec.json.Encoder().encode


def pack_body(body: ShardBody) -> bytes:
    """In the oldest schema that holds it: an older release takes over a shard in which nothing is new to it."""
    state = body.state
    schema = FIRST_SCHEMA
    if state.received is not UNSET or any(map(is_loopback, state.sequences)):
        schema = SCHEMA
    elif state.policy_waiting is not UNSET or state.stops is not UNSET:
        schema = WITHOUT_LOOPBACK
    elif state.policy is not UNSET:
        schema = WITHOUT_WAITING_POLICY
    elif any(field is not UNSET for field in (state.settings, state.waiting, state.lineage)):
        schema = WITHOUT_POLICY
    return _encode(msgspec.structs.replace(body, schema=schema))


def unpack_body(namespace: str, value: bytes) -> ShardBody:
    """A meta of this release's schema or of an older one, as one of this release's. Of a shard that an older release
    wrote last, under a policy, it is not known how many customers are at which stage of the loyalty loop.

    Raises:
        NewerRelease: its schema is newer.
        StateUnreadable: foreign bytes, or a schema from which no migration leads here.
    """
    try:
        # The schema first: another one's fields need not be those that this release knows.
        schema = _decode_head(value).schema
        if schema == SCHEMA:
            return _uncounted(_decode(value))
        return _uncounted(_migrated(namespace, schema, value))
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise StateUnreadable(f"meta of shard {namespace}, {len(value)} bytes: {error}") from error


def _uncounted(body: ShardBody) -> ShardBody:
    counts = body.policy_read is not UNSET and body.policy_read >= STAGES_COUNTED
    if counts or body.state.policy is UNSET:
        return body
    state = msgspec.structs.replace(body.state, stages=UNKNOWN_STAGES)
    return msgspec.structs.replace(body, state=state)


def _migrated(namespace: str, schema: int, value: bytes) -> ShardBody:
    told = f"meta of shard {namespace} has schema {schema}; this release reads {min(MIGRATIONS, default=SCHEMA)}"
    if MIGRATIONS:
        told += f" to {SCHEMA}"
    if schema > SCHEMA:
        raise NewerRelease(told)
    body = msgspec.json.decode(value, type=dict[str, Any])
    for older in range(schema, SCHEMA):
        if older not in MIGRATIONS:
            raise StateUnreadable(told)
        body = MIGRATIONS[older](body)
    return msgspec.convert({**body, "schema": SCHEMA}, ShardBody, str_keys=True)


def creation_of(facts: LogFacts, mode: str, settings: EngineSettings, quiet_until: int = 0) -> Creation:
    return Creation(facts.topic_id, facts.partitions, mode, settings.deciding(), quiet_until)


def settings_of(namespace: str, creation: Creation) -> EngineSettings:
    """The settings that a shard was created with, whatever is configured where this runs.

    Raises:
        NewerRelease: a setting among them is not known here.
        StateUnreadable: they are no settings.
    """
    try:
        return EngineSettings.stored(creation.settings)
    except UnknownSettings as error:
        raise NewerRelease(f"shard {namespace} was created with settings that this release has not: {error}") from error
    except (TypeError, ValueError) as error:
        raise StateUnreadable(f"settings of shard {namespace}: {error}") from error


def with_read_to(body: ShardBody, offset: int) -> ShardBody:
    """The body of a shard that has read its log up to an offset, which counts where it is beyond the next one."""
    return msgspec.structs.replace(body, read_to=offset if offset > body.state.next_offset else UNSET)


def read_to(body: ShardBody, facts: LogFacts) -> int:
    """The offset up to which a shard has read its log."""
    # Beyond the log's end it tells of records of which a broker has lost some since: others may stand there now.
    known = body.read_to if body.read_to is not UNSET and body.read_to <= facts.end else 0
    return max(known, body.state.next_offset)


def check_log(namespace: str, body: ShardBody, facts: LogFacts) -> None:
    """Step 4: the log is the one the shard was created on, and still holds whatever it has not read."""
    check_topic(namespace, body.creation, facts)
    next_offset, known = body.state.next_offset, read_to(body, facts)
    if known < facts.start:
        raise LogTruncated(
            f"shard {namespace}: the log starts at {facts.start}, the next offset is {known}: "
            f"{facts.start - known} are gone"
        )
    if next_offset > facts.end:
        raise LogTruncated(
            f"shard {namespace}: the log ends at {facts.end}, the next offset is {next_offset}: it is not the same log"
        )


def check_topic(namespace: str, creation: Creation, facts: LogFacts) -> None:
    """The topic is the one the shard was created on, with as many partitions."""
    if creation.topic_id and facts.topic_id != creation.topic_id:
        raise TopicChanged(f"shard {namespace}: topic id is {facts.topic_id}, at creation it was {creation.topic_id}")
    if facts.partitions != creation.partitions:
        raise TopicChanged(
            f"shard {namespace}: the topic has {facts.partitions} partitions, at creation {creation.partitions}"
        )


def born_with(namespace: str, creation: Creation, configured: EngineSettings) -> EngineSettings:
    """The same, with what is configured where it decides nothing. Raises as `settings_of`."""
    return replace(settings_of(namespace, creation), **{name: getattr(configured, name) for name in DECIDING_NOTHING})


def settings_in_force(namespace: str, body: ShardBody) -> EngineSettings:
    """What decides in a shard now: of its creation, and what an operator has chosen since. Raises as `settings_of`."""
    return in_force(settings_of(namespace, body.creation), body.state)


def check_settings(
    namespace: str, creation: Creation, mode: str, settings: EngineSettings, changeable: bool = False
) -> None:
    """What was fixed at creation is still what the worker is told.

    Args:
        namespace: of the shard.
        creation: of the shard.
        mode: as configured.
        settings: as configured.
        changeable: hold those to it too that an operator may change later.

    Raises:
        SettingsChanged: it is not.
        NewerRelease, StateUnreadable: as `settings_of`.
    """
    settings_of(namespace, creation)
    configured = {"mode": mode, **LATER, **settings.deciding()}
    stored = {"mode": creation.mode, **LATER, **creation.settings}
    differing = [
        f"{name} is {value!r}, at creation {stored[name]!r}"
        for name, value in configured.items()
        if value != stored[name] and (changeable or name not in CHANGEABLE)
    ]
    if differing:
        raise SettingsChanged(f"shard {namespace}: {'; '.join(differing)}")
