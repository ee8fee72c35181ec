"""Processes that begin with the engine imported and its compiled functions loaded.

An interpreter of its own takes a processor four seconds to get there, most of what a test of a worker costs. Here one
process does it once, and each worker is a fork of it: a process of its own all the same, which a test stops, kills and
starts again, and which shares nothing with another but what it has imported. Not on macOS, whose libraries do not
all outlive a fork: there each is an interpreter of its own.

Run: ``python -m tests.support.prepared DESCRIPTOR``. It ends when the other end of the socket is closed.
"""

from __future__ import annotations

import atexit
import contextlib
import faulthandler
import gc
import importlib
import json
import os
import signal
import socket
import struct
import subprocess
import sys
import threading
import time
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[2]
COMMAND = "from streams.cli import main; main()"
"""The program of `retention`."""

NUMBER = struct.Struct("!i")
STEP_S = 0.02


class Prepared:
    """A process that was forked; what tests use of `subprocess.Popen`."""

    def __init__(self, news: socket.socket) -> None:
        self._news = news
        self.pid = NUMBER.unpack(_read(news, NUMBER.size))[0]
        self.returncode: int | None = None
        news.setblocking(False)

    def poll(self) -> int | None:
        """Exit code, negative for a signal; None while it runs."""
        if self.returncode is None:
            with contextlib.suppress(BlockingIOError):
                self.returncode = NUMBER.unpack(self._news.recv(NUMBER.size))[0]
                self._news.close()
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        """Raises subprocess.TimeoutExpired."""
        deadline = None if timeout is None else time.monotonic() + timeout
        while (code := self.poll()) is None:
            if deadline is not None and time.monotonic() > deadline:
                raise subprocess.TimeoutExpired(f"process {self.pid}", timeout or 0.0)
            time.sleep(STEP_S)
        return code

    def send_signal(self, number: int) -> None:
        """Nothing if it has ended."""
        if self.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, number)

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)


Process = Prepared | subprocess.Popen[bytes]
"""A worker's."""


def start(
    program: str, environment: Mapping[str, str], log: Path, *arguments: str, errors: Path | None = None
) -> Process:
    """Run a program, as ``python -c PROGRAM ARGUMENTS`` would here.

    log: takes what it writes. errors: takes what it writes to standard error, where that is to be apart.
    """
    if sys.platform != "linux":
        with log.open("ab") as output, (errors or log).open("ab") as told:
            return subprocess.Popen(
                [sys.executable, "-c", program, *arguments],
                env={"PYTHONPATH": str(PROJECT), **environment},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=told,
            )
    ours, theirs = socket.socketpair()
    order = {
        "program": program,
        "environment": {**environment},
        "outputs": (str(log), str(errors or log)),
        "directory": str(Path.cwd()),
        "arguments": arguments,
    }
    for path in (log, errors):
        if path:
            path.touch()  # so that it can be read at once
    message = json.dumps(order).encode()
    with theirs, _lock:
        server = _server()
        socket.send_fds(server, [NUMBER.pack(len(message))], [theirs.fileno()])
        server.sendall(message)
    return Prepared(ours)


_lock = threading.Lock()
_servers: list[socket.socket] = []


def _server() -> socket.socket:
    """This process's way to what it has imported for it, started when it is first needed."""
    if not _servers:
        ours, theirs = socket.socketpair()
        with theirs:
            process = subprocess.Popen(
                [sys.executable, "-m", __name__, str(theirs.fileno())],
                cwd=PROJECT,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,  # of a kind that a worker's own output has too: no terminal
                pass_fds=[theirs.fileno()],
            )
        _servers.append(ours)

        def end() -> None:
            ours.close()
            process.wait()

        atexit.register(end)
    return _servers[0]


def _read(source: socket.socket, size: int) -> bytes:
    """So many bytes. Raises EOFError."""
    read = b""
    while len(read) < size:
        part = source.recv(size - len(read))
        if not part:
            raise EOFError
        read += part
    return read


def _orders(server: socket.socket) -> str:
    """Fork a process for each order, and return in that process alone, with its program.

    Two forks: the one between waits for the worker and tells its exit code.
    """
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # those between are waited for by nobody
    while True:
        size, descriptors, _, _ = socket.recv_fds(server, NUMBER.size, 1)
        if not size:
            raise SystemExit
        order = json.loads(_read(server, NUMBER.unpack(size)[0]))
        with socket.socket(fileno=descriptors[0]) as news:
            if os.fork():
                continue
            server.close()
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            worker = os.fork()
            if worker:
                signal.signal(signal.SIGINT, signal.SIG_IGN)
                news.sendall(NUMBER.pack(worker))
                code = os.waitstatus_to_exitcode(os.waitpid(worker, 0)[1])
                with contextlib.suppress(OSError):  # the test has ended
                    news.sendall(NUMBER.pack(code))
                os._exit(0)
        return _become(**order)


def _become(
    program: str, environment: dict[str, str], outputs: Sequence[str], directory: str, arguments: Sequence[str]
) -> str:
    """Be what a new interpreter would be. Returns the program."""
    os.chdir(directory)
    os.environ.clear()
    os.environ.update(environment)
    sys.argv = ["-c", *arguments]
    for descriptor, path in enumerate(outputs, 1):
        output = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        os.dup2(output, descriptor)
        os.close(output)
    if "PYTHONFAULTHANDLER" in environment:
        faulthandler.enable()
    importlib.reload(sys.modules["streams.crash_points"])  # the one module that reads the environment when imported
    return program


def main() -> str:
    """Import, then wait for orders."""
    from streams.bootstrap import worker

    worker.warm_up()
    # As a worker does before it begins; else each would look through all of it, and copy it, at its end.
    gc.collect()
    gc.freeze()
    # Of Python 3.12 and newer: the other threads are NumPy's, which starts its own anew after a fork.
    warnings.filterwarnings("ignore", "This process .* is multi-threaded", DeprecationWarning)
    return _orders(socket.socket(fileno=int(sys.argv[1])))


if __name__ == "__main__":
    _program = main()
    # At the top, where its exceptions and its exit are the interpreter's.
    exec(compile(_program, "<string>", "exec"), {"__name__": "__main__"})  # noqa: S102
