"""`TriggerConsumer` on both brokers."""

from __future__ import annotations

import re
import time
from queue import SimpleQueue
from threading import Thread

import pytest

from models.outputs import StopOrder, Trigger, Unsent, Withdrawal, encode
from streams.client import TriggerConsumer, Unreadable, UnreadableTrigger
from streams.kafka.errors import BrokerUnreachable, TopicMissing
from tests.integration.client.conftest import NOON, WAIT_S, ClientTopics, a_trigger, a_withdrawal, encoded, wait_until


class Refused(Exception):
    """What a handler may raise."""


def numbers(triggers: list[Trigger]) -> list[int]:
    return [int(trigger.id, 16) for trigger in triggers]


def test_triggers_are_handed_out_typed_and_the_groups_next_consumer_goes_on_after_them(place: ClientTopics) -> None:
    place.write(encoded(range(5)), partition=0)
    place.write(encoded(range(5, 9)), partition=2)
    with place.consumer() as consumer:
        found = sorted(consumer, key=lambda trigger: trigger.id)
        assert consumer.counts.handled == 9
    assert found == [a_trigger(number) for number in range(9)]
    place.write(encoded([9]), partition=1)
    with place.consumer() as consumer:
        assert numbers(list(consumer)) == [9]


def test_a_trigger_whose_handler_raised_comes_again_in_the_next_loop_and_to_the_next_consumer(
    place: ClientTopics,
) -> None:
    place.write(encoded(range(3)))
    handled: list[int] = []

    def refuse_the_second(trigger: Trigger) -> None:
        if trigger == a_trigger(1):
            raise Refused
        handled.extend(numbers([trigger]))

    with place.consumer() as consumer:
        with pytest.raises(Refused):
            consumer.run(refuse_the_second)
        with pytest.raises(Refused):
            consumer.run(refuse_the_second)
    with place.consumer() as consumer:
        consumer.run(lambda trigger: handled.extend(numbers([trigger])))
    assert handled == [0, 1, 2]


def test_a_loop_that_is_left_early_says_with_done_that_its_last_trigger_was_handled(place: ClientTopics) -> None:
    place.write(encoded(range(3)))
    with place.consumer() as consumer:
        for _ in consumer:
            consumer.done()
            break
    with place.consumer() as consumer:
        for _ in consumer:
            break  # not handled, as far as anybody knows
    with place.consumer() as consumer:
        assert numbers(list(consumer)) == [1, 2]


def test_stop_ends_the_loop_after_the_trigger_at_hand_and_that_one_is_committed(place: ClientTopics) -> None:
    place.write(encoded(range(3)))
    with place.consumer() as consumer:
        consumer.run(lambda trigger: consumer.stop())
        assert consumer.counts.handled == 1
    with place.consumer() as consumer:
        assert numbers(list(consumer)) == [1, 2]


def test_a_duplicate_is_dropped_and_so_it_is_after_a_restart(place: ClientTopics) -> None:
    place.write(encoded([0, 1, 0]))
    with place.consumer() as consumer:
        assert numbers(list(consumer)) == [0, 1]
        assert consumer.counts.duplicates == 1
    place.write(encoded([1, 2, 0]))
    with place.consumer() as consumer:
        assert numbers(list(consumer)) == [2]
        assert consumer.counts.duplicates == 2


def test_how_far_duplicates_are_recognised_is_bounded_and_told(place: ClientTopics) -> None:
    place.write(encoded(range(10)))
    with place.consumer() as consumer:
        assert len(list(consumer)) == 10
    place.write(encoded([9, 8, 0]))
    with place.consumer(remember=2) as consumer:
        assert numbers(list(consumer)) == [0]
        reach = consumer.recognised()[0]
    # Of 0 to 9 the last two were read again; then came 0, and the oldest was forgotten.
    written = {read.offset: read.timestamp for read in place.read(place.triggers)}
    assert reach == (2, written[9])


def test_a_partition_that_moves_to_another_consumer_is_read_again_for_what_was_handled(place: ClientTopics) -> None:
    for partition in range(3):
        place.write(encoded([partition]), partition=partition)
    handled: SimpleQueue[int] = SimpleQueue()

    def until_stopped(consumer: TriggerConsumer) -> Thread:
        thread = Thread(target=consumer.run, args=(lambda trigger: handled.put(int(trigger.id, 16)),))
        thread.start()
        return thread

    with place.consumer(idle_s=None) as first, place.consumer(idle_s=None) as second:
        threads = [until_stopped(first)]
        try:
            assert {handled.get(timeout=WAIT_S) for _ in range(3)} == {0, 1, 2}
            threads.append(until_stopped(second))
            wait_until(lambda: len(first.recognised()) + len(second.recognised()) == 3 and second.recognised())
            for partition in range(3):
                place.write(encoded([partition, 10 + partition]), partition=partition)
            assert {handled.get(timeout=WAIT_S) for _ in range(3)} == {10, 11, 12}
        finally:
            for consumer in (first, second):
                consumer.stop()
            for thread in threads:
                thread.join()
        assert handled.empty()
        assert second.counts.duplicates >= 1
        assert first.counts.duplicates + second.counts.duplicates >= 3


def test_what_was_handled_when_the_partition_was_taken_away_is_not_handled_again(place: ClientTopics) -> None:
    place.write(encoded(range(3)))
    handled: list[Trigger] = []

    def slow_once(trigger: Trigger) -> None:
        handled.append(trigger)
        if len(handled) == 1:
            time.sleep(4.0)

    with place.consumer(max_poll_interval_ms=2_000) as consumer:
        consumer.run(slow_once)
        assert consumer.counts.duplicates == 1
    assert numbers(handled) == [0, 1, 2]
    with place.consumer() as consumer:
        assert list(consumer) == []


def test_an_expired_trigger_goes_to_its_hook_and_is_not_seen_again(place: ClientTopics) -> None:
    place.write(encoded([0], expires_at=NOON) + encoded([1]))
    expired: list[Trigger] = []
    with place.consumer(on_expired=expired.append, clock=lambda: NOON) as consumer:
        assert numbers(list(consumer)) == [1]
        assert consumer.counts.expired == 1
    assert expired == [a_trigger(0, NOON)]
    with place.consumer(on_expired=expired.append, clock=lambda: NOON) as consumer:
        assert list(consumer) == []
    assert len(expired) == 1


def test_a_withdrawal_goes_to_its_hook_in_its_place_once_and_again_only_where_the_hook_raised(
    place: ClientTopics,
) -> None:
    withdrawn = encode(a_withdrawal(0))
    place.write([*encoded([0]), withdrawn, withdrawn, *encoded([1])])
    told: list[Trigger | Withdrawal] = []

    def refuse(withdrawal: Withdrawal) -> None:
        raise Refused

    with place.consumer(on_withdrawal=refuse) as consumer, pytest.raises(Refused):
        consumer.run(told.append)
    with place.consumer(on_withdrawal=told.append) as consumer:
        consumer.run(told.append)
        assert (consumer.counts.withdrawals, consumer.counts.duplicates) == (1, 1)
    assert told == [a_trigger(0), a_withdrawal(0), a_trigger(1)]
    place.write([withdrawn, *encoded([2])])
    with place.consumer(on_withdrawal=told.append) as consumer:
        consumer.run(told.append)
    assert told[3:] == [a_trigger(2)]


def test_withdrawals_are_passed_over_where_nobody_asks_for_them(place: ClientTopics) -> None:
    place.write([*encoded([0]), encode(a_withdrawal(0)), *encoded([1])])
    with place.consumer() as consumer:
        assert numbers(list(consumer)) == [0, 1]
        assert consumer.counts.withdrawals == 1


def test_a_record_that_is_no_trigger_is_named_with_partition_and_offset_and_nothing_passes_it(
    place: ClientTopics,
) -> None:
    place.write([*encoded([0]), b'{"type":"trigger","id":7}', *encoded([1])], partition=1)
    place_of_it = re.escape(f"{place.triggers}[1]@1 is no trigger: Expected `str`, got `int` - at `$.id`")
    for expected in ([0], []):
        handled: list[Trigger] = []
        with place.consumer() as consumer, pytest.raises(UnreadableTrigger, match=place_of_it):
            consumer.run(handled.append)
        assert numbers(handled) == expected


def test_a_record_that_is_no_trigger_is_skipped_when_somebody_takes_it(place: ClientTopics) -> None:
    place.write([*encoded([0]), b"\xff\x00", *encoded([1])], partition=1)
    skipped: list[Unreadable] = []
    with place.consumer(on_unreadable=skipped.append) as consumer:
        assert numbers(list(consumer)) == [0, 1]
        assert consumer.counts.unreadable == 1
    assert [(one.partition, one.offset, one.value) for one in skipped] == [(1, 1, b"\xff\x00")]


def test_a_missing_topic_is_named_and_not_created(place: ClientTopics) -> None:
    missing = ClientTopics(place.servers, f"{place.app}-none")
    for _ in range(2):
        with pytest.raises(TopicMissing, match=f"topic {missing.triggers} does not exist"):
            missing.consumer()


def test_a_broker_that_does_not_answer_is_named() -> None:
    with pytest.raises(BrokerUnreachable, match=r"127\.0\.0\.1:1 does not answer"):
        ClientTopics("127.0.0.1:1", "x").consumer(bootstrap_timeout_ms=300)


def test_an_order_to_drop_takes_away_what_was_not_handed_out_and_a_marker_is_passed_over(
    place: ClientTopics,
) -> None:
    order = StopOrder("order", 7, NOON, purposes=("marketing",), by="ada", why="wrong prices")
    other = StopOrder("other", 8, NOON, actions=("nothing",))
    never = Unsent("never", "anna", f"{99:032x}", "stopped", NOON)
    place.write([*encoded([0, 1]), encode(never), encode(order), encode(other), *encoded([2])])
    place.write(encoded([3]), partition=1)
    ordered: list[StopOrder] = []
    dropped: list[Trigger] = []
    with place.consumer(on_order=ordered.append, on_stopped=dropped.append) as consumer:
        assert sorted(numbers(list(consumer))) == [2, 3]
        assert (consumer.counts.handled, consumer.counts.stopped, consumer.counts.orders) == (2, 2, 2)
    assert (numbers(dropped), ordered) == ([0, 1], [order, other])
    with place.consumer() as consumer:
        assert list(consumer) == []
