"""The proof in the whole system: a shop whose truth is known answers what the engine sends, for four weeks on Kafka.

The shop (`benchmarks.proof_shop`) publishes touchpoints, two workers read them in replay mode, and triggers under a
policy with a learned choice and a control group come back to the shop: it reports them delivered, and customers who
drift away come back by what a message does to them in truth. A slice of log time is published once the one before has
been read and heard. In the middle of the month one of the workers is killed with SIGKILL while it works. At the end:

- `retention lift` counts for each arm who was kept exactly as the shop's own book has it, and finds that it helps;
- `retention audit` finds no breach;
- the log, read again in memory, gives every output on every topic, record, due time, version and state, to the byte.

    python -m benchmarks.proof_month [--customers 3000] [--quick]
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

from benchmarks.month_run import Say
from benchmarks.options import RESULTS
from benchmarks.proof_shop import HELPS, HISTORY_DAYS, LEARNED, SETTINGS, WINDOW_DAYS
from benchmarks.servers import Servers
from models.settings import DAY, HOUR
from models.timeline.batch import LogRecord
from streams.kafka.security import KafkaConnection
from streams.kafka.topic_reader import TopicReader
from tests.support.closed_shop import ClosedShop
from tests.support.logs import START
from tests.support.world import World, world

MONTH_DAYS: Final = 28
WORKERS: Final = 2
PATIENCE_S: Final = 600.0
ARMS: Final = ("treated", "control")


class Arm(NamedTuple):
    """Customers whose window is over since their first draw, and how many of them bought in it."""

    units: int
    kept: int

    def __str__(self) -> str:
        return f"{self.kept:,} of {self.units:,} kept ({self.kept / max(self.units, 1):.1%})"


class Proof(NamedTuple):
    """What came of it. lift: `retention lift --json`. truth: by arm, from the shop's own book. killed: what was killed
    when, in words. left: records of that slice that had not been read then. outputs: that equal the replay's.
    """

    touchpoints: int
    triggers: int
    brought_back: int
    lift: dict[str, Any]
    truth: dict[str, Arm]
    audited: dict[str, Any]
    outputs: int
    versions: int
    killed: str
    left: int
    seconds: float

    @property
    def programme(self) -> dict[str, Any]:
        """What `retention lift` says of the first age."""
        found: dict[str, Any] = self.lift["programme"][0]["ages"][0]
        return found

    @property
    def counted(self) -> dict[str, Arm]:
        """By arm, as `retention lift` counts."""
        told = {name: self.programme[name] for name in ARMS}
        return {name: Arm(one["units"], round(one["units"] * one["kept"])) for name, one in told.items()}

    @property
    def interval(self) -> tuple[float, float]:
        """Of the lift of kept at the first age, shares."""
        told = self.programme["kept"]["interval"]
        return told["low"], told["high"]

    def table(self) -> str:
        """As Markdown."""
        low, high = (100 * end for end in self.interval)
        rows = [
            ("touchpoints, triggers", f"{self.touchpoints:,}, {self.triggers:,}"),
            ("came back since they had a message, in truth", f"{self.brought_back:,}"),
            *((f"{name}: the shop's own book", f"{self.truth[name]}") for name in ARMS),
            *((f"{name}: `retention lift`", f"{self.counted[name]}") for name in ARMS),
            ("lift of kept, points", f"{100 * self.programme['kept']['lift']:+.1f} [{low:+.1f}, {high:+.1f}]"),
            ("killed", self.killed),
            ("audit", f"{len(self.audited['breaches'])} breaches"),
            ("the log read again in memory", f"{self.outputs:,} outputs, {self.versions} versions, equal to the byte"),
            ("seconds", f"{self.seconds:,.0f}"),
        ]
        return "\n".join(["| | |", "|---|---|", *(f"| {name} | {value} |" for name, value in rows)])


class _Run:
    """The shop and the engine between each other."""

    def __init__(self, engine: World, shop: ClosedShop) -> None:
        self.engine, self.shop = engine, shop
        self.triggers = self.left = 0
        self.killed = ""
        self._published = [0] * engine.config.partitions
        self._heard: dict[int, int] = {}

    def goes_on(self, until: int, kill: bool = False) -> None:
        """Write up to a moment of the log (ms), and wait until all of it has been read and what was said is public."""
        self.shop.write(until)
        before = sum(self._published)
        new = [log[at:] for log, at in zip(self.shop.logs, self._published, strict=True)]
        self._published = [len(log) for log in self.shop.logs]
        if kill:  # half of the slice comes afterwards, so that it is in the middle
            self._produce([part[: len(part) // 2] for part in new])
            self._kill(before, until)
            new = [part[len(part) // 2 :] for part in new]
        self._produce(new)
        self.engine.wait(lambda: self.engine.done(self._published), PATIENCE_S)

    def _produce(self, new: Sequence[Sequence[LogRecord]]) -> None:
        self.engine.produce([[(one.key, one.value, one.timestamp) for one in part] for part in new])

    def _kill(self, before: int, until: int) -> None:
        self.engine.wait(lambda: sum(self.engine.next_offsets()) > before, PATIENCE_S)
        self.engine.kill(self.engine.workers[-1])
        self.left = sum(self._published) - sum(self.engine.next_offsets())
        days, records = (until - START) / DAY - HISTORY_DAYS, sum(self._published) - before
        self.killed = f"one of two workers (SIGKILL) on day {days:g}, {records - self.left} records into {records}"
        self.engine.worker()

    def hears(self) -> None:
        """Read the triggers that are new, and let the shop answer those of the policy."""
        config = self.engine.config
        with TopicReader(KafkaConnection(config.bootstrap_servers), config.topic("triggers")) as topic:
            starts, ends = topic.bounds()
            for partition, end in sorted(ends.items()):
                for read in topic.up_to(partition, self._heard.get(partition, starts[partition]), end):
                    said = json.loads(read.value)
                    if said["type"] == "trigger" and said.get("policy"):
                        self.triggers += 1
                        self.shop.answer(said)
                self._heard[partition] = end


def run(engine: World, customers: int, slice_ms: int, say: Say) -> Proof:
    """Everything, on the servers of a world. Raises AssertionError where the replay differs."""
    began = time.monotonic()
    begins = START + HISTORY_DAYS * DAY
    ends = begins + MONTH_DAYS * DAY
    shop = ClosedShop(customers, HISTORY_DAYS + MONTH_DAYS, policy="", partitions=engine.config.partitions, back=HELPS)
    it = _Run(engine, shop)
    for _ in range(WORKERS):
        engine.worker()
    say(f"{customers:,} customers: the history")
    engine.wait(lambda: all(engine.owned(worker) > 0 for worker in engine.workers), PATIENCE_S)
    it.goes_on(begins)
    it.hears()
    shop.choose(LEARNED)
    half = begins + (ends - begins) // (2 * slice_ms) * slice_ms
    for at in range(begins + slice_ms, ends + 1, slice_ms):
        it.goes_on(at, kill=at == half)
        it.hears()
        seconds = time.monotonic() - began
        say(f"day {(at - begins) / DAY:g}: {seconds:.0f} s, {it.triggers:,} triggers, {shop.brought_back:,} back")
    engine.stop()
    say(f"{time.monotonic() - began:.0f} s; lift, audit, and the log again in memory")
    lift, audited = (_told(engine, name) for name in ("lift", "audit"))
    expected = engine.check()
    outputs = [one for shard in expected.shards for one in shard.outputs]
    draws = (json.loads(one.value) for one in outputs if one.role == "decisions")
    return Proof(
        sum(one.key is not None for log in shop.logs for one in log),
        it.triggers,
        shop.brought_back,
        lift,
        truth(shop.bought, draws, ends),
        audited,
        len(outputs),
        len(expected.versions),
        it.killed,
        it.left,
        time.monotonic() - began,
    )


def _told(engine: World, name: str) -> dict[str, Any]:
    done = engine.command(name, "--json")
    if not done.stdout.startswith("{"):
        raise AssertionError(f"retention {name} exits with {done.returncode}: {done.stdout}{done.stderr}")
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def truth(bought: dict[str, list[int]], decisions: Iterable[dict[str, Any]], ends: int) -> dict[str, Arm]:
    """By arm, who bought in the window of their first draw, by the shop's own book.

    Args:
        bought: when each customer did, ms.
        decisions: of all shards; of them no more is taken than whom was drawn for what when.
        ends: of the log, ms; windows that end less than an hour before it are left out, as touchpoints may be late.
    """
    first: dict[str, tuple[int, bool]] = {}
    for one in decisions:
        if one["what"] == "decided" and "drawn" in one:
            asked = one["time"], bool(one.get("control"))
            first[one["customer"]] = min(first.get(one["customer"], asked), asked)
    window, found = WINDOW_DAYS * DAY, {name: Arm(0, 0) for name in ARMS}
    for customer, (at, control) in first.items():
        if at + window + HOUR <= ends:
            arm, kept = ARMS[control], any(at < time <= at + window for time in bought[customer])
            found[arm] = Arm(found[arm].units + 1, found[arm].kept + kept)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--customers", type=int, default=3_000)
    parser.add_argument("--quick", action="store_true", help="500 customers, slices of two days")
    given = parser.parse_args()
    customers, slice_ms = (500, 2 * DAY) if given.quick else (given.customers, DAY // 2)
    RESULTS.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="proof-", dir=RESULTS) as name, Servers(Path(name)) as servers:
        directory = Path(name) / "world"
        directory.mkdir()
        with world(servers.bootstrap_servers, servers.redis_url, "proof", directory, **SETTINGS) as engine:
            proof = run(engine, customers, slice_ms, lambda text: print(text, flush=True))
    print(proof.table(), flush=True)
    right = proof.counted == proof.truth and proof.interval[0] > 0.0
    sys.exit(bool(not right or proof.audited["breaches"]))


if __name__ == "__main__":
    main()
