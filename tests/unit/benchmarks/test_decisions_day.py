"""What the policy costs on the day: the history before it does not count, and the ratio is taken within a pair."""

from __future__ import annotations

import pytest

from benchmarks.decisions import Watch
from benchmarks.decisions_day import Pair, measure, table


def watch(engine: int, **steps: tuple[int, int]) -> Watch:
    """engine: ns. steps: how many came to something, and ns of them."""
    found = Watch()
    found.engine_ns = engine
    for name, (many, ns) in steps.items():
        found.steps[name], found.ns[name] = many, ns
    return found


def test_the_dearest_comes_first_and_ratios_are_of_pairs() -> None:
    pairs = [
        Pair(watch(4_000_000), watch(9_000_000, waits=(10, 1_000_000), sends=(5, 2_000_000))),
        Pair(watch(2_000_000), watch(7_000_000, waits=(10, 1_000_000), sends=(5, 2_000_000))),
    ]
    lines = table(pairs, 1_000).splitlines()
    assert lines[1].split()[-1] == "3.00"
    assert lines[2].split()[3] == "8.00,"
    assert lines[2].split()[-1] == "3.00"
    assert "1.750 (1.500 to 2.000" in lines[3]
    assert [line.split() for line in lines[5:]] == [
        ["sends", "400.0", "5.00", "2.00"],
        ["waits", "100.0", "10.00", "1.00"],
    ]


@pytest.mark.slow
def test_only_the_day_counts() -> None:
    (pair,) = measure(40, 200, 1)
    assert 0 < pair.decisions < pair.having.engine_ns
    assert 0 < sum(pair.having.steps.values()) < 200
    assert not pair.without.steps
    assert "200 touchpoints, 1 pairs" in table([pair], 200)
