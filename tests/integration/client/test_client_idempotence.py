"""A broker that grants no idempotent producer: Apache Kafka behind a door that answers InitProducerId itself."""

from __future__ import annotations

import contextlib
import socketserver
import struct
import time
from collections.abc import Iterator
from pathlib import Path
from socket import SHUT_RDWR, create_connection, socket
from threading import Thread

import pytest

from streams.client import IdempotenceRefused, TouchpointPublisher
from streams.local.processes import LOOPBACK
from tests.conftest import started
from tests.integration.client.conftest import ClientTopics, a_purchase
from tests.support.servers import ApacheKafka, kafka_jars

PRODUCE, INIT_PRODUCER_ID, FIRST_FLEXIBLE = 0, 22, 2
CLUSTER_AUTHORIZATION_FAILED = 31
DELIVERY_S = 6.0


class Door(socketserver.ThreadingTCPServer):
    """Passes on what clients and broker say. refusing: no client gets a producer id. dropping: who writes is hung up
    on."""

    allow_reuse_address = True
    daemon_threads = True

    def __init__(self) -> None:
        super().__init__((LOOPBACK, 0), Visit)
        self.broker_port = 0
        self.refused = 0
        self.refusing, self.dropping = True, False


class Visit(socketserver.BaseRequestHandler):
    request: socket
    server: Door

    def handle(self) -> None:
        with create_connection((LOOPBACK, self.server.broker_port)) as broker:
            Thread(target=self._answers, args=(broker,), daemon=True).start()
            while frame := _frame(self.request):
                api, version, correlation = struct.unpack_from(">hhi", frame)
                if api == PRODUCE and self.server.dropping:
                    break
                if api != INIT_PRODUCER_ID or not self.server.refusing:
                    broker.sendall(struct.pack(">i", len(frame)) + frame)
                    continue
                self.server.refused += 1
                tags = b"\0" if version >= FIRST_FLEXIBLE else b""
                body = struct.pack(">i", correlation) + tags
                body += struct.pack(">ihqh", 0, CLUSTER_AUTHORIZATION_FAILED, -1, -1) + tags
                self.request.sendall(struct.pack(">i", len(body)) + body)
            broker.shutdown(SHUT_RDWR)

    def _answers(self, broker: socket) -> None:
        with contextlib.suppress(OSError):  # either side may hang up
            while data := broker.recv(1 << 16):
                self.request.sendall(data)


def _frame(connection: socket) -> bytes:
    """The next request; empty when the client has hung up."""
    head = _exactly(connection, 4)
    return _exactly(connection, struct.unpack(">i", head)[0]) if head else b""


def _exactly(connection: socket, size: int) -> bytes:
    data = b""
    while len(data) < size:
        piece = connection.recv(size - len(data))
        if not piece:
            return b""
        data += piece
    return data


@pytest.fixture
def guarded(tmp_path: Path, redis_app: str) -> Iterator[tuple[ClientTopics, Door]]:
    with Door() as door:
        port = door.server_address[1]
        advertised = {"advertised.listeners": f"PLAINTEXT://{LOOPBACK}:{port}"}
        kafka = started("tests on Apache Kafka", lambda: ApacheKafka(tmp_path, kafka_jars(), advertised).start())
        door.broker_port = kafka.port
        Thread(target=door.serve_forever, daemon=True).start()
        yield ClientTopics(f"{LOOPBACK}:{port}", redis_app).create(), door
        door.shutdown()
        kafka.stop()


@pytest.mark.kafka
def test_a_broker_without_idempotence_is_found_out_and_told_or_refused_as_the_caller_likes(
    guarded: tuple[ClientTopics, Door], caplog: pytest.LogCaptureFixture
) -> None:
    place, door = guarded
    with pytest.raises(IdempotenceRefused, match="does not grant an idempotent producer") as raised:
        TouchpointPublisher(place.servers, place.touchpoints, idempotent=True)
    assert "IdempotentWrite" in str(raised.value)
    asked = door.refused
    assert asked
    with TouchpointPublisher(place.servers, place.touchpoints, idempotent=False) as publisher:
        publisher.publish(a_purchase(0))
    assert door.refused == asked
    with TouchpointPublisher(place.servers, place.touchpoints) as publisher:
        assert not publisher.idempotent
        publisher.publish(a_purchase(1))
        report = publisher.flush()
    assert (report.sent, report.idempotent) == (1, False)
    assert "a retry may write an event twice" in caplog.text
    assert sorted(read.value for read in place.read(place.touchpoints)) == [a_purchase(0), a_purchase(1)]


@pytest.mark.kafka
def test_after_an_outage_in_which_something_expired_the_publisher_goes_on(guarded: tuple[ClientTopics, Door]) -> None:
    place, door = guarded
    door.refusing = False
    with TouchpointPublisher(place.servers, place.touchpoints, delivery_timeout_s=DELIVERY_S) as publisher:
        publisher.publish(a_purchase(0))
        assert publisher.flush().sent == 1
        # It was sent, so nobody knows whether it was written: the producer's session can't go on.
        door.dropping = True
        publisher.publish(a_purchase(1))
        assert publisher.flush().not_delivered == 1
        door.dropping = False
        publisher.publish(a_purchase(2))
        report = publisher.flush()
        assert (report.sent, report.not_delivered, report.idempotent) == (2, 1, True)
        (failed,) = publisher.take_report().undelivered
        publisher.publish(failed.value)
    written = [read.value for read in place.read(place.touchpoints)]
    assert {*written} == {a_purchase(number) for number in range(3)}
    # A last try of what expired may have come through as the door opened: then it is there twice, with one id.
    assert [written.count(a_purchase(number)) for number in (0, 2)] == [1, 1]


@pytest.mark.kafka
def test_a_session_that_cannot_be_renewed_gives_back_what_waited_and_then_does_without(
    guarded: tuple[ClientTopics, Door],
) -> None:
    place, door = guarded
    door.refusing = False
    with TouchpointPublisher(place.servers, place.touchpoints, delivery_timeout_s=DELIVERY_S) as publisher:
        door.refusing = door.dropping = True
        publisher.publish(a_purchase(0))
        time.sleep(DELIVERY_S / 2)
        publisher.publish(a_purchase(1))  # has not expired when the first one does
        report = publisher.flush()
        assert (report.sent, report.not_delivered, report.waiting) == (0, 2, 0)
        door.dropping = False
        publisher.publish(a_purchase(2))
        report = publisher.flush()
        assert (report.sent, report.idempotent) == (1, False)
        assert len(publisher.take_report().undelivered) == 2
