"""An operator stops marketing in the middle of the synthetic month, at the worst moment, and goes on later.

A release is half rolled out: one worker does not know stops, and none knows a time zone of the newest policy, which
stands in one partition already, whose shard is parked. Another worker stands still, so that its shards lag by half a
day. Then marketing is stopped. The operator ends the workers of the older release, and gives the same stop again, as
docs/stop.md says.
"""

from __future__ import annotations

import asyncio
import re
import time
import urllib.request
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Final, NamedTuple

from benchmarks.month_sender import Sender
from benchmarks.servers import APP, Servers, Worker
from benchmarks.watch import Behind, look
from models.outputs import Trigger
from models.timeline.partitioning import partition_of
from models.timeline.stop_types import Stop
from models.timeline.stops import in_force
from streams.client.validity import Answer, ask_valid
from streams.config import Config
from streams.operations.stopping import resume_now, stop_now

MARKETING: Final = Stop(0, purposes=("marketing",), by="ada", why="wrong prices")
"""It gets its number when it is made."""
PATIENCE_S: Final = 90.0
READ_S: Final = 3.0
"""So long the stop waits for the shards: the worker that stands still must keep its own meanwhile."""
ASKED: Final = 3
"""Triggers of each shard that senders ask about."""
_OWNED: Final = re.compile(r'^retention_next_offset\{shard="(\d+)"\}', re.MULTILINE)


class Trouble(NamedTuple):
    """Who has what. lags: the worker that will stand still. answers: another. parked: the shard whose policy no worker
    can read. lagging: the other shards of the worker that stands still. deaf: those of the worker that knows no stops.
    well: the rest.
    """

    lags: Worker
    answers: Worker
    parked: int
    lagging: list[int]
    deaf: list[int]
    well: list[int]

    @property
    def words(self) -> str:
        names = (("parked", [self.parked]), ("lagging", self.lagging), ("of the older release", self.deaf))
        return ", ".join(f"{name} {' and '.join(map(str, shards))}" for name, shards in names)


class InForce(NamedTuple):
    """What was measured, seconds from the beginning of the stop.

    orders: until the last partition had its order to senders. valid: until senders heard of all that they ask about
    that it may not be sent. answers: how often for which reason. shards: until those had read it that are well. words:
    which had not, and why.
    """

    orders: float
    valid: float
    answers: Counter[str]
    shards: float
    words: str

    @property
    def seconds(self) -> float:
        return max(self.orders, self.valid, self.shards)

    def __str__(self) -> str:
        answers = ", ".join(f"{reason} {count}" for reason, count in self.answers.items())
        valid = f"`valid` {self.valid:.1f} s ({answers or 'nothing is out'})"
        return f"orders {self.orders:.1f} s, {valid}, shards {self.shards:.1f} s but those that are {self.words}"


def trouble(workers: list[Worker], deaf: Worker) -> Trouble:
    """The worker that will stand still is one with two shards. Raises Behind where the shards are dealt otherwise."""
    of = dict[Worker, list[int]]()

    def dealt() -> bool:
        of.update((worker, sorted(_owned(worker))) for worker in workers)
        return all(of.values())

    _seconds(time.time(), dealt, "each worker has shards")
    lags, answers = sorted((one for one in workers if one is not deaf), key=lambda one: -len(of[one]))
    if len(of[lags]) < 2:
        raise Behind(f"the shards are dealt out as {[*of.values()]}")
    parked, *lagging = of[lags]
    return Trouble(lags, answers, parked, lagging, of[deaf], of[answers])


def stop(servers: Servers, config: Config, sender: Sender, of: Trouble, ends: list[int], now: int) -> InForce:
    """Stop marketing, and see how soon it is in force for whom. ends: of the log, by partition. now: its time, ms."""
    work = of.well + of.deaf
    _seconds(time.time(), lambda: _come_to(servers, work, ends), f"shards {work} have read the log")
    sender.hear()
    out = [one for one in sender.out(now) if one.purpose == "marketing"]
    asked = [one for shard in range(config.partitions) for one in _of_shard(out, shard, config.partitions)[:ASKED]]
    url, began = of.answers.metrics_url.removesuffix("/metrics"), time.time()
    with ThreadPoolExecutor(1) as operator:
        made = operator.submit(lambda: asyncio.run(stop_now(config, config.partitions, MARKETING, READ_S)))
        valid = _seconds(began, lambda: not any(_answer(url, one).valid for one in asked), "what is out is stopped")
        shards = _seconds(began, lambda: _read_by(servers, config.partitions).issuperset(of.well), "the shards read it")
        lack = made.result().not_read
    if sorted(lack) != sorted([of.parked, *of.lagging, *of.deaf]):
        raise Behind(f"shards {sorted(lack)} are said not to have read the stop; these should be: {of.words}")
    sender.hear()
    sender.obey(now)
    if len({order.partition for order in sender.orders}) < config.partitions:
        raise Behind(f"senders have orders in {len(sender.orders)} of {config.partitions} partitions")
    answers = Counter(_answer(url, one).reason for one in asked)
    return InForce(max(order.at for order in sender.orders) / 1000 - began, valid, answers, shards, of.words)


def stop_again(config: Config) -> list[int]:
    """The same once more, for who did not hear of it; the shards that have not read it a moment later."""
    return asyncio.run(stop_now(config, config.partitions, MARKETING, READ_S)).not_read


def go_on(config: Config, sender: Sender) -> None:
    """End all stops."""
    asyncio.run(resume_now(config, config.partitions, (), lambda _: True, ("ben", "prices are right"), 0.0))
    sender.orders.clear()


def await_parked(of: Trouble) -> None:
    """Wait until the shard is. Raises Behind."""
    series = re.compile(rf'^retention_shard_parked\{{.*shard="{of.parked}".*\}} 1', re.MULTILINE)
    _seconds(time.time(), lambda: series.search(_metrics(of.lags)) is not None, f"shard {of.parked} is parked")


def _owned(worker: Worker) -> set[int]:
    """The shards of a worker, as it says itself."""
    return {int(shard) for shard in _OWNED.findall(_metrics(worker))}


def _metrics(worker: Worker) -> str:
    with urllib.request.urlopen(worker.metrics_url, timeout=5) as answer:
        return str(answer.read(), "utf-8")


def _seconds(began: float, until: Callable[[], bool], what: str) -> float:
    """From `began` (time.time()) until something is true. Raises Behind."""
    while not until():
        if time.time() - began > PATIENCE_S:
            raise Behind(f"{what}: not after {PATIENCE_S:g} s")
        time.sleep(0.05)
    return time.time() - began


def _of_shard(triggers: list[Trigger], shard: int, partitions: int) -> list[Trigger]:
    return [one for one in triggers if partition_of(one.customer, partitions) == shard]


def _answer(url: str, trigger: Trigger) -> Answer:
    return ask_valid(url, trigger.customer, trigger.id) or Answer(True)


def _come_to(servers: Servers, shards: list[int], ends: list[int]) -> bool:
    found = look(servers.client, APP, len(ends))
    return found is not None and all(found.states[n].next_offset >= ends[n] for n in shards)


def _read_by(servers: Servers, partitions: int) -> set[int]:
    found = look(servers.client, APP, partitions)
    return set() if found is None else {n for n, state in enumerate(found.states) if in_force(state).standing}
