"""A consumer group and owners that are fakes: for tests of takeover, parking and revocation."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Any

from faust.types import TP

from streams.consumer.ownership import Ownership
from streams.consumer.protocols import PartitionOwner
from streams.errors import EngineError, ExitCode
from streams.kafka.errors import KafkaUnavailable
from streams.kafka.partition_facts import LogFacts

Steps = dict[str, Callable[[], Awaitable[None]]]

SHARD, LEARNER = TP("in", 0), TP("learner", 0)


class FakeGroup:
    """A consumer group of one; `generation` counts up when a rebalance begins."""

    def __init__(self, log: list[str], assigned: set[TP]) -> None:
        self.generation = 1
        self.polls = 0
        self.log = log
        self.refuses = False
        self.leaderless: set[TP] = set()
        self.ended: list[EngineError] = []
        self.confirmed: list[dict[TP, int]] = []
        self.asked: list[set[TP]] = []
        self.begun: list[PartitionOwner] = []
        self.free_now: set[int] = set()
        self.assigned_now = assigned

    def assigned(self) -> set[TP]:
        return self.assigned_now

    async def confirm(self, next_offsets: Mapping[TP, int]) -> bool:
        self.log.append("confirm")
        self.confirmed.append(dict(next_offsets))
        return not self.refuses

    async def log_facts(self, tps: Iterable[TP]) -> dict[TP, LogFacts]:
        asked = set(tps)
        self.log.append("facts")
        self.asked.append(asked)
        await asyncio.sleep(0)
        if asked & self.leaderless:
            raise KafkaUnavailable(f"no leader: {asked & self.leaderless}")
        return {tp: LogFacts(0, 100, "id", 1, None) for tp in asked}

    async def begin(self, owner: PartitionOwner, generation: int) -> bool:
        self.log.append("begin")
        self.begun.append(owner)
        return generation == self.generation

    def free(self, owner: PartitionOwner) -> None:
        self.free_now.add(id(owner))

    def is_free(self, owner: PartitionOwner) -> bool:
        return id(owner) in self.free_now

    def end_process(self, error: EngineError) -> None:
        self.ended.append(error)


class FakeOwner:
    """An owner that notes what is asked of it; `at[step]` is run in that step, `at["step 3"]` only for partition 3."""

    def __init__(self, log: list[str], tp: TP, generation: int, at: Steps) -> None:
        self.tp, self.generation, self.next_offset, self.busy = tp, generation, 7, False
        self.reads = tp.topic != LEARNER.topic
        self.log, self.at = log, at
        self.batches: list[list[Any]] = []

    async def _step(self, name: str) -> None:
        self.log.append(f"{name} {self.tp.topic}" + (f" {self.tp.partition}" if self.tp.partition else ""))
        for step in (name, f"{name} {self.tp.topic}", f"{name} {self.tp.partition}"):
            if step in self.at:
                await self.at[step]()

    async def peek(self) -> bool:
        await self._step("peek")
        return self.reads

    async def mint(self) -> None:
        await self._step("mint")

    async def check(self, facts: LogFacts) -> None:
        await self._step("check")

    async def recover(self) -> None:
        await self._step("recover")

    def has_read(self, offset: int) -> None: ...

    def hand_over(self, records: list[Any]) -> None:
        self.batches.append(records)

    async def run(self) -> None:
        await self._step("run")
        await asyncio.Event().wait()

    async def ended(self) -> None:
        await self._step("ended")


class OwnershipBench:
    """An ownership over a fake group; notes its owners, what they wait for, and who is parked over what."""

    def __init__(self, *tps: TP, stall_s: float = 30.0, step_s: float = 30.0, at: Steps | None = None) -> None:
        self.log: list[str] = []
        self.owners: list[FakeOwner] = []
        self.waits: dict[TP, str | None] = {}
        self.parked: dict[TP, EngineError] = {}
        self.parkings = 0
        self.at: Steps = at or {}
        self.group = FakeGroup(self.log, set(tps or (SHARD,)))
        self.ownership = Ownership(self._owner, stall_s=stall_s, step_s=step_s, waits=self._wait, parked=self._park)
        self.ownership.bind(self.group)

    def _owner(self, tp: TP, generation: int) -> FakeOwner:
        self.owners.append(FakeOwner(self.log, tp, generation, self.at))
        return self.owners[-1]

    def _wait(self, owner: PartitionOwner, detail: str | None) -> None:
        self.waits[owner.tp] = detail

    def _park(self, owner: PartitionOwner, error: EngineError | None) -> None:
        if error is None:
            self.parked.pop(owner.tp, None)
        else:
            self.parked[owner.tp] = error
            self.parkings += 1

    async def take_over(self) -> None:
        """And wait until each partition works, waits or is parked, or all is over."""
        await self.ownership.take_over()
        await self.settled()

    async def settled(self) -> None:
        ownership = self.ownership
        await until(
            lambda: all(
                task.done() or keeper.settled or keeper.waiting
                for task, keeper in zip(ownership._tasks.values(), ownership._keepers.values(), strict=True)
            )
        )

    async def rebalance(self, assigned: set[TP] | None = None) -> None:
        """As the consumer does it: the thread counts, the main loop ends, the next assignment is taken over."""
        self.group.generation += 1
        await self.ownership.ended()
        self.group.assigned_now = self.group.assigned_now if assigned is None else assigned
        await self.take_over()

    @property
    def working(self) -> set[TP]:
        return set(self.ownership.current)

    @property
    def codes(self) -> list[ExitCode]:
        return [error.code for error in self.group.ended]


PATIENCE_S = 60.0
"""Only what has failed takes so long, however busy the machine."""


async def until(condition: Callable[[], Any]) -> None:
    """Wait for something that signals nothing when it comes true."""
    async with asyncio.timeout(PATIENCE_S):
        while not condition():  # noqa: ASYNC110 - there is no event for it
            await asyncio.sleep(0.001)


def run(scenario: Awaitable[None]) -> None:
    async def whole() -> None:
        await asyncio.wait_for(scenario, 2 * PATIENCE_S)

    asyncio.run(whole())
