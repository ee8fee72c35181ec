"""From the outbox to the public: once, in order, and an expired trigger replaced."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from itertools import pairwise

import msgspec
import pytest

from models.touchpoints import Kind, Touch, read
from streams.errors import DifferentOutput, Fenced
from streams.kafka.errors import KafkaUnavailable
from streams.outbox.entry import Destination, Entry
from streams.outbox.fake import Failure, FakeLog, FakePublisher, stored
from streams.outbox.pace import BEHIND_S as OWN_BEHIND_S
from streams.outbox.pace import LEISURE_S as OWN_LEISURE_S
from streams.outbox.pace import SHARE
from streams.outbox.relay import (
    BYTES_IN_ONE_TRANSACTION,
    IN_ONE_TRANSACTION,
    MOST_BYTES,
    Outgoing,
    Sent,
    always,
)
from streams.retry import Backoff
from tests.support.workers import until

TRIGGERS, EXAMPLES, INPUT = Destination("triggers", 4), Destination("examples", 4), Destination("touchpoints", 4)
LEISURE_S, BEHIND_S = 20.0, 40.0
"""Longer than anything else here may take on a busy machine."""
PAST, FUTURE = 1_000, 4_102_444_800_000  # 2100-01-01T00:00:00Z


@pytest.fixture(autouse=True)
def paced(short_pauses: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Here the pace is what is tested."""
    monkeypatch.setattr("streams.outbox.pace.LEISURE_S", OWN_LEISURE_S)
    monkeypatch.setattr("streams.outbox.pace.BEHIND_S", OWN_BEHIND_S)


@pytest.fixture
def long_pauses(paced: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever waits for one is found out, on a busy machine too."""
    monkeypatch.setattr("streams.outbox.pace.LEISURE_S", LEISURE_S)
    monkeypatch.setattr("streams.outbox.pace.BEHIND_S", BEHIND_S)


def trigger(count: int, expires_at: int = FUTURE) -> Entry:
    return Entry("triggers", 4, count, f"t{count}", b"anna", b"{}", 1_000, expires_at)


def example(count: int) -> Entry:
    return Entry("examples", 4, count, f"e{count}", b"anna", b"{}", 1_000)


def counts(log: FakeLog, destination: Destination) -> list[int]:
    return [entry.sequence for entry in log.entries(destination)]


async def started(
    log: FakeLog, outbox: Sequence[Entry], *, live: bool, ours: Callable[[], Awaitable[bool]] = always, **committed: int
) -> Outgoing:
    outgoing = Outgoing(FakePublisher(log, 4), 4, live, ours=ours)
    last = {entry.topic: entry.sequence for entry in outbox}
    await outgoing.start(stored(outbox), {**last, **committed})
    return outgoing


async def published(outgoing: Outgoing, entries: Sequence[Entry]) -> None:
    """Through the publisher that runs beside the commits."""
    running = asyncio.create_task(outgoing.run())
    outgoing.add(entries)
    await until(lambda: not len(outgoing) or running.done())
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    if not running.cancelled() and (error := running.exception()):
        raise error


def test_a_live_trigger_past_its_expiry_is_replaced_by_a_record_that_rearms_its_episode() -> None:
    async def scenario() -> None:
        log = FakeLog()
        outgoing = await started(log, [], live=True)
        await published(outgoing, [trigger(1), trigger(2, PAST), trigger(3), example(1)])
        assert counts(log, TRIGGERS) == [1, 3]
        assert counts(log, EXAMPLES) == [1]
        (record,) = log.entries(INPUT)
        now = int(time.time() * 1000)
        touch = read(record.value, record.key, now)
        assert isinstance(touch, Touch)
        assert (touch.kind, touch.customer) == (Kind.EXPIRED_UNSENT, "anna")
        assert json.loads(record.value)["data"] == {"trigger_id": "t2"}
        assert outgoing.trimmable == 4

    asyncio.run(scenario())


def test_a_replay_never_lets_a_trigger_expire() -> None:
    async def scenario() -> None:
        log = FakeLog()
        outgoing = await started(log, [trigger(1, PAST)], live=False)
        await published(outgoing, [trigger(2, PAST)])
        assert counts(log, TRIGGERS) == [1, 2]
        assert log.entries(INPUT) == []

    asyncio.run(scenario())


def test_a_count_that_an_expired_trigger_left_unused_is_no_gap() -> None:
    async def scenario() -> None:
        log = FakeLog()
        outbox = [trigger(1), trigger(2, PAST), trigger(3)]
        await started(log, outbox, live=True)
        loopback = list(log.entries(INPUT))
        again = await started(log, outbox, live=True)
        assert counts(log, TRIGGERS) == [1, 3]
        assert log.entries(INPUT) == loopback
        assert again.trimmable == 3

    asyncio.run(scenario())


@pytest.mark.parametrize("live", [True, False])
def test_a_count_missing_in_public_that_no_expiry_explains_stops_the_shard(live: bool) -> None:
    async def scenario() -> None:
        log = FakeLog()
        await started(log, [example(n) for n in (1, 2, 3)], live=live)
        del log.records[EXAMPLES][1]
        with pytest.raises(
            DifferentOutput, match=r"examples of shard 4: sequence number 2 is missing in public.*remedy"
        ):
            await started(log, [example(n) for n in (1, 2, 3)], live=live)
        await started(log, [trigger(n) for n in (1, 2, 3)], live=live, examples=3)
        del log.records[TRIGGERS][1]
        if live:
            await started(log, [trigger(n) for n in (1, 2, 3)], live=live, examples=3)
        else:
            with pytest.raises(DifferentOutput, match="triggers of shard 4: sequence number 2 is missing"):
                await started(log, [trigger(n) for n in (1, 2, 3)], live=live, examples=3)

    asyncio.run(scenario())


def test_dead_letters_and_triggers_that_kafka_has_let_go_are_no_gap() -> None:
    """A backup older than their topics' retention: the replay makes them again, and they were public."""

    async def scenario() -> None:
        log = FakeLog()
        letters = [Entry("deadletters", 4, n, f"d{n}", b"anna", b"{}", 1_000) for n in range(1, 6)]
        made = [*letters, *(trigger(n) for n in range(1, 6)), *(example(n) for n in range(1, 6))]
        await started(log, made, live=False)
        for destination in (Destination("deadletters", 4), TRIGGERS):
            del log.records[destination][:3]
        again = await started(log, [], live=False, deadletters=0, triggers=0, examples=0)
        await published(again, made)
        assert counts(log, Destination("deadletters", 4)) == counts(log, TRIGGERS) == [4, 5]
        del log.records[EXAMPLES][:3]
        with pytest.raises(DifferentOutput, match="examples of shard 4: sequence number 1 is missing in public"):
            await started(log, made, live=False)

    asyncio.run(scenario())


def test_two_owners_whose_clocks_differ_do_not_both_replace_and_send_a_trigger(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The first replaces it and dies before the trim; the second's clock is behind."""
    monkeypatch.setattr("streams.outbox.published.CLOCKS_DIFFER_S", 0.5)
    real, behind_s = time.time, 0.0
    monkeypatch.setattr("streams.outbox.relay.time.time", lambda: real() - behind_s)

    async def scenario() -> None:
        nonlocal behind_s
        log = FakeLog()
        outbox = [example(1), trigger(1, int(1_000 * (real() - 0.6)))]
        await started(log, outbox, live=True)
        assert (counts(log, TRIGGERS), len(log.entries(INPUT))) == ([], 1)
        behind_s = 0.4
        await started(log, outbox, live=True)
        assert counts(log, TRIGGERS) == []
        assert {entry.id for entry in log.entries(INPUT)} == {"t1"}, "the same record, which readers know again"

    asyncio.run(scenario())


def test_a_trigger_is_not_replaced_in_the_moment_of_its_expiry() -> None:
    async def scenario() -> None:
        log = FakeLog()
        sending = asyncio.ensure_future(
            started(log, [example(1), trigger(1, int(1_000 * time.time()) - 1), example(2)], live=True)
        )
        await until(lambda: counts(log, EXAMPLES))
        await asyncio.sleep(0.1)
        assert (counts(log, EXAMPLES), counts(log, TRIGGERS), log.entries(INPUT)) == ([1], [], [])
        sending.cancel()

    asyncio.run(scenario())


def test_the_first_difference_from_what_is_public_names_both_ids() -> None:
    async def scenario() -> None:
        log = FakeLog()
        await started(log, [example(1), example(2)], live=False)
        other = Entry("examples", 4, 2, "other", b"anna", b"{}", 1_000)
        with pytest.raises(
            DifferentOutput, match=r"examples of shard 4: sequence number 2 is other here and e2 in public"
        ):
            await started(log, [example(1), other], live=False)
        assert counts(log, EXAMPLES) == [1, 2]

    asyncio.run(scenario())


def test_outputs_made_again_after_the_store_went_back_are_compared_and_not_sent() -> None:
    async def scenario() -> None:
        log = FakeLog()
        await started(log, [example(n) for n in range(1, 6)], live=False)
        outgoing = await started(log, [], live=False, examples=2)
        await published(outgoing, [example(3), example(4)])
        await published(outgoing, [example(5), example(6)])
        assert counts(log, EXAMPLES) == [1, 2, 3, 4, 5, 6]
        assert outgoing.trimmable == 4

    asyncio.run(scenario())


def test_outputs_of_a_role_of_which_nothing_is_committed_any_more_are_not_sent_again() -> None:
    async def scenario() -> None:
        log = FakeLog()
        await started(log, [trigger(1), trigger(2)], live=False)
        outgoing = await started(log, [], live=False)
        await published(outgoing, [trigger(1), trigger(2), trigger(3)])
        assert counts(log, TRIGGERS) == [1, 2, 3]

    asyncio.run(scenario())


def test_what_is_public_beyond_the_committed_counts_is_told_by_role_at_a_start_without_an_outbox() -> None:
    async def scenario() -> None:
        log = FakeLog()
        await published(await started(log, [], live=False), [trigger(1), trigger(2), example(1)])
        outgoing = await started(log, [], live=False, triggers=1, examples=1)
        assert outgoing.ahead({"triggers": 1, "examples": 1}) == {"triggers": 2}
        assert outgoing.ahead({"triggers": 2}) == {"examples": 1}
        assert outgoing.ahead({"triggers": 2, "examples": 1}) == {}
        assert await outgoing.published_values("triggers", 2) == [trigger(2).value]

    asyncio.run(scenario())


@pytest.mark.parametrize("failure", Failure)
def test_a_start_that_failed_halfway_is_repeated_as_it_is(failure: Failure) -> None:
    async def scenario() -> None:
        log = FakeLog()
        publisher = FakePublisher(log, 4)
        outgoing, outbox = Outgoing(publisher, 4, False), [trigger(1), trigger(2), example(1)]
        publisher.failures.append(failure)
        with pytest.raises(KafkaUnavailable):
            await outgoing.start(stored(outbox), {"triggers": 2, "examples": 1})
        await outgoing.start(stored(outbox), {"triggers": 2, "examples": 1})
        assert (counts(log, TRIGGERS), counts(log, EXAMPLES)) == ([1, 2], [1])
        assert (len(outgoing), outgoing.trimmable) == (0, 3)
        assert outgoing.has_capacity(1)

    asyncio.run(scenario())


def test_a_shard_that_never_was_is_looked_at_once() -> None:
    class Counting(FakePublisher):
        questions = 0

        async def public(self, since: Mapping[Destination, int]) -> dict[Destination, list[tuple[int, str]]]:
            self.questions += bool(since)
            return await super().public(since)

    async def scenario() -> None:
        publisher = Counting(FakeLog(), 4)
        outgoing = Outgoing(publisher, 4, True)
        assert await outgoing.published_roles() == []
        await outgoing.start(stored([]), {})
        assert publisher.questions == 1

    asyncio.run(scenario())


@pytest.mark.parametrize("failure", Failure)
@pytest.mark.parametrize("at", [1, 2, 3])
def test_an_unknown_outcome_in_the_middle_is_looked_up(
    failure: Failure, at: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("streams.outbox.relay.IN_ONE_TRANSACTION", 2)

    async def scenario() -> None:
        log = FakeLog()
        publisher = FakePublisher(log, 4)
        outgoing = Outgoing(publisher, 4, False)
        await outgoing.start(stored([]), {})
        for n in range(1, at):
            await published(outgoing, [example(n)])
        publisher.failures = [failure, failure]
        await published(outgoing, [example(n) for n in range(at, at + 7)])
        assert counts(log, EXAMPLES) == list(range(1, at + 7))
        assert outgoing.trimmable == at + 6

    asyncio.run(scenario())


@pytest.mark.slow
def test_each_outage_begins_with_the_first_pause_again(monkeypatch: pytest.MonkeyPatch) -> None:
    pauses: list[float] = []

    class Noted(Backoff):
        async def pause(self) -> None:
            pauses.append(self.pause_s)
            await super().pause()

    monkeypatch.setattr("streams.outbox.relay.Backoff", Noted)

    async def scenario() -> None:
        publisher = FakePublisher(FakeLog(), 4)
        outgoing = Outgoing(publisher, 4, False)
        await outgoing.start(stored([]), {})
        running = asyncio.create_task(outgoing.run())
        for n in (1, 2):
            publisher.failures = [Failure.BEFORE, Failure.BEFORE]
            outgoing.add([example(n)])
            await until(lambda: not len(outgoing))
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)

    asyncio.run(scenario())
    first = pauses[0]
    assert pauses == [first, 2 * first, first, 2 * first]


def test_a_publisher_that_was_fenced_by_the_new_owner_ends_its_own() -> None:
    async def scenario() -> None:
        async def ours() -> bool:
            return False

        log = FakeLog()
        outgoing = await started(log, [], live=False, ours=ours)
        await started(log, [], live=False)
        with pytest.raises(Fenced, match="another worker owns it"):
            await published(outgoing, [example(1)])
        assert log.records == {}

    asyncio.run(scenario())


def test_a_publisher_that_looks_fenced_while_the_shard_is_ours_starts_anew() -> None:
    """A transaction that lasted longer than its timeout looks the same as a new owner's start."""

    async def scenario() -> None:
        log = FakeLog()
        outgoing = await started(log, [], live=False)
        await started(log, [], live=False)
        await published(outgoing, [example(1), example(2)])
        assert counts(log, Destination("examples", 4)) == [1, 2]

    asyncio.run(scenario())


def test_a_transaction_holds_as_many_bytes_as_it_can_be_done_with_in_time() -> None:
    async def scenario() -> None:
        log = FakeLog()
        outgoing = await started(log, [], live=False)
        sent: list[int] = []
        outgoing._on_published = lambda told: sent.append(len(told.entries))
        large = Entry("deadletters", 4, 1, "a", b"", bytes(BYTES_IN_ONE_TRANSACTION // 2 + 1), 0)
        await published(outgoing, [msgspec.structs.replace(large, sequence=n, id=str(n)) for n in (1, 2, 3)])
        assert sent == [1, 1, 1]

    asyncio.run(scenario())


def test_there_is_no_room_while_too_many_bytes_wait() -> None:
    async def scenario() -> None:
        outgoing = await started(FakeLog(), [], live=False)
        outgoing.add([Entry("deadletters", 4, 1, "a", b"", bytes(MOST_BYTES), 0)])
        assert not outgoing.has_capacity(1_000)
        await published(outgoing, [])
        assert outgoing.has_capacity(1_000)

    asyncio.run(scenario())


def test_there_is_room_only_while_fewer_entries_than_the_limit_wait() -> None:
    async def scenario() -> None:
        outgoing = await started(FakeLog(), [], live=False)
        await asyncio.wait_for(outgoing.wait_for_capacity(1), 60)
        outgoing.add([example(1), example(2)])
        waiting = asyncio.create_task(outgoing.wait_for_capacity(2))
        await asyncio.sleep(0.01)
        assert not waiting.done()
        await published(outgoing, [])
        await asyncio.wait_for(waiting, 60)

    asyncio.run(scenario())


@pytest.mark.parametrize(
    ("outbox", "committed", "said"),
    [
        ([example(1), example(3)], {"examples": 3}, "examples sequence number 3 follows 1"),
        ([example(1), example(2)], {"examples": 3}, "examples sequence number 2, the shard's state says 3"),
        ([example(1), trigger(1)], {"examples": 1}, "triggers sequence number 1, the shard's state says None"),
    ],
)
def test_an_outbox_that_does_not_fit_the_committed_counts_is_not_published(
    outbox: list[Entry], committed: dict[str, int], said: str
) -> None:
    async def scenario() -> None:
        log = FakeLog()
        with pytest.raises(DifferentOutput, match=f"{said}.*remedy"):
            await Outgoing(FakePublisher(log, 4), 4, False).start(stored(outbox), committed)
        assert log.records == {}

    asyncio.run(scenario())


def test_watchers_are_told_what_was_sent_what_was_public_already_and_what_is_left() -> None:
    async def scenario() -> None:
        log = FakeLog()
        first = await started(log, [], live=False)
        await published(first, [example(1), example(2)])
        told: list[Sent] = []
        outgoing = await started(log, [], live=False)  # the store went back: nothing is committed
        outgoing._on_published = told.append
        await published(outgoing, [example(n) for n in (1, 2, 3)])
        assert [(len(t.entries), t.public_already, t.left) for t in told] == [(1, 2, 0)]

    asyncio.run(scenario())


def test_a_listener_is_told_what_each_commit_has_added() -> None:
    added: list[Sequence[Entry]] = []
    outgoing = Outgoing(FakePublisher(FakeLog(), 4), 4, False, on_added=added.append)
    outgoing.add([trigger(1), trigger(2)])
    outgoing.add([trigger(3)])
    assert added == [[trigger(1), trigger(2)], [trigger(3)]]
    assert len(outgoing) == 3


async def _behind(log: FakeLog, first: Sequence[Entry], *, hurries: bool = True) -> tuple[Outgoing, asyncio.Task[None]]:
    """A shard that is far behind, and has just published."""
    outgoing = Outgoing(FakePublisher(log, 4), 4, False, hurries=hurries)
    await outgoing.start(stored([]), {})
    outgoing.lag_s = 1e9
    running = asyncio.create_task(outgoing.run())
    outgoing.add(first)
    await until(lambda: not len(outgoing))
    return outgoing, running


@pytest.mark.usefixtures("long_pauses")
def test_a_shard_that_is_behind_lets_outputs_gather_until_somebody_waits_for_them() -> None:
    async def scenario() -> None:
        log = FakeLog()
        outgoing, running = await _behind(log, [trigger(1)])
        outgoing.add([trigger(2)])
        await asyncio.sleep(0.1)
        assert counts(log, TRIGGERS) == [1]
        outgoing.flush()
        await until(lambda: counts(log, TRIGGERS) == [1, 2])
        running.cancel()

    asyncio.run(scenario())


@pytest.mark.usefixtures("long_pauses")
def test_a_trigger_does_not_wait_behind_what_nobody_waits_for() -> None:
    async def scenario() -> None:
        log = FakeLog()
        outgoing = await started(log, [], live=False)
        running = asyncio.create_task(outgoing.run())
        outgoing.add([example(1)])
        await until(lambda: not len(outgoing))
        outgoing.add([example(2)])
        await asyncio.sleep(0.05)
        assert counts(log, EXAMPLES) == [1], "the second has time"
        began = time.monotonic()
        outgoing.add([trigger(1), example(3)])
        await until(lambda: not len(outgoing))
        assert time.monotonic() - began < LEISURE_S / 2
        assert (counts(log, TRIGGERS), counts(log, EXAMPLES)) == ([1], [1, 2, 3])
        outgoing.add([example(4)])
        await asyncio.sleep(0.05)
        assert counts(log, EXAMPLES) == [1, 2, 3], "no trigger waits any more"
        running.cancel()

    asyncio.run(scenario())


def test_while_triggers_come_the_pause_follows_what_transactions_cost() -> None:
    begun: list[float] = []

    class Slow(FakePublisher):
        async def send(self, entries: Sequence[Entry]) -> None:
            begun.append(time.monotonic())
            await asyncio.sleep(0.02)
            await super().send(entries)

    async def scenario() -> None:
        outgoing = Outgoing(Slow(FakeLog(), 4), 4, False)
        await outgoing.start(stored([]), {})
        running = asyncio.create_task(outgoing.run())
        for count in range(1, 5):
            outgoing.add([trigger(count)])
            await until(lambda: not len(outgoing))
        running.cancel()

    asyncio.run(scenario())
    # Two of them must be over before it is known what they cost.
    assert min(later - earlier for earlier, later in pairwise(begun[1:])) >= 0.9 * 0.02 / SHARE


@pytest.mark.usefixtures("long_pauses")
def test_in_a_backfill_outputs_gather_whoever_asks_for_them() -> None:
    async def scenario() -> None:
        log = FakeLog()
        outgoing, running = await _behind(log, [trigger(1)], hurries=False)
        outgoing.add([trigger(2)])
        outgoing.flush()
        await asyncio.sleep(0.1)
        assert counts(log, TRIGGERS) == [1]
        running.cancel()

    asyncio.run(scenario())


@pytest.mark.usefixtures("long_pauses")
def test_what_fills_a_transaction_goes_out_at_once() -> None:
    async def scenario() -> None:
        log = FakeLog()
        outgoing, running = await _behind(log, [trigger(1)])
        began = time.monotonic()
        outgoing.add([trigger(count) for count in range(2, IN_ONE_TRANSACTION + 2)])
        await until(lambda: not len(outgoing))
        large = msgspec.structs.replace(trigger(IN_ONE_TRANSACTION + 2), value=b" " * BYTES_IN_ONE_TRANSACTION)
        outgoing.add([large])
        await until(lambda: not len(outgoing))
        assert time.monotonic() - began < BEHIND_S
        running.cancel()

    asyncio.run(scenario())


@pytest.mark.usefixtures("long_pauses")
def test_a_shard_that_waits_for_room_does_not_wait_for_the_pace_too() -> None:
    async def scenario() -> None:
        log = FakeLog()
        outgoing, running = await _behind(log, [trigger(1)])
        began = time.monotonic()
        for count in range(2, 12):
            outgoing.add([trigger(count)])
            await outgoing.wait_for_capacity(1)
        assert time.monotonic() - began < BEHIND_S
        running.cancel()

    asyncio.run(scenario())


def test_a_large_outbox_is_published_in_pages_of_which_few_are_in_memory() -> None:
    """After a long outage of Kafka a worker takes over many shards whose outboxes hold 64 MiB each."""

    async def scenario() -> None:
        log, most = FakeLog(), 0
        outgoing = Outgoing(FakePublisher(log, 4), 4, False)
        outbox = [example(n) for n in range(1, 10_001)]

        async def page(first: int) -> Sequence[Entry]:
            nonlocal most
            most = max(most, len(outgoing))
            return outbox[first : first + 250]

        await outgoing.start(page, {"examples": 10_000})
        assert counts(log, EXAMPLES) == list(range(1, 10_001))
        assert (most, outgoing.trimmable) == (IN_ONE_TRANSACTION - 250, 10_000)

    asyncio.run(scenario())
