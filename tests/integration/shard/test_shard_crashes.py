"""The shard's commit on the store in memory and on Redis, killed after each step of takeover, commit and publishing."""

from __future__ import annotations

import asyncio

import pytest

from models.settings import DAY
from streams.outbox.fake import Failure
from tests.integration.shard.conftest import Opened
from tests.support.logs import START
from tests.support.workers import POINTS, Worker, play


@pytest.mark.parametrize("at", POINTS)
def test_a_worker_killed_at_its_first_passing_of_a_step_loses_and_doubles_nothing(opened: Opened, at: str) -> None:
    async def scenario() -> None:
        async with opened() as ground:
            workers = await ground.site.live(at)
            assert workers[0].crashed

    play(scenario)


@pytest.mark.parametrize("at", POINTS)
def test_a_worker_killed_while_it_takes_over_unpublished_work_loses_and_doubles_nothing(
    opened: Opened, at: str
) -> None:
    async def scenario() -> None:
        async with opened() as ground:
            # The first dies with entries in the outbox. Steps taken for each shard are passed twice in a takeover.
            again = f"{at}:2" if at.startswith(("takeover.7", "takeover.8", "commit", "publish", "learner")) else at
            workers = await ground.site.live("publish.1.begun:3", at, again, "commit.b.written:2", at)
            assert all(worker.crashed for worker in workers[:-1])

    play(scenario)


@pytest.mark.parametrize("at", ["commit.a.computed", "commit.b.written", "publish.1.begun", "publish.4.committed"])
def test_a_worker_killed_again_and_again_gets_to_the_end(opened: Opened, at: str) -> None:
    async def scenario() -> None:
        async with opened(batch=lambda offset: 15) as ground:
            workers = await ground.site.live(*(f"{at}:{nth}" for nth in (1, 2, 3, 5, 8)))
            assert sum(worker.crashed for worker in workers) >= 4

    play(scenario)


@pytest.mark.parametrize("failure", Failure)
def test_a_transaction_whose_outcome_is_unknown_is_neither_lost_nor_sent_twice(
    opened: Opened, failure: Failure
) -> None:
    async def scenario() -> None:
        async with opened(send_faults=dict.fromkeys(range(0, 30, 2), failure)) as ground:
            await ground.site.live()
            assert ground.site.sends > 10

    play(scenario)


@pytest.mark.parametrize("failure", Failure)
def test_publishing_that_fails_halfway_through_a_takeover_is_taken_up_where_it_stands(
    opened: Opened, failure: Failure, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("streams.outbox.relay.IN_ONE_TRANSACTION", 1)

    async def scenario() -> None:
        async with opened() as ground:
            site = ground.site
            dying = Worker(site)
            life = dying.start()
            await dying.work_up_to(START + 28 * DAY)
            site.gate, site.reach = asyncio.Event(), None
            dying.wake()
            await dying.until(lambda: max(len(site.dump(place).outbox) for place in ("0", "1")) > 3)
            dying.die()
            await life
            site.gate = None
            site.send_faults = {site.sends + sent: failure for sent in (1, 2, 5)}
            await site.live()

    play(scenario)


def test_requests_and_replies_that_the_store_loses_change_nothing(opened: Opened) -> None:
    async def scenario() -> None:
        async with opened(faults={call: bool(call % 2) for call in range(0, 400, 5)}) as ground:
            await ground.site.live("commit.b.written:5")
            assert ground.site.calls > 100

    play(scenario)
