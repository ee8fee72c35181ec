"""The whole system in memory is a function of its log: the same bits whatever the portions, stops and restarts."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import replace
from functools import cache
from itertools import product
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.customer.layout import DUE
from models.customer.record import unpack
from models.settings import DAY, HOUR, EngineSettings
from models.simulation.rehearsal import Rehearsal, rehearse
from models.timeline.batch import Batch, LogRecord
from models.timeline.partitioning import partition_of
from tests.support.bench import ForgetfulWorld, digest
from tests.support.families import slow_but
from tests.support.logs import START, clock, cut_at, partitioned, record, synthetic, tape

EVALUATION = EngineSettings(
    horizon=28 * DAY,
    anchor=START,
    phase="aligned",
    boundary=7 * DAY,
    version_delay=0,
    lateness=0,
    enter=0.55,
    exit=0.45,
)
LIVE = replace(EVALUATION, phase="spread", boundary=DAY, version_delay=DAY, lateness=HOUR)
VARIANTS = {
    "evaluation": EVALUATION,
    "live": LIVE,
    "long delay": replace(LIVE, version_delay=10 * DAY),
    "much lateness": replace(EVALUATION, lateness=5 * DAY),
    "seldom a version": replace(EVALUATION, phase="spread", boundary=28 * DAY),
    "the silent leave": replace(LIVE, forget_after=DAY),
}
every_variant = pytest.mark.parametrize("variant", VARIANTS)
SEED, DAYS = 2, 110


@cache
def logs() -> list[list[LogRecord]]:
    return synthetic(SEED, partitions=3, customers=60, days=DAYS)


@cache
def whole_run(variant: str) -> Rehearsal:
    """The logs in one go; to be looked at only."""
    return rehearse(logs(), VARIANTS[variant])


@cache
def expected(variant: str) -> dict[str, str]:
    return digest(whole_run(variant))


@every_variant
def test_there_is_something_to_compare(variant: str) -> None:
    world = whole_run(variant)
    assert all(shard.at == len(shard.log) for shard in world.shards)
    totals = [shard.state.totals for shard in world.shards]
    assert sum(t.triggers for t in totals) >= 10
    assert sum(t.episodes for t in totals) >= sum(t.triggers for t in totals)
    for name in ("applied", "duplicate", "late", "skewed", "dead", "clocks", "due", "crossings", "scored"):
        assert all(getattr(t, name) for t in totals), name
    assert max(version.learned for version in world.versions.values()) >= 20
    assert len({str(version.model) for version in world.versions.values()}) >= 4


QUICK = ((1, 1), (7, 3), (500, 1_000))
OTHERS = [sizes for sizes in product([1, 2, 7, 500], [1, 3, 1_000]) if sizes not in QUICK]
# The smallest with two variants, the other two with one half of them each. Of all else every third, in turn.
SMALLEST = ("evaluation", "the silent leave")
SIZES = [pytest.param(1, 1, variant, marks=[] if variant in SMALLEST else [pytest.mark.slow]) for variant in VARIANTS]
SIZES += [pytest.param(*QUICK[1 + n % 2], variant) for n, variant in enumerate(VARIANTS)]
SIZES += [pytest.param(*QUICK[2 - n % 2], variant, marks=pytest.mark.slow) for n, variant in enumerate(VARIANTS)]
SIZES += [
    pytest.param(*sizes, variant, marks=pytest.mark.slow)
    for n, sizes in enumerate(OTHERS)
    for variant in list(VARIANTS)[n % 3 :: 3]
]
SEEDS = [
    pytest.param(seed, variant, marks=[pytest.mark.slow] if seed != n / 2 else [])
    for n, variant in enumerate(VARIANTS)
    for seed in range(3)
]


@pytest.mark.parametrize(("batch", "piece_items", "variant"), SIZES)
def test_batches_and_pieces_of_any_size_give_the_same_bits(batch: int, piece_items: int, variant: str) -> None:
    given_settings = replace(VARIANTS[variant], piece_items=piece_items)
    assert digest(rehearse(logs(), given_settings, batch=lambda at: batch)) == expected(variant)


@pytest.mark.parametrize(("seed", "variant"), SEEDS)
def test_batches_of_random_sizes_give_the_same_bits(seed: int, variant: str) -> None:
    random = Random(seed)
    given_settings = replace(VARIANTS[variant], piece_items=random.choice([1, 2, 20]))
    world = rehearse(logs(), given_settings, batch=lambda at: random.randint(1, 60))
    assert digest(world) == expected(variant)


@pytest.mark.slow
@every_variant
@pytest.mark.parametrize("piece_items", [1, 1_000])
def test_a_world_that_forgets_everything_at_every_cut_gives_the_same_bits(variant: str, piece_items: int) -> None:
    random = Random(piece_items)
    world = ForgetfulWorld(logs(), replace(VARIANTS[variant], piece_items=piece_items))
    assert digest(world.run(lambda at: random.randint(1, 80))) == expected(variant)


@pytest.mark.slow
@settings(max_examples=12, deadline=None)
@given(st.integers(3, 10_000), st.sampled_from(sorted(VARIANTS)), st.integers(1, 30), st.integers(1, 20))
def test_any_log_gives_the_same_bits_in_any_portions(seed: int, variant: str, batch: int, piece_items: int) -> None:
    random_logs = synthetic(seed, partitions=2, customers=10, days=80)
    whole = digest(rehearse(random_logs, VARIANTS[variant]))
    parts = replace(VARIANTS[variant], piece_items=piece_items)
    assert digest(rehearse(random_logs, parts, batch=lambda at: batch)) == whole
    assert digest(ForgetfulWorld(random_logs, parts).run(lambda at: batch)) == whole


def without_later(outputs: Sequence[Any], time: int) -> list[str]:
    return [repr(output) for output in outputs if output.time <= time]


@every_variant
@pytest.mark.parametrize("weeks", slow_but((5, 9, 14), (9,)))
def test_what_was_said_before_a_tick_does_not_depend_on_what_came_after_it(variant: str, weeks: int) -> None:
    tick = START + weeks * 7 * DAY
    whole = whole_run(variant)
    cut = rehearse([cut_at(log, tick) for log in logs()], VARIANTS[variant])
    for all_of_it, beginning in zip(whole.shards, cut.shards, strict=True):
        assert beginning.at == len(beginning.log) > 20
        said = [repr(output) for output in beginning.outputs]
        assert [repr(output) for output in all_of_it.outputs[: len(said)]] == said
        assert len(said) >= 5
    for boundary, version in cut.versions.items():
        assert whole.versions[boundary] == version


def test_a_change_in_the_future_changes_nothing_before_it() -> None:
    moment = START + 70 * DAY
    entries = tape(SEED, customers=60, days=DAYS)
    other = [entry for i, entry in enumerate(entries) if entry.timestamp <= moment or i % 3 or entry.key is None]
    assert len(other) < len(entries)
    one, two = (rehearse(partitioned(made, 3), EVALUATION) for made in (entries, other))
    for left, right in zip(one.shards, two.shards, strict=True):
        # What stands before the first record that differs: outputs name offsets, so only the time may be compared.
        assert without_later(left.outputs, moment - DAY) == without_later(right.outputs, moment - DAY)
    assert digest(one) != digest(two)


@pytest.mark.parametrize("variant", slow_but(VARIANTS, ("evaluation", "the silent leave")))
def test_who_a_customer_is_partitioned_with_decides_nothing_about_them_but_the_model(variant: str) -> None:
    # One shard or three: the same examples in the same order, hence the same models and the same triggers.
    entries = [entry for entry in tape(SEED, partitions=1, customers=60, days=DAYS) if entry.key is not None]
    good = [entry for entry in entries if b"stray" not in (entry.value or b"")]
    end = max(entry.timestamp for entry in good) + 7 * DAY
    start = min(entry.timestamp for entry in good)
    worlds = []
    for partitions in (1, 3):
        spread = _repartitioned(good, partitions, start, end)
        worlds.append(rehearse(spread, VARIANTS[variant]))
    one, three = worlds
    assert _triggers(one) == _triggers(three)
    assert {boundary: version.model for boundary, version in one.versions.items()} == {
        boundary: version.model for boundary, version in three.versions.items()
    }
    assert _records(one) == _records(three)
    assert len(_triggers(one)) >= 10


def _repartitioned(entries: Sequence[Any], partitions: int, start: int, end: int) -> list[list[LogRecord]]:
    """The same records in so many partitions, with clocks close enough that lateness is judged alike."""
    out: list[list[LogRecord]] = [[] for _ in range(partitions)]
    now = start
    for entry in [*entries, None]:
        now = max(now, entry.timestamp if entry else end)
        for log in out:
            log.append(record(len(log), now, None, clock(now)))
        if entry:
            log = out[partition_of(entry.key, partitions)]
            log.append(record(len(log), entry.timestamp, entry.key, entry.value))
    return out


def _triggers(world: Rehearsal) -> list[str]:
    return sorted(output.id for shard in world.shards for output in shard.outputs if output.role == "triggers")


def _records(world: Rehearsal) -> dict[bytes, bytes]:
    return {customer: value for shard in world.shards for customer, value in shard.records.items()}


@pytest.mark.parametrize("variant", slow_but(VARIANTS, ("live",)))
def test_the_due_set_is_a_lower_bound_of_what_the_records_say(variant: str) -> None:
    world = rehearse(logs(), VARIANTS[variant], batch=lambda at: 3)
    for shard in world.shards:
        for customer, value in shard.records.items():
            due = unpack(customer, value).times[DUE]
            if due != float("inf"):
                assert shard.dues[customer] <= due
                assert due > shard.state.time * 8  # nothing due was left behind


@every_variant
def test_every_change_of_version_is_told_and_is_the_one_the_rule_names(variant: str) -> None:
    world = whole_run(variant)
    for shard in world.shards:
        said = [json.loads(output.value) for output in shard.outputs if output.role == "decisions"]
        told = [decision for decision in said if decision["what"] == "version_in_force"]
        times = [decision["time"] for decision in told]
        boundary = VARIANTS[variant].boundary
        assert times == list(range(times[0], times[-1] + 1, boundary))
        for decision in told:
            wanted = decision["time"] - VARIANTS[variant].version_delay
            wanted -= (wanted - START) % boundary
            version = decision["model_version"]
            assert version == wanted or (version == -1 and wanted < min(world.versions))
        triggers = [json.loads(output.value) for output in shard.outputs if output.role == "triggers"]
        in_force = {decision["time"]: decision["model_version"] for decision in told}
        for trigger in triggers:
            since = trigger["time"] - (trigger["time"] - START) % boundary
            assert trigger["model_version"] == in_force[since]


def test_a_shard_that_is_silent_stops_the_others_at_their_first_boundary() -> None:
    world = rehearse([logs()[0], []], EVALUATION)
    assert world.versions == {}
    assert world.shards[0].at == 0
    assert [output.role for output in world.shards[0].outputs] == ["examples"]


def test_a_record_is_decoded_once_however_many_pieces_its_batch_takes(monkeypatch: pytest.MonkeyPatch) -> None:
    decoded, of = [], Batch.of

    def counting(records: Iterable[LogRecord]) -> Batch:
        batch = of(records)
        decoded.append(batch.offsets.tolist())
        return batch

    monkeypatch.setattr(Batch, "of", counting)
    (log,) = synthetic(SEED, partitions=1, customers=10, days=40)
    rehearse([log], replace(LIVE, piece_items=1), batch=lambda at: 50)
    assert [offset for batch in decoded for offset in batch] == [one.offset for one in log]
    assert len(decoded) > 2


def test_each_version_is_shown_as_it_is_cut() -> None:
    seen: list[int] = []
    world = rehearse(logs(), EVALUATION, watch=lambda world: seen.append(max(world.versions)))
    assert seen == sorted(world.versions)
