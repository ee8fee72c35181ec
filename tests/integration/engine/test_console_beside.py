"""The console that a worker starts: it shows its worker, and neither its end nor its failure touches the engine."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

from streams.local.embedded import EmbeddedBroker
from streams.local.processes import free_ports
from tests.support.prepared import Process
from tests.support.world import World
from tests.support.world_fixtures import MakeWorld
from tests.support.world_live import LIVE, shopping, triggers

SOON = "from streams.bootstrap import console; console.AGAIN_S = 0.2; "


def page(port: int, path: str = "") -> str:
    """Empty: nobody answers."""
    try:
        with urlopen(f"http://127.0.0.1:{port}/{path}", timeout=60) as answer:
            return str(answer.read().decode())
    except (URLError, ConnectionError):
        return ""


def console_of(worker: Process) -> int:
    """Its process; 0: it has none."""
    for task in Path(f"/proc/{worker.pid}/task").iterdir():
        for child in (task / "children").read_text().split():
            if b"console" in Path(f"/proc/{child}/cmdline").read_bytes().split(b"\0"):
                return int(child)
    return 0


def decides(world: World, customers: int) -> None:
    """The engine does its work."""
    shopping(world, customers)
    world.wait(lambda: len(triggers(world)) >= customers)


def test_a_worker_shows_itself_and_goes_on_when_its_console_is_killed(
    tansu: EmbeddedBroker, make_world: MakeWorld
) -> None:
    port, metrics = free_ports(2)
    world = make_world(tansu, **LIVE, console_port=port, metrics_port=metrics)
    world.release = SOON
    worker = world.worker()
    world.wait(lambda: f"127.0.0.1:{metrics}" in page(port, "system"))
    first = console_of(worker)
    assert os.getpriority(os.PRIO_PROCESS, first) > os.getpriority(os.PRIO_PROCESS, worker.pid)

    os.kill(first, signal.SIGKILL)
    decides(world, 3)
    world.wait(lambda: world.wrote("the console ended with exit code -9"))
    world.wait(lambda: bool(page(port)))
    assert console_of(worker) not in (0, first)

    world.kill(worker)
    deadline = time.monotonic() + 120
    while page(port):
        assert time.monotonic() < deadline, "it outlives the worker"
        time.sleep(0.1)


def test_a_console_that_may_not_start_is_said_and_the_engine_works(
    tansu: EmbeddedBroker, make_world: MakeWorld
) -> None:
    port, metrics = free_ports(2)
    world = make_world(tansu, **LIVE, console_port=port, metrics_port=metrics, console_host="0.0.0.0")
    world.worker()
    decides(world, 3)
    world.wait(lambda: world.wrote("the console ended with exit code 2"))
    assert world.wrote("--host 0.0.0.0 is not this machine alone: give --token-file, --roles or --user-header")
    assert page(port) == ""
