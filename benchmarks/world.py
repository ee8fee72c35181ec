"""Worlds on disk: Kafka and Redis after the warm start, so that every run begins at the same bytes.

`prepare` plays the history through a worker and keeps two stages: ``history`` (every customer has a record, the log
ends where the day begins) and ``day`` (the same, with the day's touchpoints on the topic as a backlog). A run works on
a copy of a stage, which is thrown away.
"""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, Literal

import msgspec

from benchmarks.servers import APP, Servers, Worker
from benchmarks.watch import Behind, Watch, look, unpublished
from benchmarks.workload import Workload
from streams.config import Config
from streams.history.replay import Played, TapeRecord, replay
from streams.kafka.security import KafkaConnection

Stage = Literal["history", "day"]
HISTORY: Stage = "history"
DAY: Stage = "day"
FACTS = "facts.json"
PREPARE_S = 3_600.0
QUIET_S = 60.0

Say = Callable[[str], None]


class Facts(msgspec.Struct, frozen=True):
    """What preparing has shown.

    starts, ends: offsets of the day per partition. touchpoints, clocks: of the day. empty_bytes, warm_bytes: Redis'
    used_memory without any customer and after the history.
    """

    workload: Workload
    starts: list[int]
    ends: list[int]
    touchpoints: int
    clocks: int
    history_touchpoints: int
    history_due_items: int
    history_s: float
    customers: int
    empty_bytes: int
    warm_bytes: int


class World:
    """A prepared directory."""

    def __init__(self, directory: Path, facts: Facts) -> None:
        self.directory, self.facts = directory, facts

    @property
    def workload(self) -> Workload:
        return self.facts.workload

    @contextlib.contextmanager
    def copy(self, stage: Stage, *, appendfsync: str = "everysec") -> Iterator[Servers]:
        """Servers on a copy of a stage."""
        with tempfile.TemporaryDirectory(prefix=f"{stage}-", dir=self.directory) as name:
            directory = Path(name)
            shutil.copytree(self.directory / stage, directory, dirs_exist_ok=True)
            with Servers(directory, appendfsync=appendfsync) as servers:
                yield servers


def prepared(directory: Path, workload: Workload, say: Say, own: dict[str, Any] | None = None) -> World:
    """The world in a directory, made if it is not there yet. Another workload there is made anew.

    own: settings of the worker that plays the history.
    """
    facts_file = directory / FACTS
    if facts_file.exists():
        facts = msgspec.json.decode(facts_file.read_bytes(), type=Facts)
        if facts.workload == workload:
            say(f"using the world in {directory}")
            return World(directory, facts)
        facts_file.unlink()
    for stage in (HISTORY, DAY):
        shutil.rmtree(directory / stage, ignore_errors=True)
    facts = _prepare(directory, workload, say, own or {})
    facts_file.write_bytes(msgspec.json.encode(facts))
    return World(directory, facts)


def _prepare(directory: Path, workload: Workload, say: Say, own: dict[str, Any]) -> Facts:
    settings = {**workload.settings(), **own}
    with Servers(directory / HISTORY) as servers:
        config = servers.create_topics(settings)
        empty = servers.used_memory()
        purchases = len(workload.purchases[0])
        say(f"{workload.customers:,} customers: publishing a history of {purchases:,} purchases")
        history = publish(config, workload.history())
        starts = [history.ends[n] for n in range(workload.partitions)]
        say("playing the history through a worker: the warm start")
        began = time.monotonic()
        with Worker(directory / HISTORY, servers.settings(settings)) as worker:
            last = catch_up(servers, worker, starts)
        seconds = time.monotonic() - began
        servers.compact()
        warm = servers.used_memory()
    say(f"{last.total('due'):,} due items, {last.total('triggers'):,} triggers in {seconds:.0f} s")
    shutil.copytree(directory / HISTORY, directory / DAY)
    with Servers(directory / DAY) as servers:
        config = servers.create_topics(settings)
        say(f"publishing a day of {workload.events:,} touchpoints")
        day = publish(config, workload.day())
    return Facts(
        workload=workload,
        starts=starts,
        ends=[day.ends[n] for n in range(workload.partitions)],
        touchpoints=day.events,
        clocks=day.clocks,
        history_touchpoints=history.events,
        history_due_items=last.total("due"),
        history_s=seconds,
        customers=last.customers,
        empty_bytes=empty,
        warm_bytes=warm,
    )


def publish(config: Config, records: Iterable[TapeRecord]) -> Played:
    """Write records with their own times, as `retention replay` does."""
    return asyncio.run(replay(KafkaConnection(config.bootstrap_servers), config.topic("touchpoints"), records))


def catch_up(servers: Servers, worker: Worker, ends: list[int], timeout_s: float = PREPARE_S) -> Any:
    """Wait until a worker has consumed up to `ends` and everything it said is public; the state then."""
    watch = Watch(servers.redis_url, APP, ends)
    watch.start()
    try:
        watch.wait(timeout_s, lambda: worker.running)
    except Behind as error:
        raise Behind(f"{error}\n{worker.log_tail()}") from error
    settle(servers, len(ends))
    return look(servers.client, APP, len(ends))


def settle(servers: Servers, partitions: int) -> None:
    """Return when every outbox is empty. Raises Behind after a minute."""
    deadline = time.monotonic() + QUIET_S
    while unpublished(servers.client, APP, partitions):
        if time.monotonic() > deadline:
            raise Behind(f"the outboxes are not empty after {QUIET_S:g} s")
        time.sleep(0.1)
