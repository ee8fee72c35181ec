"""`TouchpointPublisher` on both brokers."""

from __future__ import annotations

import threading

import pytest
from kafka import KafkaProducer
from kafka.errors import KafkaTimeoutError

from models.timeline.partitioning import partition_of
from models.touchpoints import event
from streams.client import (
    NotAllDelivered,
    Outcome,
    Refusal,
    ReportFull,
    Sent,
    SettingRefused,
    TouchpointPublisher,
    Undelivered,
)
from streams.kafka.errors import BrokerUnreachable, TopicMissing
from streams.kafka.topics import CREATE_TIME, LOG_APPEND_TIME
from tests.integration.client.conftest import NOON, PARTITIONS, ClientTopics, a_purchase
from tests.support.servers import Broker

NEGATIVE = a_purchase(7).replace(b'"amount":5.0', b'"amount":-5.0')


def test_an_event_goes_to_its_customers_partition_under_the_customers_key(place: ClientTopics) -> None:
    with TouchpointPublisher(place.servers, place.touchpoints) as publisher:
        for number in range(20):
            assert publisher.publish(a_purchase(number)) is None
        report = publisher.flush()
    assert (report.sent, report.refused, report.not_delivered, report.waiting) == (20, 0, 0, 0)
    assert report.complete
    written = place.read(place.touchpoints)
    assert sorted(read.value for read in written) == sorted(a_purchase(number) for number in range(20))
    assert all(read.key is not None and read.partition == partition_of(read.key, PARTITIONS) for read in written)
    assert report.partitions == {n: sum(read.partition == n for read in written) for n in report.partitions}


def test_both_brokers_grant_idempotence_and_the_report_says_so(place: ClientTopics) -> None:
    with TouchpointPublisher(place.servers, place.touchpoints, idempotent=True) as publisher:
        assert publisher.idempotent
        assert publisher.report.idempotent


def test_without_idempotence_every_event_arrives_all_the_same_and_the_report_says_so(place: ClientTopics) -> None:
    with TouchpointPublisher(place.servers, place.touchpoints, idempotent=False) as publisher:
        publisher.publish(a_purchase(0))
        report = publisher.flush()
    assert (report.sent, report.idempotent) == (1, False)


def test_an_event_can_be_given_in_parts(place: ClientTopics) -> None:
    with TouchpointPublisher(place.servers, place.touchpoints) as publisher:
        publisher.publish_event("visit", id="v", source="web", subject="anna", time_ms=NOON, data={})
    assert [read.key for read in place.read(place.touchpoints)] == [b"anna"]


def test_a_refused_event_is_told_with_field_value_and_remedy_and_its_neighbours_are_sent(place: ClientTopics) -> None:
    publisher = TouchpointPublisher(place.servers, place.touchpoints)
    publisher.publish(a_purchase(0))
    told = publisher.publish(NEGATIVE, line=17)
    publisher.publish_event("purchase", id="p", source="s", subject="a", time_ms=NOON, data={"amount": float("nan")})
    publisher.publish(event("clock", id="c", source="x", subject=None, time_ms=NOON, data={}))
    publisher.publish(a_purchase(1))
    report = publisher.close()
    assert (report.sent, report.refused) == (2, 3)
    assert told is report.refusals[0]
    assert isinstance(told, Refusal)
    assert (told.line, told.code, told.field, told.value) == (17, "bad_field", "data.amount", "-5.0")
    assert told.remedy.startswith("give a number from 0 to ")
    assert [(one.code, one.field) for one in report.refusals[1:]] == [
        ("bad_field", "data.amount"),
        ("reserved_type", "type"),
    ]
    assert len(place.read(place.touchpoints)) == 2


def test_a_with_block_whose_refusals_nobody_took_ends_with_an_error_that_has_them(place: ClientTopics) -> None:
    def careless() -> None:
        with TouchpointPublisher(place.servers, place.touchpoints) as publisher:
            publisher.publish(a_purchase(0))
            publisher.publish(NEGATIVE)

    with pytest.raises(NotAllDelivered, match=r"1 sent, 1 refused.*data\.amount is -5") as raised:
        careless()
    assert raised.value.report.refusals[0].event_id == "o-7"
    with TouchpointPublisher(place.servers, place.touchpoints) as publisher:
        publisher.publish(NEGATIVE)
        assert publisher.take_report().refused == 1


def test_a_callback_is_told_of_every_outcome_with_the_place_in_the_log(place: ClientTopics) -> None:
    outcomes: list[Outcome] = []
    with TouchpointPublisher(place.servers, place.touchpoints, on_outcome=outcomes.append) as publisher:
        publisher.publish(a_purchase(0), line=1)
        publisher.publish(NEGATIVE, line=2)
        publisher.publish(a_purchase(1), line=3)
    assert publisher.report.refusals == ()
    sent = {outcome.line: outcome for outcome in outcomes if isinstance(outcome, Sent)}
    assert sorted(sent) == [1, 3]
    assert [outcome.line for outcome in outcomes if isinstance(outcome, Refusal)] == [2]
    written = {(read.partition, read.offset): read.key for read in place.read(place.touchpoints)}
    assert {written[one.partition, one.offset] for one in sent.values()} == {b"c0", b"c1"}


def test_publish_waits_rather_than_let_more_events_wait_than_may(place: ClientTopics) -> None:
    size = len(a_purchase(10))
    for limit in ({"most_waiting": 10}, {"most_waiting_bytes": 10 * size}):
        with TouchpointPublisher(place.servers, place.touchpoints, **limit) as publisher:
            for number in range(100, 200):
                publisher.publish(a_purchase(number))
                assert publisher.report.waiting <= 10
    assert len(place.read(place.touchpoints)) == 200


def test_refusals_that_nobody_takes_are_kept_up_to_a_limit_and_then_publish_says_so(place: ClientTopics) -> None:
    publisher = TouchpointPublisher(place.servers, place.touchpoints, most_kept=2)
    publisher.publish(NEGATIVE)
    publisher.publish(NEGATIVE)
    with pytest.raises(ReportFull, match="take_report"):
        publisher.publish(a_purchase(0))
    assert len(publisher.take_report().refusals) == 2
    publisher.publish(a_purchase(0))
    report = publisher.close()
    assert (report.sent, report.refused, report.refusals) == (1, 2, ())


def test_a_topic_of_history_gets_the_events_times_and_a_live_one_does_not(broker: Broker, redis_app: str) -> None:
    for kind, keeps in ((CREATE_TIME, True), (LOG_APPEND_TIME, False)):
        place = ClientTopics(broker.bootstrap_servers, f"{redis_app}-{kind}").create(kind)
        with TouchpointPublisher(place.servers, place.touchpoints) as publisher:
            publisher.publish(a_purchase(0))
        (written,) = place.read(place.touchpoints)
        assert (written.timestamp == NOON) is keeps


def test_a_missing_topic_is_named_and_not_created(place: ClientTopics) -> None:
    for _ in range(2):
        with pytest.raises(TopicMissing, match=f"topic {place.app}-none does not exist"):
            TouchpointPublisher(place.servers, f"{place.app}-none")


def test_a_setting_that_would_undo_the_guarantees_is_refused_by_name(place: ClientTopics) -> None:
    with pytest.raises(SettingRefused, match="acks=1"):
        TouchpointPublisher(place.servers, place.touchpoints, acks=1)
    with pytest.raises(SettingRefused, match="enable_auto_commit=True"):
        place.consumer(enable_auto_commit=True)


def test_a_closed_publisher_takes_nothing_more(place: ClientTopics) -> None:
    publisher = TouchpointPublisher(place.servers, place.touchpoints)
    publisher.close()
    with pytest.raises(ValueError, match="is closed; make a new one"):
        publisher.publish(a_purchase(0))
    assert publisher.close().sent == 0


def test_an_event_that_can_never_be_sent_is_told_once_per_call_to_a_callback_that_publishes_it_again(
    place: ClientTopics,
) -> None:
    told: list[Outcome] = []

    def publish_again(outcome: Outcome) -> None:
        told.append(outcome)
        if isinstance(outcome, Undelivered):
            publisher.publish(outcome.value)

    publisher = TouchpointPublisher(place.servers, place.touchpoints, on_outcome=publish_again, max_request_size=200)
    publisher.publish(a_purchase(0) + b" " * 300)
    assert len(told) == 1
    publisher.flush()
    assert len(told) == 2
    with pytest.raises(ValueError, match="is closed; make a new one"):
        publisher.close()
    assert len(told) == 4  # by the flush within, and by the report at its end


def test_a_publisher_that_could_not_be_made_leaves_no_producer_behind(
    place: ClientTopics, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*_: object) -> None:
        raise KafkaTimeoutError("no metadata")

    before = set(threading.enumerate())
    monkeypatch.setattr(KafkaProducer, "partitions_for", away)
    with pytest.raises(BrokerUnreachable, match="asking for the partitions") as raised:
        TouchpointPublisher(place.servers, place.touchpoints)
    assert set(threading.enumerate()) <= before
    del raised  # up to here, as in a caller that keeps the error: nothing is ended by being forgotten
