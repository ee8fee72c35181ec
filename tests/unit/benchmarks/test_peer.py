"""The peer's own arithmetic: it does the job, so that the comparison is with somebody who does."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from benchmarks.peer_faust import DAY_S, HORIZON_DAYS, Customer, Touchpoint, decode, features, from_history, updated

NOW = datetime(2026, 3, 2, tzinfo=UTC)


def touch(kind: str, **data: Any) -> Touchpoint:
    return Touchpoint(id="1", type=kind, time=NOW, data=data, subject="anna")


def test_a_purchase_counts_and_moves_the_customers_own_gap() -> None:
    before: Customer = {"bought": str(NOW.timestamp() - 10 * DAY_S), "gap": "20.0", "purchases": "2", "spent": "50.0"}
    change = updated(before, touch("purchase", amount=30.0), NOW.timestamp())
    assert change["purchases"] == 3.0
    assert change["spent"] == 80.0
    assert change["gap"] == pytest.approx(17.0)


def test_other_touchpoints_count_in_their_family() -> None:
    assert updated({}, touch("visit"), NOW.timestamp())["engagement"] == 1.0
    assert updated({}, touch("chat", sentiment=-1.0), NOW.timestamp())["sentiment"] == pytest.approx(-0.2)
    assert updated({}, touch("complaint"), NOW.timestamp())["service"] == 1.0


def test_features_are_numbers_for_a_new_customer_too() -> None:
    assert all(isinstance(value, float) for value in features({}, NOW.timestamp()).values())


def test_a_history_becomes_the_hash_that_the_touchpoints_would_have_made() -> None:
    now = NOW.timestamp()
    warm = from_history([now - 30 * DAY_S, now - 10 * DAY_S])
    assert warm["purchases"] == 2.0
    assert warm["gap"] == pytest.approx(20.0)
    assert from_history([now])["gap"] == HORIZON_DAYS


def test_clock_records_have_no_subject() -> None:
    clock = b'{"id":"c","type":"clock","time":"2026-03-02T00:00:00Z","data":{},"source":"s","specversion":"1.0"}'
    assert decode(clock).subject == ""
