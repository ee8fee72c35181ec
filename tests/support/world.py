"""A whole engine on real servers, beside the same engine in memory: for the tests of equality and of crashes.

A `World` has topics, keys and a group of its own, runs workers as processes, and can compare what stands in Redis and
Kafka with `models.simulation.rehearsal` over the very partitions that the workers read.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from kafka import KafkaProducer

from models.simulation.rehearsal import Rehearsal
from streams.config import Config
from streams.kafka.admin import TopicAdmin
from streams.kafka.security import KafkaConnection
from streams.kafka.topics import specs
from tests.support.prepared import COMMAND, Process, start
from tests.support.world_traces import Traces

PATIENCE_S = 180.0
"""Only what has failed takes so long, on a machine that is busy with other tests too."""
REST_S = 3.0
Raw = tuple[bytes | None, bytes | None, int]
"""key, value, timestamp of a record to produce."""


class World(Traces):
    """One application on given servers. `settings`: RETENTION_* names in lower case, as for `Config`."""

    def __init__(self, bootstrap_servers: str, redis_url: str, app: str, directory: Path, **settings: Any) -> None:
        base = {
            "mode": "replay",
            "partitions": 3,
            "tick_phase": "aligned",
            "tick_anchor": "2000-01-03T00:00:00+00:00",
            "version_every_s": 7 * 86_400,
            "version_delay_s": 0,
            "lateness_s": 3600,
            "horizon_days": 28,
            "enter": 0.6,
            "exit": 0.5,
            "session_timeout_s": 2.0,
            "heartbeat_s": 0.3,
            "request_timeout_s": 30,
            "stall_after_s": 30,
            "log_level": "INFO",
        }
        self.settings = {
            **base,
            "app": app,
            "topic_prefix": app,
            "bootstrap_servers": bootstrap_servers,
            "redis_url": redis_url,
            **settings,
        }
        super().__init__(Config(**self.settings))
        self.directory = directory
        self.workers: list[Process] = []
        self.started = 0
        self.release = ""
        """Python that makes the workers' release another one, before they begin."""
        self._logs: dict[int, Path] = {}

    # -- topics and records

    def create_topics(self) -> None:
        with TopicAdmin(KafkaConnection(self.config.bootstrap_servers)) as admin:
            admin.create(specs(self.config))

    def produce(self, logs: Sequence[Sequence[Raw]], topic: str | None = None) -> None:
        """Append to each partition in order, with the producer's timestamps."""
        # One request at a time: no batch overtakes one that is sent again, as to a topic that has just been made.
        producer = KafkaProducer(
            bootstrap_servers=self.config.bootstrap_servers,
            linger_ms=20,
            enable_idempotence=False,
            max_in_flight_requests_per_connection=1,
            acks="all",
        )
        for n, log in enumerate(logs):
            for key, value, timestamp in log:
                producer.send(
                    topic or self.config.topic("touchpoints"), value, key=key, partition=n, timestamp_ms=timestamp
                )
        producer.flush()
        producer.close()

    # -- workers

    def worker(self, **environment: str) -> Process:
        """Start a worker process; `environment` is added to its own."""
        told = {f"RETENTION_{name.upper()}": str(value) for name, value in self.settings.items()}
        self.started += 1
        path = self.directory / f"worker-{self.started}.log"
        program = "from streams.bootstrap.worker import run_worker; from streams.config import load; run_worker(load())"
        worker: Process
        if self.release:
            with path.open("wb") as log:
                worker = subprocess.Popen(
                    [sys.executable, "-c", self.release + program],
                    env={**os.environ, **told, **environment},
                    stdout=log,
                    stderr=log,
                )
        else:
            worker = start(program, {**os.environ, **told, **environment}, path)
        self.workers.append(worker)
        self._logs[worker.pid] = path
        return worker

    def command(self, *words: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """A command of the application, to its end, in a process of its own."""
        told = {f"RETENTION_{name.upper()}": str(value) for name, value in self.settings.items()}
        self.started += 1
        out, errors = (self.directory / f"command-{self.started}.{name}" for name in ("out", "errors"))
        process = start(COMMAND, {**os.environ, **told, **environment}, out, *words, errors=errors)
        try:
            code = process.wait(PATIENCE_S)
        finally:
            process.kill()
        return subprocess.CompletedProcess(words, code, out.read_text(), errors.read_text())

    def ended(self, worker: Process, timeout_s: float = PATIENCE_S) -> int:
        """Wait for a worker that is expected to end by itself; its exit code."""
        try:
            code = worker.wait(timeout_s)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"the worker has not ended after {timeout_s} s\n{self.output()}") from None
        self.workers.remove(worker)
        return code

    def kill(self, worker: Process) -> None:
        """kill -9."""
        worker.kill()
        worker.wait()
        self.workers.remove(worker)

    def end(self) -> None:
        """End all workers without ado: a graceful stop takes seconds."""
        for worker in list(self.workers):
            self.kill(worker)

    def stop(self) -> list[int]:
        """End all workers, gracefully; their exit codes."""
        for worker in self.workers:
            if worker.poll() is None:
                worker.send_signal(signal.SIGCONT)
                worker.terminate()
        codes = []
        for worker in self.workers:
            try:
                codes.append(worker.wait(PATIENCE_S))
            except subprocess.TimeoutExpired:
                worker.kill()
                codes.append(worker.wait())
        self.workers = []
        return codes

    def log_of(self, worker: Process) -> str:
        """What a worker has written so far."""
        return self._logs[worker.pid].read_text(errors="replace")

    def owned(self, worker: Process) -> int:
        """How many partitions of the input a worker's last takeover brought it; -1 before the first."""
        took = re.findall(r"took over .*; next offsets \{(.*)\}", self.log_of(worker))
        return took[-1].count(":") if took else -1

    def wrote(self, text: str) -> bool:
        """Whether any worker has written this so far."""
        return any(text in path.read_text(errors="replace") for path in self.directory.glob("worker-*.log"))

    def output(self) -> str:
        """What the workers have written, for a failing test's message."""
        return "\n".join(
            f"== {path.name}\n" + path.read_text(errors="replace")[-4000:]
            for path in sorted(self.directory.glob("worker-*.log"), key=lambda path: path.stat().st_mtime)[-6:]
        )

    def wait(
        self,
        until: Callable[[], bool],
        timeout_s: float = PATIENCE_S,
        keep_alive: bool = False,
        ended_well: Sequence[Process] = (),
    ) -> None:
        """Wait for something. A worker that ends meanwhile fails the test, unless it is among `ended_well`; with
        keep_alive it is started again."""
        deadline = time.monotonic() + timeout_s
        while not until():
            for worker in list(self.workers):
                code = worker.poll()
                if code is not None and worker not in ended_well:
                    assert keep_alive, f"a worker ended with {code}\n{self.output()}"
                    self.workers.remove(worker)
                    self.worker()
            assert time.monotonic() < deadline, (
                f"not done after {timeout_s} s: next offsets {[b and b.state.next_offset for b in self.bodies()]}, "
                f"outboxes {self.outboxes()}\n{self.output()}"
            )
            time.sleep(0.05)

    def rest(self, stands: Callable[[], object]) -> None:
        """Wait until something has not changed for three seconds; for longer where the machine is so busy that even a
        look takes its time."""
        stood, since, looked, slowest = stands(), time.monotonic(), time.monotonic(), 0.0

        def still() -> bool:
            nonlocal stood, since, looked, slowest
            if (now := stands()) != stood:
                stood, since = now, time.monotonic()
            before, looked = looked, time.monotonic()
            slowest = max(slowest, looked - before)
            return looked - since > max(REST_S, 20 * slowest)

        self.wait(still)

    def run(self, logs: Sequence[Sequence[Raw]], workers: int = 1) -> Rehearsal:
        """Produce, work to the end, stop, and compare with the engine in memory."""
        self.produce(logs)
        for _ in range(workers):
            self.worker()
        self.wait(lambda: self.done([len(log) for log in logs]))
        self.end()
        return self.check()


@contextmanager
def world(bootstrap_servers: str, redis_url: str, app: str, directory: Path, **settings: Any) -> Iterator[World]:
    """A world with its topics, whose workers end with the block."""
    made = World(bootstrap_servers, redis_url, app, directory, **settings)
    made.create_topics()
    try:
        yield made
    finally:
        made.end()
        made.redis.close()
