"""Engine, floor and rivals in turn on the same world.

Each run starts from a fresh copy of the prepared world, with servers of its own; the order rotates from run to run.
Ratios are taken within a run, and their medians over the runs are what is reported.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from statistics import median
from typing import Any, Final

import msgspec

from benchmarks import runs
from benchmarks.options import Options
from benchmarks.rivals import outputs
from benchmarks.rivals.expert_loop import run as expert_loop
from benchmarks.rivals.expert_loop.history import records_after_history
from benchmarks.rivals.kafka_streams import run as kafka_streams
from benchmarks.rivals.outputs import Done, require_all, require_the_same
from benchmarks.runs import Run
from benchmarks.servers import APP
from benchmarks.watch import Look, look
from benchmarks.world import DAY, World

Say = Callable[[str], None]
Contestant = Callable[[], Done]

ENGINE, FLOOR, EXPERT, EXPERT_KEEPS, STREAMS = "engine", "floor", "expert", "expert-keeps", "kafka-streams"
NAMES: Final = (ENGINE, FLOOR, EXPERT, EXPERT_KEEPS, STREAMS)


def alternating(world: World, options: Options, names: Sequence[str], say: Say) -> Iterator[dict[str, Any]]:
    """The runs, and the ratios between them, after each run anew: what is done may be kept.

    Raises LostOutput, RivalsDisagree (benchmarks.rivals.outputs), and what the rivals' own preparation raises.
    """
    order = list(contestants(world, options, names, say).items())
    found: dict[str, list[Run]] = {name: [] for name, _ in order}
    for number in range(options.runs):
        turn = number % len(order)
        named = {}
        for name, run in order[turn:] + order[:turn]:
            done = run()
            found[name].append(done.run)
            if done.triggers is not None:
                named[name] = done.triggers
            say(f"  run {number + 1}: {done.run.told()}")
        require_the_same(named)
        yield summary(found)


def contestants(world: World, options: Options, names: Sequence[str], say: Say) -> dict[str, Contestant]:
    """What is to be run, by name; what a rival needs beforehand is made here."""
    found: dict[str, Contestant] = {}
    if ENGINE in names:
        found[ENGINE] = partial(engine, world, options)
    if FLOOR in names:
        found[FLOOR] = partial(floor, world)
    if EXPERT in names or EXPERT_KEEPS in names:
        say("playing the history through the expert's kernel")
        given = partial(expert_loop.run, world, records_after_history(world.workload))
        found[EXPERT] = partial(given, EXPERT, fetch_by="getmany", keep_records=False)
        found[EXPERT_KEEPS] = partial(given, EXPERT_KEEPS, fetch_by="lists", keep_records=True)
    if STREAMS in names:
        stage = kafka_streams.prepared(world, say)
        found[STREAMS] = partial(kafka_streams.run, world, stage, STREAMS)
    return {name: run for name, run in found.items() if name in names}


def engine(world: World, options: Options) -> Done:
    """A worker over the day. Raises LostOutput."""
    topic, partitions = f"{APP}.triggers", world.workload.partitions
    with world.copy(DAY) as servers:
        before, public = look(servers.client, APP, partitions), outputs.count(servers, topic)
        run = runs.ours(servers, world, own=options.own)
        after, public = look(servers.client, APP, partitions), outputs.count(servers, topic) - public
    assert before is not None
    assert after is not None
    decided = after.total("triggers") - before.total("triggers")
    require_all(
        ENGINE,
        {
            "touchpoints": (_consumed(after) - _consumed(before), world.facts.touchpoints),
            "triggers": (public, decided),
        },
    )
    return Done(msgspec.structs.replace(run, totals={**run.totals, "triggers": decided}))


def _consumed(now: Look) -> int:
    """Touchpoints that are in records, or were found to be there already."""
    return sum(map(now.total, ("applied", "late", "duplicate")))


def floor(world: World) -> Done:
    """The floor over the day. Raises LostOutput."""
    with world.copy(DAY) as servers:
        run = runs.floor(servers, world)
    require_all(FLOOR, {"touchpoints": (run.events, world.facts.touchpoints)})
    return Done(run)


def summary(found: dict[str, list[Run]]) -> dict[str, Any]:
    """Medians over runs, by name. ratio: the engine's rate to this one's, within a run."""
    told: dict[str, Any] = {}
    for name, rows in found.items():
        told[name] = {
            "events_per_s": median(run.rate for run in rows),
            "cpu_us": {process: median(run.cpu_us[process] for run in rows) for process in sorted(rows[0].cpu_us)},
            "rss": max((max(run.rss, default=0) for run in rows), default=0),
            "triggers": rows[0].totals.get("triggers"),
            "runs": [msgspec.to_builtins(run) for run in rows],
        }
        if found.get(ENGINE):
            told[name]["ratio"] = median(a.rate / b.rate for a, b in zip(found[ENGINE], rows, strict=True))
    return told
