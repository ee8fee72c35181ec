"""Health by progress, readiness by takeover, over real HTTP."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import aiohttp
import pytest

from models.timeline.shard_state import Totals
from streams.local.processes import LOOPBACK
from streams.monitoring.health import Progress
from streams.monitoring.http import AddressTaken, WebServer
from streams.monitoring.metrics import Metrics
from tests.support.contracts.http import unlike

STALL_S = 60.0


class Clock:
    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def progress(clock: Clock) -> Progress:
    return Progress(STALL_S, clock)


def test_an_idle_shard_is_never_stalled(progress: Progress, clock: Clock) -> None:
    progress.taken_over([0])
    progress.idle(0)
    clock.now += 10 * STALL_S
    assert progress.stalled() == {}


def test_a_shard_with_work_that_does_not_move_is_stalled_after_the_limit(progress: Progress, clock: Clock) -> None:
    progress.taken_over([0, 1])
    progress.working(0)
    clock.now += STALL_S
    assert progress.stalled() == {}
    clock.now += 1
    assert list(progress.stalled()) == [0]
    progress.moved(0)
    assert progress.stalled() == {}


def test_waiting_is_no_progress_and_its_reason_is_told(progress: Progress, clock: Clock) -> None:
    progress.taken_over([0])
    progress.moved(0)
    for _ in range(10):  # the reason is told again and again, as a retry loop does
        clock.now += 10
        progress.waiting(0, "Redis does not answer")
    assert progress.stalled() == {0: (100.0, "Redis does not answer")}


def test_time_that_a_shard_was_idle_does_not_count_against_it(progress: Progress, clock: Clock) -> None:
    progress.taken_over([0])
    progress.idle(0)
    clock.now += 10 * STALL_S
    progress.waiting(0, "version 7 is not there")
    assert progress.stalled() == {}


def test_a_rebalance_ends_readiness_and_forgets_the_shards_until_the_next_takeover(
    progress: Progress, clock: Clock
) -> None:
    assert not progress.ready
    progress.taken_over([0])
    progress.working(0)
    clock.now += 2 * STALL_S
    progress.revoked()
    assert not progress.ready
    assert progress.stalled() == {}
    progress.taken_over([])
    assert progress.ready, "a worker may own nothing: there are more workers than shards"


def test_a_shard_that_commits_or_idles_while_its_outputs_stay_unpublished_is_stalled(
    progress: Progress, clock: Clock
) -> None:
    progress.taken_over([0, 1])
    progress.unpublished(0, "kafka: no answer")
    clock.now += STALL_S
    progress.unpublished(0, "kafka: no leader")  # the clock runs on
    progress.moved(0)
    progress.idle(1)
    assert progress.stalled() == {}
    clock.now += 1
    assert progress.stalled() == {0: (61.0, "kafka: no leader")}
    progress.idle(0)
    assert progress.stalled() == {0: (61.0, "kafka: no leader")}
    progress.published(0)
    assert progress.stalled() == {}


def test_both_reasons_of_a_shard_are_told(progress: Progress, clock: Clock) -> None:
    progress.taken_over([0])
    progress.waiting(0, "store: no answer")
    clock.now += 10
    progress.unpublished(0, "kafka: no leader")
    clock.now += STALL_S + 1
    assert progress.stalled() == {0: (71.0, "store: no answer; kafka: no leader")}


def test_a_shard_that_stays_through_a_rebalance_keeps_the_trouble_of_its_publisher_and_one_that_goes_does_not(
    progress: Progress, clock: Clock
) -> None:
    progress.taken_over([0, 1])
    progress.unpublished(0, "kafka: no leader")
    progress.unpublished(1, "kafka: no leader")
    clock.now += STALL_S + 1
    progress.revoked()
    assert progress.stalled() == {}
    progress.taken_over([0])
    assert list(progress.stalled()) == [0]
    progress.taken_over([0, 1])
    assert list(progress.stalled()) == [0]


def served(metrics: Metrics, progress: Progress, ask: Callable[[aiohttp.ClientSession, str], Awaitable[None]]) -> None:
    async def run() -> None:
        server = WebServer(metrics, progress)
        port = await server.start(LOOPBACK, 0)
        try:
            async with aiohttp.ClientSession() as session:
                await ask(session, f"http://{LOOPBACK}:{port}")
        finally:
            await server.stop()

    asyncio.run(run())


async def got(session: aiohttp.ClientSession, url: str) -> tuple[int, Any]:
    async with session.get(url) as answer:
        body = await answer.json()
        assert unlike("get", answer.url.path, answer.status, body) == []
        return answer.status, body


def test_health_names_the_shard_and_the_reason(progress: Progress, clock: Clock) -> None:
    async def ask(session: aiohttp.ClientSession, url: str) -> None:
        progress.taken_over([0, 4])
        status, body = await got(session, f"{url}/health")
        assert (status, body["healthy"]) == (200, True)
        progress.waiting(4, "Redis does not answer")
        clock.now += STALL_S + 5
        status, body = await got(session, f"{url}/health")
        assert (status, body["healthy"]) == (503, False)
        assert body["stalled"] == [{"shard": 4, "seconds": 65.0, "reason": "Redis does not answer"}]
        assert body["shards"]["0"]["state"] == "idle"

    served(Metrics(), progress, ask)


def test_health_is_503_and_names_who_is_parked_over_what(progress: Progress, clock: Clock) -> None:
    async def ask(session: aiohttp.ClientSession, url: str) -> None:
        progress.taken_over([0])
        progress.parked(1, "state_unreadable", "StateUnreadable: damaged | remedy: restore")
        clock.now += 3
        status, body = await got(session, f"{url}/health")
        assert (status, body["healthy"], body["stalled"]) == (503, False, [])
        told = {"seconds": 3.0, "reason": "StateUnreadable: damaged | remedy: restore"}
        assert body["parked"] == [{"shard": "1", "error": "state_unreadable", **told}]
        assert body["shards"]["1"] == {"state": "parked", **told}
        assert (await got(session, f"{url}/ready"))[0] == 200, "a new release may be what mends it"
        progress.parked(1, None)
        status, body = await got(session, f"{url}/health")
        assert (status, "parked" in body) == (200, False)

    served(Metrics(), progress, ask)


def test_ready_is_503_until_an_assignment_is_taken_over(progress: Progress) -> None:
    async def ask(session: aiohttp.ClientSession, url: str) -> None:
        status, body = await got(session, f"{url}/ready")
        assert status == 503
        assert "no assignment" in body["reason"]
        progress.taken_over([2, 1])
        assert await got(session, f"{url}/ready") == (200, {"ready": True, "shards": [1, 2]})

    served(Metrics(), progress, ask)


def test_metrics_are_served_as_prometheus_text(progress: Progress) -> None:
    metrics = Metrics()
    metrics.committed(0, Totals(), Totals(applied=3), 3, 0.1, 0.01)

    async def ask(session: aiohttp.ClientSession, url: str) -> None:
        async with session.get(f"{url}/metrics") as answer:
            assert answer.status == 200
            assert answer.headers["Content-Type"].startswith("text/plain; version=0.0.4")
            assert 'retention_touchpoints_applied_total{shard="0"} 3.0' in await answer.text()

    served(metrics, progress, ask)


def test_a_taken_port_is_named_with_the_remedy(progress: Progress) -> None:
    async def run() -> None:
        first, second = WebServer(Metrics(), progress), WebServer(Metrics(), progress)
        port = await first.start(LOOPBACK, 0)
        try:
            with pytest.raises(AddressTaken, match=rf"metrics_port {port}.*RETENTION_METRICS_PORT"):
                await second.start(LOOPBACK, port)
        finally:
            await first.stop()

    asyncio.run(run())


def test_a_learner_that_stands_still_makes_its_worker_unhealthy_and_says_why(progress: Progress) -> None:
    async def ask(session: aiohttp.ClientSession, url: str) -> None:
        progress.taken_over([0])
        progress.learner_trouble = "its state is refused"
        status, body = await got(session, f"{url}/health")
        assert (status, body["healthy"], body["learner"]) == (503, False, "its state is refused")
        progress.learner_trouble = None
        assert (await got(session, f"{url}/health"))[0] == 200

    served(Metrics(), progress, ask)


def test_an_idle_shard_whose_input_is_held_up_is_stalled_after_the_limit(progress: Progress, clock: Clock) -> None:
    progress.taken_over([0])
    progress.held(0, STALL_S - 1, "transaction: 30 records wait")
    assert progress.stalled() == {}
    clock.now += 2
    progress.idle(0)  # as far as it can see
    assert progress.stalled() == {0: (STALL_S + 1, "transaction: 30 records wait")}
    assert progress.states()[0]["reason"] == "transaction: 30 records wait"
    progress.flows(0)
    assert progress.stalled() == {}


def test_without_its_topic_a_worker_that_has_taken_over_is_not_ready(progress: Progress) -> None:
    progress.taken_over([])
    progress.topic_trouble = "topic touchpoints does not exist any more"
    assert not progress.ready
    assert progress.complete
    progress.topic_trouble = None
    assert progress.ready
