"""What the figures were measured on: without it they say nothing."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
from importlib.metadata import version
from pathlib import Path

from benchmarks.servers import CODE
from streams.local.embedded import redis_program
from tests.support.servers import kafka_version

LIBRARIES = ("faust-streaming", "aiokafka", "redis", "hiredis", "river", "numpy", "msgspec", "uvloop")


def machine() -> dict[str, str]:
    """CPU, memory, kernel, and versions of everything that takes part."""
    return {
        "cpu": _cpu(),
        "cores": str(len(os.sched_getaffinity(0))),
        "memory": f"{os.sysconf('SC_PHYS_PAGES') * os.sysconf('SC_PAGE_SIZE') / 2**30:.0f} GiB",
        "system": platform.platform(),
        "python": platform.python_version(),
        "kafka": f"Apache Kafka {kafka_version()}",
        "java": _first_line(shutil.which("java") or "java", "-version"),
        "redis-server": _first_line(redis_program(), "--version"),
        "commit": _first_line("git", "-C", str(CODE), "rev-parse", "--short", "HEAD"),
        **{name: version(name) for name in LIBRARIES},
    }


def busy() -> float:
    """Load average of the last minute, per core: well above 0 before the start, the figures are not the machine's."""
    return os.getloadavg()[0] / len(os.sched_getaffinity(0))


def _cpu() -> str:
    for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()


def _first_line(*command: str) -> str:
    """What a program says first, on either stream; "unknown" when it is not there or says nothing."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=10)
    except OSError:
        return "unknown"
    lines = (done.stdout or done.stderr).strip().splitlines()
    return lines[0] if lines and not done.returncode else "unknown"
