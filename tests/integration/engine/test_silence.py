"""A customer who only falls silent is triggered in the minute in which the risk reaches the threshold."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator
from typing import Any

import msgspec
import numpy as np
import pytest

from models.churn import scorer_of
from models.customer.layout import LAST_PURCHASE
from models.customer.record import Record, hash_of, unpack
from models.customer.schedule import phase_of
from models.features.silence import rolled
from models.learning.learner import initial_version
from models.settings import DAY, MINUTE, EngineSettings
from models.simulation.rehearsal import Rehearsal
from models.timeline.partitioning import partition_of
from tests.reference.calendar import next_tick
from tests.support.logs import START, clock, touchpoint
from tests.support.one import basis_of
from tests.support.servers import ApacheKafka
from tests.support.world import Raw
from tests.support.world_fixtures import MakeWorld
from tests.support.world_live import LIVE, send, stand_still, triggers

PARTITIONS = 3


def _buyers(seed: int, customers: int, days: int) -> list[list[Raw]]:
    """Purchases and nothing else, each in time; half of the customers stop somewhere on the way."""
    rng = random.Random(seed)
    events: list[tuple[int, int, bytes | None, bytes]] = []
    for number in range(customers):
        customer, gap = f"buyer-{number}", rng.uniform(3, 20)
        stop = rng.uniform(0.2, 0.8) * days if rng.random() < 0.5 else days
        day = rng.uniform(0, 20)
        while day < stop:
            at = START + int(day * DAY)
            value = touchpoint("purchase", customer, at, {"amount": round(rng.uniform(5, 90), 2)})
            events.append((at, partition_of(customer, PARTITIONS), customer.encode(), value))
            day += gap * rng.lognormvariate(0, 0.4)
    for at in range(START, START + (days + 14) * DAY, 7 * DAY):
        events += [(at, n, None, clock(at)) for n in range(PARTITIONS)]
    log: list[list[Raw]] = [[] for _ in range(PARTITIONS)]
    for at, partition, key, value in sorted(events, key=lambda event: event[:2]):
        log[partition].append((key, value, at))
    return log


def _by_brute_force(
    expected: Rehearsal, settings: EngineSettings, customer: bytes, record: Record, is_open: bool, end: int
) -> Iterator[int]:
    """The minutes of the silence at which an episode opens: every minute is scored, with the version of its tick."""
    now = last = int(record.times[LAST_PURCHASE])
    while now - last <= settings.silence and now <= end:
        tick = next_tick(settings, hash_of(customer), now)
        version = expected.versions.get(tick - settings.tick) or initial_version(settings)
        minutes = np.arange(now // MINUTE + 1, -(-tick // MINUTE)) * MINUTE
        times = np.concatenate([[now], minutes[minutes <= end]])
        basis = np.array(basis_of(record, now), dtype=np.float32).reshape(1, -1)
        later = rolled(np.repeat(basis, len(times), axis=0), (times - now) / DAY)
        risks = scorer_of(version, settings).score(later)
        if is_open and risks[0] < settings.exit:
            is_open = False
        # Who has just bought is not lost yet, whatever the model expects; and no crossing is ahead of who is above.
        reached = np.flatnonzero(risks >= settings.enter)
        if not is_open and len(reached) and (reached[0] > 0 or now > last):
            is_open = True
            yield int(times[reached[0]])
        now = tick


def _episode_open(decisions: list[dict[str, Any]], at: int) -> bool:
    told = [d["what"] for d in decisions if d["time"] <= at and not d["at"]["due"]]
    due = [d["what"] for d in decisions if d["time"] < at and d["at"]["due"]]
    return (told or due) != [] and [d["what"] for d in decisions if d["time"] <= at][-1] == "episode_opened"


@pytest.mark.slow
def test_in_a_replay_silence_triggers_in_the_first_minute_in_which_the_risk_reaches_the_threshold(
    kafka: ApacheKafka, make_world: MakeWorld
) -> None:
    world = make_world(kafka, lateness_s=0)
    log = _buyers(seed=1, customers=100, days=200)
    expected = world.run(log)
    settings, public = world.config.engine(), triggers(world)
    decisions: dict[str, list[dict[str, Any]]] = {}
    for partition in world.read("decisions")["decisions"]:
        for entry in partition:
            decision = msgspec.json.decode(entry.value)
            decisions.setdefault(decision.get("customer", ""), []).append(decision)
    by_silence, between_ticks = 0, 0
    for shard in expected.shards:
        for customer, value in shard.records.items():
            record = unpack(customer, value)
            last = int(record.times[LAST_PURCHASE])
            is_open = _episode_open(decisions.get(customer.decode(), []), last)
            found = [trigger for trigger in public.get(customer, []) if trigger.time > last]
            wanted = list(_by_brute_force(expected, settings, customer, record, is_open, shard.state.time))
            times = [trigger.time for trigger in found]
            assert times == pytest.approx(wanted, abs=MINUTE), f"{customer!r}, silent since {last}"
            between_ticks += sum((time - START) % settings.tick != 0 for time in times)
            assert all(trigger.at.due for trigger in found)
            by_silence += len(found)
    assert by_silence > 10
    assert between_ticks > 5


def test_no_more_is_evaluated_than_touchpoints_ticks_and_crossings(kafka: ApacheKafka, make_world: MakeWorld) -> None:
    """And a crossing is evaluated when it comes, not looked for again and again."""
    world = make_world(kafka, lateness_s=0)
    log = _buyers(seed=2, customers=100, days=100)
    expected = world.run(log)
    settings = world.config.engine()
    for shard, entries in zip(expected.shards, log, strict=True):
        totals, first = shard.state.totals, {}
        for key, _, at in entries:
            if key is not None:
                first.setdefault(key, at)
        ticks = sum((shard.state.time - at) // settings.tick + 1 for at in first.values())
        assert totals.scored <= totals.applied + ticks + totals.crossings
        assert 0 < totals.crossings <= totals.episodes
        assert totals.due <= ticks + totals.crossings + sum(said.role == "examples" for said in shard.outputs)


@pytest.mark.slow
def test_live_silence_triggers_at_a_tick_and_a_producer_an_hour_ahead_makes_nobody_late(
    kafka: ApacheKafka, make_world: MakeWorld
) -> None:
    # No producer takes half a minute from a time to the log, and one that is ahead by an hour is ahead by more.
    world = make_world(kafka, **LIVE | {"lateness_s": 30})
    worker = world.worker()
    world.wait(lambda: "took over" in world.log_of(worker))
    now = int(time.time() * 1000)
    ahead = now + 59 * MINUTE
    send(world, "early", touchpoint("purchase", "early", ahead, {"amount": 20}), ahead)
    send(world, "silent", touchpoint("purchase", "silent", now, {"amount": 20}), now)
    world.wait(lambda: b"silent" in triggers(world))
    after = int(time.time() * 1000)
    send(world, "after", touchpoint("purchase", "after", after, {"amount": 20}), ahead)
    world.wait(lambda: b"after" in triggers(world))
    stand_still(world)
    expected = world.check()

    settings = world.config.engine()
    first = triggers(world)[b"silent"][0]
    assert first.at.due
    assert (first.time - settings.anchor - phase_of(settings, hash_of(b"silent"))) % settings.tick == 0
    purchase = next(e for e in world.logs()[first.at.partition] if e.key == b"silent")
    assert first.time == next_tick(settings, hash_of(b"silent"), purchase.timestamp), "it was not the first tick"
    totals = [shard.state.totals for shard in expected.shards]
    assert sum(t.late for t in totals) == 0, "the producer that is ahead made others late"
    assert sum(t.skewed for t in totals) == 1, "only the producer that is ahead is skewed"
    assert all(shard.state.time < time.time() * 1000 for shard in expected.shards), "log time ran ahead"
