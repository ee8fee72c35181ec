"""Parking: a shard that can't go on stands still by itself, is named, and is tried again; the others go on."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

import pytest
from faust.types import TP

from streams.consumer import keeper as module
from streams.errors import (
    DifferentOutput,
    EngineError,
    EngineFailing,
    ExitCode,
    Fenced,
    LogTruncated,
    MetaMissing,
    SettingsChanged,
    ShardFailed,
    StateUnreadable,
    StoreWentBack,
    TakeoverFailed,
    TopicChanged,
)
from streams.kafka.access import KafkaRightMissing
from streams.kafka.errors import ProducerFenced
from streams.shard.backfill_plan import BackfillUnfinished
from tests.support.ownership import LEARNER, SHARD, OwnershipBench, run, until

SHARDS = tuple(TP("in", n) for n in range(3))
STEPS = ("peek", "mint", "check", "recover", "run")
OWN = (
    StateUnreadable("damaged"),
    EngineFailing("too many"),
    DifferentOutput("another"),
    LogTruncated("gone"),
    MetaMissing("gone"),
    SettingsChanged("enter"),
    KeyError("nobody foresaw it"),
)
OF_ALL = (
    (Fenced("newer"), ExitCode.FENCED),
    (ProducerFenced("newer"), ExitCode.FENCED),
    (StoreWentBack("older"), ExitCode.STORE_WENT_BACK),
    (TopicChanged("recreated"), ExitCode.TOPIC_CHANGED),
    (KafkaRightMissing("Write"), ExitCode.ACCESS_REFUSED),
    (MemoryError(), ExitCode.FAILURE),
)


@pytest.fixture(autouse=True)
def quick_retries(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "FIRST_RETRY_S", 0.01)
    monkeypatch.setattr(module, "LONGEST_RETRY_S", 0.05)
    monkeypatch.setattr(module, "WELL_AFTER_S", 0.2)
    monkeypatch.setattr(module, "LOOK_EVERY_S", 0.01)


def raising(error: BaseException) -> Any:
    async def fail() -> None:
        raise error

    return fail


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("error", OWN, ids=lambda error: type(error).__name__)
def test_an_error_of_one_shard_parks_it_and_the_others_go_on(step: str, error: Exception) -> None:
    async def scenario() -> None:
        bench = OwnershipBench(*SHARDS, at={f"{step} 1": raising(error)})
        await bench.take_over()
        await until(lambda: SHARDS[1] in bench.parked)
        assert bench.working >= {SHARDS[0], SHARDS[2]}
        assert bench.ownership.owned == set(SHARDS)
        assert bench.ownership.complete, "nothing more is to be expected"
        assert bench.codes == []
        told = bench.parked[SHARDS[1]]
        if isinstance(error, EngineError):
            assert told is error
        else:
            assert type(told) is (ShardFailed if step == "run" else TakeoverFailed)
            assert "nobody foresaw it" in str(told)
        await bench.ownership.ended()

    run(scenario())


@pytest.mark.parametrize("step", ["peek", "mint", "recover", "run"])
@pytest.mark.parametrize(("error", "code"), OF_ALL, ids=lambda told: type(told).__name__)
def test_an_error_that_is_not_the_shards_own_ends_the_process_with_its_code(
    step: str, error: Exception, code: ExitCode
) -> None:
    async def scenario() -> None:
        bench = OwnershipBench(at={step: raising(error)})
        await bench.ownership.take_over()
        await until(lambda: bench.codes)
        assert bench.codes == [code]
        assert bench.parked == {}

    run(scenario())


def test_an_unfinished_backfill_is_everybodys() -> None:
    async def scenario() -> None:
        bench = OwnershipBench(*SHARDS, at={"peek": raising(BackfillUnfinished("half"))})
        await bench.ownership.take_over()
        await until(lambda: bench.codes)
        assert set(bench.codes) == {ExitCode.BACKFILL_UNFINISHED}

    run(scenario())


@pytest.mark.parametrize("step", STEPS)
def test_a_parked_shard_goes_on_by_itself_when_its_state_is_repaired(step: str) -> None:
    async def scenario() -> None:
        bench = OwnershipBench(*SHARDS, at={f"{step} 1": raising(StateUnreadable("damaged"))})
        await bench.take_over()
        await until(lambda: bench.parkings >= 3)
        del bench.at[f"{step} 1"]
        await until(lambda: not bench.parked)
        assert bench.working == set(SHARDS)
        assert bench.codes == []

    run(scenario())


def test_each_try_is_a_takeover_of_its_own_after_the_former_owner_has_ended() -> None:
    async def scenario() -> None:
        bench = OwnershipBench(at={"run": raising(StateUnreadable("damaged"))})
        await bench.take_over()
        await until(lambda: bench.parkings >= 2)
        await bench.ownership.ended()
        one = ["peek in", "confirm", "mint in", "facts", "check in", "recover in"]
        first = bench.log.index("ended in")
        assert bench.log[:6] == one
        assert bench.log[first + 1 : first + 7] == one, "whole, and only when the former has stopped its publisher"
        assert len({id(owner) for owner in bench.owners}) == len(bench.owners) >= 2

    run(scenario())


def test_the_write_of_a_failed_owner_has_its_outcome_before_the_next_one_begins() -> None:
    async def scenario() -> None:
        bench = OwnershipBench()
        written: list[int] = []

        async def main_loop() -> None:
            try:
                await asyncio.sleep(60)
            finally:
                await asyncio.sleep(0.05)  # a shielded write
                written.append(len(bench.owners))

        bench.at["run"] = main_loop
        await bench.take_over()
        await until(lambda: "run in" in bench.log)
        bench.ownership.fail([SHARD], LogTruncated("the position is gone"))
        await until(lambda: SHARD in bench.parked)
        assert isinstance(bench.parked[SHARD], LogTruncated)
        await until(lambda: len(bench.owners) == 2)
        assert written == [1], "while there was no other owner yet"
        await bench.ownership.ended()

    run(scenario())


def test_a_late_batch_and_release_of_the_parked_owner_do_nothing_to_the_next() -> None:
    async def scenario() -> None:
        bench = OwnershipBench()
        await bench.take_over()
        former: Any = bench.ownership.current[SHARD]
        bench.ownership.fail([SHARD], StateUnreadable("damaged"))
        await until(lambda: SHARD in bench.parked)
        assert not bench.ownership.deliver(former, ["to nobody"])
        await until(lambda: SHARD in bench.ownership.current)
        assert bench.ownership.current[SHARD] is not former
        assert not bench.ownership.deliver(former, ["late"])
        bench.ownership.release(former)
        assert former.batches == []
        assert bench.group.free_now == set()

    run(scenario())


def test_kafka_is_told_where_a_parked_shard_stands() -> None:
    async def scenario() -> None:
        bench = OwnershipBench(at={"check": raising(StateUnreadable("damaged"))})
        await bench.take_over()
        await until(lambda: SHARD in bench.parked)
        assert bench.ownership.left == {}, "nothing was read, and step 2 has told"
        bench.at["check"] = lambda: asyncio.sleep(0)
        await until(lambda: SHARD in bench.working)
        bench.at["peek"] = lambda: asyncio.sleep(60)
        bench.ownership.fail([SHARD], StateUnreadable("damaged"))
        await until(lambda: SHARD not in bench.working)
        await until(lambda: bench.ownership.left == {SHARD: 7})

    run(scenario())


@pytest.mark.parametrize("when", ["parked", "closing", "retrying"])
def test_a_revocation_of_a_parked_shard_ends_it_and_the_next_assignment_parks_it_again(when: str) -> None:
    async def scenario() -> None:
        closed = []

        over = asyncio.Event()

        async def slow() -> None:
            await over.wait()
            closed.append(True)

        bench = OwnershipBench(*SHARDS, at={"run 1": raising(StateUnreadable("damaged"))})
        if when == "closing":
            bench.at["ended 1"] = slow
            await bench.ownership.take_over()
            await until(lambda: "ended in 1" in bench.log)
            assert not closed
            over.set()
        else:
            await bench.take_over()
            await until(lambda: SHARDS[1] in bench.parked)
            if when == "retrying":
                bench.at["recover 1"] = lambda: asyncio.sleep(60)
                await until(lambda: bench.log.count("recover in 1") >= 2 and bench.log[-1] == "recover in 1")
        bench.group.generation += 1
        await bench.ownership.ended()
        assert bench.parked == {}, "no longer ours to tell of"
        assert bench.log.count("ended in 1") == sum(owner.tp == SHARDS[1] for owner in bench.owners)
        assert bool(closed) == (when == "closing")
        bench.at.pop("recover 1", None)
        await bench.rebalance()
        await until(lambda: SHARDS[1] in bench.parked)
        assert bench.working >= {SHARDS[0], SHARDS[2]}
        await bench.ownership.ended()

    run(scenario())


def test_a_rebalance_that_begins_while_parked_is_not_answered_with_a_takeover() -> None:
    async def scenario() -> None:
        bench = OwnershipBench(at={"check": raising(StateUnreadable("damaged"))})
        await bench.take_over()
        await until(lambda: SHARD in bench.parked)
        bench.group.generation += 1  # seen in the consumer thread; the main loop's turn is still to come
        makings = len(bench.owners)
        await until(lambda: not bench.parked)
        await asyncio.sleep(0.2)
        assert len(bench.owners) <= makings + 1

    run(scenario())


def test_a_shard_is_told_as_parked_until_it_has_moved_or_worked_for_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "WELL_AFTER_S", 2.0)

    async def scenario() -> None:
        bench = OwnershipBench(*SHARDS[:2], at={"run": raising(StateUnreadable("damaged"))})
        await bench.take_over()
        await until(lambda: len(bench.parked) == 2)
        bench.at.clear()
        await until(lambda: len(bench.working) == 2)
        assert len(bench.parked) == 2, "its next record may be the damaged one"
        moving: Any = bench.ownership.current[SHARDS[0]]
        moving.next_offset += 1
        await until(lambda: SHARDS[0] not in bench.parked)
        assert SHARDS[1] in bench.parked
        await until(lambda: not bench.parked)

    run(scenario())


def test_the_pause_between_tries_grows_and_begins_anew_when_the_shard_is_well() -> None:
    async def scenario() -> None:
        bench = OwnershipBench(at={"check": raising(StateUnreadable("damaged"))})
        await bench.take_over()
        (keeper,) = bench.ownership._keepers.values()
        await until(lambda: bench.parkings >= 4)
        assert keeper._backoff.pause_s == 0.05
        bench.at.clear()
        await until(lambda: not bench.parked)
        assert keeper._backoff.pause_s == 0.01

    run(scenario())


def test_a_parked_shard_is_named_with_its_remedy_at_once_and_again_from_time_to_time(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(module, "TOLD_EVERY_S", 1.0)

    async def scenario() -> None:
        bench = OwnershipBench(at={"check": raising(StateUnreadable("record of anna is damaged"))})
        with caplog.at_level(logging.ERROR, logger=module.__name__):
            await bench.take_over()
            await until(lambda: len(caplog.records) >= 2)
        told = [record.getMessage() for record in caplog.records]
        assert len(told) < bench.parkings / 2
        for line in told:
            assert line.startswith("in 0 is parked, the others go on: StateUnreadable: record of anna is damaged")
            assert "remedy: " in line
        await bench.ownership.ended()

    run(scenario())


def test_a_step_that_hangs_is_broken_off_and_tried_again() -> None:
    async def scenario() -> None:
        bench = OwnershipBench(*SHARDS, step_s=0.05, at={"check 1": lambda: asyncio.sleep(60)})
        await bench.take_over()
        await until(lambda: SHARDS[1] in bench.parked)
        assert isinstance(bench.parked[SHARDS[1]], TakeoverFailed)
        assert "request_timeout_s=0.05" in str(bench.parked[SHARDS[1]])
        bench.at.clear()
        await until(lambda: bench.working == set(SHARDS))

    run(scenario())


def test_a_learner_that_fails_is_parked_like_a_shard() -> None:
    async def scenario() -> None:
        bench = OwnershipBench(LEARNER, SHARD, at={"run learner": raising(ZeroDivisionError("a fit"))})
        await bench.take_over()
        await until(lambda: LEARNER in bench.parked)
        assert bench.working >= {SHARD}
        assert bench.codes == []

    run(scenario())
