"""The demo: servers, a worker and a replayed public log on this machine.

An embedded broker and Redis, a worker as a process of its own, and a public log replayed as fast as it goes. The three
processes end with this one, however it ends (streams/local/processes.py).
"""

from __future__ import annotations

import asyncio
import contextlib
import signal
import tempfile
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from models.learning.base_rate import warnings
from streams.config import Config
from streams.errors import EngineError, ExitCode
from streams.history.evaluation.settings import evaluation
from streams.history.events import CDNOW, TimedEvent, log_events
from streams.history.log_times import LONGEST_GAP_DAYS
from streams.history.replay import Played, replay, tape
from streams.kafka.security import kafka_connection
from streams.kafka.topic_reader import Read, TopicReader
from streams.local import demo_view
from streams.local.demo_decisions import Decided
from streams.local.demo_lift import LABEL, simulated_lift
from streams.local.demo_view import DemoOutput, WriteLine
from streams.local.embedded import broker_program, redis_program
from streams.local.engine import LocalEngine
from streams.monitoring.top.screen import Display, Lines, as_ctrl_c
from streams.monitoring.top.triggers import row
from streams.monitoring.top.view import TriggerRow, View
from streams.monitoring.top.watch import Watch
from streams.monitoring.top.workers import Report, Workers
from streams.operations.policy import PolicyRecord, from_the_first
from streams.store.redis.connection import blocking
from streams.store.redis.security import redis_connection
from streams.text import moment

PARTITIONS = 4
TICK_DAYS = 7.0
SESSION_TIMEOUT_S, HEARTBEAT_S = 4.0, 1.0
"""The embedded broker lets a group member wait for half of the session timeout."""

ANSWERS, ANSWER_S = 20, 0.05
LOG_LINES = 30


@dataclass(frozen=True, slots=True)
class End:
    """How watching ended: the worker's exit code (None: the log was replayed to its end), or the last view, and how
    many triggers were on the topic; what a policy decided."""

    code: int | None
    view: View
    published: int
    decided: Decided | None = None


class LogEmpty(EngineError):
    """A log without an event can't be replayed."""

    remedy = "name a log with touchpoints in it, or leave --log away for CDNOW"


class Replayer(threading.Thread):
    """Writes the log to the broker beside the view. Look at `played` and `error` when it is not alive any more."""

    def __init__(self, config: Config, events: list[TimedEvent], policy: PolicyRecord | None) -> None:
        super().__init__(name="replay", daemon=True)
        self._config, self._events, self._policy = config, events, policy
        self.played: Played | None = None
        self.error: Exception | None = None

    def run(self) -> None:
        records = tape(self._events, self._config.partitions, self._config.engine(), self._policy)
        topic = self._config.topic("touchpoints")
        try:
            self.played = asyncio.run(replay(kafka_connection(self._config), topic, records))
        except Exception as error:  # noqa: BLE001 - raised again by the main thread
            self.error = error


def demo(
    keep: bool,
    output: DemoOutput,
    log: str = CDNOW,
    longest_gap_days: float = LONGEST_GAP_DAYS,
    policy: str | None = None,
) -> int:
    """Run the demo; the exit code. Ctrl-C and SIGTERM end it at any time, and every process with it.

    policy: the text of a policy file, in force from the first touchpoint on; None: none.

    Raises LogEmpty, LogInvalid, LogUnreadable, DatasetUnavailable, and what the servers' start raises; PolicyRefused
    and ProgramMissing before anything else is done.
    """
    chosen = None if policy is None else from_the_first(policy, "demo", "in force from the first touchpoint on")
    for program in (broker_program, redis_program):
        program()
    # The end of the terminal counts as Ctrl-C, too.
    with contextlib.ExitStack() as stack, as_ctrl_c(signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        try:
            output.write_line(f"reading {_introduced(log)}")
            events = log_events(log, longest_gap_days=longest_gap_days)
            if not events:
                raise LogEmpty(f"the log {log!r} holds no events")
            directory = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="retention-demo-")))
            running = stack.enter_context(RunningDemo(directory, events, output.write_line, output, chosen))
            code = running.watch()
            if code == ExitCode.OK and keep:
                running.keep()
            return code
        except KeyboardInterrupt:
            output.write_line("stopping")
            return 128 + signal.SIGINT
        finally:
            # A second Ctrl-C would leave behind what the first one is about to stop.
            for number in (signal.SIGINT, signal.SIGTERM):
                signal.signal(number, signal.SIG_IGN)


def _introduced(log: str) -> str:
    if log == CDNOW:
        return "CDNOW, the purchases of 23,570 customers of a CD shop, 1997-98 (downloaded the first time)"
    return log


class RunningDemo:
    """The servers, the worker and the replay of one log; a context manager."""

    def __init__(
        self,
        directory: Path,
        events: list[TimedEvent],
        write_line: WriteLine,
        output: DemoOutput | None = None,
        policy: PolicyRecord | None = None,
    ) -> None:
        self._directory, self._events, self._write_line, self._policy = directory, events, write_line, policy
        self._output = output or DemoOutput(write_line, Lines(write_line, demo_view.lines))
        self._stack = contextlib.ExitStack()

    def __enter__(self) -> Self:
        with self._stack:
            settings = demo_settings(self._events[0].time)
            engine = self._stack.enter_context(LocalEngine(self._directory, settings, self._write_line))
            self.config, self.worker, self.settings = engine.config, engine.worker, engine.settings
            self.url = f"{engine.address}/metrics"
            self._workers = self._stack.enter_context(Workers([engine.address]))
            self._redis: Any = self._stack.enter_context(blocking(redis_connection(self.config)))
            self._triggers = self._reader("triggers")
            self._decisions = self._reader("decisions")
            self._stack = self._stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def _reader(self, role: str) -> TopicReader:
        return self._stack.enter_context(TopicReader(kafka_connection(self.config), self.config.topic(role)))

    def watch(self) -> int:
        """Replay, show how it goes, and the summary when every shard is at the end of its log."""
        began = time.monotonic()
        replayer = Replayer(self.config, self._events, self._policy)
        replayer.start()
        self._write_line(f"replaying {len(self._events):,} touchpoints; metrics at {self.url}")
        with self._output.display as display:
            end = self._follow(replayer, display)
        if end.code is not None:
            return self._named_end(end.code)
        for line in demo_view.summary(
            end.view, self._output.name, len(self._events), end.published, time.monotonic() - began, end.decided
        ):
            self._write_line(line)
        if self._policy is not None and self._output.pyramid is not None:
            for line in self._output.pyramid(self.config):
                self._write_line(f"  {line}")
        for line in warnings(end.view.quality, self.config.engine()):
            self._write_line(line)
        if self._policy is not None and self._output.lift is not None:
            for line in ("", LABEL, *self._output.lift(simulated_lift(self.config))):
                self._write_line(line)
        return ExitCode.OK

    def _follow(self, replayer: Replayer, display: Display) -> End:
        """Look and show until the log is at its end or the worker has ended. Raises what the replay raised."""
        watch = Watch(f"retention demo · {self._output.name}", self.config.partitions, len(self._events))
        view, published, decided = View("", 0), 0, None if self._policy is None else Decided()
        while True:
            display.wait(self._output.every_s)
            if (code := self.worker.exit_code) is not None:
                return End(code, view, published, decided)
            if replayer.error is not None:
                raise replayer.error
            new = [row(record.value) for record in new_records(self._triggers)]
            published += _triggers_in(new)
            if decided is not None:
                decided.add(record.value for record in new_records(self._decisions))
            reports = self._workers.look()
            wall_ms = round(1000 * time.time())
            view = watch.look(reports, new, time.monotonic(), wall_ms)
            done = replayer.played is not None and self._all_done(reports, replayer.played)
            display.show(view)
            if done:
                while late := self._triggers.new(0.5):
                    published += _triggers_in([row(record.value) for record in late])
                while decided is not None and (told := self._decisions.new(0.5)):
                    decided.add(record.value for record in told)
                return End(None, view, published, decided)

    def _all_done(self, reports: list[Report], played: Played) -> bool:
        """Every shard's next offset is at the end of its log, and all its outputs are published."""
        by_worker = [report.numbers.shards for report in reports if report.numbers is not None]
        next_offsets = {shard: numbers.next_offset for shards in by_worker for shard, numbers in shards.items()}
        if any((next_offsets.get(shard) or -1) < end for shard, end in played.ends.items()):
            return False
        prefix = self.config.app
        return not any(self._redis.llen(f"{{{prefix}:{shard}}}:outbox") for shard in range(self.config.partitions))

    def _named_end(self, code: int) -> int:
        """The exit code for a demo whose worker ended, after saying why."""
        self._write_line(f"the worker ended with exit code {named(code)}; the end of its log:")
        self._write_line(self.worker.log_tail(LOG_LINES))
        return code if code > 0 else ExitCode.FAILURE

    def keep(self) -> None:
        """Stay until Ctrl-C or until the worker ends."""
        command = f"retention --config {self.settings}"
        for text in (
            "",
            "still running; look around with",
            f"  {command} top",
            f"  {command} tail triggers --follow",
            f"  {command} customer {self._events[-1].key.decode()}",
            f"  {command} why {self._events[-1].key.decode()} --since {moment(self._events[0].time)[:10]}",
            f"  {command} topics describe",
            f"  curl {self.url}",
            "Ctrl-C ends it",
        ):
            self._write_line(text)
        with contextlib.suppress(KeyboardInterrupt):
            while (code := self.worker.exit_code) is None:
                time.sleep(1.0)
            self._named_end(code)


def new_records(reader: TopicReader) -> list[Read]:
    """What has come since the last look. One answer of the broker holds only a part of it."""
    found: list[Read] = []
    for _ in range(ANSWERS):
        read_now = reader.new(ANSWER_S)
        found += read_now
        if not read_now:
            break
    return found


def _triggers_in(rows: list[TriggerRow]) -> int:
    return sum(shown.until > 0 for shown in rows)  # a withdrawal has no end


def demo_settings(first_ms: int) -> dict[str, Any]:
    """All settings of the demo that are not defaults, but for servers and ports."""
    return {
        "app": "retention-demo",
        "topic_prefix": "retention-demo",
        "partitions": PARTITIONS,
        "replication": 1,
        "horizon_days": 91.0,
        "tick_days": TICK_DAYS,
        **evaluation(TICK_DAYS, first_ms),
        "session_timeout_s": SESSION_TIMEOUT_S,
        "heartbeat_s": HEARTBEAT_S,
        "log_level": "INFO",
    }


def named(code: int) -> str:
    """An exit code with its name, as far as it has one."""
    if code < 0:
        return f"{code} ({signal.Signals(-code).name})"
    try:
        return f"{code} ({ExitCode(code).name.lower()})"
    except ValueError:
        return str(code)
