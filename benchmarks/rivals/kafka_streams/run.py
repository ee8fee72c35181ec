"""The application on a world: once over the history, which is kept, then over copies of its day."""

from __future__ import annotations

import hashlib
import shutil
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from benchmarks.proc import Sampler
from benchmarks.rivals import outputs
from benchmarks.rivals.job import write_properties
from benchmarks.rivals.kafka_streams.application import GROUP, REJECTED, TOPIC, TRIGGERS, Application
from benchmarks.rivals.kafka_streams.build import built, digest
from benchmarks.rivals.kafka_streams.watch import GroupWatch, Look, reached
from benchmarks.rivals.outputs import Done
from benchmarks.runs import Run
from benchmarks.servers import Servers
from benchmarks.watch import Behind
from benchmarks.world import FACTS, HISTORY, Facts, World, publish

HISTORY_S, RUN_S = 3_600.0, 900.0
STAGE, MADE_BY = "kafka-streams", "made-by"

Say = Callable[[str], None]


class AnotherDay(Exception):
    """The day was published to other offsets than the engine's day: the two do not have the same world."""


def prepared(world: World, say: Say) -> Path:
    """The stage with the application's state after the history and the day as a backlog, made if it is not there.

    Raises NotBuilt, AnotherDay, Behind.
    """
    stage = world.directory / STAGE
    class_path, made_by = built(), _made_by(world)
    if (stage / MADE_BY).exists() and (stage / MADE_BY).read_text(encoding="ascii") == made_by:
        return stage
    shutil.rmtree(stage, ignore_errors=True)
    shutil.copytree(world.directory / HISTORY, stage)
    shutil.rmtree(stage / "redis")  # it keeps its state itself
    facts, workload = world.facts, world.workload
    say(f"playing the history of {facts.history_touchpoints:,} touchpoints through Kafka Streams")
    with Servers(stage) as servers:
        outputs.create_topics(servers, [TRIGGERS, REJECTED], workload.partitions)
        _catch_up(servers, Application(servers, stage, class_path), facts.starts, HISTORY_S)
        day = publish(servers.create_topics(workload.settings()), workload.day())
    if [day.ends[partition] for partition in range(workload.partitions)] != facts.ends:
        raise AnotherDay(f"the day ends at {day.ends}, the engine's at {facts.ends}")
    (stage / MADE_BY).write_text(made_by, encoding="ascii")
    return stage


def run(world: World, stage: Path, name: str) -> Done:
    """One measured run on a copy of the stage. Raises LostOutput, Behind."""
    facts = world.facts
    with tempfile.TemporaryDirectory(prefix=f"{STAGE}-", dir=world.directory) as temporary:
        directory = Path(temporary)
        shutil.copytree(stage, directory, dirs_exist_ok=True)
        with Servers(directory) as servers:
            before = outputs.count(servers, TRIGGERS)
            application = Application(servers, directory, built())
            with Sampler(servers.pids() | {"worker": lambda: application.pid}) as sampler:
                looks = _catch_up(servers, application, facts.ends, RUN_S)
            counted = application.counted()
            public = outputs.triggers(servers, TRIGGERS)[before:]  # by their time in the log: the history's come first
            rejected = outputs.count(servers, REJECTED)
    named = outputs.require_day(
        name,
        public,
        applied=counted.touchpoints,
        decided=counted.triggers,
        day=facts.touchpoints,
        rejected=rejected,
    )
    return Done(measured(name, looks, facts, sampler, counted.triggers), named)


def _catch_up(servers: Servers, application: Application, ends: list[int], timeout_s: float) -> list[Look]:
    """Run the application until it has committed up to `ends`, and end it in order."""
    with GroupWatch(servers.bootstrap_servers, GROUP, TOPIC, len(ends)) as watch, application:
        try:
            watch.wait(ends, timeout_s, lambda: application.running)
        except Behind as error:
            raise Behind(f"{error}\n{application.log_tail()}") from error
        time.sleep(0.2)  # a last look at the CPU after its end
    return watch.looks


def measured(name: str, looks: list[Look], facts: Facts, sampler: Sampler, triggers: int) -> Run:
    """From the first commit that was seen to the last, as the engine is measured. Raises Behind."""
    first = next(look for look in looks if sum(look.offsets) > sum(facts.starts))
    last = next(look for look in looks if reached(look, facts.ends))
    if first is last:
        raise Behind("the whole day lay in one commit: give the application more to do")
    records = sum(last.offsets) - sum(first.offsets)
    events = round(records * facts.touchpoints / (facts.touchpoints + facts.clocks))
    cpu = {
        process: sampler.cpu_s(process, first.at, last.at) / events * 1e6 for process in ("worker", "redis", "broker")
    }
    return Run(
        what=name,
        events=events,
        began=first.at,
        seconds=last.at - first.at,
        cpu_us=cpu,
        rss=sampler.rss("worker", first.at, last.at),
        totals={"triggers": triggers},
    )


def _made_by(world: World) -> str:
    """Names what a stage was made of: the application, its job, and the world."""
    with tempfile.TemporaryDirectory() as directory:
        job = Path(directory) / "job"
        write_properties(job)
        parts = [digest().encode(), job.read_bytes(), (world.directory / FACTS).read_bytes()]
    return hashlib.sha256(b"\0".join(parts)).hexdigest()
