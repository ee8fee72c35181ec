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
FORGOTTEN = ("triggers", "deadletters")
"""Outputs that are never kept for ever: the oldest of what was public may be gone."""

TIMESTAMP_TYPE = "message.timestamp.type"
MESSAGE_BYTES = "max.message.bytes"
"""Of one batch, as it is written; a topic without its own has the broker's `message.max.bytes`."""
LOG_APPEND_TIME, CREATE_TIME = "LogAppendTime", "CreateTime"
RETENTION = "retention.ms"
FOREVER = "-1"
DAY_MS = 86_400_000
ANY_TIME = str(2**63 - 1)
"""Replays carry the times of their events; at its default a broker refuses a timestamp an hour ahead of its clock."""

OPTIONAL = ("message.timestamp.before.max.ms", "message.timestamp.after.max.ms")
"""Unknown to Kafka before 3.6, which accepts any timestamp without them."""


@dataclass(frozen=True, slots=True)
class TopicSpec:
    """A topic as it should be. history: its records have times of the past, so that none may be deleted by age."""

    role: str
    name: str
    partitions: int
    replication: int
    settings: Mapping[str, str]
    history: bool = False


def specs(config: Config) -> list[TopicSpec]:
    """The topics that a configuration asks for."""
    return [
        TopicSpec(
            role=role,
            name=config.topic(role),
            partitions=1 if role == "learner" else config.partitions,
            replication=config.replication,
            settings=_settings(role, config),
            history=config.mode == "replay",
        )
        for role in ROLES
    ]


def control_spec(name: str, partitions: int, replication: int) -> TopicSpec:
    """The topic of the control group's members, which `retention control` creates and writes: as many partitions as the
    decisions have. No worker needs it."""
    settings = {
        "cleanup.policy": "compact",
        TIMESTAMP_TYPE: LOG_APPEND_TIME,
        "min.cleanable.dirty.ratio": "0.1",
        # A row that has left is gone from the disk a day or two later, and then the word that it has left.
        "segment.ms": str(DAY_MS),
        "max.compaction.lag.ms": str(DAY_MS),
        "delete.retention.ms": str(DAY_MS),
    }
    return TopicSpec("control", name, partitions, replication, settings)


EXAMPLES_DAYS = 42
"""What recovery needs of the examples: the learner keeps a state of each of the last five weeks to learn again from."""


def suits(spec: TopicSpec, key: str, found: str) -> bool:
    """Whether a topic's setting, as found, will do. A topic may be kept for longer than recovery needs it (whether
    that is what the policy says, `streams.operations.access.limits` tells), decisions also shorter than for ever;
    examples may be let go of once no start of the learner (streams/learner/starts.py) needs them any more."""
    wanted = spec.settings[key]
    if key == RETENTION and spec.role == "examples" and found != FOREVER:
        return int(found) >= EXAMPLES_DAYS * DAY_MS
    if key == RETENTION and not spec.history and spec.role in (*OUTPUTS, "touchpoints"):
        return found == FOREVER or wanted == FOREVER or int(found) >= int(wanted)
    return found == wanted


def kept_ms(settings: Mapping[str, str]) -> float | None:
    """How long a topic keeps its records; None where the broker does not say."""
    found = settings.get(RETENTION)
    return None if found is None else float("inf") if found == FOREVER else float(found)


def _settings(role: str, config: Config) -> dict[str, str]:
    settings = {"cleanup.policy": "delete", TIMESTAMP_TYPE: LOG_APPEND_TIME}
    if role == "touchpoints" and config.mode == "replay":
        settings[TIMESTAMP_TYPE] = CREATE_TIME
        settings |= dict.fromkeys(OPTIONAL, ANY_TIME)
    if config.replication > 2:
        # With one replica in sync an acknowledged record has one copy, and may go with it.
        settings["min.insync.replicas"] = "2"
    # A new model learns from the first example on; a replay is history, and a broker would delete it by
    # its timestamps.
    if role == "examples" or (config.mode == "replay" and role in ("touchpoints", *OUTPUTS)):
        settings[RETENTION] = FOREVER
    elif role in ("touchpoints", "decisions", *FORGOTTEN) and config.recovery_days:
        # Twice the age of the oldest backup: the replay from it takes its time, and so does whoever restores it. What
        # it makes again it finds in the outputs' topics, and does not publish once more.
        settings[RETENTION] = str(round(2 * config.recovery_days * DAY_MS))
    elif role == "decisions":
        settings[RETENTION] = FOREVER
    return settings
