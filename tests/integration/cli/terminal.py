"""A program in a pseudo-terminal: what a person in front of it would see."""

from __future__ import annotations

import codecs
import contextlib
import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Self

PROJECT = Path(__file__).resolve().parents[3]
ALTERNATE, BACK = "\x1b[?1049h", "\x1b[?1049l"
HOME = "\x1b[H"
CURSOR = "\x1b[?25h"
_CONTROL = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
COLOUR = re.compile(r"\x1b\[(?:\d+;)*(?:[34][0-7]|9[0-7]|10[0-7]|[34]8)(?:;\d+)*m")


class Terminal:
    """`python -m streams.cli ARGUMENTS` in a terminal of its own; a context manager, which kills what still runs."""

    def __init__(self, *arguments: str, columns: int = 80, rows: int = 24, **environment: str) -> None:
        self._command = [sys.executable, "-m", "streams.cli", *arguments]
        self._size = struct.pack("HHHH", rows, columns, 0, 0)
        inherited = {name: value for name, value in os.environ.items() if name not in ("COLUMNS", "LINES", "NO_COLOR")}
        self._environment: Mapping[str, str] = {**inherited, "TERM": "xterm-256color", **environment}
        self.output = ""
        self._decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")  # Ctrl-C drops what is on its way
        self._code: int | None = None

    def __enter__(self) -> Self:
        self._pid, self._descriptor = pty.fork()
        if self._pid == 0:  # the child: nothing but exec
            fcntl.ioctl(0, termios.TIOCSWINSZ, self._size)
            os.chdir(PROJECT)
            os.execve(self._command[0], self._command, dict(self._environment))
        return self

    def __exit__(self, *_: object) -> None:
        if self._code is None:
            os.kill(self._pid, signal.SIGKILL)
            os.waitpid(self._pid, 0)
        os.close(self._descriptor)

    def press(self, keys: str) -> None:
        os.write(self._descriptor, keys.encode())

    def echoes(self) -> bool:
        """Whether the terminal shows what is typed."""
        return bool(termios.tcgetattr(self._descriptor)[3] & termios.ECHO)

    def until(self, wanted: str, timeout_s: float) -> None:
        """Read until a text was shown."""
        deadline = time.monotonic() + timeout_s
        while wanted not in plain(self.output):
            assert time.monotonic() < deadline, f"{wanted!r} was not shown:\n{plain(self.output)[-4000:]}"
            assert self._read(0.2), f"ended before {wanted!r} was shown:\n{plain(self.output)[-4000:]}"

    def ended(self, timeout_s: float) -> int:
        """Read to the end; the exit code, negative for a signal."""
        deadline = time.monotonic() + timeout_s
        while self._read(0.2):
            assert time.monotonic() < deadline, f"has not ended:\n{plain(self.output)[-4000:]}"
        _, status = os.waitpid(self._pid, 0)
        self._code = os.waitstatus_to_exitcode(status)
        return self._code

    def frames(self) -> list[list[str]]:
        """Each picture that was drawn on the alternate screen, as lines."""
        drawn = self.output.partition(ALTERNATE)[2].partition(BACK)[0].split(HOME)[1:]
        return [lines for frame in drawn if (lines := plain(frame).splitlines())]

    def afterwards(self) -> str:
        """What stands in the terminal after the view has gone."""
        return plain(self.output.rpartition(BACK)[2])

    def _read(self, timeout_s: float) -> bool:
        """Take in what has come; False at the end."""
        if not select.select([self._descriptor], [], [], timeout_s)[0]:
            return True
        try:
            read = os.read(self._descriptor, 65_536)
        except OSError:  # Linux's way to say that the other end is closed
            return False
        self.output += self._decoder.decode(read)
        return bool(read)


def plain(text: str) -> str:
    """Without colours and cursor movements."""
    return _CONTROL.sub("", text).replace("\r\n", "\n")


def on_a_terminal(*arguments: str) -> tuple[str, str]:
    """What a user sees of a command, and its standard output, which goes elsewhere."""
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "streams.cli", *arguments]
    with subprocess.Popen(
        command, env=environment() | {"TERM": "xterm"}, stdout=subprocess.PIPE, stderr=theirs
    ) as process:
        os.close(theirs)
        shown = b""
        with contextlib.suppress(OSError):  # how a terminal without anybody at its other end is read on Linux
            while piece := os.read(ours, 1 << 16):
                shown += piece
        os.close(ours)
        assert process.stdout is not None
        report = process.stdout.read().decode()
    assert process.returncode == 0, shown
    return shown.decode(), report


def environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(PROJECT)}
