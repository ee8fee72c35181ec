"""Takeover, what interrupts it, the end of an ownership, and the watchdog; against a fake group and fake owners."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

import pytest
from faust.types import TP

from streams.consumer import ownership as module
from streams.consumer.takeover import Takeovers
from streams.errors import Stalled, StateUnreadable
from streams.store.port import StoreUnavailable
from tests.support.ownership import LEARNER, SHARD, OwnershipBench, run, until

SHARDS = tuple(TP("in", n) for n in range(4))
STEPS = ("peek", "mint", "check", "recover")


def test_a_takeover_takes_its_steps_in_order() -> None:
    async def scenario() -> None:
        bench = OwnershipBench()
        await bench.take_over()
        steps = ["peek in", "confirm", "mint in", "facts", "check in", "recover in", "begin", "run in"]
        assert sorted(bench.log[-2:]) == sorted(steps[-2:])
        assert bench.log[:-2] == steps[:-2]
        assert bench.ownership.next_offsets() == {SHARD: 7}
        assert bench.ownership.complete

    run(scenario())


def test_the_learners_partition_asks_the_coordinator_when_no_next_offset_is_known() -> None:
    async def scenario() -> None:
        bench = OwnershipBench(LEARNER)
        await bench.take_over()
        assert bench.group.confirmed == [{LEARNER: 7}]
        assert bench.ownership.next_offsets() == {}

    run(scenario())


def test_partitions_at_the_same_step_share_its_requests() -> None:
    async def scenario() -> None:
        bench = OwnershipBench(*SHARDS)
        await bench.take_over()
        assert bench.group.confirmed == [dict.fromkeys(SHARDS, 7)]
        assert bench.group.asked == [set(SHARDS)]

    run(scenario())


def test_nothing_is_minted_when_the_coordinator_refuses() -> None:
    async def scenario() -> None:
        bench = OwnershipBench()
        bench.group.refuses = True
        await bench.take_over()
        assert bench.log == ["peek in", "confirm", "ended in"]
        assert bench.working == set()
        assert bench.codes == []

    run(scenario())


@pytest.mark.parametrize("step", STEPS)
def test_a_rebalance_that_begins_in_a_step_ends_the_takeover_after_it(step: str) -> None:
    async def scenario() -> None:
        async def rebalance() -> None:
            bench.group.generation += 1

        bench = OwnershipBench(at={step: rebalance})
        await bench.take_over()
        assert bench.log[-2:] == [f"{step} in", "ended in"]
        assert bench.working == set()
        assert bench.codes == []

    run(scenario())


@pytest.mark.parametrize("step", [*STEPS, "run"])
def test_a_revocation_in_any_step_ends_the_owner_and_the_next_assignment_takes_over(step: str) -> None:
    async def scenario() -> None:
        bench = OwnershipBench(at={step: lambda: asyncio.sleep(60)})
        await bench.ownership.take_over()
        await until(lambda: f"{step} in" in bench.log)
        await bench.ownership.ended()
        assert bench.log[-2:] in (["begin", "ended in"], [f"{step} in", "ended in"])
        assert bench.working == set()
        bench.at.clear()
        await bench.rebalance()
        assert bench.working == {SHARD}
        assert len(bench.owners) == 2

    run(scenario())


def test_a_rebalance_that_begins_before_the_seek_leaves_nothing_free() -> None:
    async def scenario() -> None:
        bench = OwnershipBench()
        begin = bench.group.begin

        async def late(owner: Any, generation: int) -> bool:
            bench.group.generation += 1
            return await begin(owner, generation)

        bench.group.begin = late  # type: ignore[method-assign]  # the thread counts as it is asked
        await bench.take_over()
        assert bench.log[-1] == "ended in"
        assert bench.working == set()
        assert not bench.ownership.complete

    run(scenario())


def test_a_store_that_is_away_is_asked_again_and_waited_for_by_name() -> None:
    async def scenario() -> None:
        outages = [StoreUnavailable("away"), StoreUnavailable("away")]
        told = []

        async def away() -> None:
            told.append(bench.waits.get(SHARD))
            if outages:
                raise outages.pop()

        bench = OwnershipBench(at={"mint": away})
        await bench.ownership.take_over()
        await until(lambda: bench.ownership.complete)
        assert bench.log.count("mint in") == 3
        assert told == [None, "minting of in 0: away", "minting of in 0: away"]
        assert bench.waits == {SHARD: None}
        assert bench.codes == []

    run(scenario())


@pytest.mark.parametrize("step", STEPS)
def test_a_partition_that_waits_holds_up_no_other(step: str) -> None:
    async def scenario() -> None:
        async def away() -> None:
            raise StoreUnavailable("its master is down")

        bench = OwnershipBench(*SHARDS, at={f"{step} 2": away})
        await bench.take_over()
        await until(lambda: len(bench.working) == 3)
        assert bench.working == set(SHARDS) - {SHARDS[2]}
        assert bench.ownership.owned == set(SHARDS)
        assert "its master is down" in str(bench.waits[SHARDS[2]])
        assert not bench.ownership.complete
        assert bench.codes == []
        del bench.at[f"{step} 2"]
        await until(lambda: bench.ownership.complete)
        assert bench.working == set(SHARDS)

    run(scenario())


def test_a_partition_without_a_leader_is_asked_for_alone_and_the_others_begin() -> None:
    async def scenario() -> None:
        bench = OwnershipBench(*SHARDS)
        bench.group.leaderless = {SHARDS[1]}
        await bench.take_over()
        await until(lambda: len(bench.working) == 3)
        assert bench.group.asked[0] == set(SHARDS)
        assert all(len(asked) == 1 for asked in bench.group.asked[1:])
        bench.group.leaderless = set()
        await until(lambda: bench.working == set(SHARDS))

    run(scenario())


def test_a_learner_that_is_not_taken_over_yet_holds_up_no_shard() -> None:
    async def scenario() -> None:
        bench = OwnershipBench(LEARNER, *SHARDS, at={"recover learner": lambda: asyncio.sleep(60)})
        await bench.ownership.take_over()
        await until(lambda: bench.ownership.complete)
        assert bench.working == set(SHARDS)
        assert LEARNER in bench.ownership.owned

    run(scenario())


def test_faust_is_not_kept_waiting_for_a_takeover() -> None:
    async def scenario() -> None:
        bench = OwnershipBench(at={"peek": lambda: asyncio.sleep(60)})
        await asyncio.wait_for(bench.ownership.take_over(), 30)
        assert not bench.ownership.complete

    run(scenario())


def test_the_log_says_what_was_taken_over_once_nothing_more_is_to_be_expected(caplog: pytest.LogCaptureFixture) -> None:
    async def scenario() -> None:
        async def away() -> None:
            raise StoreUnavailable("away")

        bench = OwnershipBench(*SHARDS, at={"mint 3": away})
        with caplog.at_level(logging.INFO, logger=module.__name__):
            await bench.take_over()
            await until(lambda: len(bench.working) == 3)
            bench.at.clear()
            await until(lambda: bench.ownership.complete)
        told = [record.getMessage() for record in caplog.records if record.name == module.__name__]
        assert told == [
            "took over in 0, in 1, in 2; next offsets {0: 7, 1: 7, 2: 7}",
            "took over in 0, in 1, in 2, in 3; next offsets {0: 7, 1: 7, 2: 7, 3: 7}",
        ]

    run(scenario())


def test_hundreds_of_partitions_are_taken_over_some_at_a_time() -> None:
    async def scenario() -> None:
        now = most = 0

        async def busy() -> None:
            nonlocal now, most
            now += 1
            most = max(most, now)
            await asyncio.sleep(0.005)
            now -= 1

        bench = OwnershipBench(*(TP("in", n) for n in range(256)), at=dict.fromkeys(STEPS, busy))
        await bench.take_over()
        assert len(bench.working) == 256
        assert 32 <= most <= 64
        assert bench.group.confirmed[0].keys() <= bench.ownership.owned

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

        bench = OwnershipBench(at={"run": main_loop})
        await bench.take_over()
        await asyncio.sleep(0)
        bench.ownership.end()
        await asyncio.gather(bench.ownership.ended(), bench.ownership.ended())
        assert "ended in" not in written[0]
        assert bench.log[-1] == "ended in"
        assert bench.ownership.left == {SHARD: 7}

    run(scenario())


def test_batches_and_releases_of_an_ended_owner_do_nothing() -> None:
    async def scenario() -> None:
        bench = OwnershipBench()
        await bench.take_over()
        before: Any = bench.ownership.current[SHARD]
        assert bench.ownership.deliver(before, ["batch"])
        bench.ownership.end()
        assert not bench.ownership.deliver(before, ["between"]), "from the end on, not only when it is over"
        await bench.take_over()
        assert not bench.ownership.deliver(before, ["late"])
        bench.ownership.release(before)
        assert before.batches == [["batch"]]
        assert bench.group.free_now == set()

    run(scenario())


@pytest.mark.parametrize("state", ["neither", "not polled", "busy", "free", "learner", "parked", "waiting"])
def test_the_watchdog_ends_the_process_only_when_a_shard_neither_waits_nor_works(state: str) -> None:
    async def scenario() -> None:
        async def fail() -> None:
            raise StateUnreadable("damaged") if state == "parked" else StoreUnavailable("away")

        at = {"check": fail} if state in ("parked", "waiting") else {}
        bench = OwnershipBench(LEARNER if state == "learner" else SHARD, stall_s=0.2, at=at)
        await bench.take_over()
        for owner in bench.ownership.current.values():
            owner.busy = state == "busy"  # type: ignore[misc]  # a fake's is an attribute
            if state in ("free", "not polled"):
                bench.ownership.release(owner)
        watching = asyncio.ensure_future(bench.ownership.watch())
        for _ in range(60):
            await asyncio.sleep(0.01)
            bench.group.polls += state != "not polled"
        watching.cancel()
        stalled = state in ("neither", "not polled")
        assert [type(error) for error in bench.group.ended] == [Stalled] * stalled

    run(scenario())


def test_the_watchdog_ends_a_process_that_is_assigned_what_it_does_not_keep() -> None:
    async def scenario() -> None:
        bench = OwnershipBench(stall_s=0.2)
        bench.group.refuses = True  # and no rebalance comes
        await bench.take_over()
        watching = asyncio.ensure_future(bench.ownership.watch())
        await until(lambda: bench.group.ended)
        assert "in 0 assigned for 0.2 s, and not taken over" in str(bench.group.ended[0])
        watching.cancel()

    run(scenario())


@pytest.mark.parametrize("hangs", ["recover", "run", "ended"])
def test_an_owner_that_does_not_end_is_a_stall_whatever_hangs(hangs: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "END_S", 0.1)

    async def scenario() -> None:
        over = asyncio.Event()

        async def deaf() -> None:
            cancelled = False
            while not over.is_set():
                try:
                    await over.wait()
                except asyncio.CancelledError:
                    cancelled = True
            if cancelled:
                raise asyncio.CancelledError

        bench = OwnershipBench(at={hangs: deaf})
        await bench.ownership.take_over()
        await until(lambda: f"{'run' if hangs == 'ended' else hangs} in" in bench.log)
        ending = asyncio.ensure_future(bench.ownership.ended())
        await until(lambda: bench.group.ended)
        assert [type(error) for error in bench.group.ended] == [Stalled]
        assert not ending.done(), "the group must not go on"
        over.set()
        await ending

    run(scenario())


def test_a_question_that_hangs_for_all_is_asked_again_by_each(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("streams.consumer.together.TOGETHER_S", 0.05)

    async def scenario() -> None:
        bench = OwnershipBench(*SHARDS)
        facts = bench.group.log_facts

        async def hanging(tps: Any) -> Any:
            asked = list(tps)
            if SHARDS[0] in asked:
                await asyncio.sleep(60)
            return await facts(asked)

        bench.group.log_facts = hanging  # type: ignore[method-assign]  # a broker that does not answer
        await bench.ownership.take_over()
        await until(lambda: len(bench.working) == 3)
        assert SHARDS[0] not in bench.working
        await bench.ownership.ended()

    run(scenario())


def test_a_step_with_much_to_do_is_told_as_one_that_waits_and_not_broken_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("streams.consumer.takeover.SLOW_S", 0.05)

    async def scenario() -> None:
        recovered = asyncio.Event()
        bench = OwnershipBench(step_s=1.0, at={"recover": recovered.wait})
        await bench.ownership.take_over()
        await until(lambda: bench.waits == {SHARD: "recovering of in 0 takes longer than 0.05 s"})
        await asyncio.sleep(1.2)
        recovered.set()
        await until(lambda: bench.ownership.complete)
        assert bench.waits == {SHARD: None}
        assert bench.parked == {}

    run(scenario())


def test_takeovers_of_an_assignment_that_is_over_are_cancelled_with_their_questions() -> None:
    async def scenario() -> None:
        bench = OwnershipBench()

        async def hanging(next_offsets: Any) -> bool:
            await asyncio.sleep(60)
            return True

        bench.group.confirm = hanging  # type: ignore[method-assign]  # a coordinator that does not answer
        takeovers = Takeovers(bench.group, 1, 30.0, lambda owner, detail: None)
        taking = asyncio.ensure_future(takeovers.take(bench.ownership.new_owner(SHARD, 1)))
        await asyncio.sleep(0.01)
        takeovers.cancel()
        with pytest.raises(asyncio.CancelledError):
            await taking

    run(scenario())
