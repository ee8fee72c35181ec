"""Apache Kafka, Redis and the processes under test, each in a process of its own on loopback ports."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, Self

import msgspec
import redis

from streams.config import Config, load
from streams.kafka.admin import TopicAdmin
from streams.kafka.security import KafkaConnection
from streams.kafka.topics import specs
from streams.local.embedded import EmbeddedRedis
from streams.local.processes import LOOPBACK, ServerProcess, exchange, free_port
from tests.support.servers import ApacheKafka, kafka_jars

CODE = Path(__file__).resolve().parent.parent
APP = "retention"
START_S, STOP_S = 300.0, 15.0
FREED_S = 0.5
"""Redis frees clients and large values in the background."""

BROKER_SETTINGS = {
    # Two workers that start together then share the partitions from their first batch on.
    "group.initial.rebalance.delay.ms": "3000",
    # Not in the middle of a measurement.
    "log.retention.check.interval.ms": "3600000",
}
REDIS_SETTINGS = {"auto-aof-rewrite-percentage": "0"}
"""A rewrite of the append-only file would begin at a moment that no run chose."""


class Servers:
    """Kafka and Redis with their data in one directory; a context manager. The data stays when it ends."""

    def __init__(self, directory: Path, *, appendfsync: str = "everysec") -> None:
        self.directory = directory
        self._kafka = ApacheKafka(directory / "kafka", kafka_jars(), BROKER_SETTINGS)
        self._redis = EmbeddedRedis(
            directory / "redis",
            appendfsync="always" if appendfsync == "always" else "everysec",
            settings=REDIS_SETTINGS,
        )

    def __enter__(self) -> Self:
        with contextlib.ExitStack() as stack:
            self._kafka.start()
            stack.callback(self._kafka.stop)
            stack.enter_context(self._redis)
            self._stack = stack.pop_all()
        self.client: Any = redis.Redis.from_url(self.redis_url)
        return self

    def __exit__(self, *_: object) -> None:
        self.client.close()
        self._stack.close()

    @property
    def bootstrap_servers(self) -> str:
        return self._kafka.bootstrap_servers

    @property
    def redis_url(self) -> str:
        return self._redis.url

    def pids(self) -> dict[str, Callable[[], int]]:
        """Process ids of the servers by name, for `benchmarks.proc.Sampler`."""
        return {"broker": lambda: self._kafka.process.pid, "redis": lambda: self._redis.pid}

    def settings(self, own: Mapping[str, Any]) -> dict[str, Any]:
        """All settings of a worker that are not defaults."""
        return {
            "app": APP,
            "topic_prefix": APP,
            "bootstrap_servers": self.bootstrap_servers,
            "redis_url": self.redis_url,
            "log_level": "WARNING",
            **own,
        }

    def create_topics(self, own: Mapping[str, Any]) -> Config:
        """The topics of an engine with these settings; its configuration."""
        config = load(**self.settings(own))
        with TopicAdmin(KafkaConnection(config.bootstrap_servers)) as admin:
            admin.create(specs(config))
        return config

    def used_memory(self) -> int:
        """Bytes that Redis has allocated. Buffers of connections make it move by some 50 kB: measure many customers."""
        while True:
            time.sleep(FREED_S)
            info = self.client.info("memory")
            if not info["lazyfree_pending_objects"]:
                return int(info["used_memory"])

    def compact(self) -> None:
        """Rewrite the append-only file, so that the next start loads a snapshot."""
        self.client.bgrewriteaof()
        while True:
            time.sleep(0.2)
            info = self.client.info("persistence")
            if not info["aof_rewrite_in_progress"] and not info["aof_rewrite_scheduled"]:
                return


class Measured:
    """A process under test; a context manager. One that ends by itself is a failure."""

    def __init__(self, process: ServerProcess) -> None:
        self._process = process

    def __enter__(self) -> Self:
        self._process.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._process.stop()

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def running(self) -> bool:
        return self._process.running

    def kill(self) -> None:
        """SIGKILL."""
        self._process.kill()

    def stop(self) -> None:
        """SIGTERM, and its end."""
        self._process.stop()

    @contextlib.contextmanager
    def suspended(self) -> Iterator[None]:
        """It stands still meanwhile."""
        self._process.send_signal(signal.SIGSTOP)
        try:
            yield
        finally:
            self._process.send_signal(signal.SIGCONT)

    def log_tail(self) -> str:
        return self._process.log_tail()


class Worker(Measured):
    """`retention worker`, or another program that runs the engine, as a black box; a context manager.

    program: what stands before the settings file, in `retention worker`'s place. own: environment variables of its own.
    Its log is in `directory`; a worker that ends by itself is a failure.
    """

    def __init__(
        self,
        directory: Path,
        settings: Mapping[str, Any],
        *,
        name: str = "worker",
        program: Sequence[str] = (),
        own: Mapping[str, str] | None = None,
    ) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        port = free_port()
        self.metrics_url = f"http://{LOOPBACK}:{port}/metrics"
        file = directory / f"{name}.toml"
        file.write_text(toml({**settings, "metrics_port": port}), encoding="utf-8")
        command = [*program, str(file)] if program else ["-m", "streams.cli", "--config", str(file), "worker"]
        super().__init__(
            ServerProcess(
                name,
                [sys.executable, *command],
                log=directory / f"{name}.log",
                ready=lambda: b" 200" in exchange(port, b"GET /ready HTTP/1.0\r\n\r\n", 15),
                start_timeout_s=START_S,
                stop_grace_s=STOP_S,
                environment={**environment(directory), **(own or {})},
            )
        )


def run_to_result(name: str, command: Sequence[str], own: Mapping[str, str], result: Path, timeout_s: float) -> Any:
    """Run a program until it writes `result` (JSON), stop it, and return what it wrote.

    Raises ServerNotStarted (streams.local.processes), with the end of its log, when it ends before, or does not get
    done in time.
    """
    result.unlink(missing_ok=True)
    process = ServerProcess(
        name,
        [sys.executable, *command],
        log=result.with_suffix(".log"),
        ready=result.exists,
        start_timeout_s=timeout_s,
        stop_grace_s=STOP_S,
        environment={**environment(result.parent), **own},
    )
    process.start()
    process.stop()
    return msgspec.json.decode(result.read_bytes())


def environment(directory: Path) -> dict[str, str]:
    """Ours without any setting of the engine, with a temporary folder that goes with the run."""
    own = {name: value for name, value in os.environ.items() if not name.startswith("RETENTION_")}
    own["TMPDIR"] = str(directory)
    own["PYTHONPATH"] = os.pathsep.join(filter(None, (str(CODE), own.get("PYTHONPATH", ""))))
    return own


def toml(settings: Mapping[str, Any]) -> str:
    """Settings as a TOML file."""

    def value(given: Any) -> str:
        return given.isoformat() if isinstance(given, datetime) else msgspec.json.encode(given).decode()

    return "".join(f"{name} = {value(given)}\n" for name, given in settings.items())
