"""Shards in memory that send each other records, in any interleaving that a test chooses."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Iterable
from random import Random
from typing import Any

from models.engine.apply import apply
from models.engine.step import Engine
from models.learning.adoption import Lockstep
from models.learning.learner import Learning
from models.outputs.loopback import ROLE
from models.settings import DAY, HOUR, EngineSettings
from models.simulation.rehearsal import Rehearsal, Shard, go_on
from models.timeline.batch import LogRecord
from models.timeline.partitioning import partition_of
from models.timeline.shard_state import ShardState
from tests.support.logs import DATA, START, clock, told

Told = tuple[int, bytes | None, bytes | None]
"""(timestamp, key, value)"""


class Shards:
    """`logs` grow by what is told and by what arrives. sent: by sender and receiver, what is on its way, in order."""

    def __init__(self, partitions: int, settings: EngineSettings, engine: Engine = apply) -> None:
        self.settings = settings
        self.logs: list[list[LogRecord]] = [[] for _ in range(partitions)]
        shards = [Shard(log, ShardState(n, partitions, 0), Lockstep(settings)) for n, log in enumerate(self.logs)]
        self.world = Rehearsal(shards, {}, Learning(settings, partitions), engine)
        self.sent: dict[tuple[int, int], deque[Told]] = {}
        self.arrived: dict[tuple[int, int], list[Told]] = {}
        self._seen = [0] * partitions

    def tell(self, partition: int, entry: Told) -> None:
        """A record reaches a partition."""
        log = self.logs[partition]
        time, key, value = entry
        log.append(LogRecord(len(log), max(time, log[-1].timestamp if log else 0), key, value))

    def work(self) -> None:
        """All shards read all there is; what they send is on its way."""
        go_on(self.world, self.settings)
        for sender, shard in enumerate(self.world.shards):
            for output in shard.outputs[self._seen[sender] :]:
                if output.role == ROLE and output.partition is not None:
                    way = self.sent.setdefault((sender, output.partition), deque())
                    way.append((output.time, output.key, output.value))
            self._seen[sender] = len(shard.outputs)

    def deliver(self, way: tuple[int, int]) -> None:
        """The next record of a way arrives."""
        entry = self.sent[way].popleft()
        self.arrived.setdefault(way, []).append(entry)
        self.tell(way[1], entry)

    def deliver_again(self, way: tuple[int, int], count: int) -> None:
        """The last records of a way arrive once more, since their sender could not know that they had."""
        for entry in self.arrived.get(way, [])[-count:]:
            self.tell(way[1], entry)

    def come_to_rest(self) -> None:
        """Deliver until nothing is on its way."""
        self.work()
        while any(self.sent.values()):
            for way in list(self.sent):
                while self.sent[way]:
                    self.deliver(way)
            self.work()


def merging(seed: int, days: int, customers: int, merges: int) -> list[Told]:
    """What customers of several ids do, in order, with merges of any two: chains and circles among them."""
    random, entries = Random(seed), list[Told]()
    names = [f"c-{n}" for n in range(customers)]
    kinds = sorted(DATA.keys() - {"erase_requested", "preview_asked", "asked_may", "looked_at", "expired_unsent"})
    for name in names:
        for number in range(random.randint(3, 14)):
            kind = random.choice(["purchase", "purchase", *kinds])
            time = START + int(random.uniform(0, days) * DAY)
            entry = told(kind, name, time, DATA[kind](random), id=f"{name}-{number}")
            entries += [entry] * random.choice((1, 1, 1, 2))
    for number in range(merges):
        old, new = random.sample(names, 2)
        time = START + int(random.uniform(1, days) * DAY)
        entries.append(told("identity_merged", old, time, {"into": new}, id=f"merge-{number}"))
    return sorted(entries, key=lambda entry: entry[0])


def told_in_disorder(
    shards: Shards, entries: Iterable[Told], random: Random, days: int, first: Callable[[Shards], None] | None = None
) -> None:
    """Tell it all, deliver what is on its way at any time, some of it twice; then come to rest."""
    if first is not None:
        first(shards)
    ticks = iter(range(START, START + days * DAY, 12 * HOUR))
    tick = next(ticks)
    for time, key, value in entries:
        while tick <= time:
            for partition in range(len(shards.logs)):
                shards.tell(partition, (tick, None, clock(tick)))
            tick = next(ticks, START + 10_000 * DAY)
        if key is not None:
            shards.tell(partition_of(key, len(shards.logs)), (time, key, value))
        if random.random() < 0.3:
            shards.work()
        for way in [way for way, waiting in shards.sent.items() if waiting and random.random() < 0.4]:
            shards.deliver(way)
            if random.random() < 0.3:
                shards.deliver_again(way, random.randint(1, 3))
    end = START + (days + 8) * DAY
    for time in (end, end + DAY):
        shards.come_to_rest()
        for partition in range(len(shards.logs)):
            shards.tell(partition, (time, None, clock(time)))
    shards.come_to_rest()


def sums(values: Iterable[Counter[str]]) -> Counter[str]:
    """All of them together."""
    found: Counter[str] = Counter()
    for one in values:
        found.update(one)
    return found


Data = dict[str, Any]
