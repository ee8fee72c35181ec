"""The options that all parts share, and the world they ask for."""

from __future__ import annotations

import argparse
import contextlib
import json
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import msgspec

from benchmarks.servers import CODE
from benchmarks.workload import Workload
from benchmarks.world import World, prepared

RESULTS = CODE / "benchmarks" / "results"
RESULT = RESULTS / "throughput.json"
SILENT_RESULT = RESULTS / "silent.json"
IN_TURN = ("engine", "floor", "peer")


@dataclass(frozen=True)
class Options:
    """How much is measured. latency_s: of paced load, for each of the two publishers."""

    workload: Workload = field(default_factory=Workload)
    runs: int = 5
    peer_events: int = 60_000
    only: tuple[str, ...] = IN_TURN
    latency_s: float = 40.0
    latency_rate: int = 2_000
    silent_days: int = 7
    stage_batches: int = 100
    appendfsync: str = "everysec"
    directory: Path | None = None
    own: dict[str, Any] = field(default_factory=dict)

    @contextlib.contextmanager
    def world(self, say: Callable[[str], None]) -> Iterator[World]:
        """The prepared world: in `--world` where it is kept, else in a folder that goes afterwards."""
        if self.directory is not None:
            self.directory.mkdir(parents=True, exist_ok=True)
            yield prepared(self.directory, self.workload, say, self.own)
            return
        RESULTS.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix="world-", dir=RESULTS) as name:
            yield prepared(Path(name), self.workload, say, self.own)


FULL = Options()
QUICK = Options(
    workload=Workload(customers=20_000, events=150_000),
    runs=2,
    peer_events=10_000,
    latency_s=10.0,
    stage_batches=30,
)
SILENT = Options(workload=Workload(customers=2_000_000, events=1_000_000), runs=3, only=("engine", "floor"))
"""Where customers are many most are silent on most days: half a timer for each touchpoint."""
QUICK_SILENT = replace(SILENT, workload=Workload(customers=200_000, events=100_000), runs=2)


def parser(doc: str, names: Sequence[str] = IN_TURN) -> argparse.ArgumentParser:
    """names: what takes turns in a run."""
    made = argparse.ArgumentParser(description=doc, formatter_class=argparse.RawDescriptionHelpFormatter)
    made.add_argument("--quick", action="store_true", help="a few minutes: 20,000 customers, 150,000 events, two runs")
    made.add_argument(
        "--silent",
        action="store_true",
        help="ten times the customers (2,000,000; with --quick 200,000), without the peer",
    )
    made.add_argument("--runs", type=int, help="alternating runs (5)")
    made.add_argument("--customers", type=int, help="customers with a history (200,000)")
    made.add_argument("--events", type=int, help="touchpoints of the day (1,000,000)")
    made.add_argument("--peer-events", type=int, help="of these the peer processes the first (60,000)")
    made.add_argument("--only", choices=names, action="append", help="leave out the others (may be repeated)")
    made.add_argument("--latency-s", type=float, help="seconds of paced load (40)")
    made.add_argument("--latency-rate", type=int, help="touchpoints a second of it (2,000)")
    made.add_argument("--silent-days", type=int, help="log time that passes in silence (7)")
    made.add_argument("--stage-batches", type=int, help="batches of the in-process stages (100)")
    made.add_argument("--appendfsync", choices=("everysec", "always"), help="of Redis, for all three (everysec)")
    made.add_argument("--world", type=Path, metavar="DIR", help="keep the prepared world there, or use the one there")
    made.add_argument(
        "--set", action="append", metavar="NAME=JSON", default=[], help="a setting of the worker, as batch_records=1000"
    )
    return made


def parsed(doc: str) -> Options:
    """The options of the command line."""
    return options_of(parser(doc).parse_args())


def run_as_script(doc: str, measure: Callable[[World, Options, Callable[[str], None]], Any]) -> None:
    """`main()` of a part that is run alone: measure what the command line asks for, and print what was found."""
    options = parsed(doc)
    with options.world(print) as world:
        printed(measure(world, options, print))


def printed(found: Any) -> None:
    """What was found, as JSON on standard output."""
    sys.stdout.buffer.write(msgspec.json.format(msgspec.json.encode(found), indent=2) + b"\n")


def options_of(told: argparse.Namespace) -> Options:
    """The full size, or the quick one, with what was given on the command line in its place."""
    base = (QUICK_SILENT if told.quick else SILENT) if told.silent else QUICK if told.quick else FULL
    workload = Workload(customers=told.customers or base.workload.customers, events=told.events or base.workload.events)
    names = ("runs", "peer_events", "latency_s", "latency_rate", "silent_days", "stage_batches", "appendfsync")
    given = {name: getattr(told, name) for name in names if getattr(told, name) is not None}
    if told.only:
        given["only"] = tuple(told.only)
    own = dict(pair.split("=", 1) for pair in told.set)
    return replace(
        base,
        workload=workload,
        directory=told.world,
        own={name: json.loads(value) for name, value in own.items()},
        **given,
    )
