"""A small shop that answers what the engine sends: a message brings those back who look around, and drives others away.

The log grows while it is read: at each model version the next day's touchpoints are written, answers to what was
triggered among them. The whole log is then an ordinary one, to be replayed.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from heapq import heappop, heappush
from random import Random
from typing import Any, Final

from models.settings import DAY, HOUR, EngineSettings
from models.simulation.rehearsal import Rehearsal, rehearse
from models.timeline.batch import LogRecord
from models.timeline.partitioning import partition_of
from tests.support.logs import START, chosen_policy, clock, record, touchpoint

SETTINGS: Final = EngineSettings(
    horizon=28 * DAY, boundary=DAY, version_delay=0, lateness=HOUR, phase="spread", enter=0.5, exit=0.3
)
POLICY: Final = """
format = 1
[risk]
exit = 0.3
levels = [{ name = "slipping", at = 0.5 }]
[channel.email]
cost = 0.02
[moment.risk]
sort = "risk"
[action.useful]
kind = "useful"
moments = ["risk"]
content = "useful/picks"
expires = "1d"
[contact]
cool_down = "1h"
[[basis]]
purpose = "marketing"
needs = "nothing"
[control]
share = 0.05
[choice]
window = "14d"
learned = true
[value]
fewest = 20
"""
Back = Mapping[tuple[bool, bool], float]
BACK: Final[Back] = {(True, False): 0.25, (True, True): 0.85, (False, False): 0.85, (False, True): 0.05}
"""How likely a customer who drifts is to come back within the window: who looks around or not, contacted or not."""
_Event = tuple[int, int, str, str, dict[str, Any]]


class ClosedShop:
    """Customers in a few partitions; every third looks around. They buy every few days, drift now and then, and come
    back soon or late."""

    def __init__(
        self, customers: int, days: int, seed: int = 5, policy: str = POLICY, partitions: int = 2, back: Back = BACK
    ) -> None:
        """policy: of the log's beginning; empty: none yet. back: as `BACK`."""
        self.logs: list[list[LogRecord]] = [[] for _ in range(partitions)]
        self.bought: dict[str, list[int]] = {}
        """What happened in truth: when each customer bought, ms."""
        self.brought_back = 0
        """How many came back since they had a message."""
        self._back = back
        self._random, self._until = Random(seed), START + days * DAY
        self._heap: list[_Event] = []
        self._number = 0
        self._heard = [0] * partitions
        self._written = START
        self.names = [f"s-{n:04}" for n in range(customers)]
        self._drifts: dict[str, int] = {}
        for log in self.logs:
            log.append(record(0, START, None, chosen_policy(START, 1, policy) if policy else clock(START)))
        for name in self.names:
            self._plan(START + self._random.randrange(20 * DAY), name, "purchase")
        self.write(START + 2 * DAY)

    def run(self, batch: int = 500) -> Rehearsal:
        """Let the engine and the shop go on with each other to the end."""
        return rehearse(self.logs, SETTINGS, batch=lambda at: batch, watch=self._on)

    def choose(self, policy: str) -> None:
        """A policy comes into force for what is written from now on."""
        for log in self.logs:
            log.append(record(len(log), self._written, None, chosen_policy(self._written, 1, policy)))

    def looks_around(self, name: str) -> bool:
        return int(name[2:]) % 3 == 0

    def _plan(self, time: int, name: str, kind: str, **data: Any) -> None:
        self._number += 1
        heappush(self._heap, (time, self._number, name, kind, data))

    def _on(self, world: Rehearsal) -> None:
        for number, shard in enumerate(world.shards):
            for output in shard.outputs[self._heard[number] :]:
                if output.role == "triggers":
                    self.answer(json.loads(output.value))
            self._heard[number] = len(shard.outputs)
        self.write(max(world.versions) + 2 * DAY)

    def answer(self, trigger: dict[str, Any]) -> None:
        """Who still drifts gets the message, and may come back the sooner for it, or never."""
        name, soon = trigger["customer"], self._written + HOUR
        self._plan(soon, name, "offer_delivered", trigger_id=trigger["id"], channel="email")
        if name in self._drifts:
            self._drifts[name] = 2
            if self._random.random() < self._back[self.looks_around(name), True]:
                self._plan(soon + self._random.randrange(DAY, 4 * DAY), name, "back")

    def write(self, until: int) -> None:
        """Go on to a moment of the log, ms."""
        until = min(until, self._until)
        while self._heap and self._heap[0][0] < until:
            time, _, name, kind, data = heappop(self._heap)
            for at, said, told in self._happens(time, name, kind, data):
                self._put(at, name, said, told)
        if until > self._written:
            for log in self.logs:
                log.append(record(len(log), until, None, clock(until)))
            self._written = until

    def _happens(self, time: int, name: str, kind: str, data: dict[str, Any]) -> Iterator[tuple[int, str, Any]]:
        random = self._random
        if kind == "back" or kind == "alone":
            # By themselves they come back only if nothing was sent meanwhile.
            if name not in self._drifts or (kind == "alone" and self._drifts[name] == 2):
                return
            self.brought_back += kind == "back"
            del self._drifts[name]
            kind = "purchase"
        if kind == "late":
            if name not in self._drifts:
                return
            del self._drifts[name]
            kind = "purchase"
        if kind != "purchase":
            yield time, kind, data
            return
        self.bought.setdefault(name, []).append(time)
        yield time, "purchase", {"amount": round(random.uniform(15, 25), 2)}
        if self.looks_around(name):
            for hour in range(9):
                yield time, "visit", {"channel": "web", "seconds": 60 + hour}
        if random.random() < 0.6:
            self._plan(time + random.randrange(4 * DAY, 7 * DAY), name, "purchase")
            return
        self._drifts[name] = 1
        if random.random() < self._back[self.looks_around(name), False]:
            self._plan(time + random.randrange(22 * DAY, 28 * DAY), name, "alone")
        self._plan(time + random.randrange(80 * DAY, 95 * DAY), name, "late")

    def _put(self, time: int, name: str, kind: str, data: dict[str, Any]) -> None:
        log = self.logs[partition_of(name.encode(), len(self.logs))]
        self._number += 1
        value = touchpoint(kind, name, time, data, id=f"{kind}-{self._number}")
        log.append(record(len(log), max(time, log[-1].timestamp), name.encode(), value))
