"""Runs an upgrade's check: what is compatible first, then what the upgrade changes in predictions."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

from aiokafka import TopicPartition

from models.settings import EngineSettings
from models.timeline.boundaries import UNTRAINED
from streams.errors import EngineError
from streams.kafka.errors import kafka_call
from streams.learner.example_reader import LearnerSettings, NewConsumer, kafka_consumer
from streams.operations.upgrade.learning import Examples, Looked, RelearnFrom, learner, version_in_force
from streams.operations.upgrade.line import Line, Status, refused, verdict
from streams.operations.upgrade.predictions import Bounds, Relearned, Watch, relearn, unseen
from streams.operations.upgrade.shards import Facts, Shards, Workers, look_at_shards
from streams.retry import ignore
from streams.shard.meta import settings_in_force
from streams.store import Store

When = Literal["auto", "always", "never"]
"""Whether predictions are compared; auto: where a learner of another schema made the version in force."""


@dataclass(frozen=True, slots=True)
class Ports:
    """What the check reads of Kafka.

    Attributes:
        facts: asks for the input's bounds.
        learner: makes the settings of this release's learner from those that the shards were created with.
        new_consumer: makes the consumer of the examples.
    """

    facts: Facts
    learner: Callable[[EngineSettings], LearnerSettings]
    new_consumer: NewConsumer = kafka_consumer


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is compared: when, on how many of the newest labels, and for how long it is learned at most."""

    predictions: When = "auto"
    labels: int = 10_000
    seconds: float = 1_800.0


class Predictions(NamedTuple):
    """before: the version in force. until: the boundary up to which was to be learned; None: where the examples end."""

    before: Looked
    until: int | None
    relearned: Relearned


class Checked(NamedTuple):
    """relearn_from, predictions: None where there was nothing to look at, or it was not to be done."""

    lines: list[Line]
    relearn_from: RelearnFrom | None = None
    predictions: Predictions | None = None


async def check(
    store: Store,
    workers: Workers,
    ports: Ports,
    wanted: Wanted,
    watch: Watch = unseen,
    on_outage: Callable[[str], None] = ignore,
) -> Checked:
    """Every line, and the comparison.

    Args:
        store: the application's.
        workers: what workers of this release would be told.
        ports: to Kafka.
        wanted: of the comparison.
        watch: told how far the relearning is.
        on_outage: told what it waits for.

    Raises what the store raises, KafkaUnavailable and BrokerRefused.
    """
    shards = await look_at_shards(store, workers, ports.facts)
    if shards.engine is None:
        return Checked(shards.lines)
    engine, lines = shards.engine, shards.lines
    line, newest = await version_in_force(store, shards.there, engine, workers.mode)
    lines.append(line)
    settings = ports.learner(engine)
    scored = line.status is Status.OK
    examples = await _examples(settings, ports.new_consumer)
    line, source = await learner(store, engine, workers.mode, examples, scored)
    lines.append(line)
    if newest is None or not _compares(wanted.predictions, newest):
        return Checked(lines, source)
    until = None if newest.name.boundary == UNTRAINED else newest.name.boundary
    bounds = Bounds(wanted.labels, until, wanted.seconds)
    try:
        done = await relearn(
            settings, newest.scorer, _threshold(shards, newest), bounds, watch, on_outage, ports.new_consumer
        )
    except EngineError as error:
        return Checked([*lines, refused("relearning", error)], source)
    return Checked(lines, source, Predictions(newest, until, done))


def _compares(when: When, newest: Looked) -> bool:
    return when == "always" or (when == "auto" and newest.differs)


def _threshold(shards: Shards, newest: Looked) -> float:
    return settings_in_force(str(newest.shard), shards.there[newest.shard].body).enter


async def _examples(settings: LearnerSettings, new_consumer: NewConsumer) -> Mapping[int, Examples]:
    consumer = new_consumer(settings)
    try:
        async with kafka_call(settings.connection, "asking for the examples' bounds", "Read"):
            await consumer.start()
            tps = [TopicPartition(settings.examples_topic, n) for n in range(settings.partitions)]
            starts, ends = await consumer.beginning_offsets(tps), await consumer.end_offsets(tps)
    finally:
        await consumer.stop()
    return {tp.partition: Examples(starts[tp], ends[tp]) for tp in tps}


def as_data(checked: Checked) -> dict[str, Any]:
    """As plain data."""
    source = checked.relearn_from
    return {
        "exit_code": int(verdict(checked.lines)),
        "checks": [
            {**one._asdict(), "status": str(one.status), "code": int(one.code), "remedy": one.remedy or None}
            for one in checked.lines
        ],
        "relearn_from": None
        if source is None
        else {
            "kept_start": source.kept_start,
            "example_offsets": {str(shard): offset for shard, offset in source.examples.items()},
            "whole": source.whole,
        },
        "predictions": None if checked.predictions is None else _predictions(checked.predictions),
    }


def _predictions(found: Predictions) -> dict[str, Any]:
    before, done = found.before, found.relearned
    compared = done.compared
    named = None if before.name.boundary == UNTRAINED else before.name.boundary
    told: dict[str, Any] = {
        "version": named,
        "lineage": before.name.lineage,
        "scored": before.scorer is not None,
        "why_not": before.why or None,
        "until": found.until,
        "boundary": done.boundary,
        "learned": done.learned,
        "stopped": done.stopped,
        "compared": None,
    }
    if compared is not None:
        sides = {
            name: None if one is None else one._asdict()
            for name, one in (
                ("in_force", compared.in_force),
                ("relearned", compared.relearned),
                ("foretold", compared.foretold),
            )
        }
        told["compared"] = {**compared._asdict(), **sides}
    return told
