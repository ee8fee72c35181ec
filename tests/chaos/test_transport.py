"""Workers are killed, stopped past their session and joined by others; nothing is lost, doubled or disordered.

RETENTION_CHAOS_SECONDS (default 30) sets for how long; the seed is printed and can be set by RETENTION_CHAOS_SEED.
"""

from __future__ import annotations

import os
import random
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from streams.errors import ExitCode
from streams.local.embedded import EmbeddedBroker
from tests.chaos.counting import Bench, Worker, until
from tests.support.servers import ApacheKafka

SECONDS = float(os.environ.get("RETENTION_CHAOS_SECONDS", "30"))
SEED = int(os.environ.get("RETENTION_CHAOS_SEED", "1"))
RATE = 450.0
NORMAL_ENDS = {ExitCode.OK, ExitCode.FENCED, -signal.SIGKILL}
"""How a worker may end in this chaos: asked to, replaced while it was stopped, or killed."""


@pytest.fixture
def bench(kafka: ApacheKafka, redis_url: str, redis_app: str, tmp_path: Path) -> Iterator[Bench]:
    bench = Bench.create(kafka.bootstrap_servers, redis_url, redis_app, tmp_path, partitions=4)
    yield bench
    bench.end()


class Chaos:
    """Two workers that are always restarted, sometimes a third, and what is done to them."""

    def __init__(self, bench: Bench, rng: random.Random) -> None:
        self._bench, self._rng = bench, rng
        self.workers = [bench.worker(), bench.worker()]
        self._third: Worker | None = None
        self._stopped: dict[Worker, float] = {}
        self.done: list[str] = []
        self.ends: list[int] = []

    def step(self) -> None:
        """Something at random."""
        getattr(self, self._rng.choice(["kill", "pause", "third"]))()

    def kill(self) -> None:
        worker = self._rng.choice(self.workers)
        self.done.append("kill -9")
        worker.signal(signal.SIGKILL)

    def pause(self) -> None:
        running = [w for w in self.workers if w not in self._stopped and w.code is None]
        if len(running) == 2:  # the other one takes the shards over
            self.done.append("SIGSTOP")
            worker = self._rng.choice(running)
            worker.signal(signal.SIGSTOP)
            self._stopped[worker] = time.monotonic() + self._bench.order.session_timeout_s + 3

    def third(self) -> None:
        if self._third is None:
            self.done.append("third joins")
            self._third = self._bench.worker()
        else:
            self.done.append("third leaves")
            self.ends.append(self._third.stop())
            self._third = None

    def tend(self) -> None:
        """Continue what was stopped for long enough, restart what has ended."""
        for worker, until_time in list(self._stopped.items()):
            if time.monotonic() > until_time or worker.code is not None:
                del self._stopped[worker]
                if worker.code is None:
                    worker.signal(signal.SIGCONT)
        for i, worker in enumerate(self.workers):
            if worker.code is not None:
                self.ends.append(worker.code)
                self.workers[i] = self._bench.worker()
        if self._third is not None and self._third.code is not None:
            self.ends.append(self._third.code)
            self._third = None

    def calm(self) -> None:
        for worker in list(self._stopped):
            worker.signal(signal.SIGCONT)
        self._stopped.clear()

    def stop(self) -> None:
        for worker in [*self.workers, *([self._third] if self._third else [])]:
            self.ends.append(worker.stop())


@pytest.mark.slow
def test_counts_outputs_and_offsets_are_exact_whatever_happens_to_the_workers(bench: Bench) -> None:
    print(f"seed {SEED}, {SECONDS:g} s")
    rng = random.Random(SEED)
    events = int(RATE * SECONDS)
    chaos = Chaos(bench, rng)
    producing = bench.produce_aside(events, RATE)
    next_step = time.monotonic() + 2
    while producing.is_alive():
        time.sleep(0.25)
        chaos.tend()
        if time.monotonic() > next_step:
            chaos.step()
            next_step = time.monotonic() + rng.uniform(1.2, 4)
    chaos.calm()
    print(chaos.done)

    def all_counted() -> bool:
        chaos.tend()
        return bench.counted() >= events

    def settled() -> bool:
        chaos.tend()
        return bench.settled()

    until(all_counted, lambda: f"counted {bench.counted()} of {events} after {chaos.done}")
    until(settled, lambda: f"outboxes not empty, or offsets not committed, after {chaos.done}")
    assert bench.differences() == []
    chaos.stop()
    print(chaos.ends)
    assert set(chaos.ends) <= NORMAL_ENDS


@pytest.mark.slow
def test_an_owner_stopped_past_its_session_writes_nothing_afterwards(bench: Bench) -> None:
    first = bench.worker(work_s=0.5)  # so that it is stopped with a batch in hand
    until(lambda: first.owns() == {0, 1, 2, 3}, lambda: first.said)
    bench.produce(2_000)
    until(lambda: bench.counted() > 200, lambda: first.said)
    first.signal(signal.SIGSTOP)
    second = bench.worker()
    until(lambda: second.owns() == {0, 1, 2, 3}, lambda: second.said)
    bench.until_counted(2_000)
    until(bench.settled, lambda: second.said)
    stood = [(bench.body(shard), bench.counts(shard), bench.outbox(shard)) for shard in range(4)]
    first.signal(signal.SIGCONT)
    until(lambda: first.code is not None or second.owns() != {0, 1, 2, 3}, lambda: first.said)
    time.sleep(1)
    # It was either refused at its first write, or came back through the group's next assignment.
    assert first.code in (None, ExitCode.FENCED)
    assert [(bench.body(shard), bench.counts(shard), bench.outbox(shard)) for shard in range(4)] == stood
    bench.produce(500, first=2_000)
    bench.until_counted(2_500)
    until(bench.settled, lambda: second.said)
    assert bench.differences() == []


STEPS = [
    "takeover.1.meta_read",
    "takeover.2.offsets_committed",
    "takeover.3.minted",
    "takeover.4.checked",
    "takeover.9.before_seek",
    "takeover.10.after_seek",
    "commit.b.written:5",
    "publish.1.begun:3",
    "publish.2.filled:3",
    "publish.3.flushed:3",
    "publish.4.committed:3",
]


@pytest.mark.slow
def test_a_death_after_each_numbered_step_loses_and_doubles_nothing(bench: Bench) -> None:
    events = 0
    bench.order.session_timeout_s = 2.0  # each death costs one
    for step in STEPS:
        bench.produce(300, first=events)
        events += 300
        victim = bench.worker(crash_point=step)
        until(lambda: victim.code is not None, lambda: f"{step} was not passed: {victim.said}")  # noqa: B023 - called at once
        assert victim.code == ExitCode.CRASH_POINT
    survivor = bench.worker()
    bench.until_counted(events)
    until(bench.settled, lambda: survivor.said)
    assert bench.differences() == []
    assert survivor.stop() == ExitCode.OK


@pytest.mark.slow
def test_on_the_embedded_broker_counts_are_exact_and_outputs_come_at_least_once(
    tansu: EmbeddedBroker, redis_url: str, redis_app: str, tmp_path: Path
) -> None:
    bench = Bench.create(tansu.bootstrap_servers, redis_url, redis_app, tmp_path, 4, transactions=False)
    try:
        first, second = bench.worker(), bench.worker()
        until(lambda: bool(first.owns()) and bool(second.owns()), lambda: first.said + second.said)
        bench.produce(1_500)
        until(lambda: bench.counted() > 200, lambda: first.said)
        first.signal(signal.SIGKILL)
        bench.produce(1_500, first=1_500)
        bench.until_counted(3_000)
        until(bench.settled, lambda: second.said)
        assert bench.differences(duplicates=True) == []
        assert second.stop() == ExitCode.OK
    finally:
        bench.end()
