"""A synthetic month under a policy, with everything at once, and its audit: of what it decided nothing may be wrong.

Customers with a history (`benchmarks.workload`) do everything there is a touchpoint for, on Apache Kafka in replay
mode, with two workers. The example policy decides, with budgets of contacts and money that run dry; half-way another
one takes its place, and one worker is killed with SIGKILL while it works. A day later marketing is stopped, amid a
release that is half rolled out (`benchmarks.month_stop`), and goes on after a day. A sender hears of the triggers of
each half a day and reports on them from the next on: most arrive, some are given back, and of these some arrive after
all. At the end the auditor reads the topics: a breach is a failure.

    python -m benchmarks.month [--customers 20000] [--days 28] [--quick]
"""

from __future__ import annotations

import argparse
import contextlib
import json
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from random import Random
from typing import Any, Final, NamedTuple

import msgspec
import numpy as np

from benchmarks.customer_bytes import CustomerBytes, of_customers
from benchmarks.machine import busy
from benchmarks.mix import VARIANTS, Type, mix
from benchmarks.month_run import FIRST, SLICE, TIGHT, Run, Say
from benchmarks.month_stop import InForce, go_on
from benchmarks.options import RESULTS
from benchmarks.servers import APP, Servers
from benchmarks.workload import DAY_BEGINS, Workload
from models.settings import DAY, HOUR
from streams.history.replay import TapeRecord
from streams.kafka.topic_reader import TopicReader
from streams.operations.audit import Report, audit
from streams.operations.audit.files import of_topics
from tests.support.logs import DATA

PER_CUSTOMER: Final = 10
"""Touchpoints of a customer in four weeks, in the mean."""


class Month(NamedTuple):
    """What became of it. seconds: of the month, without the history. killed: what was killed when, in words. stop: how
    soon it was in force."""

    touchpoints: int
    reported: int
    triggers: Counter[str]
    decisions: Counter[str]
    waits: Counter[str]
    bytes: CustomerBytes
    report: Report
    seconds: float
    killed: str
    stop: InForce
    dropped: int

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
            ("marketing stopped, in force after", f"{self.stop}; {self.dropped} dropped by the sender"),
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


def _with_clocks(workload: Workload, records: Iterable[TapeRecord], begins: int, ends: int) -> list[TapeRecord]:
    hours = range(begins + HOUR, ends + 1, HOUR)
    return list(workload.with_clocks(sorted(records, key=lambda one: one.time), hours))


def run(servers: Servers, workload: Workload, days: int, say: Say) -> Month:
    """Everything, from the history to the audit."""
    half = days * DAY // SLICE // 2
    # At noon: what was decided since the morning has not expired.
    stopped = half + 2 - half % 2
    goes_on = min(stopped + 2, days * DAY // SLICE - 1)
    with contextlib.ExitStack() as running:
        it = Run(servers, workload, say, running)
        say(f"{workload.customers:,} customers: the history")
        ends = it.publish(workload.history())
        it.start("older", "deaf")
        it.wait(ends)
        began = time.monotonic()
        for number, records in enumerate(slices(workload, days)):
            begins = DAY_BEGINS + number * SLICE
            records += it.sender.until(begins, begins + SLICE)
            it.touchpoints += len(records)
            policies = {0: FIRST, half: TIGHT}
            if number in policies:
                records[:0] = it.chosen(policies[number], begins + 1)
            told = _with_clocks(workload, records, begins, begins + SLICE)
            if number == stopped:
                it.stop_amid_trouble(told, begins)
            else:
                if number == goes_on:
                    go_on(it.config, it.sender)
                ends = it.publish(told)
                if number == half:
                    it.kill(began, number)
                it.wait(ends)
            it.sender.hear()
            it.sender.obey(begins + SLICE)
            so_far = f"{time.monotonic() - began:.0f} s, {it.sender.reported:,} reports"
            say(f"day {(number + 1) * SLICE / DAY:g}: {so_far}")
        seconds = time.monotonic() - began
    say("the audit")
    config = it.config
    with contextlib.ExitStack() as topics:
        said = [
            topics.enter_context(TopicReader(it.connection, config.topic(role)))
            for role in ("touchpoints", "triggers", "decisions")
        ]
        engine = config.engine()
        gone = engine.silence + engine.forget_after if engine.forget_after else 0
        report = audit(of_topics(*said), engine.lateness, leaves=(gone, engine.tick))
        triggers, decisions, waits = _counted(said[1], said[2])
    sizes = of_customers(servers.client, APP)
    assert it.stop is not None, "the month was too short for a stop"
    seen = triggers, decisions, waits, sizes, report, seconds
    return Month(it.touchpoints, it.sender.reported, *seen, it.killed, it.stop, it.sender.dropped)


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
    workload = Workload(customers=customers, events=customers * PER_CUSTOMER * days // 28, partitions=6)
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
