"""Composition root of a worker: builds and wires all clients.

Nothing is constructed at import time, and no other module knows which store or publisher it was given.
"""

from __future__ import annotations

import asyncio
import gc
import logging
import signal
import sys
from typing import Any, NoReturn

from faust.types import TP

from models.customer.versions import version_to_write
from models.learning.schema import schema_of
from streams.bootstrap.console import ConsoleBeside
from streams.bootstrap.kernels import warm_up
from streams.bootstrap.preflight import Environment, preflight
from streams.bootstrap.stored_shards import check_stored_shards
from streams.config import Config
from streams.consumer.app import RetentionApp, build_app
from streams.consumer.app import run_worker as run_app
from streams.consumer.exit import end_process, exit_now
from streams.consumer.ownership import Ownership
from streams.consumer.protocols import PartitionOwner
from streams.consumer.settings import TransportSettings
from streams.errors import EngineError, ExitCode
from streams.kafka.partition_facts import TopicDirectory, TopicIdentity
from streams.kafka.security import kafka_connection
from streams.kafka.tails import TailReader
from streams.kafka.topics import OUTPUTS
from streams.learner.example_reader import LearnerSettings
from streams.learner.owner import LearnerOwner
from streams.learner.relearning import Relearning
from streams.learner.versions import Versions
from streams.monitoring.observer import Watching
from streams.monitoring.topic_watch import TopicWatch
from streams.operations.doors import Door, Questions
from streams.operations.valid import is_valid
from streams.outbox.kafka_publisher import KafkaPublisher, PlainPublisher, PublisherSettings
from streams.outbox.relay import Outgoing
from streams.outbox.stop_rule import StopWatch
from streams.shard.clock_writer import ClockWriter
from streams.shard.owner import Shard
from streams.shard.settings import ShardPorts, ShardSettings
from streams.store.checkpoint import Checkpoint
from streams.store.port import LEARNER
from streams.store.redis.connection import connect
from streams.store.redis.security import redis_connection
from streams.store.redis.store import RedisStore
from streams.store.stop_flag import read_flag
from streams.text import log_lines

logger = logging.getLogger(__name__)

SWITCH_S = 0.0005


def run_worker(config: Config) -> NoReturn:
    """Run a worker until a signal or a named error; ends the process with its exit code (streams/errors.py)."""
    log_lines(config.log_level, "%(asctime)s %(levelname)s %(name)s %(message)s")
    # Faust's own handlers come later; until then nothing is owned that would have to be handed over.
    # At once: an exception, raised wherever the signal falls (in a callback of the compiler, say), may be swallowed.
    signal.signal(signal.SIGTERM, lambda *_: exit_now(ExitCode.OK))
    try:
        environment = asyncio.run(preflight(config))
    except KeyboardInterrupt:
        raise SystemExit(ExitCode.OK) from None
    except EngineError as error:
        logger.critical("%s: %s", type(error).__name__, error)
        raise SystemExit(int(error.code)) from error
    warm_up()  # before the group counts on us: a first piece must not wait for a compiler
    tune_the_interpreter()
    run_app(build(config, environment))


def tune_the_interpreter() -> None:
    """Settings of the process that a pipeline of batches in two threads needs.

    The garbage collector looks through everything every few hundred new containers, and a batch makes thousands, none
    of them in a cycle: what is there now stays, what comes is looked at a hundred times less often. And the consumer's
    thread waits for the interpreter until a batch's computing lets go of it, by default for five milliseconds.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(70_000, 20, 20)
    sys.setswitchinterval(SWITCH_S)


def build(config: Config, environment: Environment) -> RetentionApp:
    """The Faust app with everything it needs. Clients connect when they are first used."""
    engine = environment.engine
    connection = kafka_connection(config)
    schema = schema_of(engine)
    watching = Watching(
        app=config.app,
        mode=config.mode,
        partitions=environment.partitions,
        stall_after_s=config.stall_after_s,
        host=config.metrics_host,
        port=config.metrics_port,
    )
    store = RedisStore(
        connect(redis_connection(config)),
        config.app,
        on_failure=watching.store_failed,
        on_again=watching.commit_stood,
    )
    tails = TailReader(connection, committed=environment.transactional)
    learner_settings = LearnerSettings(
        engine,
        connection,
        config.topic("examples"),
        environment.partitions,
        schema,
        "read_committed" if environment.transactional else "read_uncommitted",
    )
    versions = Versions(store, engine, Relearning(learner_settings, store=store).version)
    stops = StopWatch(lambda: read_flag(store))

    async def valid(customer: str, trigger: str) -> dict[str, Any]:
        return (await is_valid(store, environment.partitions, customer, trigger))._asdict()

    ownership: Ownership

    def owned() -> int:
        return len(ownership.current)

    def shard_owner(tp: TP, generation: int) -> PartitionOwner:
        shard_settings = ShardSettings(
            engine,
            config.mode,
            config.topic("touchpoints"),
            config.outbox_limit,
            config.clock_ahead_limit_s,
            config.cache_records,
            version_to_write(config.write_format == "newest"),
        )
        checkpoint = Checkpoint(store, str(tp.partition), watching.rejected, watching.store_unavailable(tp.partition))
        outgoing = Outgoing(
            publisher_of(config, environment, tails, tp.partition),
            tp.partition,
            config.mode == "live",
            watching.published(tp.partition),
            watching.kafka_unavailable(tp.partition),
            checkpoint.holds,
            watching.retried(tp.partition),
            stopped=stops.now,
        )
        ports = ShardPorts(store, checkpoint, versions, outgoing, watching, ownership.release, owned)
        return Shard(tp, generation, shard_settings, ports)

    def learner_owner(tp: TP, generation: int) -> PartitionOwner:
        checkpoint = Checkpoint(
            store, LEARNER, watching.rejected, lambda detail: watching.learner_waits(("store", detail))
        )
        return LearnerOwner(
            tp,
            generation,
            learner_settings,
            checkpoint,
            watching.version_published,
            on_trouble=watching.learner_trouble,
            on_repeated=watching.examples_repeated,
            on_wait=watching.learner_waits,
            fits=lambda: check_stored_shards(store, environment.partitions, config.mode, engine),
            on_relearning=watching.learner_relearns,
        )

    def owner_of(tp: TP, generation: int) -> PartitionOwner:
        return learner_owner(tp, generation) if tp.topic == config.topic("learner") else shard_owner(tp, generation)

    ownership = Ownership(
        owner_of,
        stall_s=config.stall_after_s,
        step_s=config.request_timeout_s,
        waits=watching.takeover_waits,
        parked=watching.parked,
    )
    app = build_app(TransportSettings.of(config), connection, ownership)
    door = Door(connection, config.topic("touchpoints"))
    watching.answers(Questions(store, environment.partitions, door).routes, valid)
    watch_tails = TailReader(connection, committed=environment.transactional)
    app.task(lambda: watching.run(ownership, watch_tails, config.topic("touchpoints"), store))
    watch_topic = TopicWatch(
        TopicDirectory(connection, config.app, config.session_timeout_s),
        config.topic("touchpoints"),
        TopicIdentity(environment.topic_id, environment.partitions),
        lambda error: end_process(app, error),
        watching.topic_trouble,
    )
    app.task(watch_topic.run)
    if config.console_port:
        app.task(ConsoleBeside(config, lambda: watching.listens).run)
    if config.mode == "live":
        clock = ClockWriter(
            connection,
            config.topic("touchpoints"),
            lambda: [owner.tp.partition for owner in ownership.current.values() if owner.reads],
            config.clock_every_s,
            config.app,
        )
        app.task(clock.run)
    return app


def publisher_of(
    config: Config, environment: Environment, tails: TailReader, shard: int
) -> KafkaPublisher | PlainPublisher:
    """A shard's publisher, as the broker allows."""
    topics = {role: config.topic(role) for role in ("touchpoints", *OUTPUTS)}
    limits = environment.batch_bytes
    settings = PublisherSettings(kafka_connection(config), topics, limits, keep_time=config.mode == "replay")
    if not environment.transactional:
        return PlainPublisher(settings, shard, tails)
    return KafkaPublisher(settings, shard, tails, f"{config.app}-{shard}")
