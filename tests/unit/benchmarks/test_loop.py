"""What the loop costs is told of both logs, from the time on that counts."""

from __future__ import annotations

import pytest

from benchmarks.loop import EXAMPLE, LOOP, compared, cost, the_day
from benchmarks.loop_worker import table
from benchmarks.runs import Run
from benchmarks.workload import DAY_BEGINS, Workload
from models.settings import EngineSettings
from streams.config import load


def settings() -> EngineSettings:
    return load(**Workload(40).settings()).engine()


@pytest.mark.slow
def test_the_day_counts_and_the_history_before_it_does_not() -> None:
    logs = the_day(40, 200, LOOP)
    whole, day = (cost(logs, settings(), since) for since in (0, DAY_BEGINS))
    assert 0 < day.loops < whole.loops
    assert 0 < day.engine < whole.engine < whole.all
    assert cost(the_day(40, 200, EXAMPLE), settings(), DAY_BEGINS).loops == 0


@pytest.mark.slow
def test_the_lines_have_a_ratio_of_the_engine_and_one_of_all() -> None:
    head, *lines = compared(lambda text: the_day(20, 60, text), settings(), DAY_BEGINS, runs=1).splitlines()
    assert "1 pairs" in head
    assert [line.split()[0] for line in lines] == ["engine", "all"]
    assert all(" times (" in line for line in lines)


def test_of_workers_the_ratio_is_taken_within_a_pair() -> None:
    def run(worker: float, redis: float, seconds: float) -> Run:
        return Run(what="", events=100, began=0.0, seconds=seconds, cpu_us={"worker": worker, "redis": redis})

    pairs = [(run(10.0, 2.0, 1.0), run(11.0, 2.0, 1.5)), (run(20.0, 2.0, 1.0), run(26.0, 2.0, 2.0))]
    head, worker, every, clock = table(pairs).splitlines()
    assert head == "100 touchpoints, 2 pairs"
    assert worker.split()[-5:] == ["1.200", "times", "(1.100", "to", "1.300)"]
    assert every.split()[-3:] == ["(1.083", "to", "1.273)"]
    assert clock.split()[-5:] == ["1.750", "times", "(1.500", "to", "2.000)"]
