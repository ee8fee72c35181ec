"""A server as a child process: started on a free port, waited for, stopped.

Used by the embedded servers of the demo and by the tests' Apache Kafka. Two promises:

- Ctrl-C in the terminal does not reach the server, so the parent can still flush to it and stop it last: the server
  leads a session of its own.
- The server does not outlive the parent. A parent that ends normally stops it (context manager, else `atexit`); for
  one that is killed with -9, Linux kills the server (PR_SET_PDEATHSIG). Other systems have no such call: there a
  server whose parent was killed with -9 must be ended by hand.
"""

from __future__ import annotations

import atexit
import contextlib
import os
import queue
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from pathlib import Path

from streams.errors import EngineError

LOOPBACK = "127.0.0.1"

POLL_S = 0.02
"""Between two looks at a starting server: an embedded one is up in 50 ms, so a longer wait would show."""

TAIL_LINES = 20
"""Of the server's log in an error: enough for a Java stack trace's first cause."""

# Runs in the child before the server, in an interpreter of its own: `preexec_fn` may deadlock when the parent has
# threads. The parent may die before prctl is reached, hence the look at getppid after it.
_DIE_WITH_PARENT = """
import ctypes, os, signal, sys
if ctypes.CDLL(None, use_errno=True).prctl(1, signal.SIGKILL) != 0:
    sys.exit("prctl(PR_SET_PDEATHSIG) failed: errno %d" % ctypes.get_errno())
if os.getppid() != int(sys.argv[1]):
    sys.exit("the parent process ended during the start")
try:
    os.execvp(sys.argv[2], sys.argv[2:])
except OSError as error:
    sys.exit("cannot run %s: %s" % (sys.argv[2], error))
"""


class ProgramMissing(EngineError):
    """A program that is needed as a server of our own is not on this machine."""

    remedy = "install the program named above and put it on the PATH"


class ServerNotStarted(EngineError):
    """A server of our own ended while starting, or did not answer before its deadline."""

    remedy = "read the server's log quoted above; free memory, disk or the port it names, then start again"


def free_port() -> int:
    """A loopback TCP port that nobody listens on, as of `free_ports`."""
    return free_ports(1)[0]


def usual_port(port: int) -> int | None:
    """This loopback port where nobody listens on it, else None."""
    with socket.socket() as probe:
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return None
    return port


def free_ports(count: int) -> list[int]:
    """Several at once, each another.

    For the next minute the system gives them to nobody who asks for any port, since there was a connection on them just
    now; a server that names its port (with SO_REUSEADDR, as servers do) gets it. Another that names it may be faster.
    """
    with contextlib.ExitStack() as probes:
        found = [probes.enter_context(socket.socket()) for _ in range(count)]
        for probe in found:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((LOOPBACK, 0))
            probe.listen(1)
            with socket.create_connection(probe.getsockname()):
                probe.accept()[0].close()  # before the other end: it is this port that stays behind
        return [int(probe.getsockname()[1]) for probe in found]


def exchange(port: int, request: bytes, reply_bytes: int, *, timeout_s: float = 1.0) -> bytes:
    """Send `request` to a loopback port and return the first bytes of the reply, or b"" when nobody answers."""
    try:
        with socket.create_connection((LOOPBACK, port), timeout=timeout_s) as connection:
            connection.sendall(request)
            return connection.recv(reply_bytes)
    except OSError:
        return b""


def kafka_answers(port: int) -> bool:
    """True when a Kafka-compatible broker answers an ApiVersions request (key 18, version 0, correlation id 1)."""
    body = b"\x00\x12\x00\x00\x00\x00\x00\x01\xff\xff"
    return exchange(port, len(body).to_bytes(4, "big") + body, 8)[4:8] == b"\x00\x00\x00\x01"


def redis_answers(port: int) -> bool:
    """True when a Redis server answers PING, or wants to know first who asks; false while it still loads its data."""
    return exchange(port, b"PING\r\n", 7) in (b"+PONG\r\n", b"-NOAUTH")


class ServerProcess:
    """One server program under our control.

    Args:
        name: what people call it, for errors.
        command: program and arguments.
        log: file that takes the server's output; appended to.
        ready: asked until it is true; must return within about a second.
        start_timeout_s: longest wait for `ready`.
        stop_grace_s: from SIGTERM to SIGKILL.
        environment: of the server; None inherits ours.
    """

    def __init__(
        self,
        name: str,
        command: Sequence[str],
        *,
        log: Path,
        ready: Callable[[], bool],
        start_timeout_s: float = 15.0,
        stop_grace_s: float = 5.0,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self.name = name
        self.command = tuple(command)
        self.log = log
        self._ready = ready
        self._start_timeout_s = start_timeout_s
        self._stop_grace_s = stop_grace_s
        self._environment = environment
        self._process: subprocess.Popen[bytes] | None = None
        self._owner = os.getpid()

    @property
    def pid(self) -> int:
        """Process id while running, else 0."""
        return self._process.pid if self._process is not None and self.running else 0

    @property
    def running(self) -> bool:
        """Whether the process exists; it may be suspended."""
        return self._process is not None and self._process.poll() is None

    def start(self) -> None:
        """Start the server and return when it is ready.

        Raises:
            ServerNotStarted: it ended, or was not ready in time; the message carries the tail of its log. Or
                another server answers in its place already.
        """
        if self.running:
            return
        if self._ready():
            # Else we would take the other server for ours until ours has failed to bind.
            raise ServerNotStarted(f"{self.name} was not started: another server answers on its port already")
        self._process = spawn(self.command, self.log, self._environment)
        atexit.register(self.stop)
        try:
            self._wait_until_ready()
        except BaseException:
            self.kill()
            raise

    def stop(self) -> None:
        """SIGTERM, a grace period, SIGKILL. Does nothing when the server is not running."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """SIGKILL: the server gets no chance to write anything."""
        self._end(signal.SIGKILL)

    def restart(self) -> None:
        """Stop if running, then start with the same command, port and data."""
        self.stop()
        self.start()

    def send_signal(self, number: signal.Signals) -> None:
        """Send a signal to the server, such as SIGSTOP and SIGCONT in chaos tests."""
        if self._process is not None and self.running:
            self._process.send_signal(number)

    def log_tail(self, lines: int = TAIL_LINES) -> str:
        """The last lines of the server's log."""
        if not self.log.exists():
            return ""
        return "\n".join(self.log.read_text(encoding="utf-8", errors="replace").splitlines()[-lines:])

    def _wait_until_ready(self) -> None:
        deadline = time.monotonic() + self._start_timeout_s
        while True:
            # In this order: what answers may be another server that took the port meanwhile, and then ours has ended.
            answers = self._ready()
            if not self.running:
                code = self._process.returncode if self._process is not None else None
                raise ServerNotStarted(f"{self.name} ended with code {code} while starting{self._quoted_log()}")
            if answers:
                return
            if time.monotonic() > deadline:
                raise ServerNotStarted(
                    f"{self.name} did not answer within {self._start_timeout_s:g} s{self._quoted_log()}"
                )
            time.sleep(POLL_S)

    def _quoted_log(self) -> str:
        tail = self.log_tail()
        return f"; end of {self.log}:\n{tail}\n" if tail else f"; its log {self.log} is empty"

    def _end(self, number: signal.Signals) -> None:
        process = self._process
        if process is None or os.getpid() != self._owner:
            # A forked child inherits the exit handlers but not the server.
            return
        try:
            if process.poll() is None:
                process.send_signal(number)
                # A server that is suspended takes SIGTERM only when it goes on.
                process.send_signal(signal.SIGCONT)
                with contextlib.suppress(subprocess.TimeoutExpired):
                    process.wait(self._stop_grace_s)
        finally:
            if process.poll() is None:
                process.kill()
                process.wait()
            atexit.unregister(self.stop)
            self._process = None


def spawn(command: Sequence[str], log: Path | None, environment: Mapping[str, str] | None) -> subprocess.Popen[bytes]:
    """Start `command` in a session of its own, tied to the life of this process where the system can do that.

    log: takes what it writes; None: that goes where ours does.
    """
    if log is not None:
        log.parent.mkdir(parents=True, exist_ok=True)
    on_linux = sys.platform == "linux"
    tie = (sys.executable, "-I", "-S", "-c", _DIE_WITH_PARENT, str(os.getpid())) if on_linux else ()

    def start() -> subprocess.Popen[bytes]:
        with contextlib.nullcontext(None) if log is None else log.open("ab") as output:
            return subprocess.Popen(
                [*tie, *command],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=None if log is None else subprocess.STDOUT,
                env=environment,
                start_new_session=True,
            )

    return _starter().run(start) if on_linux else start()


class _Starter:
    """A thread that starts processes. "Parent" in PR_SET_PDEATHSIG is the *thread* that forked: a server started from
    a short-lived thread would be killed at that thread's end. This one lives as long as the process."""

    def __init__(self) -> None:
        self.owner = os.getpid()
        self._work: queue.SimpleQueue[tuple[Callable[[], subprocess.Popen[bytes]], Future[subprocess.Popen[bytes]]]]
        self._work = queue.SimpleQueue()
        threading.Thread(target=self._run, name="server-starter", daemon=True).start()

    def run(self, start: Callable[[], subprocess.Popen[bytes]]) -> subprocess.Popen[bytes]:
        started: Future[subprocess.Popen[bytes]] = Future()
        self._work.put((start, started))
        return started.result()

    def _run(self) -> None:
        while True:
            start, started = self._work.get()
            try:
                started.set_result(start())
            except OSError as error:
                started.set_exception(error)


_current: list[_Starter] = []


def _starter() -> _Starter:
    """This process's starter thread; a forked child has none of its parent's threads and gets its own."""
    if not _current or _current[0].owner != os.getpid():
        _current[:] = [_Starter()]
    return _current[0]
