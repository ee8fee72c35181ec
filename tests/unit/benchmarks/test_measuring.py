"""What the measurements rest on: reading /proc, what lies between two commits, options, samples."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from statistics import median

import msgspec
import pytest

from benchmarks.latency import percentiles
from benchmarks.options import FULL, QUICK, SILENT, options_of, parser
from benchmarks.proc import Sampler, usage
from benchmarks.profiling import between, table
from benchmarks.runs import Run
from benchmarks.sampled_worker import Sampled, Samples
from benchmarks.servers import toml
from benchmarks.throughput import summary
from benchmarks.watch import Behind, Look, Progress, Watch
from benchmarks.workload import Workload
from benchmarks.world import Facts, World
from models.timeline.shard_state import ShardState, Totals
from streams.local.processes import free_port


def state(next_offset: int, clocks: int = 0, due: int = 0) -> ShardState:
    return ShardState(0, 1, next_offset, totals=Totals(clocks=clocks, due=due))


def test_the_cpu_time_of_a_process_grows_while_it_works() -> None:
    before = usage(os.getpid())
    end = time.process_time() + 0.1
    while time.process_time() < end:
        pass
    after = usage(os.getpid())
    assert 0.05 <= after.cpu_s - before.cpu_s < 5.0
    assert after.rss > 1 << 20


def test_the_cpu_time_of_a_child_counts_when_it_has_ended() -> None:
    before = usage(os.getpid()).ended_s
    work = "import time\nwhile time.process_time() < 0.2: pass"
    subprocess.run([sys.executable, "-I", "-S", "-c", work], check=True)
    assert 0.15 <= usage(os.getpid()).ended_s - before < 5.0


def test_a_process_that_has_ended_is_named() -> None:
    with pytest.raises(ProcessLookupError, match="has ended"):
        usage(2**22 + 1)


def test_cpu_time_between_two_moments_is_interpolated() -> None:
    with Sampler({"me": os.getpid, "absent": lambda: 0}) as sampler:
        began = time.time()
        end = time.process_time() + 0.4
        while time.process_time() < end:
            pass
        ended = time.time()
    assert sampler.cpu_s("me", began, ended) == pytest.approx(0.4, abs=0.2)
    assert sampler.cpu_s("absent", began, ended) == 0.0
    assert len(sampler.rss("me", began, ended)) == 11


def test_touchpoints_between_two_commits_leave_out_clock_records() -> None:
    progress = Progress(Look(10.0, (state(100, clocks=1),)), Look(12.0, (state(1_100, clocks=3, due=7),)))
    assert progress.touchpoints == 998
    assert progress.seconds == 2.0
    assert progress.total("due") == 7


def test_the_state_before_the_first_commit_does_not_count() -> None:
    watch = Watch(f"redis://127.0.0.1:{free_port()}/0", "app", [1_000])
    watch.looks = [Look(1.0, (state(0),)), Look(5.0, (state(500),)), Look(6.0, (state(1_000),))]
    assert watch.progress().seconds == 1.0
    assert watch.progress().touchpoints == 500
    watch.looks = watch.looks[:2]
    with pytest.raises(Behind, match="only 2 states"):
        watch.progress()


def test_a_store_that_is_gone_ends_the_wait_with_its_reason() -> None:
    watch = Watch(f"redis://127.0.0.1:{free_port()}/0", "app", [1])
    watch.start()
    with pytest.raises(Behind, match="reading the metas"):
        watch.wait(10.0)


def test_ratios_are_taken_within_a_run(tmp_path: os.PathLike[str]) -> None:
    def run(what: str, rate: float) -> Run:
        return Run(
            what=what, events=1_000, began=0.0, seconds=1_000 / rate, cpu_us={"worker": 1.0}, rss=[1], totals=TOTALS
        )

    facts = Facts(Workload(), [0], [1_000], 1_000, 0, 0, 0, 0.0, 10, 0, 0)
    world = World(tmp_path, facts)  # type: ignore[arg-type]  # only its facts are read
    rates = {"engine": (100.0, 60.0, 90.0), "floor": (200.0, 100.0, 180.0), "peer": (2.0, 1.0, 3.0)}
    told = summary({name: [run(name, rate) for rate in row] for name, row in rates.items()}, world)
    assert told["ratio_to_floor"] == pytest.approx(0.5)
    assert told["ratio_to_idiomatic_faust"] == pytest.approx(median((50.0, 60.0, 30.0)))
    assert told["engine_events_per_s"] == pytest.approx(90.0)
    assert "ratio_to_floor" not in summary({"engine": [run("engine", 1.0)]}, world)


TOTALS = dict.fromkeys(("applied", "duplicate", "late", "due", "scored", "episodes", "triggers"), 0)


def test_percentiles_are_in_milliseconds_and_tell_what_is_missing() -> None:
    told = percentiles([0.010] * 99 + [0.500], missing=2)
    assert told["p50_ms"] == pytest.approx(10.0)
    assert told["max_ms"] == pytest.approx(500.0)
    assert (told["triggers"], told["missing"]) == (100, 2)
    with pytest.raises(ValueError, match="no trigger was received"):
        percentiles([], missing=3)


def test_options_start_from_the_full_size_or_the_quick_one() -> None:
    told = options_of(parser("").parse_args(["--events", "5000", "--set", "batch_records=1000"]))
    assert (told.workload.customers, told.workload.events) == (FULL.workload.customers, 5_000)
    assert told.own == {"batch_records": 1_000}
    quick = options_of(parser("").parse_args(["--quick", "--only", "engine"]))
    assert quick.workload == QUICK.workload
    assert quick.only == ("engine",)
    silent, some = (options_of(parser("").parse_args(["--silent", *more])) for more in ([], ["--quick"]))
    assert silent == SILENT
    assert silent.workload.customers == 2 * silent.workload.events == 10 * some.workload.customers


def test_settings_become_a_file_that_the_engine_reads() -> None:
    text = toml(Workload().settings())
    assert 'mode = "replay"\n' in text
    assert "tick_anchor = 2026-03-02T00:00:00+00:00\n" in text


def test_a_profile_holds_what_was_seen_between_two_moments() -> None:
    def samples(at: float, cpu_s: float, looks: int) -> bytes:
        seen = [("models.engine.apply", "models.engine.apply:apply", looks), ("", "asyncio.runners:run", 100)]
        return msgspec.json.encode(Samples(at, {"MainThread 1": Sampled(cpu_s, seen)}))

    lines = b"\n".join((samples(1.0, 5.0, 10), samples(2.0, 5.5, 40), samples(9.0, 9.0, 90)))
    wall_s, threads = between(lines, 1.1, 2.1)
    assert wall_s == 1.0
    assert threads["MainThread 1"].cpu_s == 0.5
    assert threads["MainThread 1"].looks == [("models.engine.apply", "models.engine.apply:apply", 30)]
    told = "\n".join(table(wall_s, threads, events=100_000))
    # Half a second of CPU over 100,000 events, all of it in the engine: 30 looks of 30.
    assert "5.00 µs an event  MainThread 1 (waits 50% of the time)" in told
    assert "5.00  models.engine.apply\n" in told
