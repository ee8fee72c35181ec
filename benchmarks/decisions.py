"""CPU of a decision under a policy, by what the step comes to, and what a policy costs beside its decisions.

A synthetic log with every sort of touchpoint goes through the engine in memory under the example policy; the sender's
answers to its triggers are in it. The step that decides (`models.engine.effects`) is timed by the CPU time of this
thread. Beside it the same log goes through without a policy, in turns: what the engine takes under the policy less the
time of its decisions, divided by what it takes without one. Pieces are as large as those of a busy worker: in
small ones each step finds the processor's caches full of other things, and takes up to twice as long.

    python -m benchmarks.decisions [--quick] [--learned]
    python -m benchmarks.decisions --switched [--quick]     the example beside itself with all that can be switched on
"""

from __future__ import annotations

import gc
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from importlib.resources import files
from itertools import chain
from statistics import median
from typing import Final, NamedTuple

import click

from benchmarks.decisions_switched import switched
from models.decisions.policy.in_force import PolicyInForce
from models.decisions.waits import AFTER_OTHER, IN_WINDOW
from models.engine.apply import apply
from models.engine.changes import Changes
from models.engine.effects import HANDLERS
from models.engine.ground import Ground, ReportedEffect
from models.engine.lanes import Effect
from models.engine.piece_input import PieceInput, Scoring
from models.outputs import Decision, Emittable, Trigger
from models.settings import DAY, HOUR, EngineSettings
from models.simulation.rehearsal import rehearse
from models.timeline.batch import LogRecord
from streams.history.evaluation.policies import with_policy
from tests.support.logs import START, synthetic
from tests.support.policies import answered

SEED, DAYS = 7, 200
SETTINGS: Final = EngineSettings(
    horizon=28 * DAY, anchor=START, phase="spread", boundary=7 * DAY, version_delay=7 * DAY, lateness=HOUR
)
ONE_IN: Final = 38
"""Touchpoints for one moment on a shop's log (complete_journey) at the example's lowest level."""
MOST_RATIO: Final = 1.05

WITH_DRIVERS, WITHOUT_DRIVERS = "trigger, with drivers", "trigger, without drivers"
ONLY_WAITS, WAITS, WIDE, HELD = "only waits", "waits for a gate or an hour", "ended for the customer", "ended by gates"
LEFT_ALONE, REPORT, NOTHING = "left alone, or control", "what became of a trigger", "nothing to do"
AIMS: Final[dict[str, int | None]] = {
    WITH_DRIVERS: None,
    WITHOUT_DRIVERS: 150,
    LEFT_ALONE: 150,
    HELD: 150,
    WAITS: 150,
    ONLY_WAITS: 20,
    WIDE: 20,
    REPORT: 150,
    NOTHING: None,
}
"""What a step comes to, and the most that it is to take in the mean, µs of CPU; None: there is no such aim."""
DECIDES: Final = (WITHOUT_DRIVERS, LEFT_ALONE, HELD, WAITS, ONLY_WAITS, WIDE)
"""Steps that answer a moment, but those that work out drivers: they have one aim together."""


def sort_of(outputs: Sequence[Emittable]) -> str:
    """What a step comes to, by its dearest answer."""
    found = {_sort_of(one) for one in outputs if isinstance(one, Decision)}
    drivers = any(isinstance(one, Decision) and one.trigger == one.id and one.reason for one in outputs)
    if any(isinstance(one, Trigger) for one in outputs):
        return WITH_DRIVERS if drivers else WITHOUT_DRIVERS
    return next((sort for sort in AIMS if sort in found), NOTHING)


def _sort_of(said: Decision) -> str:
    if said.what == "waits":
        return ONLY_WAITS if said.gate in (IN_WINDOW, AFTER_OTHER) else WAITS
    if said.what == "decided":
        return LEFT_ALONE if not said.gate else HELD if said.candidates else WIDE
    return REPORT


class Row(NamedTuple):
    """Steps that came to one thing: how many, and the CPU time of all, µs (the median of the runs)."""

    steps: int
    us: float

    @property
    def mean(self) -> float:
        return self.us / self.steps if self.steps else 0.0


class Watch:
    """The CPU time of steps that decide, ns, by what they came to, and of the engine as a whole."""

    def __init__(self) -> None:
        self.steps: Counter[str] = Counter()
        self.ns: defaultdict[str, int] = defaultdict(int)
        self.engine_ns = 0

    def engine(self, given: PieceInput, scoring: Scoring) -> Changes:
        """`models.engine.apply.apply`, timed."""
        began = time.thread_time_ns()
        changes = apply(given, scoring)
        self.engine_ns += time.thread_time_ns() - began
        return changes

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Steps that decide are timed inside. What the looking costs is not part of the engine's time."""
        decide: Callable[[Ground, ReportedEffect], None] = HANDLERS[Effect.DECIDE]

        def timed(ground: Ground, effect: ReportedEffect) -> None:
            before = len(ground.work.emitted)
            began = time.thread_time_ns()
            decide(ground, effect)
            ended = time.thread_time_ns()
            sort = sort_of([item.output for _, _, item in ground.work.emitted[before:]])
            self.steps[sort] += 1
            self.ns[sort] += ended - began
            self.engine_ns -= time.thread_time_ns() - ended

        HANDLERS[Effect.DECIDE] = timed
        try:
            yield
        finally:
            HANDLERS[Effect.DECIDE] = decide


class Measured(NamedTuple):
    """touchpoints: of the log. rows: by what a step came to. ratios: of each run's engine under the policy, less the
    time of its decisions, to that without one."""

    touchpoints: int
    rows: dict[str, Row]
    ratios: list[float]


def measure(customers: int, days: int, runs: int, learned: bool = False) -> Measured:
    """Rehearse a log of so many customers and days, in turns with and without the example policy. A first turn, which
    compiles, does not count. learned: with the learned choice."""
    text = files("models.decisions.policy").joinpath("example.toml").read_text()
    if learned:
        text = text.replace('window = "28d"', 'window = "28d"\nlearned = true') + "\n[value]\n"
    under = answered_under(synthetic(SEED, 1, customers, days), PolicyInForce.of(1, text))
    without = [log[1:] for log in under]
    watches = [(_watched(under), _watched(without)) for _ in range(runs + 1)][1:]
    rows = {
        sort: Row(watches[0][0].steps[sort], median(watch.ns[sort] for watch, _ in watches) / 1_000) for sort in AIMS
    }
    ratios = [(watch.engine_ns - sum(watch.ns.values())) / alone.engine_ns for watch, alone in watches]
    return Measured(sum(one.key is not None for one in chain(*under)), rows, ratios)


class Beside(NamedTuple):
    """Two policies that decide the same, in turns, each by its least of all turns: others on the machine only add.
    rows: of each, as in `Measured`. engine: ns of the whole engine."""

    rows: tuple[dict[str, Row], dict[str, Row]]
    engine: tuple[int, int]

    def table(self) -> str:
        """The steps of both, and what the second takes to the first."""
        lines = [f"{'a step comes to':34}{'steps':>9}{'µs':>7}{'switched on: steps':>20}{'µs':>7}"]
        for name, row in self.rows[0].items():
            other = self.rows[1][name]
            lines.append(f"{name:34}{row.steps:9,}{row.mean:7.1f}{other.steps:20,}{other.mean:7.1f}")
        decide = [sum(rows[sort].us for sort in (*DECIDES, WITH_DRIVERS)) for rows in self.rows]
        for what, ratio in (
            ("steps that decide", decide[1] / decide[0]),
            ("the engine", self.engine[1] / self.engine[0]),
        ):
            lines.append(f"{what}, switched on, to without: {ratio:.3f} (aim: at most {MOST_RATIO})")
        return "\n".join(lines)


def measure_switched(customers: int, days: int, runs: int) -> Beside:
    """Rehearse a log under the example policy, in turns with and without what holds and asks nobody of it (`switched`).
    A first turn, which compiles, does not count. Raises AssertionError where they do not decide the same."""
    text = files("models.decisions.policy").joinpath("example.toml").read_text()
    logs = [
        answered_under(synthetic(SEED, 1, customers, days), PolicyInForce.of(1, one)) for one in (text, switched(text))
    ]
    turns = []
    for n in range(runs + 1):
        order = (0, 1) if n % 2 else (1, 0)  # who comes second is not always the same
        found = {at: _watched(logs[at]) for at in order}
        turns.append((found[0], found[1]))
    plain, other = zip(*turns[1:], strict=True)
    for sort in DECIDES:
        assert plain[0].steps[sort] == other[0].steps[sort], sort
    rows = [
        {sort: Row(of[0].steps[sort], min(one.ns[sort] for one in of) / 1_000) for sort in AIMS}
        for of in (plain, other)
    ]
    least = [min(one.engine_ns for one in of) for of in (plain, other)]
    return Beside((rows[0], rows[1]), (least[0], least[1]))


def answered_under(logs: Sequence[Sequence[LogRecord]], policy: PolicyInForce) -> list[list[LogRecord]]:
    """The log under the policy, with what senders and customers say to its triggers."""
    entries = [[(one.key, one.value, one.timestamp) for one in with_policy(log, policy)] for log in logs]
    return [
        [LogRecord(n, at, key, value) for n, (key, value, at) in enumerate(log)]
        for log in answered(entries, SETTINGS, SEED)
    ]


def _watched(logs: Sequence[Sequence[LogRecord]]) -> Watch:
    watch = Watch()
    gc.collect()
    with watch.watching():
        rehearse(logs, SETTINGS, engine=watch.engine, keep=lambda emitted: False)
    return watch


def table(measured: Measured) -> str:
    """One row for each thing that a step comes to, and one of all that decide without drivers."""
    rows = dict(measured.rows)
    without_drivers = [rows[sort] for sort in DECIDES]
    every = Row(sum(row.steps for row in without_drivers), sum(row.us for row in without_drivers))
    heads = (
        f"{'a step comes to':34}{'µs':>7}{'aim':>6}{'per 1,000':>11}{'µs a touchpoint':>17}{f'at one in {ONE_IN}':>14}"
    )
    lines = [heads, *(_line(name, row, AIMS[name], measured.touchpoints) for name, row in rows.items())]
    lines.append(_line("all that decide, without drivers", every, 150, measured.touchpoints))
    ratio = median(measured.ratios)
    between = f"{min(measured.ratios):.3f} to {max(measured.ratios):.3f}"
    lines.append(
        f"the engine under the policy, less these, to the engine without one: {ratio:.3f} ({between}; aim: "
        f"at most {MOST_RATIO})"
    )
    return "\n".join(lines)


def _line(name: str, row: Row, aim: int | None, touchpoints: int) -> str:
    aimed = "" if aim is None else str(aim)
    rate = 1_000 * row.steps / touchpoints
    return f"{name:34}{row.mean:7.1f}{aimed:>6}{rate:11.2f}{row.us / touchpoints:17.2f}{row.mean / ONE_IN:14.2f}"


@click.command()
@click.option("--quick", is_flag=True, help="a fifth of the customers, one run")
@click.option("--learned", is_flag=True, help="with the learned choice, and values")
@click.option("--switched", "beside", is_flag=True, help="beside the example with all that can be switched on")
def main(quick: bool, learned: bool, beside: bool) -> None:
    """Print the CPU of steps that decide, their number for 1,000 touchpoints, and the product."""
    if beside:
        click.echo((measure_switched(400, DAYS, 5) if quick else measure_switched(2_000, DAYS, 5)).table())
        return
    click.echo(table(measure(400, DAYS, 1, learned) if quick else measure(2_000, DAYS, 3, learned)))


if __name__ == "__main__":
    main()
