"""Live mode: records ahead of the worker's clock, and triggers that were not sent in time."""

from __future__ import annotations

import asyncio
import base64
import json
import time
from dataclasses import replace
from types import SimpleNamespace

import pytest

from models.settings import DAY, HOUR
from models.timeline.batch import LogRecord
from streams.outbox.entry import Destination
from streams.store.fake import FakeStore
from tests.support.logs import START, log_of, synthetic, told
from tests.support.workers import SETTINGS, Site, Worker, play

LIMIT_S = 0.3


def live_site(logs: list[list[LogRecord]]) -> Site:
    store = FakeStore()
    engine = replace(SETTINGS, boundary=HOUR, tick=DAY)
    return Site(store, store.snapshot, logs, engine, mode="live", clock_ahead_limit_s=LIMIT_S)


@pytest.mark.parametrize("first", [0, 1], ids=["it opens the batch", "it stands within the batch"])
def test_a_record_too_far_ahead_of_the_clock_pauses_the_shard_until_the_clock_gets_there(
    first: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = int(time.time() * 1000)
    ahead = now + 700
    clock = [now / 1000]
    monkeypatch.setattr("streams.shard.clock_guard.time", SimpleNamespace(time=lambda: clock[0]))

    async def scenario() -> None:
        records = [told("purchase", "anna", now, {"amount": 5})][:first]
        records += [told("purchase", "bert", ahead, {"amount": 5}), told("visit", "carl", now, at=ahead)]
        site = live_site([log_of(records)])
        worker = Worker(site, partitions=[0])
        life = worker.start()
        await worker.until(lambda: worker.watcher.waits and worker.watcher.waits[-1] == (0, "clock_ahead"))
        body = site.body(0)
        assert body is not None
        assert body.state.next_offset == first
        clock[0] = ahead / 1000 - LIMIT_S - 0.01
        looked = len(worker.watcher.waits)
        await worker.until(lambda: len(worker.watcher.waits) > looked + 1)
        assert site.body(0) == body
        clock[0] = ahead / 1000 - LIMIT_S
        await worker.until(lambda: site.body(0).state.next_offset == len(records))  # type: ignore[union-attr]  # it is there
        assert worker.error is None
        await worker.stop(life)
        await site.live()

    play(scenario)


def test_a_pause_before_a_record_ahead_ends_at_once_when_the_shard_is_revoked() -> None:
    async def scenario() -> None:
        ahead = int(time.time() * 1000) + HOUR
        site = live_site([log_of([told("visit", "anna", ahead)])])
        worker = Worker(site)
        life = worker.start()
        await worker.until(lambda: (0, "clock_ahead") in worker.watcher.waits)
        await asyncio.wait_for(worker.stop(life), 60)

    play(scenario)


@pytest.mark.parametrize("first", [1, 2], ids=["it opens the batch", "it stands within the batch"])
def test_one_date_decades_ahead_in_a_replay_pauses_the_shard_before_it_moves_the_logs_time(first: int) -> None:
    """Hour by hour there would be a commit for each boundary on the way, and all that comes then would be late."""

    async def scenario() -> None:
        begun = START + 3 * DAY
        records = [told("visit", "anna", begun + n) for n in range(3)]
        records[first] = told("visit", "bert", begun + 75 * 365 * DAY)
        store = FakeStore()
        engine = replace(SETTINGS, boundary=HOUR, tick=DAY)
        site = Site(store, store.snapshot, [log_of(records[:first])], engine, batch=lambda offset: 2)
        site.logs = [log_of(records)]
        worker = Worker(site, partitions=[0])
        life = worker.start()
        await worker.until(lambda: worker.watcher.waits and worker.watcher.waits[-1] == (0, "clock_ahead"))
        body = site.body(0)
        assert body is not None
        assert (body.state.next_offset, body.state.time) == (first, begun + first - 1)
        await worker.stop(life)

    play(scenario)


@pytest.mark.parametrize("mode", ["replay"])
def test_a_replay_looks_at_no_clock(mode: str) -> None:
    async def scenario() -> None:
        ahead = int(time.time() * 1000) + 300 * DAY
        store = FakeStore()
        engine = replace(SETTINGS, boundary=HOUR, tick=DAY)
        site = Site(store, store.snapshot, [log_of([told("visit", "anna", ahead)])], engine, mode=mode)
        await site.live()

    play(scenario)


def test_events_in_binary_mode_are_applied_and_a_bad_one_is_kept_in_structured_mode() -> None:
    def headers(id: str) -> list[tuple[str, bytes]]:
        attributes = {"specversion": "1.0", "type": "purchase", "id": id, "source": "/shop", "subject": "anna"}
        attributes["time"] = "1995-01-01T00:00:00Z"
        return [(f"ce_{name}", text.encode()) for name, text in attributes.items()]

    async def scenario() -> None:
        store = FakeStore()
        good = LogRecord(1, START + HOUR, b"anna", b'{"amount":5}', headers("7"))
        bad = LogRecord(2, START + HOUR, b"anna", b'{"amount":-5}', headers("8"))
        site = Site(store, store.snapshot, [[*log_of([told("visit", "anna", START)]), good, bad]])
        await site.live()
        (letter,) = site.said("deadletters", 0)
        body = json.loads(letter.value)
        assert "data.amount is -5" in body["reason"]
        assert json.loads(base64.b64decode(body["value"])) == {
            "type": "purchase",
            "id": "8",
            "source": "/shop",
            "specversion": "1.0",
            "subject": "anna",
            "time": "1995-01-01T00:00:00Z",
            "data": {"amount": -5},
        }

    play(scenario)


@pytest.mark.parametrize("crashes", [(), ("publish.4.committed:4", "commit.b.written:7", "publish.1.begun:5")])
def test_triggers_that_are_late_to_be_sent_are_replaced_and_everything_else_is_public_once(
    crashes: tuple[str, ...],
) -> None:
    async def scenario() -> None:
        store = FakeStore()
        # This log's triggers have expired long ago.
        site = Site(store, store.snapshot, synthetic(3, partitions=2, customers=10, days=60), mode="live")
        await site.live(*crashes, check=False)
        site.obey()
        for n, wanted in enumerate(site.expected.shards):
            triggers = [o for o in wanted.outputs if o.role == "triggers"]
            assert triggers
            assert site.said("triggers", n) == []
            loopback = [json.loads(e.value) for e in site.public.entries(Destination("touchpoints", n))]
            assert {e["type"] for e in loopback} == {"expired_unsent"}
            # A crash may say it twice, under the same id: the episode is rearmed once.
            assert list(dict.fromkeys(e["data"]["trigger_id"] for e in loopback)) == [o.id for o in triggers]
            assert len(loopback) == len(triggers) or crashes
            for role in ("decisions", "examples", "deadletters"):
                assert [(e.sequence, e.id, e.value) for e in site.said(role, n)] == [
                    (o.sequence, o.id, o.value) for o in wanted.outputs if o.role == role
                ]

    play(scenario)
