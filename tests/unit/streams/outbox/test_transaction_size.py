"""Transactions are as large as gets through in time."""

from __future__ import annotations

import asyncio

import pytest

from streams.errors import Fenced
from streams.outbox.entry import Destination, Entry
from streams.outbox.fake import Failure, FakeLog, FakePublisher, stored
from streams.outbox.relay import Outgoing
from streams.outbox.transaction_size import LEAST_BYTES, TransactionSize

MOST = 1 << 20
PLACE = Destination("examples", 4)


def entries(count: int) -> list[Entry]:
    return [Entry("examples", 4, n, f"e{n}", b"anna", bytes(LEAST_BYTES), 1_000) for n in range(1, count + 1)]


def test_what_did_not_get_through_is_halved_down_to_a_floor() -> None:
    size = TransactionSize(MOST, 10.0)
    size.failed(MOST)
    assert size.bytes == MOST // 2
    size.failed(100_000)  # it held less than was allowed
    assert size.bytes == 50_000
    for _ in range(20):
        size.failed(size.bytes)
    assert size.bytes == LEAST_BYTES


def test_it_grows_slowly_while_full_transactions_are_quick_and_never_beyond_where_it_began() -> None:
    size = TransactionSize(MOST, 10.0)
    size.failed(100_000)
    size.stood(50_000, full=False, seconds=0.1)
    assert size.bytes == 50_000, "a transaction that was not full says nothing"
    size.stood(50_000, full=True, seconds=4.0)
    assert size.bytes == 50_000, "it was not quick"
    size.stood(50_000, full=True, seconds=0.1)
    assert size.bytes == 62_500
    for _ in range(30):
        size.stood(size.bytes, full=True, seconds=0.1)
    assert size.bytes == MOST


def test_one_that_stood_but_took_most_of_its_time_is_followed_by_smaller_ones() -> None:
    size = TransactionSize(MOST, 10.0)
    size.stood(100_000, full=False, seconds=6.0)
    assert size.bytes == 50_000


def test_a_takeover_that_is_throttled_goes_on_in_smaller_transactions() -> None:
    async def scenario() -> None:
        log, outages = FakeLog(), list[str]()
        publisher = FakePublisher(log, 4)
        publisher.failures, publisher.throttled_s = [Failure.BEFORE, Failure.LOST_REPLY], 12.5
        outgoing = Outgoing(publisher, 4, False, on_outage=outages.append, transaction_s=0.0)
        await outgoing.start(stored(entries(8)), {"examples": 8})
        assert [entry.sequence for entry in log.entries(PLACE)] == list(range(1, 9)), "each once, in order"
        assert max(publisher.sends) < 8
        assert "Kafka is throttling this client, by 12.5 s" in outages[0]

    asyncio.run(scenario())


def test_a_takeover_that_was_slow_because_somebody_else_owns_the_shard_ends() -> None:
    async def scenario() -> None:
        async def ours() -> bool:
            return False

        log = FakeLog()
        publisher = FakePublisher(log, 4)
        publisher.failures = [Failure.BEFORE]
        with pytest.raises(Fenced, match="another worker owns it"):
            await Outgoing(publisher, 4, False, ours=ours, transaction_s=0.0).start(stored(entries(2)), {"examples": 2})

    asyncio.run(scenario())
