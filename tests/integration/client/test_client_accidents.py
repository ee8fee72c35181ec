"""What the clients promise when processes die and brokers go away."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path
from threading import Timer
from typing import Any

import pytest
from kafka import KafkaProducer

from streams.client import Outcome, Sent, TouchpointPublisher, Undelivered
from streams.kafka.errors import BrokerUnreachable
from tests.integration.client.conftest import ClientTopics, a_purchase, encoded
from tests.support.servers import PROJECT, ApacheKafka

AWAY_S = 2.0
DELIVERY_S = 5.0
"""What a busy broker keeps to."""


def run_messenger(place: ClientTopics, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "tests.integration.client.messenger", place.servers, place.app, *arguments]
    return subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=False, timeout=120)


def sent_in(file: Path) -> list[int]:
    return [int(line) for line in file.read_text().split()]


def test_what_a_process_handled_but_had_not_committed_when_it_was_killed_comes_again(
    place: ClientTopics, tmp_path: Path
) -> None:
    place.write(encoded(range(5)))
    sent = tmp_path / "sent"
    assert run_messenger(place, str(sent), "--die", "handling").returncode == -signal.SIGKILL
    assert sent_in(sent) == [0, 1, 2]
    done = run_messenger(place, str(sent))
    assert done.returncode == 0, done.stderr
    # Nothing is lost; what was not committed is sent twice, as docs/clients.md says.
    assert sent_in(sent) == [0, 1, 2, 0, 1, 2, 3, 4]


def test_with_a_durable_memory_what_was_handled_before_the_kill_is_recognised(
    place: ClientTopics, tmp_path: Path
) -> None:
    place.write(encoded(range(5)))
    sent, memory = tmp_path / "sent", str(tmp_path / "handled")
    killed = run_messenger(place, str(sent), "--handled", memory, "--die", "handled")
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    assert sent_in(sent) == [0, 1, 2]
    done = run_messenger(place, str(sent), "--handled", memory)
    assert done.returncode == 0, done.stderr
    assert sent_in(sent) == [0, 1, 2, 3, 4]
    assert int(done.stdout) == 3


def test_a_trigger_of_an_aborted_transaction_is_never_seen(kafka: ApacheKafka, redis_app: str) -> None:
    place = ClientTopics(kafka.bootstrap_servers, redis_app).create()
    producer: Any = KafkaProducer(bootstrap_servers=place.servers, transactional_id=redis_app)
    producer.init_transactions()
    for number, commits in ((0, True), (1, False), (2, True)):
        producer.begin_transaction()
        producer.send(place.triggers, value=encoded([number])[0], partition=0)
        producer.flush()
        if commits:
            producer.commit_transaction()
        else:
            producer.abort_transaction()
    producer.close()
    with place.consumer() as consumer:
        assert [int(trigger.id, 16) for trigger in consumer] == [0, 2]


def test_nothing_is_lost_or_doubled_while_the_broker_is_away_for_less_than_the_delivery_timeout(
    own_kafka: ApacheKafka, redis_app: str
) -> None:
    place = ClientTopics(own_kafka.bootstrap_servers, redis_app).create()
    values = [a_purchase(number) for number in range(300)]
    with TouchpointPublisher(place.servers, place.touchpoints) as publisher, place.consumer(idle_s=120.0) as consumer:
        place.write(encoded([0]))
        handled = [next(triggers := iter(consumer)).id]
        for value in values[:100]:
            publisher.publish(value)
        assert publisher.flush(120.0).sent == 100
        own_kafka.kill()
        back = Timer(AWAY_S, own_kafka.restart)
        back.start()
        for value in values[100:]:
            publisher.publish(value)
        assert publisher.report.waiting
        report = publisher.flush(120.0)
        back.join()
        assert (report.sent, report.waiting, report.complete) == (300, 0, True)
        place.write(encoded([1]))
        handled.append(next(triggers).id)
        consumer.done()
    assert handled == [f"{number:032x}" for number in (0, 1)]
    written = place.read(place.touchpoints)
    assert sorted(read.value for read in written) == sorted(values)
    assert report.partitions == {n: sum(read.partition == n for read in written) for n in report.partitions}


def test_what_an_outage_outlasted_is_returned_with_its_bytes_and_can_be_published_again(
    own_kafka: ApacheKafka, redis_app: str
) -> None:
    place = ClientTopics(own_kafka.bootstrap_servers, redis_app).create()
    values = [a_purchase(number) for number in range(50)]
    outcomes: list[Outcome] = []
    publisher = TouchpointPublisher(
        place.servers, place.touchpoints, on_outcome=outcomes.append, delivery_timeout_s=DELIVERY_S
    )
    for value in values[:10]:
        publisher.publish(value)
    publisher.flush()
    own_kafka.kill()
    for number, value in enumerate(values[10:], start=10):
        publisher.publish(value, line=number)
    report = publisher.flush()
    assert (report.sent, report.not_delivered, report.waiting) == (10, 40, 0)
    failed = [outcome for outcome in outcomes if isinstance(outcome, Undelivered)]
    assert [(one.line, one.value) for one in failed] == list(enumerate(values[10:], start=10))
    assert all(one.passing and one.reason for one in failed)
    own_kafka.restart()
    deadline = time.monotonic() + 120
    while failed:  # again and again, as long as the broker is only just coming back
        assert time.monotonic() < deadline
        done = len(outcomes)
        for one in failed:
            publisher.publish(one.value)
        publisher.flush()
        failed = [outcome for outcome in outcomes[done:] if isinstance(outcome, Undelivered)]
    assert publisher.close().sent == 50
    assert sum(isinstance(outcome, Sent) for outcome in outcomes) == 50
    assert {read.value for read in place.read(place.touchpoints)} == set(values)


def test_closing_with_a_deadline_gives_everything_back_and_nothing_is_sent_behind_the_callers_back(
    own_kafka: ApacheKafka, redis_app: str
) -> None:
    place = ClientTopics(own_kafka.bootstrap_servers, redis_app).create()
    publisher = TouchpointPublisher(place.servers, place.touchpoints)
    own_kafka.kill()
    for number in range(20):
        publisher.publish(a_purchase(number))
    report = publisher.close(0.5)
    assert (report.sent, report.not_delivered, report.waiting) == (0, 20, 0)
    assert [one.value for one in report.undelivered] == [a_purchase(number) for number in range(20)]
    own_kafka.restart()
    time.sleep(1.0)
    assert place.read(place.touchpoints) == []


def test_what_was_not_delivered_may_be_published_again_from_the_callback(
    own_kafka: ApacheKafka, redis_app: str
) -> None:
    place = ClientTopics(own_kafka.bootstrap_servers, redis_app).create()
    values = [a_purchase(number) for number in range(600)]  # more than a stack that grew with each could hold
    again, untaken = 0, list[bytes]()

    def publish_again(outcome: Outcome) -> None:
        nonlocal again
        if isinstance(outcome, Undelivered):
            again += 1
            try:
                publisher.publish(outcome.value)
            except BrokerUnreachable:
                untaken.append(outcome.value)

    publisher = TouchpointPublisher(
        place.servers, place.touchpoints, on_outcome=publish_again, delivery_timeout_s=AWAY_S
    )
    publisher.publish(values[0])
    publisher.flush()
    own_kafka.kill()
    for value in values[1:]:
        publisher.publish(value)
    time.sleep(2 * AWAY_S)  # so that all of them are done at once
    own_kafka.restart()
    report = publisher.flush(180.0)
    while untaken:
        publisher.publish(untaken.pop())
        report = publisher.flush(180.0)
    assert again >= 599
    assert (report.sent, report.waiting, report.not_delivered) == (600, 0, again)
    assert publisher.close().sent == 600
    assert {read.value for read in place.read(place.touchpoints)} == set(values)


def test_closing_tells_all_that_was_given_up_to_a_callback_that_publishes_again_in_vain(
    own_kafka: ApacheKafka, redis_app: str
) -> None:
    place = ClientTopics(own_kafka.bootstrap_servers, redis_app).create()
    told: list[str] = []

    def publish_again(outcome: Outcome) -> None:
        assert isinstance(outcome, Undelivered)
        told.append(outcome.event_id)
        with pytest.raises(ValueError, match="is closed"):
            publisher.publish(outcome.value)

    publisher = TouchpointPublisher(place.servers, place.touchpoints, on_outcome=publish_again)
    own_kafka.kill()
    for number in range(600):
        publisher.publish(a_purchase(number))
    report = publisher.close(0.5)
    assert told == [f"o-{number}" for number in range(600)]
    assert (report.sent, report.not_delivered, report.waiting) == (0, 600, 0)
