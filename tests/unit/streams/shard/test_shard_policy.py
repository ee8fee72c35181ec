"""A policy that an operator applied decides in a shard from where the log says, through every crash and takeover."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from hashlib import sha256
from typing import Any

import msgspec
import pytest
from msgspec import UNSET

from models.customer.layout import PREVIOUS, VERSION
from models.decisions.policy.vocabulary import policy_read
from models.engine.changes import counted_as
from models.outputs import Decision
from models.settings import DAY
from models.timeline.shard_state import PolicyName, ShardState, WaitingPolicy
from streams.errors import EngineError, NewerRelease, StateUnreadable
from streams.shard.meta import pack_body
from streams.shard.stored_policy import POLICY, WAITING_POLICY, stored_policy
from streams.store.fake import FakeStore
from tests.support.logs import START, chosen_policy, inserted, synthetic
from tests.support.workers import POINTS, SETTINGS, Site, Worker, play, records_in
from tests.unit.models.decisions.policy.test_reading import SMALL

FIRST, SECOND = f"# first\n{SMALL}", f"# second\n{SMALL}"


def named(number: int, text: str) -> PolicyName:
    return PolicyName(number, sha256(text.encode()).hexdigest())


def site(**more: Any) -> tuple[Site, FakeStore]:
    """The second shard hears of the first policy twice."""
    plain, store = synthetic(3, partitions=2, customers=12, days=60), FakeStore()
    days = ((20, 1, FIRST), (40, 2, SECOND))
    written = [(START + day * DAY, chosen_policy(START + day * DAY, number, text)) for day, number, text in days]
    logs = [inserted(plain[0], written), inserted(plain[1], [*written[:1], *written])]
    return Site(store, store.snapshot, logs, **more), store


async def work_up_to(whole: Site, day: int) -> EngineError | None:
    worker = Worker(whole)
    life = worker.start()
    await worker.work_up_to(START + day * DAY)
    await worker.stop(life)
    return worker.error


LATER = START + 50 * DAY + 1


def site_that_waits(at: int = LATER, **more: Any) -> tuple[Site, FakeStore]:
    """Both shards hear on different days of a policy that comes into force later."""
    plain, store = synthetic(3, partitions=2, customers=12, days=60), FakeStore()
    logs = [
        inserted(
            log,
            [
                (START + 20 * DAY, chosen_policy(START + 20 * DAY, 1, FIRST)),
                (START + day * DAY, chosen_policy(START + day * DAY, 2, SECOND, at=at)),
            ],
        )
        for log, day in zip(plain, (30, 40), strict=True)
    ]
    return Site(store, store.snapshot, logs, **more), store


def test_one_that_waits_is_kept_with_its_text_until_its_boundary() -> None:
    async def scenario() -> None:
        whole, store = site_that_waits()
        assert await work_up_to(whole, 45) is None
        for shard in (0, 1):
            body, kept = whole.body(shard), store.snapshot(str(shard))
            assert body is not None
            assert body.state.policy == named(1, FIRST)
            assert body.state.policy_waiting == WaitingPolicy(2, named(2, SECOND).sha256, LATER, "ada", "a try")
            assert kept.values[WAITING_POLICY] == SECOND.encode()
            assert kept.meta is not None
            assert kept.meta.body.startswith(b'{"schema":4,')
        assert texts(store) == [FIRST.encode()] * 2
        await whole.live()
        for shard in (0, 1):
            after = whole.body(shard)
            assert after is not None
            assert after.state.policy == named(2, SECOND)
            assert after.state.policy_waiting is UNSET
            assert WAITING_POLICY not in store.snapshot(str(shard)).values
        assert texts(store) == [SECOND.encode()] * 2

    play(scenario)


def test_one_that_waits_outlives_a_crash_at_any_step() -> None:
    async def scenario() -> None:
        whole, store = site_that_waits(batch=lambda offset: 3, settings=replace(SETTINGS, piece_items=2))
        points = [point for point in POINTS if point.startswith("commit")]
        await whole.live(*(f"{point}:{n}" for point in points for n in (2, 9, 20, 31, 43)))
        assert texts(store) == [SECOND.encode()] * 2
        assert WAITING_POLICY not in store.snapshot("0").values

    play(scenario)


def test_a_shard_whose_waiting_policy_is_missing_is_not_worked_on() -> None:
    async def scenario() -> None:
        whole, store = site_that_waits()
        assert await work_up_to(whole, 45) is None
        kept = store.snapshot("0")
        values = {name: value for name, value in kept.values.items() if name != WAITING_POLICY}
        store.restore("0", replace(kept, values=values))
        error = await work_up_to(whole, 55)
        assert isinstance(error, StateUnreadable)
        assert f"the text of policy {named(2, SECOND).short} is not in the store" in str(error)
        store.restore("0", kept)
        await whole.live()

    play(scenario)


def texts(store: FakeStore) -> list[bytes | None]:
    return [store.snapshot(str(shard)).values.get(POLICY) for shard in (0, 1)]


@pytest.mark.parametrize("batch", [1, 7, 500])
def test_in_lockstep_store_and_topics_hold_what_the_engine_in_memory_makes_of_the_log(batch: int) -> None:
    async def scenario() -> None:
        whole, store = site(batch=lambda offset: batch)
        [worker] = await whole.live()
        entries = [entry for shard in (0, 1) for entry in whole.said("decisions", shard)]
        decided = [msgspec.json.decode(entry.value, type=Decision) for entry in entries]
        counted = Counter(counted_as(one) for one in decided if one.policy and one.customer)
        assert worker.watcher.decisions == counted
        assert counted["triggered", ""] > 0
        for shard in (0, 1):
            said = [entry.value for entry in whole.said("decisions", shard) if b"policy_in_force" in entry.value]
            assert len(said) == 2
            body = whole.body(shard)
            assert body is not None
            assert body.state.policy == named(2, SECOND)
        assert texts(store) == [SECOND.encode()] * 2

    play(scenario)


def test_whoever_takes_a_shard_over_says_how_much_of_a_policy_it_reads() -> None:
    async def scenario() -> None:
        whole, store = site()
        await whole.live()
        body, before = whole.body(0), store.snapshot("0")
        assert body is not None
        assert body.policy_read == policy_read()
        for other in (UNSET, (1, 7)):
            older = pack_body(msgspec.structs.replace(body, policy_read=other))
            assert before.meta is not None
            store.restore("0", replace(before, meta=replace(before.meta, body=older)))
            changed = whole.body(0)
            assert changed is not None
            assert changed.policy_read == other
            await work_up_to(whole, 60)
            after = whole.body(0)
            assert after is not None
            known = msgspec.structs.replace(after.state, stages=body.state.stages)
            assert (after.policy_read, known) == (policy_read(), body.state)

    play(scenario)


def test_a_crash_at_any_step_changes_nothing() -> None:
    async def scenario() -> None:
        whole, store = site(batch=lambda offset: 3, settings=replace(SETTINGS, piece_items=2))
        points = [point for point in POINTS if point.startswith("commit")]
        await whole.live(*(f"{point}:{n}" for point in points for n in (2, 9, 20, 31, 43)))
        assert texts(store) == [SECOND.encode()] * 2

    play(scenario)


def test_from_then_on_records_are_written_in_the_newest_version_whatever_is_configured() -> None:
    async def scenario() -> None:
        whole, store = site(record_version=PREVIOUS)
        assert await work_up_to(whole, 15) is None
        assert {value[0] for value in records_in(store.snapshot("0")).values()} == {PREVIOUS}
        assert await work_up_to(whole, 25) is None
        assert VERSION in {value[0] for value in records_in(store.snapshot("0")).values()}
        await whole.live()

    play(scenario)


@pytest.mark.parametrize("stored", [None, SECOND.encode(), b"\xff"])
def test_a_shard_whose_policy_is_missing_or_another_one_is_not_worked_on(stored: bytes | None) -> None:
    async def scenario() -> None:
        whole, store = site()
        assert await work_up_to(whole, 25) is None
        kept = store.snapshot("0")
        values = {name: value for name, value in kept.values.items() if name != POLICY}
        store.restore("0", replace(kept, values=values if stored is None else {**values, POLICY: stored}))
        before = whole.body(0)
        error = await work_up_to(whole, 40)
        assert isinstance(error, StateUnreadable)
        assert f"shard 0: the text of policy {named(1, FIRST).short} is" in str(error)
        assert whole.body(0) == before
        store.restore("0", replace(store.snapshot("0"), values=kept.values))
        await whole.live()

    play(scenario)


def test_at_a_policy_of_another_release_the_shard_stops_until_that_release_works() -> None:
    """The older release reads no format at all."""

    async def scenario(monkeypatch: pytest.MonkeyPatch) -> None:
        whole, _ = site()
        with monkeypatch.context() as older:
            older.setattr("models.decisions.policy.in_force.FORMAT", 0)
            error = await work_up_to(whole, 60)
        assert isinstance(error, NewerRelease)
        assert "a policy that this release can't read: data.format is 1; this release reads 0" in str(error)
        body = whole.body(0)
        assert body is not None
        assert b"policy_chosen" in (whole.logs[0][body.state.next_offset].value or b"")
        await whole.live()

    with pytest.MonkeyPatch.context() as monkeypatch:
        play(lambda: scenario(monkeypatch))


def test_a_stored_policy_of_another_release_is_told_as_such() -> None:
    text = SMALL.replace("format = 1", "format = 2")
    state = ShardState(0, 1, 0, policy=named(1, text))
    with pytest.raises(NewerRelease, match=r"format is 2; this release reads 1: .*remedy: run the newer release"):
        stored_policy("0", state, text.encode())
    unfit = SMALL.replace('sort = "risk"', 'sort = "rsk"')
    with pytest.raises(StateUnreadable, match=r"the text of policy 1-[0-9a-f]{8}: moment\.risk\.sort is"):
        stored_policy("0", ShardState(0, 1, 0, policy=named(1, unfit)), unfit.encode())
