"""A Redis that hangs, or is busy with a script, under live shards: health, metric and log say what they wait for."""

from __future__ import annotations

import json
import os
import signal
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Thread
from typing import Any

import pytest
import redis
from prometheus_client.parser import text_string_to_metric_families

from streams.local.embedded import EmbeddedBroker, EmbeddedRedis
from streams.local.processes import LOOPBACK, free_port
from tests.support.logs import told
from tests.support.stores import admin
from tests.support.world import World
from tests.support.world_fixtures import MakeWorld
from tests.support.world_live import LIVE, send

STALL_AFTER_S = 3


@contextmanager
def hangs(server: EmbeddedRedis) -> Iterator[None]:
    """It takes connections and answers nothing."""
    pid = server.process.pid
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


@contextmanager
def is_busy(server: EmbeddedRedis) -> Iterator[None]:
    """Somebody's script runs on and on: every call is answered BUSY."""

    def run() -> None:
        with admin(server) as client, pytest.raises(redis.ResponseError, match="killed"):
            client.eval("while true do end", 0)

    with admin(server) as client:
        client.config_set("lua-time-limit", 50)
        running = Thread(target=run)
        running.start()
        time.sleep(0.3)
        try:
            yield
        finally:
            client.script_kill()
            running.join(60)


def health(port: int) -> dict[str, Any]:
    try:
        with urllib.request.urlopen(f"http://{LOOPBACK}:{port}/health", timeout=60) as answer:
            told: dict[str, Any] = json.load(answer)
    except urllib.error.HTTPError as error:
        told = json.load(error)
    return told


def paused(port: int) -> set[tuple[str, str]]:
    """(shard, reason) of each series of `retention_paused` that is 1."""
    with urllib.request.urlopen(f"http://{LOOPBACK}:{port}/metrics", timeout=60) as answer:
        text = answer.read().decode()
    return {
        (sample.labels["shard"], sample.labels["reason"])
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if sample.name == "retention_paused" and sample.value == 1
    }


def visit(world: World, customer: str) -> None:
    now = int(time.time() * 1_000)
    _, _, value = told("visit", customer, now)
    send(world, customer, value, now)


@pytest.mark.parametrize("trouble", [hangs, is_busy])
def test_a_redis_in_trouble_is_named_for_each_live_shard_that_has_work(
    tansu: EmbeddedBroker, own_redis: EmbeddedRedis, make_world: MakeWorld, trouble: Callable[..., Any]
) -> None:
    port = free_port()
    world = make_world(
        tansu, redis=own_redis.url, **LIVE, metrics_port=port, redis_timeout_s=1, stall_after_s=STALL_AFTER_S
    )
    worker = world.worker()
    world.wait(lambda: world.owned(worker) == world.config.partitions)
    visit(world, "anna")
    world.wait(lambda: sum(world.next_offsets()) > 0)
    shards = {str(shard) for shard in range(world.config.partitions)}
    with trouble(own_redis):
        deadline = time.monotonic() + 120  # each owner writes a clock record twice a second, so all shards have work
        while len(stalled := health(port)["stalled"]) < len(shards) and time.monotonic() < deadline:
            time.sleep(0.2)
        assert {str(one["shard"]) for one in stalled} == shards
        for one in stalled:
            assert one["reason"].startswith("store: "), one
        assert paused(port) >= {(shard, "store") for shard in shards}
        assert worker.poll() is None
    assert "again in" in world.log_of(worker)
    assert "\x1b" not in world.log_of(worker), "a log file is no terminal"

    def goes_on() -> bool:
        return health(port)["healthy"] and not paused(port)

    world.wait(goes_on)
