"""The body of a shard's meta: the engine's state, and what the shard was created with and must not change."""

from __future__ import annotations

from typing import Any

import msgspec

from models.line import ShardState
from models.settings import LATER, EngineSettings
from streams.errors import LogTruncated, SettingsChanged, StateUnreadable, TopicChanged
from streams.log_facts import LogFacts

SCHEMA = 1


class Birth(msgspec.Struct, frozen=True):
    """Fixed at creation. `settings`: every engine setting that decides, by name. `quiet_until`: the cut of the backfill
    that made the shard; nobody is triggered before it."""

    topic_id: str
    partitions: int
    mode: str
    settings: dict[str, int | float | str]
    quiet_until: int = 0


class ShardBody(msgspec.Struct, frozen=True):
    schema: int
    birth: Birth
    state: ShardState


class _Head(msgspec.Struct, frozen=True):
    schema: int


_decode_head = msgspec.json.Decoder(_Head).decode
_decode = msgspec.json.Decoder(ShardBody).decode
_encode = msgspec.json.Encoder().encode


def pack_body(body: ShardBody) -> bytes:
    return _encode(body)


def unpack_body(place: str, value: bytes) -> ShardBody:
    """Raises StateUnreadable on foreign bytes or another schema."""
    try:
        # The schema first: another one's fields need not be those that this release knows.
        schema = _decode_head(value).schema
        if schema != SCHEMA:
            raise StateUnreadable(f"meta of shard {place} has schema {schema}; this release reads {SCHEMA}")
        return _decode(value)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise StateUnreadable(f"meta of shard {place}, {len(value)} bytes: {error}") from error


def birth_of(facts: LogFacts, mode: str, settings: EngineSettings, quiet_until: int = 0) -> Birth:
    return Birth(facts.topic_id, facts.partitions, mode, settings.deciding(), quiet_until)


def settings_of(place: str, birth: Birth) -> EngineSettings:
    """The settings that a shard was created with, whatever is configured where this runs. Raises StateUnreadable."""
    told: dict[str, Any] = dict(birth.settings)
    try:
        return EngineSettings(**told)
    except (TypeError, ValueError) as error:
        raise StateUnreadable(f"settings of shard {place}: {error}") from error


def check_log(place: str, birth: Birth, fence: int, facts: LogFacts) -> None:
    """Step 4: the log is the one the shard was created on, and still holds its fence."""
    check_topic(place, birth, facts)
    if fence < facts.start:
        raise LogTruncated(
            f"shard {place}: the log starts at {facts.start}, the fence is {fence}: {facts.start - fence} are gone"
        )
    if fence > facts.end:
        raise LogTruncated(f"shard {place}: the log ends at {facts.end}, the fence is {fence}: it is not the same log")


def check_topic(place: str, birth: Birth, facts: LogFacts) -> None:
    """The topic is the one the shard was created on, with as many partitions."""
    if birth.topic_id and facts.topic_id != birth.topic_id:
        raise TopicChanged(f"shard {place}: topic id is {facts.topic_id}, at creation it was {birth.topic_id}")
    if facts.partitions != birth.partitions:
        raise TopicChanged(
            f"shard {place}: the topic has {facts.partitions} partitions, at creation {birth.partitions}"
        )


def check_settings(place: str, birth: Birth, mode: str, settings: EngineSettings) -> None:
    """What was fixed at creation is still what the worker is told."""
    told = {"mode": mode, **LATER, **settings.deciding()}
    stored = {"mode": birth.mode, **LATER, **birth.settings}
    differing = [
        f"{name} is {told[name]!r}, at creation {stored.get(name)!r}" for name in told if told[name] != stored.get(name)
    ]
    if differing:
        raise SettingsChanged(f"shard {place}: {'; '.join(differing)}")
