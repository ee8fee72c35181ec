"""The Faust app: settings, the agent that hands batches over, and how the worker is run to its exit code."""

from __future__ import annotations

import logging
import os
import shutil
import tempfile
import threading
from pathlib import Path
from typing import Any, NoReturn, cast

import faust
import uvloop
from faust.app import BootStrategy

from streams.consumer.exit import exit_code_of, exit_now
from streams.consumer.ownership import Ownership
from streams.consumer.security import broker_settings
from streams.consumer.settings import TransportSettings
from streams.consumer.transport import BatchConsumer, BatchTransport
from streams.kafka.security import KafkaConnection

logger = logging.getLogger(__name__)

DATA = "retention-faust-"
"""How the folder begins that Faust makes for tables, of which there are none."""
LEAVE_S = 2.0
"""For leaving the group and closing connections. With Kafka there it takes tenths of a second; a worker that did not
leave is missed after its session only."""


class ConsumerOnly(BootStrategy):
    """Faust's own producer is not started: outputs go through the outbox."""

    enable_kafka_producer = False


class RetentionApp(faust.App):
    """A Faust app that stops its owners first, and knows what to exit with."""

    BootStrategy = ConsumerOnly
    exit_code: int = 0
    ownership: Ownership

    async def on_stop(self) -> None:
        if self._consumer is not None:  # before Faust waits for anything
            await cast(BatchConsumer, self._consumer).ownership_ended()
        # Nothing is in flight any more; what is left is to leave the group, for which aiokafka waits without an end
        # while Kafka is away. In a thread: what hangs may be the event loop.
        timer = threading.Timer(LEAVE_S, lambda: exit_now(exit_code_of(self, None)))
        timer.daemon = True
        timer.start()
        await super().on_stop()


def build_app(settings: TransportSettings, connection: KafkaConnection, ownership: Ownership) -> RetentionApp:
    """The app, ready for `run_worker`. Its owners are made by the ownership's factory, at takeover."""
    app = RetentionApp(
        settings.app,
        **broker_settings(connection),
        broker_client_id=settings.client_id,
        key_serializer="raw",
        value_serializer="raw",
        web_enabled=False,
        topic_disable_leader=True,
        # Going on anywhere but at the next offset would skip or repeat records.
        consumer_auto_offset_reset="none",
        # Batches are acked at hand-over; what is in flight is waited for by Ownership.ended.
        stream_wait_empty=False,
        broker_max_poll_records=settings.batch_records,
        consumer_max_fetch_size=settings.partition_fetch_bytes,
        broker_session_timeout=settings.session_timeout_s,
        broker_heartbeat_interval=settings.heartbeat_s,
        broker_rebalance_timeout=settings.rebalance_timeout_s,
        broker_request_timeout=settings.request_timeout_s,
        broker_commit_interval=settings.commit_interval_s,
        # No tables: no standbys, and nothing in the data directory, which Faust makes all the same.
        table_standby_replicas=0,
        datadir=str(_data_directory()),
        worker_redirect_stdouts=False,
        # Topics are made by `retention topics create`, with the timestamp type the engine relies on.
        topic_allow_declare=False,
    )
    app.ownership = ownership
    app.transport = BatchTransport(app.conf.broker, app, settings=settings, connection=connection, ownership=ownership)

    async def hand_over(stream: Any) -> None:
        # One agent is one coroutine: to await anything here would stop every shard of the worker.
        async for event in stream.events():
            owner, records = event.value
            ownership.deliver(owner, records)

    async def carry_ownership(stream: Any) -> None:
        # Subscribes the group to the learner's partition; no record of it is ever fetched.
        async for _ in stream.events():
            continue

    app.agent(app.topic(settings.input_topic, key_type=bytes, value_type=bytes), name="hand_over")(hand_over)
    if settings.learner_topic is not None:
        learner_topic = app.topic(settings.learner_topic, key_type=bytes, value_type=bytes)
        app.agent(learner_topic, name="carry_ownership")(carry_ownership)
    app.task(ownership.watch)
    return app


def _data_directory() -> Path:
    return Path(tempfile.gettempdir(), f"{DATA}{os.getpid()}")


def clear_away() -> None:
    """Delete the empty folders of workers that were killed before they could."""
    for left in Path(tempfile.gettempdir()).glob(f"{DATA}*"):
        number = left.name.removeprefix(DATA)
        if number.isdigit() and not _runs(int(number)):
            shutil.rmtree(left, ignore_errors=True)


def _runs(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except OSError:  # somebody else's
        return True
    return True


def run_worker(app: RetentionApp) -> NoReturn:
    """Run until a signal or an error, then end the process with its exit code (streams/errors.py).

    Blocks; call it in the main thread. Logging is left as the caller has configured it.
    """
    uvloop.install()
    clear_away()
    raised: BaseException | None = None
    worker: Any = app.Worker(loglevel="WARNING", quiet=True, override_logging=False)
    worker.spinner = None  # it would show a cursor that it never hid, terminal or not
    try:
        worker.execute_from_commandline()  # ends by SystemExit; mode says it never returns
    except BaseException as error:  # whatever it is, the process ends here and says so
        raised = error
        if not isinstance(error, (SystemExit, KeyboardInterrupt)):
            logger.critical("the worker ended", exc_info=error)
    shutil.rmtree(_data_directory(), ignore_errors=True)
    exit_now(exit_code_of(app, raised))
