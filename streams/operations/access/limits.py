"""How long topics are to be kept: what the policy in force says, else the settings; against what they are."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from streams.config import Config
from streams.kafka.admin import TopicFacts
from streams.kafka.topics import DAY_MS, FOREVER, kept_ms
from streams.operations.access.places import TOPICS, limit_of

BY_RECOVERY = ("touchpoints", "triggers", "decisions", "deadletters")
"""Roles of topics that a shard reads again after a backup of Redis was restored."""


KEPT_FOREVER = float("inf")
"""Decisions, where neither the policy nor `recovery_days` says how long: who starts from the log's first record needs
them all."""


class Limit(NamedTuple):
    """A topic's limit. said, found, needed: ms, infinite: for ever; said None: nothing says how long; found None: the
    broker does not say; needed: what `recovery_days` asks for, 0: nothing."""

    role: str
    topic: str
    said: float | None
    found: float | None
    needed: int

    @property
    def too_short(self) -> bool:
        """The policy says less than recovery needs."""
        return self.said is not None and self.said < self.needed

    @property
    def differs(self) -> bool:
        return self.said is not None and self.found is not None and self.found != self.said

    @property
    def retention_ms(self) -> int:
        """Kafka's setting for what is said."""
        return int(FOREVER) if self.said is None or self.said == KEPT_FOREVER else round(self.said)

    def told(self) -> str:
        """In words: as it is, and as it is said to be."""
        said = "" if self.said is None else f", {limit_of(self.said)} is said"
        return f"{self.topic}: {limit_of(self.found)}{said}"


def limits(config: Config, found: Mapping[str, TopicFacts], periods: Mapping[str, int]) -> list[Limit]:
    """Of each topic that names customers and exists; none in mode replay, where topics are history.

    periods: by role, ms, as the policy in force says (`models.decisions.policy.retention_types.periods_of`).
    """
    if config.mode == "replay":
        return []
    recovery = round(2 * config.recovery_days * DAY_MS)
    made = []
    for role in TOPICS:
        if (facts := found.get(config.topic(role))) is not None:
            needed = recovery if role in BY_RECOVERY else 0
            said = periods.get(role, needed or (KEPT_FOREVER if role == "decisions" else None))
            made.append(Limit(role, facts.name, said, kept_ms(facts.settings), needed))
    return made
