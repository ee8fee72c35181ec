"""Sizing: from figures to machines, and the tables of docs/sizing.md."""

from __future__ import annotations

import click
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.report import refreshed
from benchmarks.sizing.__main__ import sizes
from benchmarks.sizing.arithmetic import Load, Measured, a_core, needed
from benchmarks.sizing.report import DOCS, OF_LOADS, OF_WORLDS, dearest, loads, of_loads, of_worlds

MEASURED = Measured(worker=20.0, redis=5.0, broker=2.0, a_customer=512)


def world(**own: object) -> dict[str, object]:
    us = {"worker": 10.0, "redis": 4.0, "broker": 1.0}
    of = {"customers": 1_000, "shards": 4, "workers": 1, "rate": 5e4, "due_to_one": 0.5, "us": us, "rss": 1 << 28}
    return {**of, "bytes": 500.0, **own}


def test_a_core_carries_half_of_what_fills_it() -> None:
    assert a_core(20.0) == 25_000


def test_a_load_takes_what_its_peak_takes() -> None:
    told = needed(MEASURED, Load(customers=86_400_000, a_day=10.0, peak=6.0))
    assert told.peak == pytest.approx(60_000)
    assert (told.workers, told.masters, told.brokers) == (3, 1, 1)
    assert told.gib == pytest.approx(86_400_000 * 512 / 2**30)
    # Three workers do 150,000 a second, of which 10,000 are new ones.
    assert told.back_h == pytest.approx(10_000 * 24 / 140_000)


@given(st.integers(1, 10**9), st.floats(0.01, 100.0), st.floats(1.0, 20.0))
def test_no_process_is_used_to_more_than_a_half_in_the_peak(customers: int, a_day: float, peak: float) -> None:
    told = needed(MEASURED, Load(customers, a_day, peak))
    for many, us in ((told.workers, 20.0), (told.masters, 5.0), (told.brokers, 2.0)):
        assert told.peak * us / 1e6 / many <= 0.5 * (1 + 1e-9)
    assert told.back_h > 0


def test_the_dearest_world_of_one_worker_counts_and_the_bytes_of_the_largest() -> None:
    dear = {"worker": 30.0, "redis": 3.0, "broker": 2.0}
    found = {
        "worlds": [world(), world(customers=9_000, bytes=450.0, us=dear), world(workers=2, us=dict(dear, redis=99.0))]
    }
    assert dearest(found) == Measured(30.0, 4.0, 2.0, 450.0)


def test_the_documentation_has_a_place_for_both_tables() -> None:
    results = {"worlds": [world()], "events": 5, "load": 0.1, "machine": {"cores": "2"}}
    text = DOCS.read_text(encoding="utf-8")
    assert of_worlds(results) in refreshed(text, of_worlds(results), OF_WORLDS)
    assert of_loads(results) in refreshed(text, of_loads(results), OF_LOADS)
    assert len(loads(MEASURED)) == 6


@pytest.mark.parametrize("told", ["", "5", "a:4", "5:0", "5:4:2:1", "-5:4"])
def test_what_is_no_size_is_named(told: str) -> None:
    with pytest.raises(click.BadParameter, match="is not CUSTOMERS:SHARDS"):
        sizes((told,))


def test_sizes_are_customers_shards_and_workers() -> None:
    assert sizes(("5:4", "6:8:2")) == [(5, 4, 1), (6, 8, 2)]
