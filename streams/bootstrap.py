"""The composition root: here, and nowhere else, the worker's clients are built and wired.

Nothing is constructed at import time, and no other module knows which store or publisher it was given.
"""

from __future__ import annotations

import asyncio
import gc
import logging
import signal
import sys
from typing import NoReturn

from faust.types import TP

from models.churn import schema_of
from streams.checkpoint import Checkpoint
from streams.clock import ClockWriter
from streams.config import Config
from streams.ending import exit_now
from streams.errors import EngineError, ExitCode
from streams.faust_app import RetentionApp, build_app
from streams.faust_app import run_worker as run_app
from streams.kernels import warm_up
from streams.learner import LearnerOwner, LearnerSettings
from streams.outgoing import Outgoing
from streams.ownership import Owned, Ownership
from streams.preflight import Surroundings, look_around
from streams.publisher import KafkaPublisher, PlainPublisher
from streams.relearning import Relearning
from streams.shard import Shard
from streams.shard_settings import ShardSettings
from streams.store.connection import connect
from streams.store.redis import RedisStore
from streams.tails import TailReader
from streams.topics import OUTPUTS
from streams.versions import LEARNER, Versions
from streams.watching import Watching

logger = logging.getLogger(__name__)

SWITCH_S = 0.0005


def run_worker(config: Config) -> NoReturn:
    """Run a worker until a signal or a named error; ends the process with its exit code (streams/errors.py)."""
    logging.basicConfig(level=config.log_level, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    # Faust's own handlers come later; until then nothing is owned that would have to be handed over.
    # At once: an exception, raised wherever the signal falls (in a callback of the compiler, say), may be swallowed.
    signal.signal(signal.SIGTERM, lambda *_: exit_now(ExitCode.OK))
    try:
        surroundings = asyncio.run(look_around(config))
    except KeyboardInterrupt:
        raise SystemExit(ExitCode.OK) from None
    except EngineError as error:
        logger.critical("%s: %s", type(error).__name__, error)
        raise SystemExit(int(error.code)) from error
    warm_up()  # before the group counts on us: a first piece must not wait for a compiler
    tune_the_interpreter()
    run_app(build(config, surroundings))


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


def build(config: Config, surroundings: Surroundings) -> RetentionApp:
    """The Faust app with everything it needs. Clients connect when they are first used."""
    engine = config.engine()
    schema = schema_of(engine)
    watching = Watching(
        app=config.app,
        mode=config.mode,
        partitions=surroundings.partitions,
        stall_after_s=config.stall_after_s,
        host=config.metrics_host,
        port=config.metrics_port,
    )
    store = RedisStore(
        connect(config.redis_url, cluster=config.redis_cluster, timeout_s=config.redis_timeout_s),
        config.app,
        on_failure=watching.store_failed,
        on_again=watching.commit_stood,
    )
    tails = TailReader(config.bootstrap_servers, committed=surroundings.transactional)
    learner_settings = LearnerSettings(
        engine,
        config.bootstrap_servers,
        config.topic("examples"),
        surroundings.partitions,
        schema,
        "read_committed" if surroundings.transactional else "read_uncommitted",
    )
    versions = Versions(store, engine, Relearning(learner_settings).version)
    ownership: Ownership

    def shard_owner(tp: TP, generation: int) -> Owned:
        shard_settings = ShardSettings(
            engine,
            config.mode,
            config.topic("touchpoints"),
            config.outbox_limit,
            config.clock_ahead_limit_s,
            config.cache_records,
        )
        checkpoint = Checkpoint(store, str(tp.partition), watching.rejected, watching.store_away(tp.partition))
        outgoing = Outgoing(
            publisher_of(config, surroundings, tails, tp.partition),
            tp.partition,
            config.mode == "live",
            watching.published(tp.partition),
            watching.kafka_away(tp.partition),
            checkpoint.holds,
        )
        return Shard(tp, generation, shard_settings, store, versions, outgoing, ownership.release, watching, checkpoint)

    def learner_owner(tp: TP, generation: int) -> Owned:
        checkpoint = Checkpoint(store, LEARNER, watching.rejected)
        return LearnerOwner(
            tp,
            generation,
            learner_settings,
            checkpoint,
            watching.version_cut,
            on_trouble=watching.learner_trouble,
            on_repeated=watching.examples_repeated,
        )

    def owner(tp: TP, generation: int) -> Owned:
        return learner_owner(tp, generation) if tp.topic == config.topic("learner") else shard_owner(tp, generation)

    ownership = Ownership(owner, stall_s=config.stall_after_s)
    app = build_app(config.transport(), ownership)
    watch_tails = TailReader(config.bootstrap_servers, committed=surroundings.transactional)
    app.task(lambda: watching.run(ownership, watch_tails, config.topic("touchpoints"), store))
    if config.mode == "live":
        clock = ClockWriter(
            config.bootstrap_servers,
            config.topic("touchpoints"),
            lambda: [owned.tp.partition for owned in ownership.current.values() if owned.reads],
            config.clock_every_s,
            config.app,
        )
        app.task(clock.run)
    return app


def publisher_of(
    config: Config, surroundings: Surroundings, tails: TailReader, shard: int
) -> KafkaPublisher | PlainPublisher:
    """A shard's publisher, as the broker allows."""
    topics = {role: config.topic(role) for role in ("touchpoints", *OUTPUTS)}
    keep_time = config.mode == "replay"
    if not surroundings.transactional:
        return PlainPublisher(config.bootstrap_servers, topics, shard, tails, keep_time=keep_time)
    name = f"{config.app}-{shard}"
    return KafkaPublisher(config.bootstrap_servers, name, topics, shard, tails, keep_time=keep_time)
