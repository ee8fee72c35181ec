"""An engine on this machine: an embedded broker and Redis, the topics, and a worker as a process of its own.

All of them end with this process, however it ends (streams/local/processes.py).
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, Final, NamedTuple, Self

from streams.config import load
from streams.errors import ExitCode
from streams.kafka.admin import TopicAdmin
from streams.kafka.security import kafka_connection
from streams.kafka.topics import specs
from streams.local.embedded import EmbeddedBroker, EmbeddedRedis
from streams.local.processes import LOOPBACK, ServerProcess, exchange, free_port, usual_port
from streams.monitoring.top.screen import as_ctrl_c

WORKER_START_S, WORKER_STOP_S = 600.0, 10.0
"""Installed as a package, the engine compiles its kernels at the first start: a minute, on a busy machine some."""
SLOW_S = 10.0
SLOW = "still starting: the first time here, it compiles the engine for this processor, a minute or two"
CODE = Path(__file__).resolve().parents[2]

FAST: Final[Mapping[str, Any]] = {
    "tick_days": 4 / 86_400,
    "horizon_days": 20 / 86_400,
    "version_every_s": 2.0,
    "lateness_s": 1.0,
    "clock_every_s": 0.5,
    "enter": 0.5,
    "exit": 0.4,
}
"""A week is four seconds, so that whoever is silent for as long is at risk."""
QUICK_GROUP: Final[Mapping[str, Any]] = {"session_timeout_s": 2.0, "heartbeat_s": 0.3}
"""The embedded broker lets a group member wait for half of the session timeout."""


class Ports(NamedTuple):
    """On loopback; None: a free one."""

    broker: int | None = None
    redis: int | None = None
    worker: int | None = None

    @classmethod
    def usual(cls) -> Ports:
        """Those that documents name, as far as nobody listens there."""
        return cls(*map(usual_port, (9092, 6379, 9100)))


class WorkerProcess(ServerProcess):
    """`retention worker` with settings of its own."""

    def __init__(self, settings: Path, port: int, log: Path) -> None:
        own = {name: value for name, value in os.environ.items() if not name.startswith("RETENTION_")}
        # The same code as ours, also from a source tree that is not installed.
        own["TMPDIR"] = str(log.parent)  # goes with the engine
        own["PYTHONPATH"] = os.pathsep.join(filter(None, (str(CODE), own.get("PYTHONPATH", ""))))
        super().__init__(
            "the worker",
            [sys.executable, "-m", "streams.cli", "--config", str(settings), "worker"],
            log=log,
            ready=lambda: b" 200" in exchange(port, b"GET /ready HTTP/1.0\r\n\r\n", 15),
            start_timeout_s=WORKER_START_S,
            stop_grace_s=WORKER_STOP_S,
            environment=own,
        )

    @property
    def exit_code(self) -> int | None:
        """What the worker ended with, None while it runs; negative for a signal."""
        return self._process.poll() if self._process is not None else None


class LocalEngine:
    """A context manager.

    Args:
        directory: for all that it stores.
        settings: that are no defaults; servers and ports are added.
        write_line: takes what people should know meanwhile.
        ports: of broker, Redis and worker.

    Attributes:
        settings: the file with all of them.
        config: the same, read.
        worker: its process.
        address: of the worker's HTTP side.

    Raises what the servers' start raises: ProgramMissing, ServerNotStarted.
    """

    def __init__(
        self,
        directory: Path,
        settings: Mapping[str, Any],
        write_line: Callable[[str], None],
        ports: Ports = Ports(),  # noqa: B008 - frozen
    ) -> None:
        self._directory, self._given, self._write_line, self._ports = directory, settings, write_line, ports
        self._stack = contextlib.ExitStack()

    def __enter__(self) -> Self:
        with self._stack:
            place, ports = self._directory, self._ports
            broker = self._stack.enter_context(EmbeddedBroker(place / "broker", port=ports.broker))
            store = EmbeddedRedis(place / "redis", port=ports.redis, appendfsync="always")
            self._stack.enter_context(store)
            port = ports.worker or free_port()
            servers = {"bootstrap_servers": broker.bootstrap_servers, "redis_url": store.url}
            settings = {**self._given, **servers, "metrics_host": LOOPBACK, "metrics_port": port}
            self.settings = place / "retention.toml"
            self.settings.write_text(as_toml(settings), encoding="utf-8")
            self.config, self.address = load(**settings), f"http://{LOOPBACK}:{port}"
            with TopicAdmin(kafka_connection(self.config)) as admin:
                admin.create(specs(self.config))
            where = f"broker {self.config.bootstrap_servers}, Redis {self.config.shown_redis_url}"
            self._write_line(f"{where}, starting a worker")
            self.worker = WorkerProcess(self.settings, port, place / "worker.log")
            said = threading.Timer(SLOW_S, self._write_line, [SLOW])
            said.daemon = True
            said.start()
            try:
                self.worker.start()
            finally:
                said.cancel()
            self._stack.callback(self.worker.stop)
            self._stack = self._stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()


def as_toml(settings: Mapping[str, Any]) -> str:
    """Settings as a TOML file."""
    lines = ["# Settings of an engine that runs on this machine."]
    for name, value in settings.items():
        lines.append(f"{name} = {value.isoformat() if isinstance(value, datetime) else json.dumps(value)}")
    return "\n".join(lines) + "\n"


def stay(fast: bool, write_line: Callable[[str], None]) -> int:
    """An engine until Ctrl-C or SIGTERM, or until its worker ends; the exit code."""
    settings = {**(FAST if fast else {}), **QUICK_GROUP, "log_level": "WARNING"}
    # The end of the terminal counts as Ctrl-C, too.
    with contextlib.ExitStack() as stack, as_ctrl_c(signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        try:
            place = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="retention-local-")))
            running = stack.enter_context(LocalEngine(place, settings, write_line, Ports.usual()))
            for text in told(running, fast):
                write_line(text)
            while (code := running.worker.exit_code) is None:
                time.sleep(0.5)
            write_line(f"the worker ended with exit code {code}; the end of its log:\n{running.worker.log_tail(30)}")
            return code if code > 0 else ExitCode.FAILURE
        except KeyboardInterrupt:
            write_line("stopping")
            return ExitCode.OK
        finally:
            # A second Ctrl-C would leave behind what the first one is about to stop.
            for number in (signal.SIGINT, signal.SIGTERM):
                signal.signal(number, signal.SIG_IGN)


def told(running: LocalEngine, fast: bool) -> list[str]:
    """How others find it."""
    topics = f"{running.config.topic('touchpoints')}, {running.config.topic('triggers')}"
    return [
        f"ready: worker {running.address}, topics {topics}",
        *(["a week is four seconds: whoever is silent for one is at risk"] if fast else []),
        "",
        "in another shell:",
        f"  export RETENTION_CONFIG={running.settings}",
        "  retention tail triggers --follow",
        f"  less {running.worker.log}",
        "",
        "Ctrl-C ends it, and all that was published is gone",
    ]
