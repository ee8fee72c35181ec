"""Every part of the benchmarks on a tiny workload: that it runs and counts what it should. No figure is judged here."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks import __main__ as everything
from benchmarks import cold_start, latency, memory, profiling, scaling, silence, stages, throughput
from benchmarks.options import Options
from benchmarks.servers import APP
from benchmarks.watch import look
from benchmarks.workload import Workload
from benchmarks.world import DAY, World, prepared
from models.customer.layout import SLAB
from streams.local.embedded import redis_program
from tests.conftest import started
from tests.support.servers import kafka_jars

pytestmark = [pytest.mark.kafka, pytest.mark.slow]

TINY = Options(
    workload=Workload(customers=400, events=8_000),
    runs=1,
    peer_events=800,
    latency_s=2.0,
    latency_rate=400,
    silent_days=7,
    stage_batches=4,
    # Few versions: the learner takes its time at each, and there are 70 days of history.
    own={"batch_records": 100, "version_every_s": 86_400.0, "version_delay_s": 86_400.0},
)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    started("benchmarks on Apache Kafka", kafka_jars)
    started("benchmarks on Redis", redis_program)
    return prepared(tmp_path_factory.mktemp("world"), TINY.workload, print, TINY.own)


def test_the_warm_start_leaves_a_record_of_every_customer(world: World) -> None:
    facts = world.facts
    assert facts.customers == TINY.workload.customers
    assert facts.touchpoints >= TINY.workload.events
    assert facts.history_due_items > 0
    assert sum(facts.ends) - sum(facts.starts) == facts.touchpoints + facts.clocks


def test_a_world_that_is_there_is_used_again(world: World) -> None:
    told: list[str] = []
    assert prepared(world.directory, TINY.workload, told.append).facts == world.facts
    assert told == [f"using the world in {world.directory}"]


def test_engine_floor_and_peer_go_through_the_same_day(world: World) -> None:
    told = throughput.alternating(world, TINY, print)
    engine, floor, peer = (told["runs"][name][0] for name in ("engine", "floor", "peer"))
    # Of the engine the first commits are the start of the measurement, not part of it.
    assert 0 < engine["events"] < world.facts.touchpoints
    assert engine["totals"]["due"] > 0
    assert floor["events"] == world.facts.touchpoints
    assert peer["events"] == TINY.peer_events
    assert set(engine["cpu_us"]) == {"worker", "redis", "broker"}
    assert told["ratio_to_idiomatic_faust"] > 0
    assert told["ratio_to_floor"] > 0
    assert len(told["worker_rss_over_time"]) == 11
    # The next run finds the world as this one did.
    with world.copy(DAY) as servers:
        now = look(servers.client, APP, world.workload.partitions)
        assert now is not None
        assert [state.next_offset for state in now.states] == world.facts.starts


def test_a_start_is_ready_after_its_assignment_and_commits_after_it(world: World) -> None:
    with world.copy(DAY) as servers:
        told = cold_start.worker(servers, {**TINY.workload.settings(), **TINY.own}, "cached", {})
    assert told["cached_assigned_s"] > 0
    assert told["cached_first_commit_after_s"] > 0
    assert 0 < told["cached_ready_cpu_s"] < 60


def test_two_workers_share_the_day(world: World) -> None:
    told = scaling.measure(world, TINY, print)
    assert told["scaling_two_workers"] > 0
    assert {"worker1", "worker2"} <= set(told["scaling_runs"][1]["cpu_us"])


def test_silence_is_evaluated(world: World) -> None:
    told = silence.measure(world, TINY, print)
    assert told["due_items"] > 0
    assert told["due_items_per_s"] > 0


def test_what_a_customer_costs_is_told_apart_from_what_all_share(world: World) -> None:
    told = memory.measure(world, print)
    assert told["redis_customers"] == TINY.workload.customers
    assert told["stored_bytes_per_customer"] >= SLAB.itemsize
    parts = [told[f"redis_bytes_{part}"] for part in ("value", "due_set", "key", "shared")]
    assert told["redis_bytes_per_customer"] == pytest.approx(sum(parts))
    assert told["redis_bytes_shared"] > 10 * told["redis_bytes_key"], "of few customers, each has a large share"
    assert told["redis_bytes_value"] > 0


def test_stages_of_ours_and_of_the_floor(world: World) -> None:
    told = stages.measure(world, TINY, print)["stages_us"]
    assert set(told["floor"]) == {"decode", "MGET", "MSET"}
    assert {"load", "commit"} <= set(told["engine"])
    assert all(us > 0 for stage in told.values() for us in stage.values())


def test_a_profile_says_where_the_time_goes(world: World) -> None:
    lines: list[str] = []
    told = profiling.measure(world, TINY, lines.append)
    assert set(told["floor_parts_us"]) == {"transport", "transport+decode", "all"}
    text = "\n".join(lines)
    assert "MainThread" in text
    assert "models." in text
    assert "streams." in text


def test_latency_is_measured_with_and_without_transactions(world: World) -> None:
    told = latency.measure(TINY, print)
    for figure in ("latency", "latency_plain"):
        assert told[f"{figure}_triggers"] == TINY.latency_s * TINY.latency_rate / latency.OPENS_EVERY
        assert told[f"{figure}_missing"] == 0
        assert 0 < told[f"{figure}_p50_ms"] <= told[f"{figure}_p99_ms"]


def test_all_parts_write_one_file(world: World, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    saved: list[dict[str, object]] = []
    monkeypatch.setattr(everything, "save", lambda results, path: saved.append(dict(results)))
    options = Options(workload=TINY.workload, directory=world.directory, own=TINY.own)
    results = everything.measure(options, ["memory"], print)
    assert saved == [results]
    assert results["machine"]["kafka"].startswith("Apache Kafka")
    assert results["size"]["customers"] == TINY.workload.customers
