"""Tries of a link or an address: so many at once, and as many again in a while; others are not touched."""

from __future__ import annotations

import pytest

from streams.own_page import limits
from streams.own_page.limits import Limit


def test_tries_run_out_and_come_back() -> None:
    now = [0.0]
    limit = Limit(3, 30.0, lambda: now[0])
    assert [limit.takes("a") for _ in range(4)] == [True, True, True, False]
    assert limit.takes("b")
    now[0] = 9.9
    assert not limit.takes("a")
    now[0] = 10.1
    assert [limit.takes("a") for _ in range(2)] == [True, False]
    now[0] = 1_000.0
    assert [limit.takes("a") for _ in range(4)] == [True, True, True, False]


def test_only_so_many_are_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "MOST_KEPT", 2)
    limit = Limit(1, 1e9, lambda: 0.0)
    assert [limit.takes(who) for who in "xyxy"] == [True, True, False, False]
    assert [limit.takes(who) for who in "abcab"] == [True, True, True, True, True]
    assert not limit.takes("b")
