"""Many partitions on one worker, and many workers that start at once."""

from __future__ import annotations

import re
import time
from pathlib import Path

import pytest

from streams.errors import ExitCode
from tests.chaos.counting import Bench, until
from tests.support.servers import ApacheKafka

TOGETHER_S = 180.0
"""Far above what an idle machine needs (the test prints it): this one may have much else to do."""


@pytest.mark.slow
def test_one_worker_takes_256_partitions_over(
    kafka: ApacheKafka, redis_url: str, redis_app: str, tmp_path: Path
) -> None:
    bench = Bench.create(kafka.bootstrap_servers, redis_url, redis_app, tmp_path, partitions=256)
    try:
        for start in ("first", "second"):
            began = time.monotonic()
            worker = bench.worker()
            until(lambda: len(worker.owns()) == 256, lambda: worker.said[-4000:])  # noqa: B023 - at once
            print(f"{start} takeover of 256 partitions: {time.monotonic() - began:.1f} s after the worker's start")
            assert worker.stop() == ExitCode.OK
    finally:
        bench.end()


@pytest.mark.slow
@pytest.mark.parametrize(("workers", "partitions"), [(4, 16), (12, 64)])
def test_workers_that_start_at_once_all_live_and_own_all_partitions(
    kafka: ApacheKafka, redis_url: str, redis_app: str, tmp_path: Path, workers: int, partitions: int
) -> None:
    patient = {"session_timeout_s": 20.0, "stall_s": TOGETHER_S, "step_s": TOGETHER_S}  # so many share two processors
    bench = Bench.create(kafka.bootstrap_servers, redis_url, redis_app, tmp_path, partitions, **patient)
    try:
        began = time.monotonic()
        started = [bench.worker() for _ in range(workers)]

        def shared() -> bool:
            owned = [shard for worker in started for shard in worker.owns()]
            return sorted(owned) == list(range(partitions))

        until(shared, lambda: "\n".join(worker.said[-500:] for worker in started), TOGETHER_S)
        print(f"{workers} workers own {partitions} partitions {time.monotonic() - began:.1f} s after their start")
        assert [worker.code for worker in started] == [None] * workers
        assert not any(re.search("is parked|ending with exit code", worker.said) for worker in started)
        bench.produce(2_000)
        bench.until_counted(2_000)
        assert [worker.code for worker in started] == [None] * workers
    finally:
        bench.end()
