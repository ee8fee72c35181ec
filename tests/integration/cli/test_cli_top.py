"""`retention top` beside real workers on both brokers, in live mode: triggers have a latency there."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from rich.cells import cell_len

from models.touchpoints import event
from streams.errors import ExitCode
from streams.local.processes import LOOPBACK, free_port
from tests.integration.cli.conftest import run
from tests.integration.cli.terminal import BACK, PROJECT, Terminal
from tests.support.servers import Broker
from tests.support.world import World, world
from tests.support.world_live import LIVE, send, triggers

CUSTOMERS = [f"c{number}" for number in range(12)]


@pytest.fixture
def live(
    broker: Broker, redis_url: str, redis_app: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[World]:
    """A worker at work, and the settings that `retention top` needs to find it."""
    port = free_port()
    # A purchase is followed by silence of weeks of four seconds, so that triggers come by themselves.
    with world(broker.bootstrap_servers, redis_url, redis_app, tmp_path, **LIVE, metrics_port=port) as made:
        told = {"bootstrap_servers": broker.bootstrap_servers, "topic_prefix": redis_app, "app": redis_app}
        for name, value in {**told, "metrics_port": str(port)}.items():
            monkeypatch.setenv(f"RETENTION_{name.upper()}", value)
        monkeypatch.setenv("PYTHONPATH", str(PROJECT))  # the worker, too, when the package is not installed
        worker = made.worker()
        made.wait(lambda: made.owned(worker) > 0)
        for customer in CUSTOMERS:
            now = round(1000 * time.time())
            value = event(
                "purchase", id=f"{customer}-1", source="t", subject=customer, time_ms=now, data={"amount": 9.5}
            )
            send(made, customer, value, now)
        yield made


def test_a_snapshot_shows_what_the_worker_and_the_topic_hold(live: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("streams.monitoring.top.workers.TIMEOUT_S", 60.0)  # it answers, however busy the machine
    live.wait(lambda: len(triggers(live)) == len(CUSTOMERS))
    shown = run("top", "--once", "--json", "--every", "0.5")
    assert shown.exit_code == ExitCode.OK, shown.output
    told: dict[str, Any] = json.loads(shown.stdout)
    (worker,) = told["workers"]
    assert (worker["reachable"], worker["ready"], worker["healthy"], worker["why"]) == (True, True, True, [])
    assert worker["shards"] == [0, 1, 2]
    assert [shard["shard"] for shard in told["shards"]] == [0, 1, 2]
    assert told["events"] == len(CUSTOMERS)
    assert sum(told["customers"].values()) == len(CUSTOMERS)
    assert told["triggers_decided"] >= len(CUSTOMERS)
    assert {trigger["customer"] for trigger in told["triggers"]} == set(CUSTOMERS)
    assert {trigger["action"] for trigger in told["triggers"]} == {"win_back"}
    assert told["trigger_latency"]["count"] >= len(CUSTOMERS)
    assert told["trigger_latency"]["p50_s"] > 0
    assert told["events_per_s"] is not None
    assert told["triggers_trouble"] is None

    lines = run("top", "--once", "--every", "0.5").stdout
    assert "\x1b" not in lines
    for part in (
        f"events     {len(CUSTOMERS)} at ",
        f"customers  {len(CUSTOMERS)}: ",
        "ready, healthy",
        "shard 2",
        "win_back",
    ):
        assert part in lines


def test_a_worker_and_a_broker_that_are_away_are_shown(live: World) -> None:
    gone = f"{LOOPBACK}:{free_port()}"
    shown = run("top", "--once", "--json", "--worker", gone, "--bootstrap-servers", f"{LOOPBACK}:{free_port()}")
    assert shown.exit_code == ExitCode.OK, shown.output
    told = json.loads(shown.stdout)
    assert [(worker["worker"], worker["reachable"]) for worker in told["workers"]] == [(gone, False)]
    assert "connection refused" in told["workers"][0]["why"][0]
    assert "does not answer" in told["triggers_trouble"]


def test_a_worker_that_dies_while_it_is_watched_is_shown_and_ctrl_c_ends_the_watching(live: World) -> None:
    watching = subprocess.Popen(
        [sys.executable, "-m", "streams.cli", "top", "--json", "--every", "0.3"],
        cwd=PROJECT,
        env=os.environ,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert watching.stdout is not None
        looks = (json.loads(line)["workers"][0] for line in watching.stdout)
        assert any(told["reachable"] for told in looks)
        live.kill(live.workers[0])
        assert any(not told["reachable"] for told in looks)
        watching.send_signal(signal.SIGINT)
        assert watching.wait(90) == ExitCode.OK
    finally:
        watching.kill()
        watching.wait()


@pytest.mark.parametrize(("columns", "rows"), [(80, 24), (40, 60)])
def test_a_terminal_shows_the_view_until_ctrl_c(live: World, columns: int, rows: int) -> None:
    with Terminal("top", "--every", "0.3", columns=columns, rows=rows) as terminal:
        terminal.until("ready, healthy", 180)
        terminal.until("win back", 180)
        terminal.until("events/s 0 ", 180)  # known from the second look on
        terminal.press("\x03")
        assert terminal.ended(90) == ExitCode.OK
        assert terminal.echoes(), "the terminal is as it was"
    assert BACK in terminal.output
    frames = terminal.frames()
    assert len(frames) >= 2
    assert all(len(frame) <= rows and max(map(cell_len, frame)) <= columns for frame in frames)
    assert any(f"Customers {len(CUSTOMERS)}" in line for line in frames[-1])
