"""Whatever the batches, crashes and lost replies: state and outputs equal the engine in memory, byte for byte."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from models.settings import DAY
from streams.outbox.fake import Failure
from streams.store.fake import FakeStore
from tests.support.logs import synthetic
from tests.support.workers import POINTS, SETTINGS, Site, play

SHORT = {"partitions": 2, "customers": 8, "days": 50}


def site(seed: int, **more: object) -> Site:
    store = FakeStore()
    return Site(store, store.snapshot, synthetic(seed, **SHORT), **more)  # type: ignore[arg-type]  # Site's own fields


@pytest.mark.parametrize("batch", [1, 7, 500])
def test_a_log_through_the_store_and_the_outbox_gives_what_the_engine_in_memory_gives(batch: int) -> None:
    async def scenario() -> None:
        store = FakeStore()
        whole = Site(store, store.snapshot, synthetic(3), batch=lambda offset: batch)
        await whole.live()
        triggers = sum(shard.state.totals.triggers for shard in whole.expected.shards)
        assert triggers > 10, "the log shows nothing"

    play(scenario)


crash = st.tuples(st.sampled_from(POINTS), st.integers(1, 12)).map(lambda drawn: f"{drawn[0]}:{drawn[1]}")


@pytest.mark.slow
@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(
    seed=st.integers(0, 3),
    crashes=st.lists(crash, max_size=5),
    batch=st.sampled_from([1, 3, 20, 500]),
    items=st.sampled_from([1, 5, 1_000]),
    faults=st.dictionaries(st.integers(0, 150), st.booleans(), max_size=8),
    sends=st.dictionaries(st.integers(0, 20), st.sampled_from(Failure), max_size=4),
    limit=st.sampled_from([1, 50]),
    forget=st.sampled_from([0, DAY]),
    stay=st.sampled_from([0, 3, 160_000]),
)
def test_no_sequence_of_crashes_lost_replies_and_batch_sizes_changes_anything(
    seed: int,
    crashes: list[str],
    batch: int,
    items: int,
    faults: dict[int, bool],
    sends: dict[int, Failure],
    limit: int,
    forget: int,
    stay: int,
) -> None:
    async def scenario() -> None:
        # With horizons of a week the silent leave within the log, and some come back.
        engine = replace(SETTINGS, piece_items=items, forget_after=forget, horizon=7 * DAY if forget else 14 * DAY)
        drawn = site(
            seed,
            settings=engine,
            batch=lambda offset: batch,
            faults=faults,
            send_faults=sends,
            outbox_limit=limit,
            cache_records=stay,
        )
        await drawn.live(*crashes)

    play(scenario)
