"""Cold start: how long until something is seen, and until the first commit.

    python -m benchmarks.cold_start

Three starts, one after the other: `retention demo` up to its first line and up to its replay; a worker that finds no
compiled functions, on Apache Kafka and a Redis of our own, with a backlog on the topic; the same worker again, with the
functions that the first one compiled. CPU time is beside each: on a busy machine the seconds are not the engine's.
"""

from __future__ import annotations

import argparse
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from kafka.errors import CoordinatorLoadInProgressError, CoordinatorNotAvailableError, GroupIdNotFoundError

from benchmarks.machine import busy
from benchmarks.options import RESULTS
from benchmarks.proc import usage
from benchmarks.servers import APP, Servers, Worker, environment
from benchmarks.watch import Behind, look
from benchmarks.workload import Workload
from benchmarks.world import publish
from streams.kafka.clients import admin
from streams.kafka.security import KafkaConnection

WORKLOAD = Workload(customers=2_000, events=4_000)
EVERY_S = 0.02
LOOKED_S = 120.0
NOT_YET = (CoordinatorNotAvailableError, CoordinatorLoadInProgressError, GroupIdNotFoundError)
"""A cluster's first group needs a topic for the offsets, which the broker makes then."""
REPLAYING = "replaying "
"""How the demo's line begins that tells of the servers and the worker being up."""


def demo(directory: Path) -> dict[str, float]:
    """Seconds until the demo's first line, and until it replays; CPU seconds of all its processes until then, and of
    the command alone until its first line."""
    began = time.monotonic()
    command = [sys.executable, "-m", "streams.cli", "demo", "--plain"]
    found: dict[str, float] = {}
    log = directory / "demo.log"
    with (
        log.open("wb") as errors,
        subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=errors, text=True, env=environment(directory)
        ) as running,
    ):
        assert running.stdout is not None
        for line in running.stdout:
            if not found:
                found = {"demo_first_line_s": time.monotonic() - began, "demo_first_line_cpu_s": cpu_s(running.pid)}
            if line.startswith(REPLAYING):
                found["demo_replays_s"] = time.monotonic() - began
                break
        running.send_signal(signal.SIGINT)
        running.stdout.read()
    if "demo_replays_s" not in found:
        raise Behind(f"the demo ended with code {running.returncode}: {log.read_text(encoding='utf-8')}")
    return found


def cpu_s(pid: int) -> float:
    """CPU time of a process and of its children that have ended."""
    now = usage(pid)
    return now.cpu_s + now.ended_s


class Moments(threading.Thread):
    """Looks fifty times a second from outside: when the group is stable, and when a shard's next offset has moved."""

    def __init__(self, servers: Servers, partitions: int, pid: Callable[[], int]) -> None:
        super().__init__(name="moments", daemon=True)
        self._client = admin(KafkaConnection(servers.bootstrap_servers), "benchmark-cold-start")
        self._servers, self._partitions, self._pid = servers, partitions, pid
        self._before = self._next_offsets()
        self.assigned: tuple[float, float] | None = None
        """Moment (time.monotonic()) and the worker's CPU time at it."""
        self.committed: tuple[float, float] | None = None
        self.error: Exception | None = None

    def run(self) -> None:
        try:
            while self.committed is None:
                # In this order: what is committed was assigned before.
                moved = self._next_offsets() != self._before
                if self.assigned is None and self._stable():
                    self.assigned = self._now()
                if moved:
                    self.committed = self._now()
                time.sleep(EVERY_S)
        except Exception as error:  # noqa: BLE001 - raised again by the main thread
            self.error = error
        finally:
            self._client.close()

    def _stable(self) -> bool:
        try:
            group = self._client.describe_groups([APP])[APP]
        except NOT_YET:
            return False
        return bool(group.get("group_state") == "Stable")

    def _next_offsets(self) -> int:
        """Of all shards together; 0 while one has never been created."""
        now = look(self._servers.client, APP, self._partitions)
        return 0 if now is None else sum(state.next_offset for state in now.states)

    def _now(self) -> tuple[float, float]:
        return time.monotonic(), cpu_s(self._pid())


def worker(servers: Servers, settings: Mapping[str, Any], name: str, own: Mapping[str, str]) -> dict[str, float]:
    """One start, with a backlog: seconds and CPU seconds until the worker is ready, and from assignment to the first
    commit. settings, own: the engine's, and the worker's environment."""
    started = Worker(servers.directory, servers.settings(settings), name=name, own=own)
    moments = Moments(servers, settings["partitions"], lambda: started.pid)
    began = time.monotonic()
    moments.start()
    with started:
        ready, ready_cpu = time.monotonic() - began, cpu_s(started.pid)
        moments.join(LOOKED_S)
        if moments.error is not None:
            raise moments.error
        if moments.assigned is None or moments.committed is None:
            raise Behind(f"no commit was seen within {LOOKED_S:g} s\n{started.log_tail()}")
    (assigned, assigned_cpu), (committed, committed_cpu) = moments.assigned, moments.committed
    return {
        f"{name}_ready_s": ready,
        f"{name}_ready_cpu_s": ready_cpu,
        f"{name}_assigned_s": assigned - began,
        f"{name}_first_commit_after_s": committed - assigned,
        f"{name}_first_commit_after_cpu_s": committed_cpu - assigned_cpu,
    }


def measure() -> Iterator[dict[str, float]]:
    """What each of the three starts took, as soon as it is over."""
    RESULTS.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="cold-start-", dir=RESULTS) as name:
        directory = Path(name)
        own = {"NUMBA_CACHE_DIR": str(directory / "kernels")}
        yield demo(directory)
        with Servers(directory / "servers") as servers:
            settings = WORKLOAD.settings()
            config = servers.create_topics(settings)
            publish(config, WORKLOAD.history())
            yield worker(servers, settings, "compiling", own)
            publish(config, WORKLOAD.day())
            yield worker(servers, settings, "cached", own)


def main() -> None:
    argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter).parse_args()
    print(f"load of the machine: {busy():.1f} a core", flush=True)
    for found in measure():
        for name, value in found.items():
            print(f"{name:32}{value:8.2f}", flush=True)


if __name__ == "__main__":
    main()
