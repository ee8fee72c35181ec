"""The compiled engine says and keeps, to the byte, what the plain one does (tests/reference)."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.rehearsal import rehearse
from tests.logs import synthetic
from tests.reference.engine import apply as plainly
from tests.unit.models.bench import digest
from tests.unit.models.test_rehearsal import VARIANTS


@pytest.mark.parametrize("variant", VARIANTS)
def test_it_equals_the_plain_reference(variant: str) -> None:
    logs = synthetic(7, partitions=3, customers=80, days=200)
    fast, plain = rehearse(logs, VARIANTS[variant]), rehearse(logs, VARIANTS[variant], engine=plainly)
    assert digest(fast) == digest(plain)
    assert sum(shard.state.totals.triggers for shard in fast.shards) >= 10


@settings(max_examples=15)
@given(
    st.integers(100, 10_000),
    st.sampled_from(sorted(VARIANTS)),
    st.integers(1, 200),
    st.integers(1, 20),
    st.floats(0.05, 0.6),
)
def test_it_equals_the_plain_reference_on_any_log_in_any_portions(
    seed: int, variant: str, batch: int, items: int, leave: float
) -> None:
    logs = synthetic(seed, partitions=2, customers=12, days=90)
    given_settings = replace(VARIANTS[variant], enter=leave + 0.05, exit=leave)
    parts = replace(given_settings, piece_items=items)
    fast = rehearse(logs, parts, batch=lambda at: batch)
    assert digest(fast) == digest(rehearse(logs, given_settings, engine=plainly))
