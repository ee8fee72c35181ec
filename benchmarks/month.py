"""A synthetic month under a policy, with everything at once, and its audit: of what it decided nothing may be wrong.

Customers with a history (`benchmarks.workload`) do everything there is a touchpoint for, on Apache Kafka in replay
mode, with two workers. The example policy decides, with budgets of contacts and money that run dry; half-way another
one takes its place, and one worker is killed with SIGKILL while it works. A sender hears of the triggers of each half a
day and reports on them from the next on: most arrive, some are given back, and of these some arrive after all. At the
end the auditor reads the topics: a breach is a failure.

    python -m benchmarks.month [--customers 20000] [--days 28] [--quick]
"""

from __future__ import annotations

import argparse
import contextlib
import json
import re
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from importlib.resources import files
from pathlib import Path
from random import Random
from typing import Any, Final, NamedTuple

import msgspec
import numpy as np

from benchmarks.customer_bytes import CustomerBytes, of_customers
from benchmarks.machine import busy
from benchmarks.mix import VARIANTS, Type, mix
from benchmarks.options import RESULTS
from benchmarks.runs import start_together
from benchmarks.servers import APP, Servers, Worker
from benchmarks.watch import Behind, Watch, look
from benchmarks.workload import DAY_BEGINS, Workload
from benchmarks.world import publish, settle
from models.outputs import Trigger, Withdrawal
from models.settings import DAY, HOUR
from models.touchpoints import event
from streams.config import Config
from streams.history.replay import TapeRecord
from streams.kafka.security import KafkaConnection
from streams.kafka.topic_reader import TopicReader
from streams.operations.audit import Report, audit
from streams.operations.audit.files import of_topics
from tests.support.logs import DATA, chosen_policy
from tests.support.replies import reports

SLICE: Final = DAY // 2
"""The sender hears of what was triggered in such a part of the month before the next one is published."""
SETTINGS: Final = {"version_every_s": SLICE / 1000, "version_delay_s": SLICE / 1000}
PER_CUSTOMER: Final = 10
"""Touchpoints of a customer in four weeks, in the mean."""
SLICE_S: Final = 900.0
EXAMPLE: Final = files("models.decisions.policy").joinpath("example.toml").read_text(encoding="utf-8")
LETTERS, GIFTS = ("something_useful", "reward", "offer", "win_back", "cart_reminder"), ("reward", "offer")
_said: Final = msgspec.json.Decoder(Trigger | Withdrawal)

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


class Month(NamedTuple):
    """What became of it. seconds: of the month, without the history. killed: what was killed when, in words."""

    touchpoints: int
    reported: int
    triggers: Counter[str]
    decisions: Counter[str]
    waits: Counter[str]
    bytes: CustomerBytes
    report: Report
    seconds: float
    killed: str

    def table(self, workload: Workload, days: int) -> str:
        """As Markdown."""
        rows = [
            ("customers, days, touchpoints", f"{workload.customers:,}, {days}, {self.touchpoints:,}"),
            ("of these reports of the sender", f"{self.reported:,}"),
            ("triggers by kind", _told(self.triggers)),
            ("decisions", _told(self.decisions)),
            ("waits for", _told(self.waits)),
            *self.bytes.rows(),
            ("seconds for the month", f"{self.seconds:,.0f}"),
            ("killed", self.killed),
            ("audit", f"{len(self.report.breaches)} breaches in {self.report.triggers.total():,} triggers"),
            ("beyond a budget, delivered after a give-back", _told(Counter(self.report.excess)) or "nothing"),
        ]
        return "\n".join(["| | |", "|---|---|", *(f"| {name} | {value} |" for name, value in rows)])


def _told(counts: Counter[str]) -> str:
    return ", ".join(f"{name} {count:,}" for name, count in counts.most_common())


def every_type(seed: int) -> list[Type]:
    """Those of an ordinary day, and each other one now and then."""
    found, random = mix(seed), Random(seed)
    named = {one.name for one in found}
    for name in sorted(set(DATA) - named):
        data = [msgspec.json.encode(DATA[name](random)) for _ in range(VARIANTS)]
        found.append(Type(name, "urn:example:shop", 0.5 if name == "erase_requested" else 1.0, data))
    return found


def slices(workload: Workload, days: int) -> Iterator[list[TapeRecord]]:
    """The touchpoints of the month, half a day at a time; the same customers are busy all the time."""
    rng = np.random.default_rng([workload.seed, 4])
    kinds = every_type(workload.seed)
    weights = np.array([kind.weight for kind in kinds])
    shares = np.cumsum(1.0 / (np.arange(workload.customers) + 50))
    order = rng.permutation(workload.customers)
    for at in range(DAY_BEGINS, DAY_BEGINS + days * DAY, SLICE):
        events = workload.events * SLICE // (days * DAY)
        which = rng.choice(len(kinds), events, p=weights / weights.sum())
        customer = order[np.searchsorted(shares, rng.random(events) * shares[-1])]
        times = at + np.sort(rng.integers(1, SLICE, events))
        yield list(workload.events_of(rng, kinds, which, customer, times))


class Sender:
    """Reads the triggers that are new, and reports on them later."""

    def __init__(self, connection: KafkaConnection, config: Config, workload: Workload) -> None:
        self._topic = (connection, config.topic("triggers"))
        self._workload = workload
        self._read: dict[int, int] = {}
        self._ahead: list[TapeRecord] = []
        self.reported = 0

    def hear(self) -> None:
        """Read what was triggered since the last time."""
        with TopicReader(*self._topic) as topic:
            starts, ends = topic.bounds()
            for partition, end in ends.items():
                for read in topic.up_to(partition, self._read.get(partition, starts[partition]), end):
                    said = _said.decode(read.value)
                    if isinstance(said, Trigger) and said.policy:
                        self._reports(said, partition)
                self._read[partition] = end

    def _reports(self, trigger: Trigger, partition: int) -> None:
        key = trigger.customer.encode()
        for number, (at, kind, data) in enumerate(reports(trigger, Random(trigger.id))):
            name, source = f"{trigger.id}-{number}", "urn:example:sender"
            value = event(kind, id=name, source=source, subject=trigger.customer, time_ms=at, data=data)
            self._ahead.append(TapeRecord(partition, at, key, value))

    def until(self, begins: int, ends: int) -> list[TapeRecord]:
        """The reports before a moment. Those of before `begins`, which is published already, come a little late."""
        found = [one for one in self._ahead if one.time < ends]
        self._ahead = [one for one in self._ahead if one.time >= ends]
        self.reported += len(found)
        return [one._replace(time=max(one.time, begins + 1)) for one in found]


def _with_clocks(workload: Workload, records: Iterable[TapeRecord], begins: int, ends: int) -> list[TapeRecord]:
    hours = range(begins + HOUR, ends + 1, HOUR)
    return list(workload.with_clocks(sorted(records, key=lambda one: one.time), hours))


def _chosen(workload: Workload, number: int, text: str, at: int) -> list[TapeRecord]:
    return [
        TapeRecord(partition, at, None, chosen_policy(at, number, text)) for partition in range(workload.partitions)
    ]


def run(servers: Servers, workload: Workload, days: int, say: Say) -> Month:
    """Everything, from the history to the audit."""
    settings = {**workload.settings(), **SETTINGS}
    config = servers.create_topics(settings)
    connection = KafkaConnection(config.bootstrap_servers)
    names = iter(("worker1", "worker2", "worker3"))

    def worker() -> Worker:
        return Worker(servers.directory, servers.settings(settings), name=next(names))

    with contextlib.ExitStack() as running:
        say(f"{workload.customers:,} customers: the history")
        ends = _publish(config, workload.history())
        workers = [worker(), worker()]
        start_together(workers, running)
        _wait(servers, ends, workers)
        began = time.monotonic()
        sender, touchpoints, killed = Sender(connection, config, workload), 0, ""
        for number, records in enumerate(slices(workload, days)):
            begins = DAY_BEGINS + number * SLICE
            half = number == days * DAY // SLICE // 2
            chosen = []
            if number == 0 or half:
                text = policy(workload.customers, tight=half)
                chosen = _chosen(workload, 1 + half, text, begins + 1)
            records += sender.until(begins, begins + SLICE)
            touchpoints += len(records)
            ends = _publish(config, _with_clocks(workload, [*chosen, *records], begins, begins + SLICE))
            if half:
                killed = _kill(servers, workers.pop(0), workload, began, number)
                workers.append(running.enter_context(worker()))
            _wait(servers, ends, workers)
            sender.hear()
            say(f"day {(number + 1) * SLICE / DAY:g}: {time.monotonic() - began:.0f} s, {sender.reported:,} reports")
        seconds = time.monotonic() - began
    say("the audit")
    with contextlib.ExitStack() as topics:
        told = [
            topics.enter_context(TopicReader(connection, config.topic(role)))
            for role in ("touchpoints", "triggers", "decisions")
        ]
        engine = config.engine()
        gone = engine.silence + engine.forget_after if engine.forget_after else 0
        report = audit(of_topics(*told), engine.lateness, leaves=(gone, engine.tick))
        triggers, decisions, waits = _counted(told[1], told[2])
    sizes = of_customers(servers.client, APP)
    return Month(touchpoints, sender.reported, triggers, decisions, waits, sizes, report, seconds, killed)


def _publish(config: Config, records: Iterable[TapeRecord]) -> list[int]:
    played = publish(config, records)
    return [played.ends[n] for n in range(config.partitions)]


def _wait(servers: Servers, ends: list[int], workers: list[Worker]) -> None:
    watch = Watch(servers.redis_url, APP, ends)
    watch.start()
    try:
        watch.wait(SLICE_S, lambda: all(worker.running for worker in workers))
    except Behind as error:
        raise Behind(f"{error}\n{workers[0].log_tail()}") from error
    settle(servers, len(ends))


def _kill(servers: Servers, worker: Worker, workload: Workload, began: float, number: int) -> str:
    """SIGKILL, once the shards have begun with what was published; what was killed when."""
    before = look(servers.client, APP, workload.partitions)
    while (
        (now := look(servers.client, APP, workload.partitions)) == before
        or now is None
        or before is None
        or (now.touchpoints == before.touchpoints)
    ):
        time.sleep(0.005)
    worker.kill()
    seconds = time.monotonic() - began
    into = now.touchpoints - before.touchpoints
    return (
        f"one of two workers (SIGKILL) on day {number * SLICE / DAY:g}, {into:,} records into it, after {seconds:.0f} s"
    )


def _counted(triggers: TopicReader, decisions: TopicReader) -> tuple[Counter[str], Counter[str], Counter[str]]:
    """Triggers of a policy by kind, its decisions by what they say, waits by gate."""
    kinds, said, waits = Counter[str](), Counter[str](), Counter[str]()
    for value in _values(triggers):
        if value["type"] == "withdrawal":
            kinds["withdrawals"] += 1
        elif value.get("policy"):
            kinds[value["kind"]] += 1
    for value in _values(decisions):
        if value.get("policy"):
            said[value["what"]] += 1
            if value["what"] == "waits":
                waits[value["gate"]] += 1
    return kinds, said, waits


def _values(topic: TopicReader) -> Iterator[dict[str, Any]]:
    starts, ends = topic.bounds()
    for partition, end in ends.items():
        for read in topic.up_to(partition, starts[partition], end):
            with contextlib.suppress(msgspec.DecodeError):
                value = msgspec.json.decode(read.value)
                if "type" in value:
                    yield value


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--customers", type=int, default=20_000)
    parser.add_argument("--days", type=int, default=28)
    parser.add_argument("--quick", action="store_true", help="500 customers, 6 days")
    given = parser.parse_args()
    customers, days = (500, 6) if given.quick else (given.customers, given.days)
    workload = Workload(customers=customers, events=customers * PER_CUSTOMER * days // 28)
    if (load := busy()) > 0.3:
        print(f"warning: the machine is busy already (load {load:.1f} a core)", flush=True)
    RESULTS.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="month-", dir=RESULTS) as name, Servers(Path(name)) as servers:
        month = run(servers, workload, days, lambda text: print(text, flush=True))
    print(month.table(workload, days), flush=True)
    for breach in month.report.breaches[:20]:
        print(json.dumps(breach.data()), flush=True)
    for note in month.report.notes:
        print(note, flush=True)
    sys.exit(bool(month.report.breaches))


if __name__ == "__main__":
    main()
