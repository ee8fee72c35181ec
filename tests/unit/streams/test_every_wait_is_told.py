"""Whatever a worker waits for can be seen from outside: each wait in the code has a listener, and it is heard."""

from __future__ import annotations

import ast
import asyncio
import inspect
from collections.abc import Iterator
from pathlib import Path

import aiohttp
import pytest
from faust.types import TP

from streams.kafka.partition_facts import LogFacts
from streams.local.processes import LOOPBACK
from streams.monitoring.http import WebServer
from streams.monitoring.observer import Watching
from streams.retry import retry_while_unavailable
from streams.store import StoreUnavailable
from tests.support.parsed import modules_that_name, nodes_of
from tests.unit.streams.monitoring.test_observer import value

STREAMS = Path(__file__).parents[3] / "streams"

LISTENERS = ("on_outage", "on_wait", "waits", "waiting", "watcher.waiting", "park")
"""How those are called who make a wait visible in /health and in the metrics."""

BEFORE_AN_ASSIGNMENT = {"preflight.py", "consumer_thread.py", "retry.py"}
"""Nothing is owned yet: /ready says so, and both write a line to the log at each try. (retry.py is the wait itself.)"""

TOLD_BY_THE_CALLER = {"tails.py"}
"""A read of tails ends by its own time-out, and whoever asked tells that it waits."""

Function = ast.FunctionDef | ast.AsyncFunctionDef


def functions(word: str) -> Iterator[tuple[Path, Function]]:
    """Those of the modules that have a word."""
    for path in modules_that_name(STREAMS, word):
        for node in nodes_of(path):
            if isinstance(node, Function):
                yield path, node


def name_of(call: ast.Call) -> str:
    """What is called, without leading underscores and `self`."""
    called = call.func
    name = called.attr if isinstance(called, ast.Attribute) else called.id if isinstance(called, ast.Name) else ""
    return name.lstrip("_")


def calls(tree: ast.AST, name: str) -> list[ast.Call]:
    return [node for node in ast.walk(tree) if isinstance(node, ast.Call) and name_of(node) == name]


PATIENT = [
    pytest.param(call, id=f"{path.name}:{call.lineno}")
    for path in modules_that_name(STREAMS, "retry_while_unavailable")
    for call in nodes_of(path)
    if isinstance(call, ast.Call) and name_of(call) == "retry_while_unavailable"
]


def test_a_wait_can_not_be_made_without_a_listener() -> None:
    assert inspect.signature(retry_while_unavailable).parameters["on_outage"].default is inspect.Parameter.empty
    assert len(PATIENT) > 8


@pytest.mark.parametrize("call", PATIENT)
def test_each_wait_for_redis_or_kafka_is_given_somebody_who_listens(call: ast.Call) -> None:
    given = {word.arg: word.value for word in call.keywords}.get(
        "on_outage", call.args[2] if len(call.args) > 2 else None
    )
    assert given is not None
    assert "ignore" not in ast.unparse(given)
    assert "None" not in ast.unparse(given)


def pausing(function: Function) -> bool:
    """It tries something again after a pause of a `Backoff`."""
    pauses = [call for call in calls(function, "pause") if "backoff" in ast.unparse(call.func)]
    return bool(pauses) and any(isinstance(node, ast.While) for node in ast.walk(function))


LOOPS = [
    pytest.param(function, id=f"{path.name}:{function.name}")
    for path, function in functions("backoff")
    if pausing(function) and path.name not in BEFORE_AN_ASSIGNMENT | TOLD_BY_THE_CALLER
]


def test_the_loops_that_try_again_are_found() -> None:
    assert {str(loop.id) for loop in LOOPS} >= {"checkpoint.py:write", "owner.py:_learn", "relay.py:_again"}


@pytest.mark.parametrize("loop", LOOPS)
def test_each_loop_that_tries_again_tells_a_listener(loop: Function) -> None:
    assert any(calls(loop, listener) for listener in LISTENERS), ast.unparse(loop)


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


class Owner:
    """Of an owned partition what is told of its takeover."""

    def __init__(self, tp: TP, reads: bool = True) -> None:
        self.tp, self.reads = tp, reads
        self.generation, self.next_offset, self.busy = 0, 0, False

    async def peek(self) -> bool:
        return False

    async def mint(self) -> None: ...
    async def check(self, facts: LogFacts) -> None: ...
    async def recover(self) -> None: ...
    def has_read(self, offset: int) -> None: ...
    def hand_over(self, records: list[object]) -> None: ...
    async def run(self) -> None: ...
    async def ended(self) -> None: ...


@pytest.fixture
def watching() -> Watching:
    watching = Watching(app="test", mode="live", partitions=2, stall_after_s=60, host=LOOPBACK, port=0)
    watching.progress._clock = Clock()
    return watching


def test_a_takeover_that_waits_is_in_health_and_readiness_and_in_the_metric_until_it_goes_on(
    watching: Watching,
) -> None:
    shard, clock = Owner(TP("touchpoints", 1)), watching.progress._clock
    assert isinstance(clock, Clock)
    watching.takeover_waits(shard, "minting of touchpoints 1: no answer")
    assert value(watching, "retention_paused", shard="1", reason="takeover") == 1
    assert watching.progress.takeover() == [
        {"shard": "1", "seconds": 0, "reason": "takeover: minting of touchpoints 1: no answer"}
    ]
    assert watching.progress.healthy, "an outage may last for a moment"
    clock.now = 61
    watching.takeover_waits(shard, "minting of touchpoints 1: still no answer")
    assert not watching.progress.healthy, "waiting on is no progress"
    watching.takeover_waits(shard, None)
    assert watching.progress.healthy
    assert value(watching, "retention_paused", shard="1", reason="takeover") == 0
    assert watching.progress.takeover() == []


def test_a_learner_that_waits_says_for_what(watching: Watching) -> None:
    clock = watching.progress._clock
    assert isinstance(clock, Clock)
    watching.learner_waits(("kafka", "reading examples: no answer"))
    assert watching.progress.learner == "kafka: reading examples: no answer"
    assert value(watching, "retention_paused", shard="learner", reason="kafka") == 1
    clock.now = 61
    assert not watching.progress.healthy
    watching.learner_waits(None)
    assert watching.progress.healthy
    assert watching.progress.learner is None
    assert value(watching, "retention_paused", shard="learner", reason="kafka") == 0


def test_readiness_names_what_a_takeover_waits_for(watching: Watching) -> None:
    async def scenario() -> None:
        server = WebServer(watching.metrics, watching.progress)
        port = await server.start(LOOPBACK, 0)
        try:
            watching.takeover_waits(Owner(TP("learner", 0), reads=False), f"minting: {StoreUnavailable('BUSY')}")
            async with aiohttp.ClientSession() as session:
                async with session.get(f"http://{LOOPBACK}:{port}/ready") as answer:
                    assert answer.status == 503
                    assert (await answer.json())["reason"] == "takeover: minting: BUSY"
                async with session.get(f"http://{LOOPBACK}:{port}/health") as answer:
                    assert (await answer.json())["takeover"][0]["shard"] == "learner"
        finally:
            await server.stop()

    asyncio.run(scenario())
