"""CPU time and resident size of processes over time, from Linux's /proc; the processes themselves pay nothing."""

from __future__ import annotations

import contextlib
import os
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple, Self

import numpy as np

EVERY_S = 0.1
TICK_S = 1.0 / os.sysconf("SC_CLK_TCK")
PAGE = os.sysconf("SC_PAGE_SIZE")
_USER, _SYSTEM, _ENDED = 11, 12, slice(13, 15)  # of /proc/<pid>/stat, counted after the name in brackets


class Usage(NamedTuple):
    """cpu_s: user and system time of the process so far, all threads. rss: resident bytes. ended_s: CPU time of its
    children that have ended."""

    cpu_s: float
    rss: int
    ended_s: float


def usage(pid: int) -> Usage:
    """Raises ProcessLookupError when the process is gone."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii", errors="replace").rpartition(")")[2].split()
        pages = int(Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()[1])
    except FileNotFoundError:
        raise ProcessLookupError(f"process {pid} has ended") from None
    ended = sum(map(int, fields[_ENDED])) * TICK_S
    return Usage((int(fields[_USER]) + int(fields[_SYSTEM])) * TICK_S, pages * PAGE, ended)


def thread_cpu_s(pid: int) -> dict[int, float]:
    """CPU time of each thread of a process so far, by thread id."""
    found = {}
    for task in Path(f"/proc/{pid}/task").iterdir():
        fields = (task / "stat").read_text(encoding="ascii", errors="replace").rpartition(")")[2].split()
        found[int(task.name)] = (int(fields[_USER]) + int(fields[_SYSTEM])) * TICK_S
    return found


class Sampler(threading.Thread):
    """Looks at processes by name every tenth of a second, until `stop`. pids: asked each time; 0: not running."""

    def __init__(self, pids: Mapping[str, Callable[[], int]]) -> None:
        super().__init__(name="proc-sampler", daemon=True)
        self._pids = dict(pids)
        self._over = threading.Event()
        self._seen: dict[str, list[tuple[float, float, int]]] = {name: [] for name in pids}

    def run(self) -> None:
        while not self._over.wait(EVERY_S):
            self.look()

    def look(self) -> None:
        for name, pid in self._pids.items():
            with contextlib.suppress(ProcessLookupError):
                if number := pid():
                    found = usage(number)
                    self._seen[name].append((time.time(), found.cpu_s, found.rss))

    def stop(self) -> None:
        self._over.set()
        self.join()
        self.look()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def cpu_s(self, name: str, began: float, ended: float) -> float:
        """CPU time that a process spent between two moments (time.time()), interpolated between looks."""
        seen = self._seen[name]
        if len(seen) < 2:
            return 0.0
        at, cpu, _ = np.array(seen).T
        return float(np.interp(ended, at, cpu) - np.interp(began, at, cpu))

    def rss(self, name: str, began: float, ended: float, points: int = 11) -> list[int]:
        """Resident bytes at evenly spaced moments between two, both included."""
        seen = self._seen[name]
        if not seen:
            return []
        at, _, rss = np.array(seen).T
        return [int(np.interp(moment, at, rss)) for moment in np.linspace(began, ended, points)]
