"""`retention worker` with a thread that looks, a few hundred times a second, at what the others do.

    python -m benchmarks.sampled_worker worker.toml      # a line in worker.samples beside it, every tenth of a second

For `benchmarks.profiling`, in a run that nobody times: the samples cost some percent. A sample falls where a thread can
let go of the interpreter, so the time of a C function is told of the Python function that called it.
"""

from __future__ import annotations

import os
import sys
import threading
import time
from collections import Counter
from pathlib import Path
from types import FrameType

import msgspec

EVERY_S = 0.002
WRITE_EVERY_S = 0.1
HOUSES = ("models.", "streams.")
EVERYWHERE = ("streams.consumer.app", "streams.bootstrap.worker")
"""Below everything on the main thread's stack, and responsible for nothing."""


class Sampled(msgspec.Struct):
    """What was seen of one thread: looks by (module of ours, innermost function), and the CPU time it has spent."""

    cpu_s: float
    looks: list[tuple[str, str, int]]


class Samples(msgspec.Struct):
    """What was seen so far. at: time.time(); threads by name and ident."""

    at: float
    threads: dict[str, Sampled]


class Sampler(threading.Thread):
    """Looks at all threads but itself, until the process ends."""

    def __init__(self, result: Path) -> None:
        super().__init__(name="sampler", daemon=True)
        self._result = result
        self._looks: dict[int, Counter[tuple[str, str]]] = {}

    def run(self) -> None:
        written = time.monotonic()
        while True:
            time.sleep(EVERY_S)
            for ident, frame in sys._current_frames().items():
                if ident != self.ident:
                    self._looks.setdefault(ident, Counter())[where(frame)] += 1
            now = time.monotonic()
            if now - written > WRITE_EVERY_S:
                written = now
                self._write()

    def _write(self) -> None:
        names = {thread.ident: thread.name for thread in threading.enumerate() if thread.ident is not None}
        found = {
            f"{names[ident]} {ident % 10_000}": Sampled(
                time.clock_gettime(time.pthread_getcpuclockid(ident)),
                [(module, function, count) for (module, function), count in looks.items()],
            )
            for ident, looks in self._looks.items()
            if ident in names
        }
        with self._result.open("ab") as lines:
            lines.write(msgspec.json.encode(Samples(time.time(), found)) + b"\n")


def where(frame: FrameType) -> tuple[str, str]:
    """(module of ours that is responsible, the function at work). "" when none of ours is on the stack."""
    function = f"{frame.f_globals.get('__name__', '?')}:{frame.f_code.co_qualname}"
    at: FrameType | None = frame
    while at is not None:
        module = str(at.f_globals.get("__name__", ""))
        if module.startswith(HOUSES) and module not in EVERYWHERE:
            return module, function
        at = at.f_back
    return "", function


def main() -> None:
    settings = Path(sys.argv[1])
    os.environ["RETENTION_CONFIG"] = str(settings)
    from streams.bootstrap.worker import run_worker
    from streams.config import load

    # A look then comes within half a millisecond of its time.
    sys.setswitchinterval(0.0005)
    Sampler(settings.with_suffix(".samples")).start()
    run_worker(load())


if __name__ == "__main__":
    main()
