"""The order of a takeover, what interrupts it, and the watchdog; against a fake group and fake owners."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from typing import Any

import pytest
from faust.types import TP

from streams.consumer.ownership import Ownership
from streams.consumer.protocols import PartitionOwner
from streams.errors import EngineError, ExitCode, MetaMissing, Stalled, TakeoverFailed
from streams.kafka.errors import ProducerFenced
from streams.kafka.partition_facts import LogFacts
from streams.store.port import StoreUnavailable

Steps = dict[str, Callable[[], Awaitable[None]]]

SHARD, LEARNER = TP("in", 0), TP("learner", 0)


class FakeGroup:
    """A consumer group of one; `generation` counts up when a rebalance begins."""

    def __init__(self, log: list[str], assigned: set[TP]) -> None:
        self.generation = 1
        self.polls = 0
        self.log = log
        self.refuses = False
        self.ended: list[EngineError] = []
        self.confirmed: list[dict[TP, int]] = []
        self.free_now: set[int] = set()
        self._assigned = assigned

    def assigned(self) -> set[TP]:
        return self._assigned

    async def confirm(self, next_offsets: Mapping[TP, int]) -> bool:
        self.log.append("confirm")
        self.confirmed.append(dict(next_offsets))
        return not self.refuses

    async def log_facts(self, tps: Iterable[TP]) -> dict[TP, LogFacts]:
        self.log.append("facts")
        return {tp: LogFacts(0, 100, "id", 1, None) for tp in tps}

    async def begin(self, owned: Sequence[PartitionOwner], generation: int) -> bool:
        self.log.append("begin")
        return generation == self.generation

    def free(self, owned: PartitionOwner) -> None:
        self.free_now.add(id(owned))

    def is_free(self, owned: PartitionOwner) -> bool:
        return id(owned) in self.free_now

    def end_process(self, error: EngineError) -> None:
        self.ended.append(error)


class FakeOwned:
    """An owner that notes what is asked of it; `at[step]` is run in that step."""

    def __init__(self, log: list[str], tp: TP, generation: int, at: Steps) -> None:
        self.tp, self.generation, self.next_offset, self.busy = tp, generation, 7, False
        self.reads = tp.topic != LEARNER.topic
        self.log, self.at = log, at
        self.batches: list[list[Any]] = []

    async def _step(self, name: str) -> None:
        self.log.append(f"{name} {self.tp.topic}")
        if name in self.at:
            await self.at[name]()

    async def peek(self) -> bool:
        await self._step("peek")
        return self.reads

    async def mint(self) -> None:
        await self._step("mint")

    async def check(self, facts: LogFacts) -> None:
        await self._step("check")

    async def recover(self) -> None:
        await self._step("recover")

    def hand_over(self, records: list[Any]) -> None:
        self.batches.append(records)

    async def run(self) -> None:
        await self._step("run")
        await asyncio.Event().wait()

    async def ended(self) -> None:
        await self._step("ended")


class Bench:
    def __init__(self, *tps: TP, stall_s: float = 30.0, at: Steps | None = None) -> None:
        self.log: list[str] = []
        self.group = FakeGroup(self.log, set(tps or (SHARD,)))
        self.ownership = Ownership(lambda tp, gen: FakeOwned(self.log, tp, gen, at or {}), stall_s=stall_s)
        self.ownership.bind(self.group)

    @property
    def codes(self) -> list[ExitCode]:
        return [error.code for error in self.group.ended]


def run(scenario: Awaitable[None]) -> None:
    async def whole() -> None:
        await asyncio.wait_for(scenario, 10)

    asyncio.run(whole())


def test_a_takeover_takes_its_steps_in_order() -> None:
    async def scenario() -> None:
        bench = Bench()
        await bench.ownership.take_over()
        await asyncio.sleep(0)
        steps = ["peek in", "confirm", "mint in", "facts", "check in", "recover in", "begin", "run in"]
        assert bench.log == steps
        assert bench.ownership.next_offsets() == {SHARD: 7}

    run(scenario())


def test_the_learners_partition_asks_the_coordinator_when_no_fence_is_known() -> None:
    async def scenario() -> None:
        bench = Bench(LEARNER)
        await bench.ownership.take_over()
        assert bench.group.confirmed == [{LEARNER: 7}]
        assert bench.ownership.next_offsets() == {}

    run(scenario())


def test_nothing_is_minted_when_the_coordinator_refuses() -> None:
    async def scenario() -> None:
        bench = Bench()
        bench.group.refuses = True
        await bench.ownership.take_over()
        assert bench.log == ["peek in", "confirm", "ended in"]
        assert bench.ownership.current == {}
        assert bench.codes == []

    run(scenario())


@pytest.mark.parametrize("step", ["peek", "mint", "check", "recover"])
def test_a_rebalance_that_begins_in_a_step_ends_the_takeover_after_it(step: str) -> None:
    async def scenario() -> None:
        async def rebalance() -> None:
            bench.group.generation += 1

        bench = Bench(at={step: rebalance})
        await bench.ownership.take_over()
        assert bench.log[-2:] == [f"{step} in", "ended in"]
        assert bench.ownership.current == {}
        assert bench.codes == []

    run(scenario())


def test_the_end_of_an_ownership_interrupts_a_takeover_that_waits() -> None:
    async def scenario() -> None:
        bench = Bench(at={"recover": lambda: asyncio.sleep(60)})
        taking = asyncio.ensure_future(bench.ownership.take_over())
        await asyncio.sleep(0.05)
        await bench.ownership.ended()
        assert bench.log[-2:] == ["recover in", "ended in"]
        await taking

    run(scenario())


def test_a_store_that_is_away_is_asked_again() -> None:
    async def scenario() -> None:
        outages = [StoreUnavailable("away"), StoreUnavailable("away")]

        async def away() -> None:
            if outages:
                raise outages.pop()

        bench = Bench(at={"mint": away})
        await bench.ownership.take_over()
        assert bench.log.count("mint in") == 3
        assert bench.ownership.current
        assert bench.codes == []

    run(scenario())


@pytest.mark.parametrize("step", ["peek", "mint", "check", "recover", "run"])
@pytest.mark.parametrize(
    ("error", "code"), [(MetaMissing("gone"), ExitCode.META_MISSING), (ProducerFenced("newer"), ExitCode.FENCED)]
)
def test_a_named_error_ends_the_process_with_its_code(step: str, error: Exception, code: ExitCode) -> None:
    async def scenario() -> None:
        async def fail() -> None:
            raise error

        bench = Bench(at={step: fail})
        await bench.ownership.take_over()
        await asyncio.sleep(0.01)
        assert bench.codes == [code]

    run(scenario())


def test_an_unknown_error_in_a_takeover_is_a_failed_takeover_and_in_a_main_loop_a_failure() -> None:
    async def scenario() -> None:
        async def fail() -> None:
            raise KeyError("field")

        for step, kind in (("check", TakeoverFailed), ("run", EngineError)):
            bench = Bench(at={step: fail})
            await bench.ownership.take_over()
            await asyncio.sleep(0.01)
            assert [type(error) for error in bench.group.ended] == [kind]
            assert "field" in str(bench.group.ended[0])

    run(scenario())


def test_ended_waits_for_the_write_in_flight_and_then_stops_the_publisher() -> None:
    async def scenario() -> None:
        written = []

        async def main_loop() -> None:
            try:
                await asyncio.sleep(60)
            finally:
                await asyncio.sleep(0.05)  # a shielded write
                written.append(list(bench.log))

        bench = Bench(at={"run": main_loop})
        await bench.ownership.take_over()
        await asyncio.sleep(0)
        bench.ownership.end()
        await asyncio.gather(bench.ownership.ended(), bench.ownership.ended())
        assert "ended in" not in written[0]
        assert bench.log[-1] == "ended in"
        assert bench.ownership.left == {SHARD: 7}

    run(scenario())


def test_batches_and_releases_of_an_ended_owner_do_nothing() -> None:
    async def scenario() -> None:
        bench = Bench()
        await bench.ownership.take_over()
        before: Any = bench.ownership.current[SHARD]
        assert bench.ownership.deliver(before, ["batch"])
        await bench.ownership.take_over()
        assert not bench.ownership.deliver(before, ["late"])
        bench.ownership.release(before)
        assert before.batches == [["batch"]]
        assert bench.group.free_now == set()

    run(scenario())


@pytest.mark.parametrize("state", ["neither", "not polled", "busy", "free", "learner"])
def test_the_watchdog_ends_the_process_only_when_a_shard_neither_waits_nor_works(state: str) -> None:
    async def scenario() -> None:
        bench = Bench(LEARNER if state == "learner" else SHARD, stall_s=0.2)
        await bench.ownership.take_over()
        (owned,) = bench.ownership.current.values()
        assert isinstance(owned, FakeOwned)
        owned.busy = state == "busy"
        if state in ("free", "not polled"):
            bench.ownership.release(owned)
        watching = asyncio.ensure_future(bench.ownership.watch())
        for _ in range(60):
            await asyncio.sleep(0.01)
            bench.group.polls += state != "not polled"
        watching.cancel()
        stalled = state in ("neither", "not polled")
        assert [type(error) for error in bench.group.ended] == [Stalled] * stalled

    run(scenario())
