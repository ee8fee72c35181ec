"""A policy that an operator applied decides in a shard from where the log says, through every crash and takeover."""

from __future__ import annotations

from dataclasses import replace
from hashlib import sha256

import pytest

from models.settings import DAY
from models.timeline.batch import LogRecord
from models.timeline.shard_state import PolicyName
from streams.shard.stored_policy import POLICY
from streams.store.fake import FakeStore
from tests.support.logs import START, chosen_policy, inserted, synthetic
from tests.support.workers import POINTS, SETTINGS, Site, play
from tests.unit.models.decisions.policy.test_reading import SMALL

FIRST, SECOND = f"# first\n{SMALL}", f"# second\n{SMALL}"


def logs(*more: tuple[int, bytes]) -> list[list[LogRecord]]:
    plain = synthetic(3, partitions=2, customers=12, days=60)
    days = ((20, 1, FIRST), (40, 2, SECOND))
    written = [(START + day * DAY, chosen_policy(START + day * DAY, number, text)) for day, number, text in days]
    return [inserted(plain[0], [*written, *more]), inserted(plain[1], [*written[:1], *written])]


def text_of(site: Site, store: FakeStore, shard: int) -> bytes | None:
    return store.snapshot(str(shard)).values.get(POLICY)


@pytest.mark.parametrize("batch", [1, 7, 500])
def test_in_lockstep_store_and_topics_hold_what_the_engine_in_memory_makes_of_the_log(batch: int) -> None:
    async def scenario() -> None:
        store = FakeStore()
        site = Site(store, store.snapshot, logs(), batch=lambda offset: batch)
        await site.live()
        for shard in (0, 1):
            told = [entry.value for entry in site.said("decisions", shard) if b"policy_in_force" in entry.value]
            assert len(told) == 2
            body = site.body(shard)
            assert body is not None
            assert body.state.policy == PolicyName(2, sha256(SECOND.encode()).hexdigest())
            assert text_of(site, store, shard) == SECOND.encode()

    play(scenario)


def test_a_crash_at_any_step_changes_nothing() -> None:
    async def scenario() -> None:
        store = FakeStore()
        site = Site(store, store.snapshot, logs(), batch=lambda offset: 3, settings=replace(SETTINGS, piece_items=2))
        await site.live(*(f"{point}:{n}" for point in POINTS if point.startswith("commit") for n in (2, 9, 20, 31, 43)))
        assert [text_of(site, store, shard) for shard in (0, 1)] == [SECOND.encode()] * 2

    play(scenario)
