"""What a worker's parts tell, and what watching finds out by itself."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from types import SimpleNamespace
from typing import Any

import pytest
from aiokafka import TopicPartition
from faust.types import TP
from prometheus_client.parser import text_string_to_metric_families

from models.timeline.order import Stage, timer_position
from models.timeline.shard_state import ShardState
from streams.errors import EngineFailing, ShardFailed, StateUnreadable
from streams.kafka.open_transactions import LogEnd
from streams.local.processes import LOOPBACK
from streams.monitoring import observer as module
from streams.monitoring.observer import Watching
from streams.outbox.entry import Entry
from streams.outbox.relay import Sent
from streams.store import StoreUnavailable, Write
from streams.store.fake import FakeStore

LEARNER = TP("learner", 0)
SAID = ("seconds", "reason")


def watched(mode: str = "live") -> Watching:
    return Watching(app="test", mode=mode, partitions=2, stall_after_s=60, host=LOOPBACK, port=0)


def value(watching: Watching, name: str, **labels: str) -> float | None:
    """The sample of that name and exactly those labels; None when it is not shown."""
    for family in text_string_to_metric_families(watching.metrics.text().decode()):
        for sample in family.samples:
            if sample.name == name and sample.labels == labels:
                return sample.value
    return None


class Group:
    """Of the ownership what watching looks at."""

    def __init__(self, *tps: TP) -> None:
        self.current = {tp: SimpleNamespace(tp=tp, reads=tp != LEARNER) for tp in tps}
        self.owned = set(tps)
        self.assigned = self.complete = True

    def lose(self) -> None:
        self.current, self.owned = {}, set()
        self.assigned = self.complete = False


class Ends:
    """The ends of the logs. stable: everything before it is decided. error: of reading what is before it."""

    def __init__(self, end: int, stable: int | None = None, error: str = "") -> None:
        self._end, self._error = LogEnd(end, end if stable is None else stable), error

    async def log_ends(self, partitions: Iterable[TopicPartition]) -> dict[TopicPartition, LogEnd]:
        return dict.fromkeys(partitions, self._end)

    async def unreadable(self, positions: Mapping[TopicPartition, int]) -> dict[TopicPartition, str]:
        return dict.fromkeys(positions, self._error) if self._error else {}


class Away(FakeStore):
    async def due_count(self, timer_position: str, up_to: float) -> int:
        raise StoreUnavailable("no answer")


async def looking(
    watching: Watching, group: Any, store: FakeStore, ends: int = 0, stable: int | None = None, error: str = ""
) -> None:
    """Let it look around a few times."""
    module.CHECK_EVERY_S, usual = 0.01, module.CHECK_EVERY_S
    tails: Any = Ends(ends, stable, error)
    looks = asyncio.create_task(watching.run(group, tails, "touchpoints", store))
    try:
        for _ in range(20):  # in turns with the looks, however slow the machine
            await asyncio.sleep(0.01)
        assert not looks.done(), looks.exception()
    finally:
        module.CHECK_EVERY_S = usual
        looks.cancel()
        await asyncio.gather(looks, return_exceptions=True)


def test_lag_is_known_from_the_takeover_on_and_not_only_from_the_first_commit() -> None:
    watching = watched()
    watching.taken_over(0, ShardState(0, 2, 70, time=5_000))
    asyncio.run(looking(watching, Group(TP("touchpoints", 0)), FakeStore(), ends=100))
    assert value(watching, "retention_lag_records", shard="0") == 30


def test_the_due_backlog_is_what_stands_before_the_newest_record_in_hand() -> None:
    async def run() -> tuple[float | None, float | None]:
        store, watching = FakeStore(), watched()
        await store.create("0", b"")
        await store.mint("0", b"token")
        dues = [(float(timer_position(time, Stage.SCORES)), b"c%d" % time) for time in (6_000, 7_000, 8_000, 8_001)]
        assert (await store.commit("0", Write(b"token", 0, b"nonce", b"", dues=dues))).stands
        watching.taken_over(0, ShardState(0, 2, 70, time=5_000))
        await looking(watching, Group(TP("touchpoints", 0)), store)
        idle = value(watching, "retention_due_backlog_items", shard="0")
        watching.working(0, 10, 8_000)
        await looking(watching, Group(TP("touchpoints", 0)), store)
        return idle, value(watching, "retention_due_backlog_items", shard="0")

    assert asyncio.run(run()) == (0, 3)


def test_a_store_that_is_away_holds_up_nothing_but_the_due_backlog() -> None:
    watching = watched()
    watching.taken_over(0, ShardState(0, 2, 70, time=5_000))
    asyncio.run(looking(watching, Group(TP("touchpoints", 0)), Away(), ends=100))
    assert watching.progress.ready
    assert value(watching, "retention_lag_records", shard="0") == 30
    assert value(watching, "retention_due_backlog_items", shard="0") is None


def test_records_in_hand_when_a_shard_is_lost_count_as_delivered_again() -> None:
    watching, group = watched(), Group(TP("touchpoints", 0))
    state = ShardState(0, 2, 70, time=5_000)
    watching.taken_over(0, state)
    asyncio.run(looking(watching, group, FakeStore()))
    watching.working(0, 50, 6_000)
    watching.committed(0, state, state, 20, 0.1, 0.1)
    group.lose()
    asyncio.run(looking(watching, group, FakeStore()))
    assert value(watching, "retention_redeliveries_total", what="records") == 30
    assert value(watching, "retention_next_offset", shard="0") is None
    assert not watching.progress.ready


def test_a_shard_that_is_still_being_taken_over_is_owned_and_the_worker_not_ready_yet() -> None:
    watching, group = watched(), Group(TP("touchpoints", 0), TP("touchpoints", 1))
    del group.current[TP("touchpoints", 1)]
    group.complete = False
    asyncio.run(looking(watching, group, FakeStore()))
    assert value(watching, "retention_owned_shards") == 2
    assert not watching.progress.ready
    assert set(watching.progress.states()) == {0}
    group.complete = True
    asyncio.run(looking(watching, group, FakeStore()))
    assert watching.progress.ready


def test_a_parked_shard_is_in_health_and_in_the_metric_with_its_error_until_it_goes_on() -> None:
    watching, state = watched(), ShardState(0, 2, 70, time=5_000)
    shards = TP("touchpoints", 0), TP("touchpoints", 1)
    group, owner = Group(*shards), SimpleNamespace(tp=shards[1], reads=True)
    for shard in (0, 1):
        watching.taken_over(shard, state)
    del group.current[shards[1]]
    watching.parked(owner, StateUnreadable("record of anna is damaged"))  # type: ignore[arg-type]  # as much as is read
    asyncio.run(looking(watching, group, FakeStore(), ends=100))
    assert value(watching, "retention_shard_parked", shard="1", error="state_unreadable") == 1
    assert value(watching, "retention_owned_shards") == 2
    assert value(watching, "retention_lag_records", shard="1") == 30, "its records wait"
    assert watching.progress.ready
    assert not watching.progress.healthy, "at once: it does not go on by itself"
    told = watching.progress.states()[1]
    assert told["state"] == "parked"
    assert told["reason"].startswith("StateUnreadable: record of anna is damaged | remedy: ")
    assert watching.progress.parks() == [{"shard": "1", "error": "state_unreadable", **{k: told[k] for k in SAID}}]
    watching.taken_over(1, state)
    assert value(watching, "retention_takeovers_total", shard="1") == 1, "a try is no takeover"
    watching.parked(owner, EngineFailing("too many"))  # type: ignore[arg-type]  # as above
    assert value(watching, "retention_shard_parked", shard="1", error="state_unreadable") is None
    assert value(watching, "retention_shard_parked", shard="1", error="engine_failing") == 1
    watching.parked(owner, None)  # type: ignore[arg-type]  # as above
    assert value(watching, "retention_shard_parked", shard="1", error="engine_failing") is None
    assert watching.progress.healthy


def test_a_parked_learner_is_told_under_its_name() -> None:
    watching = watched()
    learner = SimpleNamespace(tp=LEARNER, reads=False)
    watching.parked(learner, ShardFailed("raised ZeroDivisionError"))  # type: ignore[arg-type]  # as much as is read
    assert value(watching, "retention_shard_parked", shard="learner", error="failure") == 1
    assert [told["shard"] for told in watching.progress.parks()] == ["learner"]
    assert watching.progress.states() == {}


def test_a_shard_taken_over_anew_reads_again_what_it_had_in_hand() -> None:
    watching, state = watched(), ShardState(0, 2, 70, time=5_000)
    watching.taken_over(0, state)
    watching.working(0, 50, 6_000)
    watching.taken_over(0, state)
    assert value(watching, "retention_redeliveries_total", what="records") == 50
    assert value(watching, "retention_takeovers_total", shard="0") == 2


def test_only_the_worker_that_learns_speaks_of_the_model() -> None:
    watching, group = watched(), Group(TP("touchpoints", 0), LEARNER)
    watching.metrics.version(7_000, {"auc": 0.7})
    asyncio.run(looking(watching, group, FakeStore()))
    assert value(watching, "retention_owned_learner") == 1
    assert value(watching, "retention_model_auc") == 0.7
    asyncio.run(looking(watching, Group(TP("touchpoints", 0)), FakeStore()))
    assert value(watching, "retention_owned_learner") == 0
    assert value(watching, "retention_model_auc") is None


def test_the_outbox_shrinks_as_it_is_published_and_not_only_at_the_next_commit() -> None:
    watching = watched()
    watching.outbox(0, 30)
    watching.published(0)(Sent([Entry("triggers", 0, 1, "id", b"anna", b"", 0)], 4, 25, 0.02))
    assert value(watching, "retention_outbox_entries", shard="0") == 25
    assert value(watching, "retention_published_total", shard="0") == 1
    assert value(watching, "retention_redeliveries_total", what="outbox") == 4
    assert value(watching, "retention_trigger_latency_seconds_count") == 1


def test_a_round_that_found_everything_public_was_no_transaction() -> None:
    watching = watched()
    watching.published(0)(Sent([], 4, 0, 0.0))
    assert value(watching, "retention_publish_seconds_count") == 0
    assert value(watching, "retention_redeliveries_total", what="outbox") == 4


def test_in_a_replay_triggers_have_no_latency() -> None:
    watching = watched("replay")
    watching.published(0)(Sent([Entry("triggers", 0, 1, "id", b"anna", b"", 0)], 0, 0, 0.02))
    assert value(watching, "retention_trigger_latency_seconds_count") == 0


def test_a_transaction_that_failed_counts_as_a_retry_and_pauses_the_shard() -> None:
    watching = watched()
    watching.kafka_unavailable(3)("no answer")
    watching.retried(3)()
    assert value(watching, "retention_publish_retries_total", shard="3") == 1
    assert value(watching, "retention_paused", shard="3", reason="kafka") == 1


def test_outputs_that_cant_be_published_pause_the_shard_until_they_are_whatever_else_it_does() -> None:
    watching, state = watched(), ShardState(0, 2, 70, time=5_000)
    watching.taken_over(0, state)
    watching.progress.taken_over([0])
    watching.kafka_unavailable(0)("no answer")
    watching.waiting(0, "outbox", "50 entries unpublished")
    watching.committed(0, state, state, 20, 0.1, 0.1)
    watching.idle(0)
    assert value(watching, "retention_paused", shard="0", reason="outbox") == 0
    assert value(watching, "retention_paused", shard="0", reason="kafka") == 1
    assert watching.progress.states()[0]["reason"] == "kafka: no answer"
    watching.published(0)(Sent([Entry("triggers", 0, 1, "id", b"anna", b"", 0)], 0, 0, 0.02))
    assert value(watching, "retention_paused", shard="0", reason="kafka") == 0
    assert "reason" not in watching.progress.states()[0]


def test_the_trouble_of_a_publisher_ends_with_the_ownership() -> None:
    watching, state, group = watched(), ShardState(0, 2, 70, time=5_000), Group(TP("touchpoints", 0))
    watching.taken_over(0, state)
    asyncio.run(looking(watching, group, FakeStore()))
    watching.kafka_unavailable(0)("no answer")
    watching.taken_over(0, state)
    assert value(watching, "retention_paused", shard="0", reason="kafka") == 0
    assert "reason" not in watching.progress.states()[0]
    watching.kafka_unavailable(0)("no answer")
    group.lose()
    asyncio.run(looking(watching, group, FakeStore()))
    assert value(watching, "retention_paused", shard="0", reason="kafka") is None
    watching.progress.taken_over([0])
    assert "reason" not in watching.progress.states()[0]


def test_an_open_transaction_upstream_pauses_the_shard_until_it_ends_or_the_shard_is_lost(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("streams.kafka.open_transactions.HELD_S", 0.05)
    watching, group = watched(), Group(TP("touchpoints", 0))
    watching.taken_over(0, ShardState(0, 2, 70, time=5_000))
    asyncio.run(looking(watching, group, FakeStore(), ends=100, stable=70))
    assert value(watching, "retention_paused", shard="0", reason="transaction") == 1
    assert (value(watching, "retention_held_seconds", shard="0") or 0) >= 0.05
    assert watching.progress.states()[0]["reason"].startswith("transaction: 30 records wait behind an open transaction")
    asyncio.run(looking(watching, group, FakeStore(), ends=100, stable=100))
    assert value(watching, "retention_paused", shard="0", reason="transaction") == 0
    assert value(watching, "retention_held_seconds", shard="0") == 0
    assert "reason" not in watching.progress.states()[0]
    asyncio.run(looking(watching, group, FakeStore(), ends=100, stable=70))
    group.lose()
    asyncio.run(looking(watching, group, FakeStore(), ends=100, stable=70))
    assert value(watching, "retention_paused", shard="0", reason="transaction") is None
    assert value(watching, "retention_held_seconds", shard="0") is None


def test_an_input_that_cannot_be_read_is_no_idle_shard() -> None:
    watching, group = watched(), Group(TP("touchpoints", 0))
    watching.taken_over(0, ShardState(0, 2, 70, time=5_000))
    watching.idle(0)
    asyncio.run(looking(watching, group, FakeStore(), ends=70, error="Invalid CRC"))
    assert "reason" not in watching.progress.states()[0], "there is nothing to be read"
    asyncio.run(looking(watching, group, FakeStore(), ends=100, error="Invalid CRC"))
    assert value(watching, "retention_paused", shard="0", reason="unreadable") == 1
    assert watching.progress.states()[0]["reason"] == "unreadable: the input can't be read: Invalid CRC"
    watching.progress.stall_after_s = 0.0
    assert not watching.progress.healthy
    asyncio.run(looking(watching, group, FakeStore(), ends=100))
    assert value(watching, "retention_paused", shard="0", reason="unreadable") == 0
    assert watching.progress.healthy


def test_what_the_store_tells_is_counted() -> None:
    watching = watched()
    watching.store_failed()
    watching.commit_stood()
    watching.examples_repeated(7)
    assert value(watching, "retention_store_retries_total") == 1
    assert value(watching, "retention_redeliveries_total", what="commits") == 1
    assert value(watching, "retention_redeliveries_total", what="examples") == 7
