"""An open transaction upstream: recognised by an end of the log that stands still, and said once."""

from __future__ import annotations

import logging

import pytest

from streams.open_transactions import HELD_S, LogEnd, OpenTransactions


class Clock:
    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


def test_records_behind_a_transaction_that_stays_open_are_told_with_since_when_and_once_in_the_log(
    caplog: pytest.LogCaptureFixture,
) -> None:
    clock = Clock()
    watch = OpenTransactions(clock)
    assert watch.looked(3, LogEnd(100, 70)) is None
    clock.now += HELD_S
    held = watch.looked(3, LogEnd(120, 70))  # more has come meanwhile
    assert held is not None
    assert (held.records, held.seconds) == (50, HELD_S)
    clock.now += 10
    again = watch.looked(3, LogEnd(120, 70))
    assert again is not None
    assert again.seconds == HELD_S + 10
    assert again.since == held.since
    (said,) = caplog.messages
    assert said.startswith(
        "shard 3: from offset 70 on 50 records wait behind an open transaction of a producer since 20"
    )
    assert "kafka-transactions.sh" in said


def test_transactions_that_come_and_go_hold_up_nobody() -> None:
    clock = Clock()
    watch = OpenTransactions(clock)
    for offset in range(100):
        assert watch.looked(0, LogEnd(offset + 10, offset)) is None
        clock.now += HELD_S / 2


def test_the_end_of_it_is_said_and_the_next_one_counts_anew(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    clock = Clock()
    watch = OpenTransactions(clock)
    watch.looked(0, LogEnd(100, 70))
    clock.now += HELD_S
    assert watch.looked(0, LogEnd(100, 70)) is not None
    assert watch.looked(0, LogEnd(100, 100)) is None
    assert caplog.messages[-1] == "shard 0: the open transaction that held it up has ended"
    assert watch.looked(0, LogEnd(130, 110)) is None
    clock.now += HELD_S - 1
    assert watch.looked(0, LogEnd(130, 110)) is None


def test_a_shard_that_was_lost_begins_anew() -> None:
    clock = Clock()
    watch = OpenTransactions(clock)
    watch.looked(0, LogEnd(100, 70))
    clock.now += HELD_S
    watch.forget(0)
    assert watch.looked(0, LogEnd(100, 70)) is None
