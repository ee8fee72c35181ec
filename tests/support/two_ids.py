"""A policy at two shards in memory, customers of several ids, and what is said of them."""

from __future__ import annotations

from typing import Any

import msgspec

from models.customer.record import Record, unpack
from models.outputs import Decision
from models.settings import DAY, HOUR
from models.timeline.partitioning import partition_of
from tests.support.identities import Shards
from tests.support.logs import START, chosen_policy, clock, told
from tests.unit.models.engine.test_life_of_a_moment import LONG
from tests.unit.models.simulation.test_rehearsal import VARIANTS

NOON = START - START % DAY + 11 * HOUR
"""Of Berlin, about: nothing is quiet."""


class World:
    """Two shards under one policy; time is told by `go`."""

    def __init__(self, text: str = LONG) -> None:
        self.shards = Shards(2, VARIANTS["live"])
        for partition in range(2):
            self.shards.tell(partition, (NOON - DAY, None, clock(NOON - DAY)))
            if text:
                self.shards.tell(partition, (NOON - DAY, None, chosen_policy(NOON - DAY, 1, text)))

    def tell(self, time: int, kind: str, who: str, **data: Any) -> None:
        """A touchpoint reaches the partition of its customer."""
        self.shards.tell(partition_of(who, 2), told(kind, who, time, data, id=f"{kind}-{who}-{time}"))

    def knows(self, *names: str, time: int = NOON) -> None:
        """Each buys, and agrees to email."""
        for who in names:
            self.tell(time, "consent_changed", who, marketing=True, channels=["email"])
            self.tell(time, "purchase", who, amount=9)

    def go(self, time: int) -> None:
        """All is delivered, and a clock comes to both shards."""
        self.shards.come_to_rest()
        for partition in range(2):
            self.shards.tell(partition, (time, None, clock(time)))
        self.shards.come_to_rest()

    def said(self, *whats: str) -> list[Decision]:
        return [one for one in self._read("decisions", Decision) if one.what in whats]

    def triggers(self) -> list[dict[str, Any]]:
        return [one for one in self._read("triggers", dict) if one["type"] == "trigger"]

    def withdrawals(self) -> list[dict[str, Any]]:
        return [one for one in self._read("triggers", dict) if one["type"] == "withdrawal"]

    def _read(self, role: str, kind: Any) -> list[Any]:
        outputs = [one for shard in self.shards.world.shards for one in shard.outputs if one.role == role]
        return [msgspec.json.decode(one.value, type=kind) for one in outputs]

    def records(self) -> dict[str, Record]:
        kept = [pair for shard in self.shards.world.shards for pair in shard.records.items()]
        return {name.decode(): unpack(name, value) for name, value in kept}
