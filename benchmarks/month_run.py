"""What the synthetic month runs on: its policies, its workers, and what happens to them half-way."""

from __future__ import annotations

import contextlib
import json
import re
import time
from collections.abc import Callable, Iterable
from importlib.resources import files
from typing import Final

from benchmarks.month_sender import Sender
from benchmarks.month_stop import InForce, await_parked, stop, stop_again, trouble
from benchmarks.older_worker import NEW_ZONE
from benchmarks.runs import start_together
from benchmarks.servers import APP, Servers, Worker
from benchmarks.watch import Behind, Watch, look
from benchmarks.workload import Workload
from benchmarks.world import publish, settle
from models.settings import DAY
from streams.history.replay import TapeRecord
from streams.kafka.security import KafkaConnection
from tests.support.logs import chosen_policy

SLICE: Final = DAY // 2
"""The sender hears of what was triggered in such a part of the month before the next one is published."""
SETTINGS: Final = {"version_every_s": SLICE / 1000, "version_delay_s": SLICE / 1000}
SLICE_S: Final = 900.0
EXAMPLE: Final = files("models.decisions.policy").joinpath("example.toml").read_text(encoding="utf-8")
LETTERS, GIFTS = ("something_useful", "reward", "offer", "win_back", "cart_reminder"), ("reward", "offer")
FIRST, TIGHT, FREEZES = 1, 2, 3
"""Numbers of the policies."""
PROGRAMS: Final = {
    "": (),
    "older": ("-m", "benchmarks.older_worker"),
    "deaf": ("-m", "benchmarks.older_worker", "deaf"),
}
"""What a worker of this kind runs."""

Say = Callable[[str], None]


def policy(customers: int, *, tight: bool = False) -> str:
    """The example with two budgets: `letters` of a day and `gifts` of a month; `tight`: with fewer letters, and lower
    levels."""
    text = EXAMPLE
    for name in LETTERS:
        of = ["letters", "gifts"] if name in GIFTS else ["letters"]
        text = re.sub(rf"(\[action\.{name}\].*\n)", rf"\1budgets = {json.dumps(of)}\n", text)
    if tight:
        text = text.replace("at = 0.50", "at = 0.45").replace("at = 0.65", "at = 0.60")
    letters, gifts = max(8, customers // (400 if tight else 200)), max(5.0, customers / 500)
    return f"""{text}
[budget.letters]
counts = "contacts"
most = {letters}
per = "day"
tranche = "12h"

[budget.gifts]
counts = "money"
most = {gifts}
per = "month"
tranche = "7d"

[alarm]
"""


def with_freeze(text: str) -> str:
    """A policy that names a zone which workers of the older release do not know."""
    return f"""{text}
[[freeze]]
from = 2027-01-01T00:00:00
until = 2027-01-02T00:00:00
zone = "{NEW_ZONE}"
"""


class Run:
    """One, on servers. kinds of workers: ``older`` knows no new time zone, ``deaf`` no stops either."""

    def __init__(self, servers: Servers, workload: Workload, say: Say, running: contextlib.ExitStack) -> None:
        self.servers, self.workload, self.say, self.running = servers, workload, say, running
        self.settings = {**workload.settings(), **SETTINGS}
        self.config = servers.create_topics(self.settings)
        self.connection = KafkaConnection(self.config.bootstrap_servers)
        self.sender = Sender(self.connection, self.config)
        self.workers: list[Worker] = []
        self.touchpoints = self._started = 0
        self.killed = ""
        self._ends = [0] * self.config.partitions
        self.stop: InForce | None = None

    def start(self, *kinds: str) -> None:
        """Start workers, all at once."""
        made = []
        for kind in kinds:
            self._started += 1
            given = self.servers.directory, self.servers.settings(self.settings)
            made.append(Worker(*given, name=f"worker{self._started}", program=PROGRAMS[kind]))
        start_together(made, self.running)
        self.workers += made

    def publish(self, records: Iterable[TapeRecord]) -> list[int]:
        """Ends by partition, once they are written."""
        for partition, end in publish(self.config, records).ends.items():
            self._ends[partition] = end
        return self._ends

    def wait(self, ends: list[int]) -> None:
        """Until all has been read up to there, and what was said of it is public."""
        watch = Watch(self.servers.redis_url, APP, ends)
        watch.start()
        try:
            watch.wait(SLICE_S, lambda: all(worker.running for worker in self.workers))
        except Behind as error:
            raise Behind(f"{error}\n{self.workers[0].log_tail()}") from error
        settle(self.servers, len(ends))

    def chosen(self, number: int, at: int, *partitions: int) -> list[TapeRecord]:
        """A policy's records; without partitions in all of them."""
        text = policy(self.workload.customers, tight=number > FIRST)
        text = with_freeze(text) if number == FREEZES else text
        return [
            TapeRecord(partition, at, None, chosen_policy(at, number, text))
            for partition in partitions or range(self.config.partitions)
        ]

    def kill(self, began: float, number: int) -> None:
        """SIGKILL the first worker once the shards have begun with what was published; two others take its place."""
        before = look(self.servers.client, APP, self.workload.partitions)
        while (
            (now := look(self.servers.client, APP, self.workload.partitions)) == before
            or now is None
            or before is None
            or (now.touchpoints == before.touchpoints)
        ):
            time.sleep(0.005)
        self.workers.pop(0).kill()
        seconds, into = time.monotonic() - began, now.touchpoints - before.touchpoints
        day = f"day {number * SLICE / DAY:g}, {into:,} records into it, after {seconds:.0f} s"
        self.killed = f"one of two workers (SIGKILL) on {day}"
        self.start("older", "older")

    def stop_amid_trouble(self, records: Iterable[TapeRecord], begins: int) -> None:
        """Marketing is stopped as these records are on their way. Returns when all is well again."""
        of = trouble(self.workers, deaf=self.workers[0])
        self.publish(self.chosen(FREEZES, begins, of.parked))
        await_parked(of)
        with of.lags.suspended():
            ends = self.publish(records)
            self.stop = stop(self.servers, self.config, self.sender, of, ends, begins + SLICE)
        while self.workers:
            self.workers.pop().stop()
        self.start("", "")
        self.wait(self.publish(self.chosen(FREEZES, begins + SLICE)))
        if lack := stop_again(self.config):
            raise Behind(f"shards {lack} have not read the stop")
