"""Two customers of two shards who talk with each other, under a policy by which both may be offered the same."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from models.settings import MINUTE
from models.timeline.partitioning import partition_of
from tests.support.two_ids import NOON, World
from tests.unit.models.engine.test_life_of_a_moment import LONG

SHARED = (
    LONG.replace("at = 0.5 }", "at = 0.97 }").replace("at = 0.65", "at = 0.98").replace("at = 0.8 }", "at = 0.99 }")
    + """
[moment.talk]
sort = "touchpoint"
touchpoints = ["chat"]
shared_on = ["app", "forum"]
within = "5m"
[action.two_for_one]
kind = "offer"
moments = ["talk"]
topic = "espresso"
content = "two_for_one"
expires = "6h"
promotion = true
[action.recipe]
kind = "useful"
moments = ["talk"]
topic = "tea"
content = "recipe"
expires = "6h"
"""
)


def at_home(partition: int, partitions: int = 2) -> list[str]:
    """Names of customers of a shard, in order."""
    return [name for n in range(100) if partition_of(name := f"n-{n:02d}", partitions) == partition]


ANNA, BERT = at_home(0)[0], next(name for name in at_home(1) if name > at_home(0)[0])
"""anna has the smaller id: she proposes."""
CORA = next(name for name in at_home(0) if name > ANNA)
"""Of anna's shard."""


class Talk(World):
    """Both have bought, agreed to e-mail and that what they talk about is used."""

    def __init__(self, text: str = SHARED, names: Iterable[str] = (ANNA, BERT)) -> None:
        super().__init__(text)
        self.knows(*names)
        for who in names:
            self.agrees(who)
        self.go(NOON + MINUTE)

    def agrees(self, who: str, granted: bool = True, time: int = NOON, **data: Any) -> None:
        """Says whether what they talk about may be used."""
        self.tell(time + 1, "consent_changed", who, purpose="conversation", marketing=granted, **data)

    def chat(self, *names: str, time: int = NOON + 2 * MINUTE, topic: str = "espresso", channel: str = "app") -> None:
        """They talk: each of them has the chat."""
        for who in names:
            self.tell(time, "chat", who, participants=list(names), channel=channel, topic=topic)

    def whats(self) -> list[tuple[str, str, str]]:
        """What was said of shared moments: who, what and why not."""
        found = self.said("shared_proposed", "shared_reserved", "shared_refused", "shared_ended", "withdrawn")
        return [(one.customer, one.what, one.gate or one.reason) for one in found]

    def offered(self) -> dict[str, dict[str, Any]]:
        """The triggers of what is shared, by customer."""
        return {one["customer"]: one for one in self.triggers() if one.get("group")}
