"""What a run has put on its topic, and whether that is all that it should have."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import msgspec

from benchmarks.runs import Run
from benchmarks.servers import Servers
from streams.kafka.admin import TopicAdmin
from streams.kafka.security import KafkaConnection
from streams.kafka.topic_reader import TopicReader
from streams.kafka.topics import TopicSpec

Triggers = frozenset[tuple[str, str]]
"""By customer and the id of the touchpoint that opened the episode."""

DIFFERENCES = 3
KEEP = {"retention.ms": "-1"}


class LostOutput(Exception):
    """A run has not applied every touchpoint of the day, or not published every trigger that it decided on."""


class RivalsDisagree(Exception):
    """Two rivals do the same job and have different triggers: one of them has not done it."""


class Done(NamedTuple):
    """A run that has lost nothing. triggers: None where the job is another one (the engine's, the floor's)."""

    run: Run
    triggers: Triggers | None = None


class _Opener(msgspec.Struct):
    opener: str


class _Trigger(msgspec.Struct):
    subject: str
    data: _Opener


def create_topics(servers: Servers, names: list[str], partitions: int) -> None:
    """Topics that keep everything: by the log's own time all that a rival says may be older than a week."""
    with TopicAdmin(KafkaConnection(servers.bootstrap_servers)) as admin:
        admin.create([TopicSpec(name, name, partitions, 1, KEEP) for name in names])


def count(servers: Servers, topic: str) -> int:
    """How many committed records a topic has."""
    return len(_values(servers, topic))


def triggers(servers: Servers, topic: str) -> list[tuple[str, str]]:
    """A rival's committed triggers, each as often as it is there."""
    found = [msgspec.json.decode(value, type=_Trigger) for value in _values(servers, topic)]
    return [(trigger.subject, trigger.data.opener) for trigger in found]


def _values(servers: Servers, topic: str) -> list[bytes]:
    with TopicReader(KafkaConnection(servers.bootstrap_servers), topic) as reader:
        return [read.value for read in reader.last(0)]


def require_all(who: str, counts: Mapping[str, tuple[int, int]]) -> None:
    """counts: what was found, and what there must be. Raises LostOutput."""
    wrong = [f"{found:,} {what} of {wanted:,}" for what, (found, wanted) in counts.items() if found != wanted]
    if wrong:
        raise LostOutput(f"{who}: " + ", ".join(wrong))


def require_day(
    who: str, public: list[tuple[str, str]], *, applied: int, decided: int, day: int, rejected: int = 0
) -> Triggers:
    """What a rival has made of the day: all of it, and each trigger once.

    Args:
        who: the rival.
        public: its committed triggers.
        applied: touchpoints, as it counted them.
        decided: triggers, as it counted them.
        day: touchpoints that there were.
        rejected: records that it refused.

    Raises:
        LostOutput: something is missing, or there too often.
    """
    named = frozenset(public)
    require_all(
        who,
        {
            "touchpoints": (applied, day),
            "triggers": (len(public), decided),
            "different triggers": (len(named), decided),
            "rejected records": (rejected, 0),
        },
    )
    return named


def require_the_same(found: Mapping[str, Triggers]) -> None:
    """The triggers of each rival on the same day. Raises RivalsDisagree."""
    (first, expected), *others = found.items() or [("", frozenset())]
    for name, own in others:
        if own != expected:
            told = ", ".join(f"{customer} at {opener}" for customer, opener in sorted(own ^ expected)[:DIFFERENCES])
            raise RivalsDisagree(
                f"{first} has {len(expected):,} triggers, {name} {len(own):,}; {len(own ^ expected):,} differ: {told}"
            )
