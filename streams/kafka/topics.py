"""The topics of the engine: roles, names and required settings.

The settings of a topic are part of the engine's contract (docs/design.md, "Time is in the log"): who changes the
timestamp type of the input or its partition count under a running engine changes what its log means.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from streams.config import Config

ROLES = ("touchpoints", "triggers", "decisions", "examples", "deadletters", "learner")
"""`touchpoints` is the one input; `learner` has one partition, whose owner runs the learner; the others are outputs,
with as many partitions as the input: shard n alone writes partition n."""

OUTPUTS = ("triggers", "decisions", "examples", "deadletters")

TIMESTAMP_TYPE = "message.timestamp.type"
MESSAGE_BYTES = "max.message.bytes"
"""Of one batch, as it is written; a topic without its own has the broker's `message.max.bytes`."""
LOG_APPEND_TIME, CREATE_TIME = "LogAppendTime", "CreateTime"
FOREVER = "-1"
ANY_TIME = str(2**63 - 1)
"""Replays carry the times of their events; at its default a broker refuses a timestamp an hour ahead of its clock."""

OPTIONAL = ("message.timestamp.before.max.ms", "message.timestamp.after.max.ms")
"""Unknown to Kafka before 3.6, which accepts any timestamp without them."""


@dataclass(frozen=True, slots=True)
class TopicSpec:
    """A topic as it should be."""

    role: str
    name: str
    partitions: int
    replication: int
    settings: Mapping[str, str]


def specs(config: Config) -> list[TopicSpec]:
    """The topics that a configuration asks for."""
    return [
        TopicSpec(
            role=role,
            name=config.topic(role),
            partitions=1 if role == "learner" else config.partitions,
            replication=config.replication,
            settings=_settings(role, config.mode, config.replication),
        )
        for role in ROLES
    ]


def _settings(role: str, mode: str, replication: int) -> dict[str, str]:
    settings = {"cleanup.policy": "delete", TIMESTAMP_TYPE: LOG_APPEND_TIME}
    if role == "touchpoints" and mode == "replay":
        settings[TIMESTAMP_TYPE] = CREATE_TIME
        settings |= dict.fromkeys(OPTIONAL, ANY_TIME)
    if replication > 2:
        # With one replica in sync an acknowledged record has one copy, and may go with it.
        settings["min.insync.replicas"] = "2"
    # Decisions must be repeatable for as long as anybody may ask for them; a replay is history, and a broker would
    # delete it by its timestamps.
    if role in ("examples", "decisions") or (mode == "replay" and role in ("touchpoints", *OUTPUTS)):
        settings["retention.ms"] = FOREVER
    return settings
